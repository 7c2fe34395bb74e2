package action

import (
	"context"
	"fmt"
	"time"

	"thordeploy/transport/shell"
)

// waitForConnectionSpec is ansible.builtin.wait_for_connection.
func waitForConnectionSpec() *Spec {
	return &Spec{
		Name:  "wait_for_connection",
		Local: true,
		Params: []Param{
			{Name: "timeout", Type: Int, Default: 600, Doc: "seconds after which it fails"},
			{Name: "delay", Type: Int, Default: 0, Doc: "seconds before the first try"},
			{Name: "sleep", Type: Int, Default: 1, Doc: "seconds between tries"},
			{Name: "connect_timeout", Type: Int, Default: 5, Doc: "seconds that one try may take"},
		},
		Doc: "Wait until the host can be reached and answers, as after it was started anew.",
		Run: runWaitForConnection,
	}
}

func runWaitForConnection(ctx context.Context, c *Call) Result {
	a := c.Args
	for _, which := range []string{"timeout", "delay", "sleep", "connect_timeout"} {
		if n := a.Int(which); n < 0 || n > maxWait {
			return failed(fmt.Sprintf("%s can't be %d seconds", which, n), "")
		}
	}
	if c.Check {
		return noCheckMode("wait_for_connection")
	}
	seconds := func(which string) time.Duration { return time.Duration(a.Int(which)) * time.Second }
	start := time.Now()
	if err := sleep(ctx, seconds("delay")); err != nil {
		return broken(err)
	}
	end := time.Now().Add(seconds("timeout"))
	fresh := false
	for {
		why := tryConnection(ctx, c, max(seconds("connect_timeout"), time.Second), fresh)
		if why == nil {
			return Result{Values: map[string]any{"elapsed": int(time.Since(start).Seconds())}}
		}
		if ctx.Err() != nil {
			return broken(context.Cause(ctx))
		}
		fresh = true
		pause := max(seconds("sleep"), 100*time.Millisecond)
		if time.Now().Add(pause).After(end) {
			r := failed(fmt.Sprintf("timed out waiting for ping module test: %v", why), "see whether the host is up and reachable, or raise timeout")
			r.Values = map[string]any{"elapsed": int(time.Since(start).Seconds())}
			return r
		}
		if err := sleep(ctx, pause); err != nil {
			return broken(err)
		}
	}
}

// tryConnection reaches the host once and has it answer.
func tryConnection(ctx context.Context, c *Call, limit time.Duration, fresh bool) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	s, err := c.Connect(ctx, fresh)
	if err != nil {
		return err
	}
	on := *c
	on.Shell = s
	reply, r := half(ctx, &on, "ping")
	switch {
	case r.Lost != nil:
		return r.Lost
	case r.Failed:
		return fmt.Errorf("%s", r.Msg)
	case reply.Values["answer"] != "yes":
		return fmt.Errorf("the host gave no answer")
	}
	return nil
}

// Connecting gives a held shell of the task's host: the one that is open, or,
// where fresh is true, a new one on a new connection.
type Connecting func(ctx context.Context, fresh bool) (*shell.Session, error)
