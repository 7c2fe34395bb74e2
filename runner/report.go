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
func (h *hostRun) report(t *playbook.Task, f frame, o outcome, started time.Time) fate {
	sc := f.scope(h)
	status, end := OK, fine
	switch {
	case o.Lost != nil:
		status, end = Unreachable, lost
	case o.halted:
		status, end = Failed, stopped
	case o.Failed:
		status, end = h.failure(f, sc)
	case o.Skipped:
		status = Skipped
	case o.Changed:
		status = Changed
	}
	if end == failing {
		h.mem.register("ansible_failed_task", map[string]any{"name": h.title(t, f), "action": t.Spec.Name})
		h.mem.register("ansible_failed_result", o.registered())
	}
	h.events <- h.finished(t, f, sc, o, status, started)
	return end
}

// failure is what a failed task means: ignored, rescued, or the host's end.
// An ignore_errors that can't be evaluated ignores nothing.
func (h *hostRun) failure(f frame, sc *scope) (Status, fate) {
	if ignore, err := truth(f.ignore, sc, false); err == nil && ignore {
		return Ignored, fine
	}
	if f.rescued {
		return Rescued, failing
	}
	return Failed, failing
}

// reportItem tells how one item of a loop ended; it doesn't count.
func (h *hostRun) reportItem(t *playbook.Task, f frame, sc *scope, o outcome, item string, started time.Time) {
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
	e := h.finished(t, f, sc, o, status, started)
	e.IsItem, e.Item = true, item
	if e.Msg == censored {
		e.Item = ""
	}
	h.events <- e
}

func (h *hostRun) finished(t *playbook.Task, f frame, sc *scope, o outcome, status Status, started time.Time) TaskFinished {
	e := TaskFinished{
		Time: now(), Play: h.index, Host: h.host.Name, Task: t.Order, Name: h.title(t, f), Module: t.Spec.Name,
		Status: status, Changed: o.Changed, Msg: bounded(o.Msg, maxText), Hint: h.hint(o), Place: firstText(o.place, t.Range.String()),
		Duration: time.Since(started), TimedOut: o.TimedOut,
	}
	hide, err := truth(f.noLog, sc, false)
	if (hide || err != nil) && o.Lost == nil && !o.halted {
		e.Msg, e.Hint = censored, ""
		return e
	}
	e.Result = reported(o.registered(), o.Msg)
	e.Diff = o.Diff
	return e
}

// hint is what to try: of a host that was lost on the way, whoever found out
// can only say how.
func (h *hostRun) hint(o outcome) string {
	var te *transport.Error
	if o.Hint == "" && errors.As(o.Lost, &te) && te.Phase.IsLost() {
		return "see whether the host is up and reachable, then run again for it alone: --limit " + h.host.Name
	}
	return o.Hint
}
