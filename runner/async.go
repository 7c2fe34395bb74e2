package runner

import (
	"context"
	"fmt"
	"time"

	"thordeploy/playbook"
)

// bounded is the context of a task's module: the task's timeout, and async,
// which bounds a task that is waited for too. overrun says what is said of a
// task that took longer.
func (h *hostRun) bounded(t *playbook.Task, sc *scope, limit time.Duration) (ctx context.Context, cancel context.CancelFunc, overrun func() (msg, hint string), err error) {
	overrun = func() (string, string) { return timedOut(limit) }
	n, err := number(t.Async, sc, 0)
	if err != nil {
		return nil, nil, nil, err
	}
	if async := seconds(n); async > 0 && (limit == 0 || async < limit) {
		limit = async
		overrun = func() (string, string) {
			return fmt.Sprintf("async task did not complete within the requested time - %vs", n),
				"raise async, or look at what it waits for; what it ran on the host was ended"
		}
	}
	if limit <= 0 {
		return h.ctx, func() {}, overrun, nil
	}
	ctx, cancel = context.WithTimeout(h.ctx, limit)
	return ctx, cancel, overrun, nil
}
