package lint

import (
	"thordeploy/internal/diag"
	"thordeploy/playbook"
)

var ignoredCleanup = Rule{
	ID: "ignored-cleanup", Severity: diag.Warning,
	Doc:   "a failure to clean up that is ignored",
	Why:   "A mount or folder that could not be taken away stays on the host, and the run looks as if all went well.",
	check: checkCleanup,
}

func checkCleanup(p *pass) {
	p.tasks(func(s *step) {
		if !s.cleansUp() {
			return
		}
		if e := s.ignoring(); e != nil {
			p.report(e.Range(), "say what may be missing instead: `unmount` and `state: absent` are content where there is nothing", "a failure of `%s` is ignored", s.Title())
		}
	})
}

// cleansUp reports tasks that take something away.
func (s *step) cleansUp() bool {
	name, args := s.program()
	switch {
	case len(s.footprint().Removes) > 0:
		return true
	case s.module() == "unmount", s.module() == "file" && s.text("state") == "absent":
		return true
	case s.module() == "mount":
		state := s.text("state")
		return state == "unmounted" || state == "absent"
	}
	switch base(name) {
	case "umount", "rmdir", "rm":
		return s.isCommand() && len(args) > 0
	}
	return false
}

// ignoring is the keyword that lets a failure of the step pass, nil where none
// does.
func (s *step) ignoring() *playbook.Expr {
	for _, e := range s.FailedWhen {
		if constantly(e, false) {
			return e
		}
	}
	list := []*playbook.Expr{s.IgnoreErrors}
	for i := len(s.around) - 1; i >= 0; i-- {
		list = append(list, s.around[i].IgnoreErrors)
	}
	for _, e := range append(list, s.play.IgnoreErrors) {
		if e != nil {
			if constantly(e, true) {
				return e
			}
			return nil
		}
	}
	return nil
}
