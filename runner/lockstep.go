package runner

import (
	"context"

	"thordeploy/playbook"
)

// shared is what a run_once task came to, for the hosts that didn't run it.
type shared struct {
	outcome outcome
	end     fate
}

// bypass are modules of which Ansible's linear strategy runs one for all hosts.
var bypass = map[string]bool{"add_host": true, "pause": true}

// inTurn runs do: where the play is linear when it is the host's turn, and for
// run_once on the first of the hosts, whose result is the others' too.
func (h *hostRun) inTurn(t *playbook.Task, in inside, do func() fate) fate {
	if h.line == nil || h.cleaning {
		h.turn = nil
		return do()
	}
	turn := h.line.arrive(h.ctx, h.idx, h.pos, in.at)
	h.pos, h.turn = in.at, turn
	defer h.line.begun(turn, h.idx)
	leads := turn.leader == h.idx
	if leads {
		defer close(turn.done)
	}
	if end := h.interrupted(); end != fine {
		return end
	}
	once, err := truth(in.f.once, h.scope(in.f, in.in), false)
	once = err == nil && once || bypass[t.Spec.Name] || metaForAll(t)
	if once && !leads {
		h.line.begun(turn, h.idx)
		select {
		case <-turn.done:
		case <-h.ctx.Done():
			return stopped
		}
		if turn.shared != nil {
			return h.take(t, turn.shared)
		}
	}
	h.line.follow(h.ctx, turn, h.idx)
	if err := h.forks.Acquire(h.ctx, 1); err != nil {
		return stopped
	}
	defer h.forks.Release(1)
	h.line.begun(turn, h.idx)
	end := do()
	if once && leads && turn.shared == nil {
		turn.shared = &shared{end: end}
	}
	return end
}

// take makes what a run_once task came to on another host this host's own.
func (h *hostRun) take(t *playbook.Task, s *shared) fate {
	h.keep(t.Register, s.outcome)
	if !s.outcome.Failed {
		h.mem.absorb(s.outcome)
	}
	if s.end == ended {
		return fine // who is to end with it has been told
	}
	if s.end == lost {
		return failing
	}
	return s.end
}

// share hands what a task came to on this host to those that don't run it.
func (h *hostRun) share(o outcome, end fate) {
	if h.turn != nil && h.turn.leader == h.idx {
		h.turn.shared = &shared{outcome: o, end: end}
	}
}

// fatal notes that the host's failure in a task ends the play for all of its
// hosts, where any_errors_fatal or run_once say so.
func (h *hostRun) fatal(in inside) {
	sc := h.scope(in.f, in.in)
	all, err := truth(in.f.fatal, sc, false)
	if once, onceErr := truth(in.f.once, sc, false); onceErr == nil && once && h.turn != nil {
		all = true
	}
	if err != nil || !all {
		return
	}
	h.dooms++ // its own failure is its share
	if h.turn == nil {
		h.doom("a task that any_errors_fatal is set for failed: the run ends for all hosts")
		return
	}
	h.line.mu.Lock()
	h.turn.fatal = true
	h.line.mu.Unlock()
}

// throttled waits until fewer hosts than `throttle` allows are in the task, and
// gives what is to be called when this one has left it.
func (h *hostRun) throttled(t *playbook.Task, f *frame, sc *scope) (leave func(), err error) {
	n, err := number(f.throttle, sc, 0)
	if err != nil || n < 1 {
		return func() {}, err
	}
	h.mu.Lock()
	room := h.throttle[t]
	if room == nil {
		room = make(chan struct{}, int(n))
		h.throttle[t] = room
	}
	h.mu.Unlock()
	select {
	case room <- struct{}{}:
		return func() { <-room }, nil
	case <-h.ctx.Done():
		return func() {}, context.Cause(h.ctx)
	}
}
