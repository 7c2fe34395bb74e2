package runner

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"thordeploy/action"
	"thordeploy/playbook"
	"thordeploy/transport"
)

// task runs one task on the host, waiting for its turn where the play is
// linear, and reports it.
func (h *hostRun) task(t *playbook.Task, f frame) fate {
	if h.line != nil && !h.cleaning {
		from := h.at
		h.at = t.Order
		h.line.arrive(h.ctx, from, t.Order)
		if err := h.forks.Acquire(h.ctx, 1); err != nil {
			return stopped
		}
		defer h.forks.Release(1)
	}
	return h.perform(t, f)
}

// perform runs one task and reports it.
func (h *hostRun) perform(t *playbook.Task, f frame) fate {
	started := now()
	h.events <- TaskStarted{Time: started, Play: h.index, Host: h.host.Name, Task: t.Order, Name: h.title(t, f), Module: t.Spec.Name}
	o := h.attempt(t, f)
	return h.report(t, f, o, started)
}

// title is a task's name for the host, as far as it can be told.
func (h *hostRun) title(t *playbook.Task, f frame) string {
	if t.Name != nil {
		sc := f.scope(h)
		sc.idle = true
		if s, err := h.text(t.Name, sc); err == nil && s != "" {
			return s
		}
	}
	return t.Title()
}

// attempt runs a task, once or once an item, and keeps what it registers. A
// panic in a module is the task's failure.
func (h *hostRun) attempt(t *playbook.Task, f frame) (o outcome) {
	defer func() {
		if p := recover(); p != nil {
			o = failedOutcome(panicText(p), panicHint)
		}
		if f.register != "" {
			h.mem.register(f.register, o.registered())
		}
	}()
	sc := f.scope(h)
	if t.Loop == nil {
		return h.once(t, f, sc)
	}
	items, bad := h.items(t, f, sc)
	if bad != nil {
		return *bad
	}
	return h.loop(t, f, sc, items)
}

// items is what a task loops over, or the outcome where that can't be told.
func (h *hostRun) items(t *playbook.Task, f frame, sc *scope) ([]any, *outcome) {
	x, err := t.Loop.Eval(sc)
	if err != nil {
		// As in Ansible: a condition that fails without the item spares a
		// loop over something that isn't there.
		if ok, whenErr := holds(f.when, sc); whenErr == nil && !ok {
			return nil, &outcome{Result: action.Result{Skipped: true, Msg: notMet}}
		}
		o := h.evalFailed("loop", err)
		return nil, &o
	}
	switch v := x.(type) {
	case []any:
		return v, nil
	case []string:
		return anyList(v), nil
	}
	o := failedOutcome(fmt.Sprintf("loop needs a list, but this is %s", kind(x)), "write a list, or make one: `{{ x | list }}`, for a mapping `{{ x | dict2items }}`")
	o.place = t.Loop.Range().String()
	return nil, &o
}

func kind(x any) string {
	switch x.(type) {
	case nil:
		return "empty"
	case string:
		return "text"
	case map[string]any:
		return "a mapping"
	}
	return fmt.Sprintf("%v", x)
}

// loop runs a task once an item; a failed item doesn't stop the others, a lost
// or interrupted host does.
func (h *hostRun) loop(t *playbook.Task, f frame, sc *scope, items []any) outcome {
	name := t.LoopVar
	if name == "" {
		name = "item"
	}
	var done []outcome
	for _, item := range items {
		started := now()
		in := sc.with(name, item)
		o := h.once(t, f, in)
		if o.Values == nil {
			o.Values = map[string]any{}
		}
		o.Values[name] = item
		o.Values["ansible_loop_var"] = name
		done = append(done, o)
		h.reportItem(t, f, in, o, label(item), started)
		if o.Lost != nil || o.halted {
			break
		}
	}
	return combined(done)
}

const notMet = "Conditional result was False"

// once runs a task one time: conditions, parameters, module, verdict.
func (h *hostRun) once(t *playbook.Task, f frame, sc *scope) outcome {
	ok, err := holds(f.when, sc)
	if err != nil {
		return h.evalFailed("when", err)
	}
	if !ok {
		return outcome{Result: action.Result{Skipped: true, Msg: notMet, Values: map[string]any{"skip_reason": notMet}}}
	}
	call, err := h.call(t, f, sc)
	if err != nil {
		return h.evalFailed("", err)
	}
	if !t.Spec.Local {
		if o := h.reach(t, f, sc, call); o != nil {
			return *o
		}
	}
	limit, err := h.timeout(f, sc)
	if err != nil {
		return h.evalFailed("timeout", err)
	}
	quiet, err := truth(f.noLog, sc, false)
	if err != nil {
		return h.evalFailed("no_log", err)
	}
	o := h.module(t, call, limit, quiet)
	if o.Lost == nil && !o.halted && !o.Skipped && !o.TimedOut { // as in Ansible: without an end there is no rc to judge by
		o = h.judge(t, f, sc, o)
	}
	if !o.Failed && !call.Check {
		h.note(t, call.Args)
	}
	if !o.Failed {
		for k, v := range o.Vars {
			h.mem.register(k, v)
		}
		if o.Facts != nil {
			h.mem.learn(o.Facts)
		}
	}
	return o
}

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

// call is the module's call with everything but the host's shell.
func (h *hostRun) call(t *playbook.Task, f frame, sc *scope) (*action.Call, error) {
	args, err := h.args(t, sc)
	if err != nil {
		return nil, err
	}
	env, err := h.environment(f, sc)
	if err != nil {
		return nil, fmt.Errorf("environment: %w", err)
	}
	check, err := truth(f.check, sc, h.Check)
	if err != nil {
		return nil, fmt.Errorf("check_mode: %w", err)
	}
	diff, err := truth(f.diff, sc, h.Diff)
	if err != nil {
		return nil, fmt.Errorf("diff: %w", err)
	}
	return &action.Call{
		Args: args, Env: env, Host: h.host.Name, Check: check, Diff: diff,
		Local:    action.Paths{Playbook: h.pb.Dir},
		Vars:     func(expr string) (any, error) { return expression(expr, t, sc) },
		Trees:    &h.trees,
		RAMSizes: h.ram,
		Template: func(text, file string, o action.TemplateOptions) (string, error) {
			out, err := playbook.Render(text, file, o, sc)
			return out, h.templateFault(err)
		},
	}, nil
}

// args evaluates and binds a task's parameters. One that comes to omit is as
// if it weren't written.
func (h *hostRun) args(t *playbook.Task, sc *scope) (action.Args, error) {
	values := make(map[string]any, len(t.Args))
	for name, v := range t.Args {
		x, err := v.Eval(sc)
		if err != nil {
			return action.Args{}, err
		}
		if !isOmitted(x) {
			values[name] = x
		}
	}
	return t.Spec.Bind(values)
}

func isOmitted(x any) bool { _, ok := x.(playbook.Omitted); return ok }

// expression evaluates a playbook author's expression (debug's var, assert's
// that).
func expression(text string, t *playbook.Task, sc *scope) (any, error) {
	e, err := playbook.NewExpr(text, t.Range)
	if err != nil {
		return nil, err
	}
	return e.Eval(sc)
}

// reach gets the session that the task runs in, and tells its guard what the
// task is about to put on the host. The outcome says why not.
func (h *hostRun) reach(t *playbook.Task, f frame, sc *scope, call *action.Call) *outcome {
	s, err := h.session(f, sc)
	if err == nil && !call.Check {
		err = h.hold(s, t, call.Args)
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

// timeout is how long the task may take; 0: without a bound of its own.
func (h *hostRun) timeout(f frame, sc *scope) (time.Duration, error) {
	s, err := h.text(f.timeout, sc)
	if err != nil || s == "" {
		return 0, err
	}
	seconds, err := strconv.ParseFloat(s, 64)
	if err != nil || !(seconds >= 0 && seconds < 1e9) {
		return 0, fmt.Errorf("%q is not a number of seconds", label(s))
	}
	return time.Duration(seconds * float64(time.Second)), nil
}

// module runs the task's module and says what stopped it, where something did.
func (h *hostRun) module(t *playbook.Task, call *action.Call, limit time.Duration, quiet bool) outcome {
	ctx, cancel := h.ctx, context.CancelFunc(func() {})
	if limit > 0 {
		ctx, cancel = context.WithTimeout(h.ctx, limit)
	}
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
		o.Msg = fmt.Sprintf("timed out after %v: what it ran on the host was ended", limit.Round(time.Millisecond))
		o.Hint = "raise the task's timeout, or look at what it waits for"
	}
	return o
}

// judge applies changed_when and failed_when, which see the result under the
// name that register gives it.
func (h *hostRun) judge(t *playbook.Task, f frame, sc *scope, o outcome) outcome {
	if f.register != "" && (t.ChangedWhen != nil || t.FailedWhen != nil) {
		sc = sc.with(f.register, o.registered())
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
		if o.Values == nil {
			o.Values = map[string]any{}
		}
		o.Values["failed_when_result"] = ok
	}
	return o
}

// misjudged is o made a failure by a condition that could not be evaluated.
func (h *hostRun) misjudged(o outcome, what string, err error) outcome {
	bad := h.evalFailed(what, err)
	bad.Values, bad.Changed = o.Values, o.Changed
	return bad
}

// conditions is a list of conditions as written.
func conditions(list []*playbook.Expr) string {
	var out []string
	for _, e := range list {
		out = append(out, e.String())
	}
	return strings.Join(out, " and ")
}
