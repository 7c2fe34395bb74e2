package runner

import (
	"context"
	"slices"
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
	opened bool          // the turn has begun
	queue  []*waiting    // those that haven't begun their task in it, the least index first
	done   chan struct{} // closed by the leader of a run_once task, when shared is there
	shared *shared
	fatal  bool // a failure in it ends the play for all of its hosts

	step   sync.Once // --step: the person is asked once for all hosts
	chosen bool      // what was said
	then   fate      // how hosts go on that don't do it
}

// waiting is a host that waits for those before it to begin.
type waiting struct {
	host  int
	ready chan struct{} // closed when those before it have begun
	told  bool          // ready is closed
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
	at, _ := t.find(host)
	t.queue = slices.Insert(t.queue, at, &waiting{host: host, ready: make(chan struct{})})
	t.beckon()
	b.quit(from)
	b.mu.Unlock()
	select {
	case <-t.open:
	case <-ctx.Done():
	}
	return t
}

// follow waits until the hosts before this one have begun the turn's task, so
// that with fewer forks than hosts these take them in their order. It returns
// early when ctx ends.
func (b *barrier) follow(ctx context.Context, t *turn, host int) {
	b.mu.Lock()
	at, found := t.find(host)
	var ready chan struct{}
	if found {
		ready = t.queue[at].ready
	}
	b.mu.Unlock()
	if !found {
		return
	}
	select {
	case <-ready:
	case <-ctx.Done():
	}
}

// begun says that a host has begun the turn's task or does without it: the one
// after it may begin. Saying it again does nothing.
func (b *barrier) begun(t *turn, host int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	at, found := t.find(host)
	if !found {
		return
	}
	t.queue = slices.Delete(t.queue, at, at+1)
	t.beckon()
}

// find is where a host is in the queue, or would be.
func (t *turn) find(host int) (at int, found bool) {
	return slices.BinarySearchFunc(t.queue, host, func(w *waiting, host int) int { return w.host - host })
}

// beckon lets the first of the queue begin where the turn has begun.
func (t *turn) beckon() {
	if t.opened && len(t.queue) > 0 && !t.queue[0].told {
		t.queue[0].told = true
		close(t.queue[0].ready)
	}
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
		b.low.opened = true
		b.low.beckon()
		close(b.low.open)
	}
}
