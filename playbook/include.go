package playbook

import (
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"thordeploy/internal/diag"
)

// includeKeywords are those that may stand on include_tasks and include_role:
// they are the include's own, and its tasks don't inherit them but for `vars`.
var includeKeywords = []string{
	"name", "vars", "when", "loop", "loop_control", "tags", "register", "ignore_errors", "no_log", "run_once", "timeout",
	"action", "args", "collections", "debugger", ignoreWarnings,
}

// include reads what is special about an include_tasks or include_role.
func (ld *loader) include(t *Task, m use, fields []pair) {
	t.Include = &Include{}
	for _, f := range fields {
		if f.name == "listen" && t.Spec.Name == "include_tasks" {
			continue // of a handler; elsewhere that is said already
		}
		if isTaskKeyword(f.name) && !strings.HasPrefix(f.name, "with_") && !slices.Contains(includeKeywords, f.name) {
			defer ld.as(RuleKeyword)()
			ld.errorf(f.key, "put it below `apply`, for the tasks that come", "keyword `%s` can't stand on `%s`", f.name, m.name)
		}
	}
	if ld.handling && t.Spec.Name == "include_role" {
		ld.errorf(m.key, "write include_tasks", "a role can't be a handler")
	}
	delete(t.Args, "apply")
	if apply, ok := ld.argNode(m, fields, "apply"); ok {
		ld.apply(t.Include, apply)
	}
	t.Include.at, t.Include.node = ld.place, ld.nameNode(t, m, fields)
	t.node = t.Include.node
	ld.ahead(t)
}

// nameNode is what names an include's or import's file or role.
func (ld *loader) nameNode(t *Task, m use, fields []pair) *yaml.Node {
	for _, name := range []string{"file", "name", "role"} {
		if f, ok := ld.argNode(m, fields, name); ok && t.Spec.Name != "" {
			return f.value
		}
	}
	return m.value
}

// argNode finds the YAML of a parameter: in the module's mapping, or in args.
func (ld *loader) argNode(m use, fields []pair, name string) (pair, bool) {
	nodes := []*yaml.Node{m.value, m.around}
	for _, f := range fields {
		if f.name == "args" {
			nodes = append(nodes, f.value)
		}
	}
	for _, n := range nodes {
		if n == nil || n.Kind != yaml.MappingNode {
			continue
		}
		fields := ld.pairs(n)
		if at := slices.IndexFunc(fields, func(f pair) bool { return f.name == name }); at >= 0 {
			return fields[at], true
		}
	}
	return pair{}, false
}

// apply reads the keywords for the tasks that an include brings.
func (ld *loader) apply(in *Include, f pair) {
	if f.value.Kind == yaml.SequenceNode {
		return // said already: the parameter is a mapping
	}
	if f.value.Kind != yaml.MappingNode {
		ld.errorf(f.value, "`apply: {tags: [scan]}`", "`apply` must be a mapping of keywords, not %s", nodeKind(f.value))
		return
	}
	leave, ok := ld.enter(f.value)
	defer leave()
	if !ok {
		return
	}
	var t Task
	for _, k := range ld.pairs(f.value) {
		if k.name == "name" || !ld.sharedField(&t, k) {
			defer ld.as(RuleKeyword)()
			ld.errorf(k.key, diag.DidYouMean(k.name, blockKeywords), "keyword `%s` can't stand in `apply`", k.name)
		}
	}
	*in = Include{
		Apply: t.Keywords, When: t.When, DelegateTo: t.DelegateTo, DelegateFacts: t.DelegateFacts, Notify: t.Notify,
	}
}
