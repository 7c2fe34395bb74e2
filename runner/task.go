package runner

import (
	"errors"
	"fmt"
	"time"

	"thordeploy/action"
	"thordeploy/playbook"
	"thordeploy/transport"
)

// task runs one task on the host, waiting for its turn where the play is
// linear, and reports it; then what it included.
func (h *hostRun) task(t *playbook.Task, in inside, outer *frame) fate {
	in.at = in.at.in(t.Order)
	var brought []included
	end := h.inTurn(t, in, func() fate {
		var end fate
		end, brought = h.perform(t, in)
		return end
	})
	if end != fine {
		return end
	}
	return h.enterIncluded(t, in, outer, brought)
}

// perform runs one task and reports it.
func (h *hostRun) perform(t *playbook.Task, in inside) (fate, []included) {
	if ok, end := h.stepped(t, in); !ok {
		return end, nil
	}
	if t.Spec.Name == "meta" {
		return h.meta(t, in), nil
	}
	if t.Include != nil {
		return h.include(t, in)
	}
	started := now()
	h.events <- h.starts(t, in, started)
	o := h.attempt(t, in)
	return h.report(t, in, o, started), nil
}

// showStart tells that a task begins whose end is not told: ansible-playbook
// shows its banner.
func (h *hostRun) showStart(t *playbook.Task, in inside) {
	if h.Ansible {
		h.events <- h.starts(t, in, now())
	}
}

func (h *hostRun) starts(t *playbook.Task, in inside, at time.Time) TaskStarted {
	return TaskStarted{
		Time: at, Play: h.index, Host: h.host.Name, Task: t.Order, Name: h.title(t, in), Role: roleName(in.f),
		Module: t.Spec.Name, Handler: in.handler,
	}
}

// title is a task's name for the host, as far as it can be told.
func (h *hostRun) title(t *playbook.Task, in inside) string {
	if t.Name != nil {
		sc := h.scope(in.f, in.in)
		sc.idle = true
		if s, err := text(t.Name, sc); err == nil && s != "" {
			return s
		}
	}
	if name, constant := t.Args["name"].Const(); constant && t.Spec.Name == "include_role" {
		return fmt.Sprintf("%s : %v", t.Module, name)
	}
	return t.Title()
}

func roleName(f *frame) string {
	if f.role == nil {
		return ""
	}
	return f.role.call.Name
}

// attempt runs a task, once or once an item, and keeps what it registers. A
// panic in a module is the task's failure.
func (h *hostRun) attempt(t *playbook.Task, in inside) (o outcome) {
	defer func() {
		if p := recover(); p != nil {
			o = failedOutcome(panicText(p), panicHint)
		}
		h.keep(t.Register, o)
	}()
	sc := h.scope(in.f, in.in)
	if t.Loop == nil {
		return h.once(t, in, sc)
	}
	items, bad := h.items(t, in.f, sc)
	if bad != nil {
		return *bad
	}
	return h.loop(t, in, sc, items)
}

// keep registers a task's result.
func (h *hostRun) keep(name string, o outcome) {
	if name != "" {
		h.mem.register(name, o.registered())
	}
}

const notMet = "Conditional result was False"

func unmet() outcome {
	return outcome{Result: action.Result{Skipped: true, Msg: notMet, Values: map[string]any{"skip_reason": notMet}}}
}

// once runs a task one time, or until its condition holds: conditions, where
// it is done, parameters, module, verdict.
func (h *hostRun) once(t *playbook.Task, in inside, sc *scope) outcome {
	f := in.f
	ok, err := holds(f.when, sc)
	if err != nil {
		return h.evalFailed("when", err)
	}
	if !ok {
		return unmet()
	}
	sc, delegate, err := h.delegated(f, sc)
	if err != nil {
		return h.evalFailed("delegate_to", err)
	}
	leave, err := h.throttled(t, f, sc)
	if err != nil {
		return h.evalFailed("throttle", err)
	}
	defer leave()
	o := h.tries(t, in, sc, delegate)
	if delegate != nil && delegate.host.Name != h.host.Name {
		o.delegate = delegate.host.Name
	}
	if f.notify != nil && !o.Skipped && !o.Failed {
		if o.notify, err = notifyNames(f.notify, sc); err != nil {
			return h.misjudged(o, "notify", err)
		}
	}
	if !o.Failed {
		h.learn(t, f, sc, o, delegate)
	}
	return o
}

// learn keeps the facts and variables that a task gave, of the host that they
// are about.
func (h *hostRun) learn(t *playbook.Task, f *frame, sc *scope, o outcome, delegate *subject) {
	about := h.mem
	if delegate != nil {
		if on, err := truth(f.delegateFacts, sc, false); err == nil && on {
			about = delegate.mem
		}
	}
	about.absorb(o)
}

// try runs a task's module once and judges what came of it. n is the number of
// the try, 0 where the task has no until.
func (h *hostRun) try(t *playbook.Task, in inside, sc *scope, delegate *subject, n int) outcome {
	f := in.f
	if run := controlOf(t); run != nil {
		return h.judge(t, sc, h.control(run, t, f, sc), n)
	}
	call, err := h.call(t, f, sc)
	if err != nil {
		return h.evalFailed("", err)
	}
	call.Connect = h.connecting(f, sc, delegate)
	call.Ask = h.asker(t, in)
	if t.Spec.Name == "async_status" {
		if o, kept := h.asyncStatus(call.Args); kept {
			return h.judge(t, sc, o, n)
		}
	}
	if !t.Spec.Local {
		if o := h.reach(t, in, sc, call, delegate); o != nil {
			return *o
		}
	}
	limit, err := number(f.timeout, sc, 0)
	if err != nil || limit < 0 {
		return h.evalFailed("timeout", orNegative(err))
	}
	quiet, err := truth(f.noLog, sc, false)
	if err != nil {
		return h.evalFailed("no_log", err)
	}
	async, waits, err := asyncOf(t, sc)
	if err != nil {
		return h.evalFailed("async", err)
	}
	job := ""
	if !waits && !call.Check {
		job = action.NewJob()
		if detaches[t.Spec.Name] {
			call.Background, async = &action.Background{Job: job, Limit: async}, 0
		}
	}
	o := h.module(t, call, seconds(limit), async, quiet)
	switch {
	case job != "" && call.Background == nil:
		o = h.background(job, o)
	case async > 0 && !o.Failed && !o.Skipped:
		o.value("started", 1)
		o.value("finished", 1)
	}
	if o.Lost == nil && !o.halted && !o.Skipped && !o.TimedOut { // as in Ansible: without an end there is no rc to judge by
		o = h.judge(t, sc, o, n)
	}
	if !o.Failed && !call.Check {
		h.note(t, call.Args)
	}
	return o
}

func orNegative(err error) error {
	if err != nil {
		return err
	}
	return errors.New("a number of seconds can't be negative")
}

func seconds(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }

// evalFailed is the outcome of an evaluation that failed: because the facts
// it asked for could not be had, where that is so.
func (h *hostRun) evalFailed(what string, err error) outcome {
	if o := h.factsErr; o != nil {
		h.factsErr = nil
		return *o
	}
	return evalFailed(what, err)
}

// templateFault is what is wrong with a template file, with its place, or why
// the facts that it asked for could not be had.
func (h *hostRun) templateFault(err error) error {
	var bad *playbook.EvalError
	switch {
	case err == nil:
		return nil
	case h.factsErr != nil:
		err = errors.New(h.factsErr.Msg)
		h.factsErr = nil
	case errors.As(err, &bad):
		return &bad.Diagnostic
	}
	return err
}

// reach gets the session that the task runs in, and tells its guard what the
// task is about to put on the host. The outcome says why not.
func (h *hostRun) reach(t *playbook.Task, in inside, sc *scope, call *action.Call, delegate *subject) *outcome {
	s, err := h.session(in.f, sc, delegate)
	if err == nil && !call.Check {
		err = h.hold(s, t, in.at, call.Args)
		if err == nil {
			err = h.settled()
		}
	}
	if err == nil {
		call.Shell = s.shell
		return nil
	}
	o := h.unreached(err)
	return &o
}

// unreached is the outcome of a task whose host could not be talked to.
func (h *hostRun) unreached(err error) outcome {
	o := outcome{Result: action.Result{Failed: true, Msg: err.Error()}}
	var te *transport.Error
	switch {
	case h.ctx.Err() != nil:
		o.halted = true
		o.Msg, o.Hint = h.stopReason()
	case errors.Is(err, transport.ErrBecome) && errors.As(err, &te):
		o.Hint = te.Hint // the host is there: the task failed, as Ansible has it
	case errors.As(err, &te):
		o.Lost, o.Hint = err, te.Hint
	default:
		return h.evalFailed("", err)
	}
	return o
}

// judge applies changed_when and failed_when, which see the result under the
// name that register gives it.
func (h *hostRun) judge(t *playbook.Task, sc *scope, o outcome, n int) outcome {
	if o.Lost != nil || o.halted || o.Skipped {
		return o
	}
	if n > 0 {
		o.value("attempts", n)
	}
	if t.Register != "" && (t.ChangedWhen != nil || t.FailedWhen != nil) {
		sc = sc.with(t.Register, o.registered())
	}
	if t.ChangedWhen != nil {
		ok, err := holds(t.ChangedWhen, sc)
		if err != nil {
			return h.misjudged(o, "changed_when", err)
		}
		o.Changed = ok
	}
	if t.FailedWhen != nil {
		ok, err := holds(t.FailedWhen, sc)
		if err != nil {
			return h.misjudged(o, "failed_when", err)
		}
		if ok && !o.Failed && o.Msg == "" {
			o.Msg = "failed_when: " + conditions(t.FailedWhen)
		}
		if !ok && o.Failed {
			o.Hint = ""
		}
		o.Failed = ok
		o.value("failed_when_result", ok)
	}
	return o
}

// misjudged is o made a failure by a condition that could not be evaluated.
func (h *hostRun) misjudged(o outcome, what string, err error) outcome {
	bad := h.evalFailed(what, err)
	bad.Values, bad.Changed = o.Values, o.Changed
	bad.value(what+"_result", bad.Msg)
	return bad
}

// conditions is a list of conditions as written.
func conditions(list []*playbook.Expr) string {
	out := ""
	for i, e := range list {
		if i > 0 {
			out += " and "
		}
		out += e.String()
	}
	return out
}

// module runs the task's module and says what stopped it, where something did.
func (h *hostRun) module(t *playbook.Task, call *action.Call, limit, async time.Duration, quiet bool) outcome {
	ctx, cancel, overrun := h.bounded(limit, async)
	defer cancel()
	live := newLive(h, t.Order, quiet)
	call.Output = live.write
	defer live.close()
	o := outcome{Result: t.Spec.Run(ctx, call)}
	switch {
	case o.Lost != nil && h.ctx.Err() == nil:
		o.Failed = true
	case h.ctx.Err() != nil && (o.Failed || o.Lost != nil):
		o.Lost, o.halted = nil, true
		o.Failed, o.TimedOut = true, h.run.ctx.Err() == nil
		o.Msg, o.Hint = h.stopReason()
	case ctx.Err() != nil && o.Failed:
		o.TimedOut = true
		o.Msg, o.Hint = overrun()
	}
	return o
}

// timedOut is what is said of a task that took longer than its timeout.
func timedOut(limit time.Duration) (msg, hint string) {
	return fmt.Sprintf("timed out after %v: what it ran on the host was ended", limit.Round(time.Millisecond)),
		"raise the task's timeout, or look at what it waits for"
}
