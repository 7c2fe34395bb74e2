package ssh

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"thordeploy/transport"
)

// Brake stops new logins after several refusals in a row that look alike: the
// same account with the same password or keys. A wrong password must not lock
// an account that all hosts share. One serves all hosts of a run; the zero value
// is usable.
type Brake struct {
	Passwords int // refusals of a password after which it is given no more; zero: 3
	Keys      int // refusals of keys alone; zero: 10
	// Tell is called once for each account that is stopped; may be nil.
	Tell func(text string)

	mu    sync.Mutex
	known map[credential]*record
}

const (
	defaultPasswordRefusals = 3
	defaultKeyRefusals      = 10
)

// credential is what looks alike. A password is told from others by its value,
// which stays in memory.
type credential struct{ user, password, keys string }

// record is what became of a credential.
type record struct {
	refusals int // in a row
	hosts    []string
	underWay int  // passwords given, their outcome unknown
	proven   bool // a host has taken it
	told     bool
	changed  chan struct{} // closed when an outcome is known
}

// credentialOf is what cfg logs in with.
func credentialOf(cfg Config) credential {
	return credential{user: cfg.User, keys: strings.Join(cfg.KeyFiles, "\x00")}
}

func (b *Brake) record(c credential) *record {
	if b.known == nil {
		b.known = map[credential]*record{}
	}
	if b.known[c] == nil {
		b.known[c] = &record{changed: make(chan struct{})}
	}
	return b.known[c]
}

func (b *Brake) limit(c credential) int {
	limit, def := b.Keys, defaultKeyRefusals
	if c.password != "" {
		limit, def = b.Passwords, defaultPasswordRefusals
	}
	if limit == 0 {
		return def
	}
	return limit
}

// errBraked is inside the error of a login that was not tried.
var errBraked = errors.New("not tried")

// check refuses a login by keys that would be refused again.
func (b *Brake) check(cfg Config) *transport.Error {
	if b == nil || cfg.Password != nil {
		return nil // a password has its own check, when it is asked for
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	c := credentialOf(cfg)
	if r := b.record(c); r.refusals >= b.limit(c) {
		return b.stopped(cfg, c, r)
	}
	return nil
}

// note takes the outcome of a login by keys. Only a host's refusal counts.
func (b *Brake) note(cfg Config, failed *transport.Error) {
	if b == nil || cfg.Password != nil {
		return
	}
	switch {
	case failed == nil:
		b.outcome(credentialOf(cfg), cfg, false, true)
	case errors.Is(failed, errRefused):
		b.outcome(credentialOf(cfg), cfg, false, false)
	}
}

// giving waits until a password may be given to one more host: until one has
// taken it, no more hosts have it at once than may refuse it.
func (b *Brake) giving(ctx context.Context, cfg Config, c credential) error {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for {
		r := b.record(c)
		switch limit := b.limit(c); {
		case r.refusals >= limit:
			return b.stopped(cfg, c, r)
		case r.proven || r.refusals+r.underWay < limit:
			r.underWay++
			return nil
		}
		changed := r.changed
		b.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
		}
		b.mu.Lock()
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
}

// given takes the outcome of a password that was given: taken, refused, or
// neither, where the host was lost.
func (b *Brake) given(cfg Config, c credential, taken, refused bool) {
	if b == nil {
		return
	}
	if taken || refused {
		b.outcome(c, cfg, true, taken)
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.record(c).settle(true)
}

func (b *Brake) outcome(c credential, cfg Config, underWay, taken bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := b.record(c)
	r.settle(underWay)
	if taken {
		r.refusals, r.hosts, r.proven = 0, nil, true
		return
	}
	r.refusals++
	r.hosts = append(r.hosts, cfg.addr())
}

func (r *record) settle(underWay bool) {
	if underWay {
		r.underWay--
	}
	close(r.changed)
	r.changed = make(chan struct{})
}

// stopped is the error for a host that is not tried.
func (b *Brake) stopped(cfg Config, c credential, r *record) *transport.Error {
	what := "the keys offered"
	if c.password != "" {
		what = "the password"
	}
	text := fmt.Sprintf("the last %d hosts in a row (%s) refused %s for %s, and more logins could lock the account or have this machine shut out",
		r.refusals, strings.Join(r.hosts[max(0, len(r.hosts)-3):], ", "), what, cfg.User)
	if !r.told && b.Tell != nil {
		b.Tell("no more logins as " + cfg.User + ": " + text)
	}
	r.told = true
	return cfg.fail(transport.PhaseAuth, fmt.Errorf("%w: %s", errBraked, text),
		"mend the credentials, then run again for the hosts that were left out with --limit; --max-auth-failures changes the number")
}
