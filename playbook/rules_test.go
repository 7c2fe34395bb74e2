package playbook

import "testing"

// Every problem that loading reports belongs to a rule.
func TestRulesOfProblems(t *testing.T) {
	t.Parallel()
	task := func(text string) string { return "- hosts: all\n  tasks:\n  - " + text + "\n" }
	for _, tt := range []struct{ name, text, want string }{
		{"tab", "- hosts: all\n\ttasks: []\n", RuleYAML},
		{"control character", "- hosts: \x01all\n", RuleYAML},
		{"empty", "", RuleStructure},
		{"no hosts", "- tasks: []\n", RuleStructure},
		{"play keyword", "- hosts: all\n  colour: red\n", RuleKeyword},
		{"task keyword", task("{command: ls, regster: x}"), RuleKeyword},
		{"ignored keyword", task("{command: ls, ignore_warnings: true}"), RuleIgnoredKeyword},
		{"ignored parameter", task("command: {cmd: ls, ignore_warnings: true}"), RuleIgnoredKeyword},
		{"unknown module", task("comand: ls"), RuleModule},
		{"two modules", task("{command: ls, shell: ls}"), RuleStructure},
		{"unknown parameter", task("copy: {src: a, dst: b}"), RuleParameter},
		{"wrong parameter", task("file: {path: /a, mode: 755}"), RuleParameter},
		{"missing parameter", task("copy: {src: a}"), RuleParameter},
		{"handler", task("{command: ls, notify: x}"), RuleHandler},
		{"template", task("command: ls {{ a"), RuleTemplate},
		{"template of a module", task("copy: {src: a, dest: \"{{ a +\"}"), RuleTemplate},
		{"expression", task("{command: ls, when: a ==}"), RuleTemplate},
		{"key twice", task("{command: ls, name: a, name: b}"), RuleDuplicateKey},
		{"parameter twice", task("copy: {src: a, src: c, dest: b}"), RuleDuplicateKey},
		{"wrapped", task("{command: ls, when: \"{{ a }}\"}"), RuleWrappedExpression},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, list := Load("a.yml", "/", []byte(tt.text))
			found := false
			for _, d := range list.All() {
				if d.Rule == "" {
					t.Errorf("no rule: %s", d)
				}
				found = found || d.Rule == tt.want
			}
			if !found {
				t.Errorf("no problem of rule %s:\n%s", tt.want, list)
			}
		})
	}
}
