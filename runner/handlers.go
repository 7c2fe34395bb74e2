package runner

import (
	"fmt"
	"slices"

	"thordeploy/playbook"
)

// handler is one handler, with what stands around it.
type handler struct {
	task  *playbook.Task
	f     *frame // around the task
	block int    // which of the play's blocks of handlers it is in
}

// handlersOf lists the handlers in blocks (the play's own, a role's) after
// those that are there already.
func (p *plan) handlersOf(there []handler, blocks []*playbook.Task) []handler {
	next := 0
	if n := len(there); n > 0 {
		next = there[n-1].block + 1
	}
	for i, b := range blocks {
		there = p.flatten(there, []*playbook.Task{b}, p.base, next+i)
	}
	return there
}

func (p *plan) flatten(there []handler, list []*playbook.Task, f *frame, block int) []handler {
	for _, t := range list {
		if t.Spec != nil {
			there = append(there, handler{t, f, block})
			continue
		}
		in := p.frame(f, t)
		for _, inner := range [][]*playbook.Task{t.Block, t.Rescue, t.Always} {
			there = p.flatten(there, inner, in, block)
		}
	}
	return there
}

// notify marks the handlers that a changed task names: the one of that name
// (the first in its block, of the last block that has one), and each that
// listens to it. The error says that there is none.
func (h *hostRun) notify(name string) error {
	var called *handler
	for i := range h.handlers {
		hd := &h.handlers[i]
		if (called == nil || called.block < hd.block) && h.isCalled(*hd, name) {
			called = hd
		}
	}
	found := called != nil
	if found {
		h.notified[called.task] = true
	}
	for _, hd := range h.handlers {
		if slices.Contains(hd.task.Listen, name) {
			h.notified[hd.task], found = true, true
		}
	}
	if !found {
		return fmt.Errorf("no handler is named %q, and none listens to it", name)
	}
	return nil
}

// isCalled reports whether name is the handler's own or, of a role's handler,
// that with the role's name before it. A name that can't be evaluated is none.
func (h *hostRun) isCalled(hd handler, name string) bool {
	if hd.task.Name == nil {
		return false
	}
	f := h.frame(hd.f, hd.task)
	sc := h.scope(f, nil)
	sc.idle = true
	own, err := text(hd.task.Name, sc)
	if err != nil || own == "" {
		return false
	}
	return own == name || f.role != nil && f.role.call.Name+" : "+own == name
}

// flush runs the notified handlers, in the order they are defined. One that is
// notified meanwhile runs too if its turn is still to come, otherwise at the
// next flush.
func (h *hostRun) flush(at position) fate {
	for i := 0; i < len(h.handlers); i++ { // an include may add some
		hd := h.handlers[i]
		if !h.notified[hd.task] {
			continue
		}
		delete(h.notified, hd.task)
		if end := h.step(hd.task, inside{f: hd.f, at: at.in(i), handler: true}); end != fine {
			return end
		}
	}
	return fine
}

// forcesHandlers reports whether handlers run on a host that failed too.
func (h *hostRun) forcesHandlers() bool {
	on, err := truth(h.play.ForceHandler, h.scope(h.base, nil), h.ForceHandlers)
	return err == nil && on
}

// notifyAll notifies what a changed task names.
func (h *hostRun) notifyAll(o outcome) error {
	if !o.Changed || o.Failed || o.Skipped || o.Lost != nil {
		return nil
	}
	for _, name := range unique(o.notify) {
		if err := h.notify(name); err != nil {
			return err
		}
	}
	return nil
}

// notifyNames evaluates a task's notify.
func notifyNames(list []*playbook.Value, sc *scope) ([]string, error) {
	var out []string
	for _, v := range list {
		x, err := v.Eval(sc)
		if err != nil {
			return nil, err
		}
		switch x := x.(type) {
		case []any:
			for _, e := range x {
				out = append(out, fmt.Sprint(e))
			}
		case nil, playbook.Omitted:
		default:
			out = append(out, playbook.Text(x))
		}
	}
	return out, nil
}
