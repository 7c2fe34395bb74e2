package playbook

// The rules that loading itself holds a playbook to: the Rule of each problem
// that Load reports. `thordeploy lint` lists them beside its own.
const (
	RuleYAML              = "yaml"               // the file can't be read as YAML
	RuleStructure         = "structure"          // something stands where it can't
	RuleKeyword           = "keyword"            // a keyword that there isn't, or not there
	RuleIgnoredKeyword    = "ignored-keyword"    // a keyword that does nothing
	RuleModule            = "module"             // a module that there isn't
	RuleParameter         = "parameter"          // parameters that the module doesn't take so
	RuleHandler           = "unknown-handler"    // a handler that there isn't
	RuleTemplate          = "template"           // a template or expression that can't be compiled
	RuleDuplicateKey      = "duplicate-key"      // a key that is given twice
	RuleWrappedExpression = "wrapped-expression" // {{ }} where an expression stands anyway
)

// as makes what is reported belong to a rule, until the returned function is
// called.
func (ld *loader) as(rule string) (done func()) {
	before := ld.rule
	ld.rule = rule
	return func() { ld.rule = before }
}
