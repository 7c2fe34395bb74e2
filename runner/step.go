package runner

import (
	"context"
	"fmt"

	"thordeploy/action"
	"thordeploy/playbook"
)

// stepped asks the person whether the task is to be done, where --step wants
// that: once for all hosts where they are in lockstep. It reports whether it
// is, and otherwise how the host goes on.
func (h *hostRun) stepped(t *playbook.Task, in inside) (bool, fate) {
	if h.Step == nil || t.Spec.Name == "meta" {
		return true, fine
	}
	ask := func(host string) (bool, fate) {
		h.asking.Lock()
		defer h.asking.Unlock()
		if h.run.stepped.Load() {
			return true, fine
		}
		answer, err := h.Step(h.ctx, h.title(t, in), host)
		if err != nil {
			return false, stopped
		}
		if answer == StepContinue {
			h.run.stepped.Store(true)
		}
		return answer != StepNo, fine
	}
	if h.turn == nil {
		return ask(h.host.Name)
	}
	turn := h.turn
	turn.step.Do(func() { turn.chosen, turn.then = ask("") })
	return turn.chosen, turn.then
}

// asker is how the task asks the person, one question of the run at a time; nil
// where nobody can be asked.
func (h *hostRun) asker(t *playbook.Task, in inside) func(context.Context, action.Question) (string, error) {
	if h.Question == nil {
		return nil
	}
	return func(ctx context.Context, q action.Question) (string, error) {
		h.asking.Lock()
		defer h.asking.Unlock()
		name := h.title(t, in)
		if role := roleName(in.f); role != "" && t.Name != nil {
			name = role + " : " + name
		}
		q.Text = fmt.Sprintf("[%s]\n%s:", name, q.Text)
		return h.Question(ctx, q)
	}
}
