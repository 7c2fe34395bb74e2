package runner

import (
	"context"
	"sync"
)

// barrier holds the linear strategy: a host takes the turn at a position only
// when no other live host is before it.
type barrier struct {
	mu    sync.Mutex
	turns map[position]*turn // those that a live host is at
	low   *turn              // the first of them; nil: no host is left
	// over is called, with the barrier held, when the last host has left a
	// turn. It may be nil.
	over func(*turn)
}

// turn is one task in lockstep, shared by the hosts that take it.
type turn struct {
	at     position
	hosts  int           // live ones that are at it
	leader int           // the least index of those that came: with run_once it takes the turn for all
	open   chan struct{} // closed when the turn begins
	done   chan struct{} // closed by the leader of a run_once task, when shared is there
	shared *shared
	fatal  bool // a failure in it ends the play for all of its hosts

	step   sync.Once // --step: the person is asked once for all hosts
	chosen bool      // what was said
	then   fate      // how hosts go on that don't do it
}

// newBarrier is a barrier for hosts that are all before a play's first task.
func newBarrier(hosts int) *barrier {
	start := newTurn("", 0)
	start.hosts = hosts
	return &barrier{turns: map[position]*turn{"": start}, low: start}
}

func newTurn(at position, leader int) *turn {
	return &turn{at: at, leader: leader, open: make(chan struct{}), done: make(chan struct{})}
}

// arrive moves the host of that index from one position to another, and waits
// until no live host is before it. It returns early when ctx ends.
func (b *barrier) arrive(ctx context.Context, host int, from, to position) *turn {
	b.mu.Lock()
	t := b.turns[to]
	if t == nil {
		t = newTurn(to, host)
		b.turns[to] = t
	}
	t.hosts++
	t.leader = min(t.leader, host)
	b.quit(from)
	b.mu.Unlock()
	select {
	case <-t.open:
	case <-ctx.Done():
	}
	return t
}

// leave takes a host that is at a position out for good.
func (b *barrier) leave(from position) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.quit(from)
}

// quit counts a host out of a turn and opens the next one where it was the
// last of the first.
func (b *barrier) quit(from position) {
	t := b.turns[from]
	if t.hosts--; t.hosts > 0 {
		return
	}
	delete(b.turns, from)
	if t != b.low {
		return
	}
	if b.over != nil {
		b.over(t)
	}
	b.low = nil
	for _, t := range b.turns {
		if b.low == nil || t.at < b.low.at {
			b.low = t
		}
	}
	if b.low != nil {
		close(b.low.open)
	}
}
