package ssh

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"thordeploy/transport"
)

// jumpPause is how long a jump host that could not be reached is left alone, so
// that a thousand hosts behind it don't each wait for it.
const jumpPause = 10 * time.Second

// Jumps are the connections to jump hosts, one to each, which all hosts behind
// them share. One that was lost is made again for the next host. The zero value
// is usable. Close it at the end of the run.
type Jumps struct {
	mu     sync.Mutex
	closed bool
	hosts  map[string]*jump
}

// jump is the way through one jump host.
type jump struct {
	mu      sync.Mutex
	conn    *Conn
	dialing chan struct{} // closed when the attempt under way is over
	err     error         // of the last attempt
	failed  time.Time
}

// Way is the way to hosts through a jump host. Create it with [Jumps.Through].
type Way struct {
	jumps *Jumps
	key   string
	cfg   Config
}

// Through gives the way through the jump host that cfg reaches. Equal keys share
// a connection: key must hold all that tells this jump host, as this account and
// by this way, from others.
func (j *Jumps) Through(key string, cfg Config) *Way { return &Way{j, key, cfg} }

// Hops are the jump hosts of the way, "host:port", the nearest to this machine
// first.
func (w *Way) Hops() []string {
	if w == nil {
		return nil
	}
	cfg := w.cfg.withDefaults()
	return append(w.cfg.Way.Hops(), cfg.addr())
}

// conn gives the connection to the jump host. It takes its own time, which is
// not held against the host behind it.
func (w *Way) conn(ctx context.Context) (*Conn, error) {
	h, err := w.jumps.host(w.key)
	if err != nil {
		return nil, err
	}
	return h.get(ctx, w.cfg)
}

func (w *Way) dial(ctx context.Context, addr string) (net.Conn, error) {
	conn, err := w.conn(ctx)
	if err != nil {
		return nil, err
	}
	return conn.forward(ctx, addr)
}

func (j *Jumps) host(key string) (*jump, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return nil, transport.ErrClosed
	}
	if j.hosts == nil {
		j.hosts = map[string]*jump{}
	}
	if j.hosts[key] == nil {
		j.hosts[key] = &jump{}
	}
	return j.hosts[key], nil
}

// get gives the connection, made by the first who asks while the others wait.
func (h *jump) get(ctx context.Context, cfg Config) (*Conn, error) {
	for {
		h.mu.Lock()
		switch {
		case h.conn != nil && h.conn.usable(ctx) == nil:
			defer h.mu.Unlock()
			return h.conn, nil
		case h.err != nil && (!retriable(h.err) || time.Since(h.failed) < jumpPause):
			defer h.mu.Unlock()
			return nil, h.err
		case h.dialing == nil:
			h.dialing = make(chan struct{})
			// The connection is everybody's: it doesn't end with who asked first.
			go h.dial(context.WithoutCancel(ctx), cfg)
		}
		dialing := h.dialing
		h.mu.Unlock()
		select {
		case <-dialing:
		case <-ctx.Done():
			return nil, cfg.withDefaults().fail(transport.PhaseDial, fmt.Errorf("waiting for the jump host: %w", context.Cause(ctx)), "")
		}
	}
}

func (h *jump) dial(ctx context.Context, cfg Config) {
	conn, err := Dial(ctx, cfg)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.conn, h.err, h.failed = conn, nil, time.Now()
	if err != nil {
		h.conn, h.err = nil, jumpError(err)
	}
	close(h.dialing)
	h.dialing = nil
}

// jumpError says that it is the jump host that can't be reached.
func jumpError(err error) error {
	var te *transport.Error
	if !errors.As(err, &te) {
		return err
	}
	var behind *jumpHostError
	if errors.As(err, &behind) {
		return err // of a jump host before it
	}
	e := *te
	e.Err = &jumpHostError{te.Err}
	return &e
}

type jumpHostError struct{ err error }

func (e *jumpHostError) Error() string { return "jump host: " + e.err.Error() }
func (e *jumpHostError) Unwrap() error { return e.err }

// retriable reports whether a jump host may be reached later. Its key and its
// refusal of an account stay as they are: asking again would lock the account.
func retriable(err error) bool {
	var te *transport.Error
	return !errors.As(err, &te) || te.Phase != transport.PhaseAuth && te.Phase != transport.PhaseHostKey
}

// Close ends the connections to all jump hosts.
func (j *Jumps) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.closed = true
	for _, h := range j.hosts {
		h.mu.Lock()
		conn := h.conn
		h.mu.Unlock()
		if conn != nil {
			conn.Close()
		}
	}
	return nil
}
