package lint

import (
	"slices"
	"strings"

	"thordeploy/internal/diag"
)

var unusedHandler = Rule{
	ID: "unused-handler", Severity: diag.Warning,
	Doc:   "a handler that nothing notifies",
	Why:   "Handlers run only where a task notifies them: this one never does.",
	check: checkUnusedHandlers,
}

// notified is what a play's tasks notify; all is false where a template or an
// include hides some of it.
func (v *playView) notified() (names []string, all bool) {
	all = true
	for _, s := range v.steps {
		if s.Include != nil {
			all = false
		}
		for _, n := range s.Notify {
			list, ok := s.value(n)
			if !ok {
				all = false
				continue
			}
			items, isList := list.([]any)
			if !isList {
				items = []any{list}
			}
			for _, x := range items {
				names = append(names, textOf(x))
			}
		}
	}
	return names, all
}

// answers lists the names that a handler answers to.
func (s *step) answers() (names []string, all bool) {
	names = slices.Clone(s.Listen)
	if s.Name == nil {
		return names, true
	}
	name := s.textOf(s.Name)
	names = append(names, name)
	for _, b := range s.around {
		if b.Role != nil {
			names = append(names, b.Role.Name+" : "+name)
		}
	}
	return names, !strings.Contains(name, "{{")
}

func checkUnusedHandlers(p *pass) {
	for i := range p.plays {
		v := &p.plays[i]
		names, all := v.notified()
		if !all {
			continue
		}
		for _, s := range v.steps {
			if !s.handler || s.Spec == nil || s.inAnsweringBlock() {
				continue
			}
			own, known := s.answers()
			heard := slices.ContainsFunc(own, func(n string) bool {
				return slices.ContainsFunc(names, func(x string) bool { return sameHandler(x, n) })
			})
			if known && !heard {
				p.report(s.Range, "notify it, or take it out", "nothing notifies the handler `%s`", s.Title())
			}
		}
	}
}

// inAnsweringBlock: a block among the handlers answers for what is in it.
func (s *step) inAnsweringBlock() bool {
	return slices.ContainsFunc(s.around, func(b *step) bool { return b.Role == nil && (b.Name != nil || len(b.Listen) > 0) })
}

// sameHandler compares what is notified with a name; a role's handler may be
// called by either of its names.
func sameHandler(notified, name string) bool {
	return notified == name || strings.HasSuffix(notified, " : "+name)
}
