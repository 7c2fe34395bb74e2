package ssh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"syscall"
	"time"

	"thordeploy/transport"
)

// Dial reaches the host and authenticates. Its error is a *transport.Error
// that names the phase that failed; ctx bounds all of them. It is tried again,
// as often as cfg says, only where nothing has happened yet and trying may help.
func Dial(ctx context.Context, cfg Config) (*Conn, error) {
	cfg = cfg.withDefaults()
	if cfg.Way != nil {
		if _, err := cfg.Way.conn(ctx); err != nil {
			return nil, err
		}
	}
	b := newBudget(cfg.TotalTimeout)
	for attempt := 0; ; attempt++ {
		conn, err := dialOnce(ctx, cfg, b)
		if err == nil {
			return conn, nil
		}
		if attempt >= cfg.Retries || !again(err) || ctx.Err() != nil {
			return nil, tried(err, attempt+1)
		}
		if !sleep(ctx, backoff(cfg.Backoff, attempt)) {
			return nil, tried(err, attempt+1)
		}
		if b.over() {
			return nil, b.exceeded(cfg, err.Phase, err.Err)
		}
	}
}

// again reports whether the same attempt may go better in a moment: the host
// refused the connection or broke it off in the handshake (it starts, or has too
// many logins at once), or the name server faltered. Whoever answers with a key,
// a refusal or silence will do so again.
func again(err *transport.Error) bool {
	var dns *net.DNSError
	switch err.Phase {
	case transport.PhaseResolve:
		return errors.As(err, &dns) && !dns.IsNotFound && dns.IsTemporary
	case transport.PhaseDial:
		return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ECONNRESET)
	case transport.PhaseHandshake:
		return errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
	}
	return false
}

// backoff doubles with each attempt, up to 10 s, and is spread so that hosts
// refused together don't come back together.
func backoff(base time.Duration, attempt int) time.Duration {
	d := min(base<<min(attempt, 10), 10*time.Second)
	return d/2 + rand.N(d+1) //nolint:gosec // it spreads load and hides nothing
}

// sleep waits and reports whether it could.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// tried adds how often a host was tried.
func tried(err *transport.Error, times int) error {
	if times == 1 {
		return err
	}
	e := *err
	e.Err = fmt.Errorf("%w (tried %d times)", err.Err, times)
	return &e
}
