package runner

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"thordeploy/action"
	"thordeploy/internal/diag"
	"thordeploy/inventory"
	"thordeploy/playbook"
)

// fate is how far a host got with a list of tasks.
type fate int

const (
	fine    fate = iota
	failing      // a task failed; a rescue section may take over
	lost         // unreachable: nothing more can be done there
	stopped      // interrupted, or its time is up: only always sections run
)

// hostRun is one play on one host. It belongs to one goroutine.
type hostRun struct {
	*playRun
	host *inventory.Host
	vars map[string]any // the inventory's, compiled
	mem  *memory

	ctx      context.Context // of the task that runs now
	cleaning bool            // ctx is the clean-up's: the host was stopped
	release  context.CancelFunc

	at       int // linear: the order it has come to
	logins   map[loginKey]*login
	sessions []*session // in the order opened
	gathered bool       // facts are there, or were tried
	factsErr *outcome   // why facts asked for by a template could not be had
	ahead    *lookahead // made at the first task that leaves something on the host
	ram      map[string]int64
}

func newHostRun(p *playRun, h *inventory.Host) *hostRun {
	return &hostRun{
		playRun: p, host: h, mem: p.mems[h.Name], at: -2, logins: p.keeper.take(h.Name), ram: map[string]int64{},
		gathered: p.mems[h.Name].hasFacts(),
	}
}

// runAll takes the host through the play: its tasks, then what is to be
// undone, and reports how it ended. Whatever goes wrong stays with this host.
func (h *hostRun) runAll() {
	started := now()
	h.events <- HostStarted{Time: started, Play: h.index, Host: h.host.Name}
	ctx, cancel := h.ctxOfHost()
	h.ctx, h.release = ctx, cancel
	end := h.contained(h.tasksOfPlay)
	h.contained(func() fate { h.close(end); return fine })
	h.release()

	status := OK
	switch end {
	case failing, stopped:
		status = Failed
	case lost:
		status = Unreachable
	}
	if status != OK {
		h.left(h.host.Name)
	}
	if h.line != nil {
		h.line.leave(h.at)
	}
	h.events <- HostFinished{
		Time: now(), Play: h.index, Host: h.host.Name, Status: status, Duration: time.Since(started),
		Interrupted: end == stopped && h.run.ctx.Err() != nil,
	}
}

func (h *hostRun) ctxOfHost() (context.Context, context.CancelFunc) {
	if h.HostTimeout > 0 {
		return context.WithTimeout(h.run.ctx, h.HostTimeout)
	}
	return context.WithCancel(h.run.ctx)
}

// tasksOfPlay gathers facts if the play says so and runs its tasks.
func (h *hostRun) tasksOfPlay() fate {
	vars, err := compileVars(h.host.Vars, "host "+h.host.Name)
	if err != nil {
		return h.report(h.factsTask(), frame{}, outcome{Result: action.Result{Failed: true, Msg: err.Error()}}, now())
	}
	h.vars = vars
	f := playFrame(h.play)
	if h.play.GatherFacts != nil && *h.play.GatherFacts {
		h.gathered = true
		if end := h.step(h.factsTask(), f); end != fine {
			return end
		}
	}
	return h.section(h.play.Tasks, f)
}

// section runs a list of tasks until one of them stops the host.
func (h *hostRun) section(list []*playbook.Task, f frame) fate {
	for _, t := range list {
		if end := h.step(t, f); end != fine {
			return end
		}
	}
	return fine
}

func (h *hostRun) step(t *playbook.Task, f frame) fate {
	if h.ctx.Err() != nil {
		return stopped
	}
	if len(t.Block) > 0 || t.Spec == nil {
		return h.block(t, f.enter(t))
	}
	return h.task(t, f.enter(t))
}

// block runs block, rescue and always. A host that was stopped skips rescue
// and goes through always with a little time of its own, so that reports are
// fetched and drives unmounted.
func (h *hostRun) block(t *playbook.Task, f frame) fate {
	inner := f
	inner.rescued = f.rescued || len(t.Rescue) > 0
	end := h.section(t.Block, inner)
	if end == failing && len(t.Rescue) > 0 {
		end = h.section(t.Rescue, f)
	}
	if len(t.Always) == 0 || end == lost {
		return end
	}
	if after := h.always(t.Always, f, end); end == fine || after == lost {
		return after
	}
	return end
}

// always runs an always section. What an interrupt stops in the middle of it
// is begun again in the time for cleaning up.
func (h *hostRun) always(list []*playbook.Task, f frame, before fate) fate {
	if before == stopped {
		h.cleanUp()
	}
	result := fine
	for i := 0; i < len(list); i++ {
		end := h.step(list[i], f)
		if end == stopped && !h.cleaning {
			h.cleanUp()
			result = stopped
			end = h.step(list[i], f)
		}
		if end != fine {
			return end
		}
	}
	return result
}

// cleanUp gives the host the time for cleaning up, once.
func (h *hostRun) cleanUp() {
	if h.cleaning {
		return
	}
	h.cleaning = true
	h.release()
	h.ctx, h.release = context.WithTimeout(context.WithoutCancel(h.run.ctx), h.cleanupTime())
}

// stopReason says why the host was stopped.
func (h *hostRun) stopReason() (msg, hint string) {
	switch {
	case h.cleaning:
		return fmt.Sprintf("not done within the %v for cleaning up", h.cleanupTime()), ""
	case h.run.ctx.Err() != nil:
		return "interrupted", ""
	}
	return fmt.Sprintf("the host's time is up: %v", h.HostTimeout), "raise --host-timeout, or look at what takes so long"
}

// contained runs f and turns a panic in it into this host's failure.
func (h *hostRun) contained(f func() fate) (end fate) {
	defer func() {
		if p := recover(); p != nil {
			h.events <- TaskFinished{
				Time: now(), Play: h.index, Host: h.host.Name, Task: -1, Name: "internal error", Status: Failed,
				Msg: panicText(p), Hint: panicHint,
			}
			end = failing
		}
	}()
	return f()
}

const panicHint = "this is a fault in thordeploy, and only this host is affected: please report it with this message"

// panicText is what went wrong and where, without addresses and arguments.
func panicText(p any) string {
	var frames []string
	for line := range strings.Lines(string(debug.Stack())) {
		line = strings.TrimSpace(line)
		if i := strings.LastIndex(line, ".go:"); i >= 0 && !strings.Contains(line, "/runtime/") {
			file := line[strings.LastIndexByte(line[:i], '/')+1:]
			file, _, _ = strings.Cut(file, " ")
			frames = append(frames, file)
		}
	}
	frames = frames[min(2, len(frames)):] // this function and the one that recovered
	return fmt.Sprintf("internal error: %v (at %s)", p, strings.Join(frames[:min(4, len(frames))], " < "))
}

// evalFailed is the outcome of a template or condition that could not be
// evaluated for the host.
func evalFailed(what string, err error) outcome {
	o := outcome{Result: action.Result{Failed: true, Msg: err.Error()}}
	var bad *playbook.EvalError
	var said *diag.Diagnostic
	switch {
	case errors.As(err, &bad):
		said, o.Msg = &bad.Diagnostic, strings.TrimSuffix(o.Msg, bad.Error())
	case errors.As(err, &said):
		o.Msg = strings.TrimSuffix(o.Msg, said.Error())
	}
	if said != nil {
		o.Msg += said.Summary
		o.Hint = said.Hint
		switch {
		case said.Range.Line > 0:
			o.place = said.Range.String()
		case said.Range.File != "": // a variable from elsewhere; the place is the task's
			o.Msg += " (in a variable of " + said.Range.File + ")"
		}
	}
	if what != "" {
		o.Msg = what + ": " + o.Msg
	}
	return o
}
