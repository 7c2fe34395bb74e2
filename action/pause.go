package action

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// pauseSpec is ansible.builtin.pause without a person to answer it.
func pauseSpec() *Spec {
	return &Spec{
		Name:  "pause",
		Local: true,
		Params: []Param{
			{Name: "seconds", Type: Float, Doc: "how long, in whole seconds, at least one; a fraction is dropped"},
			{Name: "minutes", Type: Float, Doc: "how long, in whole minutes; a fraction is dropped"},
			{Name: "prompt", Type: String, Doc: "not done: an error, since hosts don't wait for a person"},
			{Name: "echo", Type: Bool, Default: true, Doc: "accepted"},
		},
		Exclusive: [][]string{{"seconds", "minutes"}},
		Doc:       "Wait for some time; each host waits for itself.",
		Run:       runPause,
	}
}

// maxPause is what fits a time.Duration with room to spare: three years.
const maxPause = 1e8

func runPause(ctx context.Context, c *Call) Result {
	a := c.Args
	if a.Has("prompt") {
		return failed("pause: prompt is not done: nobody is asked while hosts are worked on", "give seconds or minutes, or use two playbooks")
	}
	unit, length := "seconds", math.Trunc(a.Float("seconds"))
	if a.Has("minutes") {
		unit, length = "minutes", math.Trunc(a.Float("minutes"))*60
	}
	switch {
	case !a.Has("seconds") && !a.Has("minutes"):
		return failed("pause: waiting for a key is not done: nobody is asked while hosts are worked on", "give seconds or minutes")
	case !(length <= maxPause): // NaN too
		return failed(fmt.Sprintf("pause: %v seconds are too long", length), "")
	}
	start := time.Now()
	if err := sleep(ctx, time.Duration(max(length, 1))*time.Second); err != nil {
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
		"start": start.Format(layout), "stop": stop.Format(layout), "delta": int(took), "echo": a.Bool("echo"), "user_input": "",
		"rc": 0, "stderr": "", "stderr_lines": []any{}, "stdout": paused(told, unit), "stdout_lines": []any{paused(told, unit)},
	}}
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
