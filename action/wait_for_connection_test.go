package action

import (
	"context"
	"errors"
	"testing"
	"time"

	"thordeploy/transport/shell"
)

// TestWaitForConnection: it is reached at the third try, each but the first on
// a new connection.
func TestWaitForConnection(t *testing.T) {
	t.Parallel()
	h := openHost(t, "dash", "dash")
	var tries []bool
	connect := func(c *Call) {
		c.Shell = nil
		c.Connect = func(_ context.Context, fresh bool) (*shell.Session, error) {
			if tries = append(tries, fresh); len(tries) < 3 {
				return nil, errors.New("connection refused")
			}
			return h.Session, nil
		}
	}
	start := time.Now()
	r := mustOK(t, h.run(t, "wait_for_connection", values{"delay": 1, "sleep": 0}, connect), false)
	if n, _ := r.Values["elapsed"].(int); n < 1 || len(tries) != 3 || tries[0] || !tries[1] || !tries[2] || time.Since(start) > 20*time.Second {
		t.Errorf("%v after tries %v", r.Values, tries)
	}
	never := func(c *Call) {
		c.Connect = func(context.Context, bool) (*shell.Session, error) { return nil, errors.New("no route") }
	}
	mustFail(t, h.run(t, "wait_for_connection", values{"timeout": 1}, never), "timed out waiting for ping module test", "no route")
	mustFail(t, h.run(t, "wait_for_connection", values{"timeout": -1}, never), "timeout can't be -1")
	if r := h.run(t, "wait_for_connection", values{}, never, inCheck); !r.Skipped {
		t.Errorf("check mode: %+v", r)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if r := h.runContext(ctx, t, "wait_for_connection", values{"sleep": 30}, never); !r.TimedOut {
		t.Errorf("the task's own time: %+v", r)
	}
}
