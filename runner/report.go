package runner

import (
	"errors"
	"time"

	"thordeploy/playbook"
	"thordeploy/transport"
)

// censored is what is said of a no_log task's result.
const censored = "the result is hidden: no_log is set for this task"

// report tells how a task ended on the host and decides how the host goes on.
func (h *hostRun) report(t *playbook.Task, in inside, o outcome, started time.Time) fate {
	if err := h.notifyAll(o); err != nil {
		o = h.misjudged(o, "notify", err)
	}
	sc := h.scope(in.f, in.in)
	status, end := h.verdict(in.f, sc, o)
	if end == failing {
		h.mem.register("ansible_failed_task", failedTask(t, h.title(t, in)))
		h.mem.register("ansible_failed_result", o.registered())
	}
	h.ranIn(in.f, o)
	h.share(o, end)
	e := h.finished(t, in, sc, o, status, started)
	if status == Failed || status == Unreachable {
		h.fatal(in)
	}
	h.events <- e
	return end
}

// verdict is a task's status, and how the host goes on.
func (h *hostRun) verdict(f *frame, sc *scope, o outcome) (Status, fate) {
	switch {
	case o.Lost != nil:
		if ignore, err := truth(f.ignoreLost, sc, false); err == nil && ignore {
			return Ignored, fine
		}
		return Unreachable, lost
	case o.halted:
		return Failed, stopped
	case o.Failed:
		return h.failure(f, sc, o)
	case o.Skipped:
		return Skipped, fine
	case o.Changed:
		return Changed, fine
	}
	return OK, fine
}

// failure is what a failed task means: ignored, rescued, or the host's end.
// An ignore_errors that can't be evaluated ignores nothing.
func (h *hostRun) failure(f *frame, sc *scope, o outcome) (Status, fate) {
	ignore := o.ignored
	if len(o.results) == 0 {
		var err error
		ignore, err = truth(f.ignore, sc, false)
		ignore = ignore && err == nil
	}
	switch {
	case ignore:
		return Ignored, fine
	case f.rescued:
		return Rescued, failing
	}
	return Failed, failing
}

// failedTask is what ansible_failed_task says of a task.
func failedTask(t *playbook.Task, title string) map[string]any {
	name := ""
	if t.Name != nil {
		name = title
	}
	m := map[string]any{"name": name, "action": t.Module, "resolved_action": "ansible.builtin." + t.Spec.Name, "register": nil, "tags": anyList(t.Tags)}
	args := map[string]any{}
	for name, v := range t.Args {
		args[name] = v.Text()
		if c, constant := v.Const(); constant {
			args[name] = c
		}
	}
	m["args"] = args
	if t.Register != "" {
		m["register"] = t.Register
	}
	return m
}

// reportItem tells how one item of a loop ended; it doesn't count.
func (h *hostRun) reportItem(t *playbook.Task, in inside, sc *scope, o outcome, started time.Time) {
	status := OK
	switch {
	case o.Lost != nil:
		status = Unreachable
	case o.Failed:
		status = Failed
	case o.Skipped:
		status = Skipped
	case o.Changed:
		status = Changed
	}
	e := h.finished(t, in, sc, o, status, started)
	e.IsItem, e.Item = true, o.item
	if e.Msg == censored {
		e.Item = ""
	}
	h.events <- e
}

func (h *hostRun) finished(t *playbook.Task, in inside, sc *scope, o outcome, status Status, started time.Time) TaskFinished {
	e := TaskFinished{
		Time: now(), Play: h.index, Host: h.host.Name, Task: t.Order, Name: h.title(t, in), Role: roleName(in.f), Module: t.Spec.Name,
		Status: status, Changed: o.Changed, Msg: bounded(o.Msg, maxText), Hint: h.hint(o), Place: firstText(o.place, t.Range.String()),
		Duration: time.Since(started), TimedOut: o.TimedOut, Delegated: o.delegate, Handler: in.handler,
	}
	hide, err := h.hides(in.f, sc)
	if (hide || err != nil || o.hidden) && o.Lost == nil && !o.halted {
		e.Msg, e.Hint = censored, ""
		return e
	}
	e.Result = reported(o.registered(), o.Msg)
	e.Diff = o.Diff
	return e
}

// hides reports whether no_log hides the task's result.
func (h *hostRun) hides(f *frame, sc *scope) (bool, error) { return truth(f.noLog, sc, false) }

// hint is what to try: of a host that was lost on the way, whoever found out
// can only say how.
func (h *hostRun) hint(o outcome) string {
	var te *transport.Error
	if o.Hint == "" && errors.As(o.Lost, &te) && te.Phase.IsLost() {
		return "see whether the host is up and reachable, then run again for it alone: --limit " + h.host.Name
	}
	return o.Hint
}
