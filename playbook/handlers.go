package playbook

import (
	"slices"

	"thordeploy/internal/diag"
)

// notified are the handlers of a play by what they can be notified by.
type notified struct {
	names   []string
	unknown bool // some names are known only when the play runs
}

// checkNotify reports what a play's tasks notify and no handler answers to,
// where that can be known: includes whose file hangs on the host may bring
// handlers, and a handler's name may hold a template.
func (ld *loader) checkNotify(p *Play) {
	var n notified
	n.take(p.Handlers)
	lists := [][]*Task{p.PreTasks, p.Roles, p.Tasks, p.PostTasks, p.Handlers}
	for _, in := range p.brought {
		n.take(in.handlers)
		lists = append(lists, in.tasks, in.handlers)
	}
	for _, list := range lists {
		Walk(list, func(t *Task, _ []*Task) { n.unknown = n.unknown || t.Include != nil && !ld.readAhead(t) })
	}
	if n.unknown {
		return
	}
	for _, list := range lists {
		Walk(list, func(t *Task, _ []*Task) {
			ld.answered(t.Notify, n.names)
			if t.Include != nil {
				ld.answered(t.Include.Notify, n.names)
			}
		})
	}
}

// readAhead reports whether an include's tasks are known already.
func (ld *loader) readAhead(t *Task) bool {
	for key := range ld.included {
		if key.task == t {
			return true
		}
	}
	return slices.ContainsFunc(ld.again, func(o *Task) bool { return o == t })
}

// take adds the handlers of a list of blocks.
func (n *notified) take(list []*Task) {
	Walk(list, func(t *Task, around []*Task) {
		if t.Block != nil {
			return
		}
		n.names = append(n.names, t.Listen...)
		if t.Name == nil {
			return
		}
		if _, ok := t.Name.Const(); !ok {
			n.unknown = true
			return
		}
		n.names = append(n.names, t.Name.text)
		for _, b := range around {
			if b.Role != nil {
				n.names = append(n.names, b.Role.Name+" : "+t.Name.text)
			}
		}
	})
}

// answered reports those of a task's notify that no handler answers to.
func (ld *loader) answered(notify []*Value, names []string) {
	defer ld.as(RuleHandler)()
	for _, v := range notify {
		c, ok := v.Const()
		if name := toText(c); ok && !slices.Contains(names, name) {
			hint := diag.DidYouMean(name, names)
			if hint == "" {
				hint = "handlers are tasks below `handlers`, in the play or in a role"
			}
			ld.report(diag.Diagnostic{Range: v.rng, Summary: "there is no handler `" + name + "`", Hint: hint, Source: ld.quote(v.rng)})
		}
	}
}

// quote is the source line of a place in any file that was read.
func (ld *loader) quote(r diag.Range) string {
	if r.File == ld.file {
		return ld.main.line(r.Line)
	}
	for _, d := range ld.documents {
		if d.src.file == r.File {
			return d.src.line(r.Line)
		}
	}
	return ""
}
