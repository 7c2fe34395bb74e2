package runner

import (
	"context"
	"errors"
	"fmt"
	"time"

	"thordeploy/playbook"
)

// items is what a task loops over, or the outcome where that can't be told.
func (h *hostRun) items(t *playbook.Task, f *frame, sc *scope) ([]any, *outcome) {
	items, err := h.terms(t, sc)
	if err == nil {
		return items, nil
	}
	// As in Ansible: a condition that fails without the item spares a
	// loop over something that isn't there.
	if ok, whenErr := holds(f.when, sc); whenErr == nil && !ok {
		o := unmet()
		return nil, &o
	}
	o := h.evalFailed("loop", err)
	var bad *notAList
	if errors.As(err, &bad) {
		o = failedOutcome(bad.Error(), "write a list, or make one: `{{ x | list }}`, for a mapping `{{ x | dict2items }}`")
		o.place = t.Loop.Range().String()
	}
	return nil, &o
}

// notAList is a loop over what is no list.
type notAList struct{ kind string }

func (e *notAList) Error() string { return "loop needs a list, but this is " + e.kind }

// terms evaluates a task's loop; what a with_ lookup makes of it, where it is
// one.
func (h *hostRun) terms(t *playbook.Task, sc *scope) ([]any, error) {
	x, err := t.Loop.Eval(sc)
	if err != nil {
		return nil, err
	}
	if t.With != "" {
		return playbook.With(t.With, x, sc)
	}
	switch v := x.(type) {
	case []any:
		return v, nil
	case []string:
		return anyList(v), nil
	}
	return nil, &notAList{kind(x)}
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
func (h *hostRun) loop(t *playbook.Task, in inside, sc *scope, items []any) outcome {
	var done []outcome
	for i := range items {
		if err := h.pauseBefore(t, i, sc); err != nil {
			return h.evalFailed("loop_control: pause", err)
		}
		started := now()
		vars, err := itemVars(t, items, i, sc)
		if err != nil {
			return h.evalFailed("loop_control: extended", err)
		}
		own := sc.withAll(vars)
		o := h.once(t, in, own)
		o = h.labelled(t, own, o, vars)
		o.hidden, _ = h.hides(in.f, own)
		if o.Failed {
			ignore, err := truth(in.f.ignore, own, false)
			o.ignored = err == nil && ignore
		}
		done = append(done, o)
		h.reportItem(t, in, own, o, started)
		if o.Lost != nil || o.halted {
			break
		}
	}
	return combined(done)
}

// itemVars are the variables that an item of a loop gives its task.
func itemVars(t *playbook.Task, items []any, i int, sc *scope) (map[string]any, error) {
	name := firstText(t.LoopVar, "item")
	vars := map[string]any{name: items[i], "ansible_loop_var": name}
	if t.LoopIndex != "" {
		vars[t.LoopIndex], vars["ansible_index_var"] = i, t.LoopIndex
	}
	extended, err := truth(t.LoopExtended, sc, false)
	if err != nil || !extended {
		return vars, err
	}
	n := len(items)
	l := map[string]any{
		"index": i + 1, "index0": i, "first": i == 0, "last": i == n-1, "length": n,
		"revindex": n - i, "revindex0": n - i - 1,
	}
	all, err := truth(t.LoopAllItems, sc, true)
	if err != nil {
		return vars, err
	}
	if all {
		l["allitems"] = items
	}
	if i > 0 {
		l["previtem"] = items[i-1]
	}
	if i < n-1 {
		l["nextitem"] = items[i+1]
	}
	vars["ansible_loop"] = l
	return vars, nil
}

// labelled is an item's outcome with what tells it from the other items.
func (h *hostRun) labelled(t *playbook.Task, sc *scope, o outcome, vars map[string]any) outcome {
	for k, v := range vars {
		o.value(k, v)
	}
	o.item = label(vars[firstText(t.LoopVar, "item")])
	if t.LoopLabel == nil {
		return o
	}
	x, err := t.LoopLabel.Eval(sc)
	if err != nil {
		bad := h.misjudged(o, "loop_control: label", err)
		bad.item = o.item
		return bad
	}
	o.item = label(x)
	return o
}

// pauseBefore waits between two items for as long as loop_control says.
func (h *hostRun) pauseBefore(t *playbook.Task, i int, sc *scope) error {
	if i == 0 || t.LoopPause == nil {
		return nil
	}
	n, err := number(t.LoopPause, sc, 0)
	if err == nil {
		sleep(h.ctx, seconds(n))
	}
	return err
}

// sleep waits, or until ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// tries runs a task until its condition holds, at most `retries` times more;
// once where it has no `until`.
func (h *hostRun) tries(t *playbook.Task, in inside, sc *scope, delegate *subject) outcome {
	if t.Until == nil {
		return h.try(t, in, sc, delegate, 0)
	}
	most, err := retries(t, sc)
	if err != nil {
		return h.evalFailed("retries", err)
	}
	delay, err := number(t.Delay, sc, 5)
	if err != nil {
		return h.evalFailed("delay", err)
	}
	if delay < 0 {
		delay = 1
	}
	for n := 1; ; n++ {
		o := h.try(t, in, sc, delegate, n)
		if o.Lost != nil || o.halted || most == 1 {
			return o
		}
		o.value("attempts", n)
		ok, err := h.reached(t, sc, o)
		if err != nil {
			return h.misjudged(o, "until", err)
		}
		if ok {
			return o
		}
		if n == most {
			o.value("attempts", most-1)
			if o.Failed = true; o.Msg == "" {
				o.Msg = fmt.Sprintf("until did not hold in %d tries: %s", most, conditions(t.Until))
			}
			return o
		}
		h.retry(t, in, o, n, most-n)
		sleep(h.ctx, seconds(delay))
	}
}

// retries is how often a task with `until` is tried at most, as Ansible counts.
func retries(t *playbook.Task, sc *scope) (int, error) {
	if t.Retries == nil {
		return 3, nil
	}
	n, err := number(t.Retries, sc, 3)
	if n <= 0 {
		return 1, err
	}
	return int(n) + 1, err
}

// reached reports whether until holds, which sees the result under the name
// that register gives it.
func (h *hostRun) reached(t *playbook.Task, sc *scope, o outcome) (bool, error) {
	if t.Register != "" {
		sc = sc.with(t.Register, o.registered())
	}
	return holds(t.Until, sc)
}

// retry tells that a task is tried again.
func (h *hostRun) retry(t *playbook.Task, in inside, o outcome, n, left int) {
	e := TaskRetried{
		Time: now(), Play: h.index, Host: h.host.Name, Task: t.Order, Name: h.title(t, in), Role: roleName(in.f), Module: t.Spec.Name,
		Attempt: n, Left: left, Msg: bounded(o.Msg, maxText), Delegated: o.delegate,
	}
	if hide, err := h.hides(in.f, h.scope(in.f, in.in)); hide || err != nil {
		e.Msg = censored
	}
	h.events <- e
}
