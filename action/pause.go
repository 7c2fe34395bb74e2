package action

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// pauseSpec is ansible.builtin.pause, which either lets time pass or waits for
// a person.
func pauseSpec() *Spec {
	return &Spec{
		Name:  "pause",
		Local: true,
		Params: []Param{
			{Name: "seconds", Type: Float, Doc: "how long, in whole seconds, at least one; a fraction is dropped"},
			{Name: "minutes", Type: Float, Doc: "how long, in whole minutes; a fraction is dropped"},
			{Name: "prompt", Type: String, Doc: "what the person is asked, with `seconds` or `minutes` only told; where neither is given, the task waits for Enter, but not without a terminal"},
			{Name: "echo", Type: Bool, Default: true, Doc: "show what is typed; what isn't shown is a secret, and kept out of all output"},
		},
		Exclusive: [][]string{{"seconds", "minutes"}},
		Doc:       "Wait for some time or for a person: once for all hosts where they are in lockstep, as a play that waits for a person is.",
		Run:       runPause,
	}
}

// maxPause is what fits a time.Duration with room to spare: three years.
const maxPause = 1e8

func runPause(ctx context.Context, c *Call) Result {
	a := c.Args
	unit, length, timed := "minutes", 0.0, true
	switch {
	case a.Has("minutes"):
		length = math.Trunc(a.Float("minutes")) * 60
	case a.Has("seconds"):
		unit, length = "seconds", math.Trunc(a.Float("seconds"))
	default:
		timed = false
	}
	if !(length <= maxPause) { // NaN too
		return failed(fmt.Sprintf("pause: %v seconds are too long", length), "")
	}
	start := time.Now()
	input, err := ask(ctx, c, timed)
	if err == nil && timed {
		err = sleep(ctx, time.Duration(max(length, 1))*time.Second)
	}
	if err != nil {
		return broken(err)
	}
	stop := time.Now()
	took := stop.Sub(start).Seconds()
	told := took
	if unit == "minutes" {
		told /= 60
	}
	const layout = "2006-01-02 15:04:05.000000"
	return Result{Values: map[string]any{
		"start": start.Format(layout), "stop": stop.Format(layout), "delta": int(took), "echo": a.Bool("echo"), "user_input": input,
		"rc": 0, "stderr": "", "stderr_lines": []any{}, "stdout": paused(told, unit), "stdout_lines": []any{paused(told, unit)},
	}}
}

// ask gives what the person says to the prompt. Where time ends the pause, the
// prompt is told and no answer awaited.
func ask(ctx context.Context, c *Call, timed bool) (string, error) {
	q := Question{Text: c.Args.Str("prompt"), Secret: !c.Args.Bool("echo"), Tell: timed}
	if c.Ask == nil || timed && q.Text == "" {
		return "", nil
	}
	if q.Text == "" {
		q.Text = "Press enter to continue, Ctrl+C to interrupt"
	}
	if q.Secret {
		q.Text += " (output is hidden)"
	}
	return c.Ask(ctx, q)
}

// paused words a length as Ansible does, with a decimal at least and two at most.
func paused(length float64, unit string) string {
	n := strconv.FormatFloat(math.Round(length*100)/100, 'f', -1, 64)
	if !strings.Contains(n, ".") {
		n += ".0"
	}
	return fmt.Sprintf("Paused for %s %s", n, unit)
}

// sleep waits, or says why it was ended.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
