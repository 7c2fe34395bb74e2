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
	failing      // a task failed, or all hosts' play has ended; a rescue section may take over
	lost         // unreachable: nothing more can be done there
	stopped      // interrupted, or its time is up: only always sections run
	ended        // end_host, end_batch or end_play: it is through, and well
)

// inside is what stands around a task: what it inherits, what the includes
// around it give, and where in the play that is.
type inside struct {
	f       *frame
	in      *params
	at      position
	handler bool // a notified handler or what one includes: tags don't choose among these
}

// hostRun is one play on one host. It belongs to one goroutine.
type hostRun struct {
	*playRun
	idx     int // the host's place in the batch
	host    *inventory.Host
	subject *subject
	mem     *memory

	ctx      context.Context // of the task that runs now
	cleaning bool            // ctx is the clean-up's: the host was stopped
	release  context.CancelFunc

	pos      position // linear: where it has come to
	turn     *turn    // linear: the task that it does now
	dooms    int32    // of playRun.doomed, those that it has taken
	starting bool     // tasks before plan.startAt are left out
	logins   map[loginKey]*login
	sessions []*session // in the order opened
	gathered bool       // facts are there, or were tried
	factsErr *outcome   // why facts asked for by a template could not be had
	ahead    *lookahead // what is about to be done to the host's paths
	looked   bool       // ahead knows the play's own tasks
	ram      map[string]int64

	files    layer     // vars_files that differ by host
	public   roleFrame // what include_role made known to the rest of the play
	handlers []handler
	notified map[*playbook.Task]bool
	roles    map[string]roleState // by RoleCall.Key
	depth    int                  // of includes
}

func newHostRun(p *playRun, idx int, h *inventory.Host) *hostRun {
	s := p.subject(h)
	return &hostRun{
		playRun: p, idx: idx, host: h, subject: s, mem: s.mem, logins: p.keeper.take(h.Name), ram: map[string]int64{},
		gathered: s.mem.hasFacts(), starting: p.startAt != nil, handlers: p.plan.handlers,
		notified: map[*playbook.Task]bool{}, roles: map[string]roleState{},
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
		h.failures.Add(1)
	case lost:
		status = Unreachable
		h.lost.Add(1)
	}
	if end != fine {
		h.left(h.host.Name)
	}
	if h.line != nil {
		h.line.leave(h.pos)
	} else if status != OK {
		h.judgeFailures()
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

// tasksOfPlay gathers facts if the play says so and runs its sections, each
// followed by the handlers that were notified.
func (h *hostRun) tasksOfPlay() fate {
	if err := h.subject.err; err != nil {
		return h.report(h.factsTask(), inside{f: &frame{}}, outcome{Result: action.Result{Failed: true, Msg: err.Error()}}, now())
	}
	base := inside{f: h.base}
	if h.gathersAtStart() {
		h.gathered = true
		base.at = position("").in(atFacts)
		if end := h.step(h.factsTask(), base); end != fine {
			return end
		}
	}
	if end := h.readVarsFiles(base.f); end != fine {
		return end
	}
	p := h.play
	for _, part := range []struct {
		lists    [2][]*playbook.Task
		at       [2]int
		handlers int
	}{
		{[2][]*playbook.Task{p.PreTasks}, [2]int{atPreTasks}, atPreHandlers},
		{[2][]*playbook.Task{p.Roles, p.Tasks}, [2]int{atRoles, atTasks}, atHandlers},
		{[2][]*playbook.Task{p.PostTasks}, [2]int{atPostTasks}, atPostHandlers},
	} {
		end := fine
		for i, list := range part.lists {
			if end == fine {
				base.at = position("").in(part.at[i])
				end = h.section(list, base)
			}
		}
		if end == fine || end == failing && h.forcesHandlers() {
			base.at = position("").in(part.handlers)
			if after := h.flush(base.at); after != fine {
				return after
			}
		}
		if end != fine {
			return end
		}
	}
	return fine
}

// section runs a list of tasks until one of them stops the host.
func (h *hostRun) section(list []*playbook.Task, in inside) fate {
	for _, t := range list {
		if end := h.step(t, in); end != fine {
			return end
		}
	}
	return fine
}

// step runs a task or a block.
func (h *hostRun) step(t *playbook.Task, in inside) fate {
	if end := h.interrupted(); end != fine {
		return end
	}
	outer := in.f
	in.f = h.frame(outer, t)
	if t.Spec == nil {
		if t.Role != nil {
			return h.role(t, in)
		}
		return h.block(t, in)
	}
	if !in.f.selected && !in.handler || h.before(t) {
		return fine
	}
	return h.task(t, in, outer)
}

// interrupted is why the host does no further task: fine if it goes on.
func (h *hostRun) interrupted() fate {
	switch {
	case h.ctx.Err() != nil:
		return stopped
	case h.cleaning:
		return fine
	case h.playRun.closed.Load():
		return ended
	}
	if n := h.doomed.Load(); n > h.dooms {
		h.dooms = n
		return failing
	}
	return fine
}

// before reports whether t is before the task that --start-at-task names.
func (h *hostRun) before(t *playbook.Task) bool {
	if t == h.startAt {
		h.starting = false
	}
	return h.starting && t.Order >= 0
}

// block runs block, rescue and always. A host that was stopped skips rescue
// and goes through always with a little time of its own, so that reports are
// fetched and drives unmounted.
func (h *hostRun) block(t *playbook.Task, in inside) fate {
	inner := in
	if len(t.Rescue) > 0 {
		inner.f = h.protected(in.f, t)
	}
	end := h.section(t.Block, inner)
	if end == failing && len(t.Rescue) > 0 {
		end = h.section(t.Rescue, in)
	}
	if len(t.Always) == 0 || end == lost || end == ended {
		return end
	}
	if after := h.always(t.Always, in, end); end == fine || after == lost || after == ended {
		return after
	}
	return end
}

// always runs an always section. What an interrupt stops in the middle of it
// is begun again in the time for cleaning up.
func (h *hostRun) always(list []*playbook.Task, in inside, before fate) fate {
	if before == stopped {
		h.cleanUp()
	}
	result := fine
	for i := 0; i < len(list); i++ {
		end := h.step(list[i], in)
		if end == stopped && !h.cleaning {
			h.cleanUp()
			result = stopped
			end = h.step(list[i], in)
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
		if i := strings.LastIndex(line, ".go:"); i >= 0 && !strings.Contains("/"+line, "/runtime/") {
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
