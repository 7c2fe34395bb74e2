package lint

import (
	"regexp"

	"thordeploy/internal/diag"
)

var unusedRegister = Rule{
	ID: "unused-register", Severity: diag.Warning,
	Doc:   "a `register` that nothing uses",
	Why:   "A check that was meant to follow is missing, or reads another name.",
	check: checkRegisters,
}

var word = regexp.MustCompile(`[A-Za-z_]\w*`)

// checkRegisters compares registered names with every word of every text:
// hostvars, lookups and templates have more ways to a variable than an
// expression shows. A template module's file isn't seen, so with one the rule
// is silent.
func checkRegisters(p *pass) {
	used := map[string]bool{}
	hidden := p.names.opaque
	p.steps(func(s *step) {
		hidden = hidden || s.module() == "template"
		for _, text := range s.texts() {
			for _, w := range word.FindAllString(text, -1) {
				used[w] = true
			}
		}
	})
	for _, r := range p.names.asked {
		used[r.Name] = true
	}
	if hidden {
		return
	}
	p.tasks(func(s *step) {
		if s.Register != "" && !used[s.Register] && s.Register[0] != '_' {
			p.report(s.ModuleRange, "use it, leave `register` out, or begin its name with _", "nothing uses `%s`, which this task registers", s.Register)
		}
	})
}
