package runner

import (
	"context"
	"math"
	"sync"
)

// barrier holds the linear strategy: a host starts the task of order k only
// when every other live host has come to k or beyond, or has left.
type barrier struct {
	mu    sync.Mutex
	at    []int // hosts by the order they have come to; index 0: none yet
	low   int   // lowest index that a live host is at
	live  int
	moved chan struct{} // closed and replaced when low rises
}

// newBarrier is a barrier for hosts that are all before a play's first task.
// Orders run from -1 (facts) to below orders.
func newBarrier(hosts, orders int) *barrier {
	b := &barrier{at: make([]int, orders+2), live: hosts, moved: make(chan struct{})}
	b.at[0] = hosts
	return b
}

// arrive moves a host from the order it was at (from) to order, and waits
// until no live host is behind. It returns early when ctx ends.
func (b *barrier) arrive(ctx context.Context, from, order int) {
	b.mu.Lock()
	b.at[index(from)]--
	b.at[index(order)]++
	b.raise()
	for b.low < index(order) {
		moved := b.moved
		b.mu.Unlock()
		select {
		case <-moved:
		case <-ctx.Done():
			return
		}
		b.mu.Lock()
	}
	b.mu.Unlock()
}

// leave takes a host that is at order from out for good.
func (b *barrier) leave(from int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.at[index(from)]--
	b.live--
	b.raise()
}

// raise moves low up to the lowest order that a live host is at.
func (b *barrier) raise() {
	before := b.low
	if b.live == 0 {
		b.low = math.MaxInt
	}
	for b.low < len(b.at) && b.at[b.low] == 0 {
		b.low++
	}
	if b.low != before {
		close(b.moved)
		b.moved = make(chan struct{})
	}
}

// index is an order's place in at: -2 (not begun) is 0, facts (-1) are 0 too,
// since they are gathered before any task.
func index(order int) int { return max(order+1, 0) }
