package lint

import "thordeploy/internal/diag"

var unreachableTask = Rule{
	ID: "unreachable-task", Severity: diag.Warning,
	Doc:   "a task that is never run",
	Why:   "Its condition is false on every host: what it is there for never happens.",
	check: checkUnreachable,
}

func checkUnreachable(p *pass) {
	p.steps(func(s *step) {
		for _, e := range s.When {
			if constantly(e, false) {
				p.report(e.Range(), "take the task out, or tag it `never` to run it by hand with --tags", "`%s` is never run: `when` is always false", s.Title())
				return
			}
		}
	})
}
