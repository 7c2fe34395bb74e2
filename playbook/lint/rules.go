package lint

import (
	"thordeploy/internal/diag"
	"thordeploy/playbook"
)

// rules lists every rule. A new one is a new file and a line here.
func rules() []Rule {
	return []Rule{
		{ID: playbook.RuleYAML, Doc: "a file that can't be read as YAML",
			Why: "Nothing of the playbook can be used."},
		{ID: playbook.RuleStructure, Doc: "something that stands where it can't",
			Why: "The playbook doesn't load: what is meant can't be told."},
		{ID: playbook.RuleKeyword, Doc: "a keyword that there isn't, or not there",
			Why: "The playbook doesn't load: leaving a keyword out would change what it means."},
		{ID: playbook.RuleIgnoredKeyword, Severity: diag.Warning, Doc: "a keyword that does nothing",
			Why: "Who reads it takes it for something that it isn't."},
		{ID: playbook.RuleModule, Doc: "a module that there isn't",
			Why: "The playbook doesn't load: the task can't be run."},
		{ID: playbook.RuleParameter, Doc: "parameters that a module doesn't take so",
			Why: "The playbook doesn't load: the module would do something else than is meant, or nothing."},
		{ID: playbook.RuleHandler, Doc: "a `notify` of a handler that there isn't",
			Why: "The playbook doesn't load: the run would fail at this task, where it changes something."},
		{ID: playbook.RuleTemplate, Doc: "a template or an expression that can't be compiled",
			Why: "The playbook doesn't load: its value could not be told on any host."},
		{ID: playbook.RuleDuplicateKey, Severity: diag.Warning, Doc: "a key that is given twice",
			Why: "The last one counts, and the first is lost without a word."},
		{ID: playbook.RuleWrappedExpression, Severity: diag.Warning, Doc: "`{{ }}` where an expression stands anyway",
			Why: "Its value is evaluated once more: what a variable holds decides what is run as an expression."},
		chmodOtherFile,
		mountLeft,
		createsUnmet,
		ramfsSize,
		fetchSameDest,
		literalSecret,
		commandForModule,
		commandNeedsShell,
		shellNotNeeded,
		riskyMode,
		unquotedOctal,
		ignoredCleanup,
		undefinedVariable,
		unusedRegister,
		unusedHandler,
		unreachableTask,
	}
}
