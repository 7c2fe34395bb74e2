package ssh

import (
	"context"
	"fmt"
	"sync"
	"time"

	"thordeploy/transport"
)

// budget is the time that all of connecting to a host may take, retries
// included and the time of a person who types not.
type budget struct {
	total time.Duration

	mu       sync.Mutex
	deadline time.Time
}

func newBudget(total time.Duration) *budget {
	return &budget{total: total, deadline: time.Now().Add(total)}
}

// extend gives back what a person took.
func (b *budget) extend(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.deadline = b.deadline.Add(d)
}

// left is the time of a phase: limit, or less where the whole is nearly over.
func (b *budget) left(limit time.Duration) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return max(0, min(limit, time.Until(b.deadline)))
}

func (b *budget) over() bool { return b.left(time.Second) == 0 }

func (b *budget) context(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, b.left(limit))
}

// exceeded is the error for a host that used its time up. at is how far it got.
func (b *budget) exceeded(cfg Config, at transport.Phase, last error) *transport.Error {
	err := fmt.Errorf("connecting was not done within %v; it had come to %s", b.total, at)
	if last != nil {
		err = fmt.Errorf("%w (%v)", err, last)
	}
	return cfg.fail(transport.PhaseTotal, err, "the host or the network is slow: raise --timeout, which each step of connecting may take")
}
