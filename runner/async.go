package runner

import (
	"context"
	"fmt"
	"time"

	"thordeploy/action"
	"thordeploy/playbook"
)

// asyncOf is how a task runs in the background: at most for limit (0: it
// doesn't), and whether the play waits for it.
func asyncOf(t *playbook.Task, sc *scope) (limit time.Duration, waits bool, err error) {
	n, err := number(t.Async, sc, 0)
	if err != nil || n <= 0 {
		return 0, true, err
	}
	poll, err := number(t.Poll, sc, 15)
	return seconds(n), poll > 0, err
}

// bounded is the context of a task's module: the task's timeout, and async,
// which bounds a task that is waited for too. overrun says what is said of a
// task that took longer.
func (h *hostRun) bounded(limit, async time.Duration) (ctx context.Context, cancel context.CancelFunc, overrun func() (msg, hint string)) {
	overrun = func() (string, string) { return timedOut(limit) }
	if async > 0 && (limit == 0 || async < limit) {
		limit = async
		overrun = func() (string, string) {
			return fmt.Sprintf("async task did not complete within the requested time - %vs", limit.Seconds()),
				"raise async, or look at what it waits for; what it ran on the host was ended"
		}
	}
	if limit <= 0 {
		return h.ctx, func() {}, overrun
	}
	ctx, cancel = context.WithTimeout(h.ctx, limit)
	return ctx, cancel, overrun
}

// detaches are the modules whose command goes on by itself with poll: 0. Of the
// others the result is kept here for async_status.
var detaches = map[string]bool{"command": true, "shell": true, "raw": true, "script": true}

// background is what a task with async and poll: 0 gives in place of its result,
// once its module has run to its end.
func (h *hostRun) background(job string, o outcome) outcome {
	if o.Lost != nil || o.halted {
		return o
	}
	h.jobs.Store(h.host.Name+" "+job, o)
	return outcome{Result: action.JobStarted(job, "")}
}

// asyncStatus answers async_status for a job whose result is kept here; false:
// the host has to be asked.
func (h *hostRun) asyncStatus(args action.Args) (outcome, bool) {
	id := args.Str("jid")
	key := h.host.Name + " " + id
	kept, ok := h.jobs.Load(key)
	if !ok {
		return outcome{}, false
	}
	if args.Str("mode") == "cleanup" {
		h.jobs.Delete(key)
		return outcome{Result: action.Result{Values: map[string]any{"ansible_job_id": id, "erased": id}}}, true
	}
	o := kept.(outcome)
	values := map[string]any{"ansible_job_id": id, "started": 1, "finished": 1}
	for k, v := range o.Values {
		values[k] = v
	}
	o.Values = values
	return o, true
}
