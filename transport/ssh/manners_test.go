package ssh

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/ssh"

	"thordeploy/transport"
)

func addrs(texts ...string) []netip.Addr {
	var list []netip.Addr
	for _, t := range texts {
		list = append(list, netip.MustParseAddr(t))
	}
	return list
}

func TestFamiliesTakeTurns(t *testing.T) {
	t.Parallel()
	got := interleave(addrs("::1", "::2", "10.0.0.1", "::3", "10.0.0.2"))
	want := addrs("::1", "10.0.0.1", "::2", "10.0.0.2", "::3")
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("%v, want %v", got, want)
		}
	}
}

// race is told in virtual time: which address wins, and when.
func TestRace(t *testing.T) {
	t.Parallel()
	refused := errors.New("refused")
	for name, c := range map[string]struct {
		after  map[string]time.Duration // until an address answers; missing: never
		fails  map[string]bool
		winner string
		took   time.Duration
	}{
		"the first answers":                   {map[string]time.Duration{"::1": 100 * time.Millisecond, "10.0.0.1": 0}, nil, "::1", 100 * time.Millisecond},
		"a silent one costs 250 ms":           {map[string]time.Duration{"10.0.0.1": 10 * time.Millisecond}, nil, "10.0.0.1", 260 * time.Millisecond},
		"two silent ones":                     {map[string]time.Duration{"::2": 0}, nil, "::2", 500 * time.Millisecond},
		"a refusal costs nothing":             {map[string]time.Duration{"::1": 0, "10.0.0.1": 5 * time.Millisecond}, map[string]bool{"::1": true}, "10.0.0.1", 5 * time.Millisecond},
		"the slow first wins in the end":      {map[string]time.Duration{"::1": 400 * time.Millisecond, "10.0.0.1": time.Second}, nil, "::1", 400 * time.Millisecond},
		"all refuse":                          {map[string]time.Duration{"::1": 0, "10.0.0.1": 0, "::2": 0}, map[string]bool{"::1": true, "10.0.0.1": true, "::2": true}, "", 0},
		"silence and refusal until it's over": {map[string]time.Duration{"::2": 0}, map[string]bool{"::2": true}, "", 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				var open atomic.Int32
				begin := time.Now()
				conn, err := race(ctx, addrs("::1", "10.0.0.1", "::2"), func(ctx context.Context, a netip.Addr) (net.Conn, error) {
					after, answers := c.after[a.String()]
					if !answers {
						<-ctx.Done()
						return nil, ctx.Err()
					}
					select {
					case <-time.After(after):
					case <-ctx.Done():
						return nil, ctx.Err()
					}
					if c.fails[a.String()] {
						return nil, refused
					}
					open.Add(1)
					return &raced{addr: a.String(), open: &open}, nil
				})
				if took := time.Since(begin); took != c.took {
					t.Errorf("took %v, want %v", took, c.took)
				}
				if c.winner == "" {
					if err == nil {
						t.Error("a connection came of it")
					}
					if name == "all refuse" && (!errors.Is(err, refused) || !strings.Contains(err.Error(), "2 more addresses")) {
						t.Errorf("error %v", err)
					}
					return
				}
				if err != nil || conn.(*raced).addr != c.winner {
					t.Fatalf("%v, %v; want %s", conn, err, c.winner)
				}
				synctest.Wait()
				if n := open.Load(); n != 1 {
					t.Errorf("%d connections are left open, want the winner's alone", n)
				}
			})
		})
	}
}

type raced struct {
	net.Conn
	addr string
	open *atomic.Int32
}

func (r *raced) Close() error { r.open.Add(-1); return nil }

// A host that is starting refuses at first; one that refuses a key does so for
// good.
func TestRetries(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	cfg := s.serve(t)
	cfg.Retries, cfg.Backoff = 3, 10*time.Millisecond
	var busy atomic.Int32
	cfg.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		switch busy.Add(1) {
		case 1: // nobody listens yet
			return new(net.Dialer).DialContext(ctx, network, closedListener(t).Addr().String())
		case 2: // too many logins at once: accepted and hung up
			return hungUp{}, nil
		}
		return new(net.Dialer).DialContext(ctx, network, addr)
	}
	dial(t, cfg)
	if n := busy.Load(); n != 3 {
		t.Errorf("%d attempts, want 3", n)
	}

	dead := configFor(closedListener(t))
	dead.Retries, dead.Backoff = 2, time.Millisecond
	n := counting(&dead)
	if wantError(t, dead, transport.PhaseDial, "connection refused (tried 3 times)", "nothing listens"); n.Load() != 3 {
		t.Errorf("%d attempts, want 3", n.Load())
	}
	for name, change := range map[string]func(*Config){
		"a key that isn't taken": func(c *Config) { _, c.KeyFiles[0] = newKey(t) },
		"an unknown host key":    func(c *Config) { c.KnownHosts = nil },
		"silence": func(c *Config) {
			c.DialTimeout = limit
			c.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) { <-ctx.Done(); return nil, ctx.Err() }
		},
	} {
		cfg := newServer(t).serve(t)
		change(&cfg)
		cfg.Retries, cfg.Backoff = 3, time.Millisecond
		n := counting(&cfg)
		if _, err := Dial(t.Context(), cfg); err == nil || n.Load() != 1 {
			t.Errorf("%s: %d attempts, %v; want one", name, n.Load(), err)
		}
	}
}

// hungUp is a connection that the other side has closed.
type hungUp struct{ net.Conn }

func (hungUp) Read([]byte) (int, error)    { return 0, io.EOF }
func (hungUp) Write(p []byte) (int, error) { return len(p), nil }
func (hungUp) Close() error                { return nil }
func (hungUp) LocalAddr() net.Addr         { return named("here") }
func (hungUp) RemoteAddr() net.Addr        { return named("there") }

func TestBackoffIsSpreadAndBounded(t *testing.T) {
	t.Parallel()
	for attempt, most := range map[int]time.Duration{0: 750, 1: 1500, 2: 3000, 9: 15000, 70: 15000} {
		for range 100 {
			if d := backoff(500*time.Millisecond, attempt); d < most*time.Millisecond/3 || d > most*time.Millisecond {
				t.Errorf("before attempt %d: %v", attempt+2, d)
			}
		}
	}
}

func TestAllOfConnectingIsBounded(t *testing.T) {
	t.Parallel()
	cfg := newServer(t).serve(t)
	cfg.TotalTimeout = limit
	cfg.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		time.Sleep(limit / 2)
		c, _ := net.Pipe() // never says a word
		return c, nil
	}
	wantError(t, cfg, transport.PhaseTotal, "connecting was not done within 300ms; it had come to handshake", "--timeout")
	cfg.Retries, cfg.Backoff = 100, 100*time.Millisecond
	cfg.DialContext = func(context.Context, string, string) (net.Conn, error) {
		return hungUp{}, nil
	}
	wantError(t, cfg, transport.PhaseTotal, "had come to handshake (the host closed the connection", "--timeout")
}

// No more logins are under way to one sshd than it takes without refusing some.
func TestGate(t *testing.T) {
	t.Parallel()
	gate := &Gate{All: 3, Each: 2}
	var now, most atomic.Int32
	serve := func() Config {
		s := newServer(t)
		takes := s.config.PublicKeyCallback
		s.config.PublicKeyCallback = func(c ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			n := now.Add(1)
			defer now.Add(-1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			time.Sleep(20 * time.Millisecond)
			return takes(c, key)
		}
		cfg := s.serve(t)
		cfg.Gate = gate
		return cfg
	}
	many := func(cfgs ...Config) int32 {
		most.Store(0)
		var all sync.WaitGroup
		for range 6 {
			for _, cfg := range cfgs {
				all.Go(func() { dial(t, cfg) })
			}
		}
		all.Wait()
		return most.Load()
	}
	one, two, three := serve(), serve(), serve()
	if n := many(one); n > 2 {
		t.Errorf("%d logins at once to one sshd, want 2", n)
	}
	if n := many(one, two, three); n > 3 {
		t.Errorf("%d logins at once, want 3", n)
	}
	two.Lane, one.Lane = "proxy", "proxy"
	if n := many(one, two); n > 2 {
		t.Errorf("%d logins at once through one proxy, want 2", n)
	}
	if len(gate.lanes) != 0 {
		t.Errorf("%d lanes are kept", len(gate.lanes))
	}
	// Whoever waits can be stopped, and hosts that don't answer hold up nobody
	// but their own lane.
	hole := Config{Host: "192.0.2.1", User: "root", Gate: gate, DialTimeout: 2 * time.Second}
	hole.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) { <-ctx.Done(); return nil, ctx.Err() }
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	var holes sync.WaitGroup
	for range 5 {
		holes.Go(func() {
			_, err := Dial(ctx, hole)
			wantPhase(t, err, transport.PhaseDial, "deadline")
		})
	}
	dial(t, three)
	holes.Wait()
}

func TestBrake(t *testing.T) {
	t.Parallel()
	t.Run("a wrong password", func(t *testing.T) {
		t.Parallel()
		s, asked := passwordServer(t)
		cfg := s.serve(t)
		cfg.KeyFiles = nil
		var told atomic.Int32
		cfg.Brake = &Brake{Tell: func(text string) {
			told.Add(1)
			if !strings.Contains(text, "no more logins as root: the last 3 hosts in a row ("+cfg.addr()) || strings.Contains(text, "falsch!") {
				t.Error(text)
			}
		}}
		cfg.Password = says("falsch!")
		var all sync.WaitGroup
		for range 12 {
			all.Go(func() {
				_, err := Dial(t.Context(), cfg)
				wantPhase(t, err, transport.PhaseAuth, "")
			})
		}
		all.Wait()
		if n := asked.Load(); n != 3 {
			t.Errorf("12 hosts at once were given the wrong password %d times, want 3", n)
		}
		te := wantError(t, cfg, transport.PhaseAuth, "not tried: the last 3 hosts in a row", "--limit")
		wantNoSecret(t, te, "falsch!")
		if told.Load() != 1 {
			t.Errorf("told %d times", told.Load())
		}
		cfg.Password = says(secret) // another password has a count of its own
		dial(t, cfg)
	})
	t.Run("a right one between wrong ones", func(t *testing.T) {
		t.Parallel()
		s, asked := passwordServer(t)
		deny := false
		takes := s.config.PasswordCallback
		s.config.PasswordCallback = func(c ssh.ConnMetadata, p []byte) (*ssh.Permissions, error) {
			if deny {
				asked.Add(1)
				return nil, errors.New("not here")
			}
			return takes(c, p)
		}
		cfg := s.serve(t)
		cfg.KeyFiles, cfg.Password, cfg.Brake = nil, says(secret), &Brake{}
		for i := range 9 {
			deny = i%3 != 0
			Dial(t.Context(), cfg)
		}
		if n := asked.Load(); n != 9 {
			t.Errorf("given %d times, want 9: it was never refused three times in a row", n)
		}
	})
	t.Run("keys that nobody takes", func(t *testing.T) {
		t.Parallel()
		cfg := newServer(t).serve(t)
		right := cfg.KeyFiles
		_, wrong := newKey(t)
		cfg.KeyFiles, cfg.Brake = []string{wrong}, &Brake{Keys: 4}
		n := counting(&cfg)
		for range 9 {
			Dial(t.Context(), cfg)
		}
		if n.Load() != 4 {
			t.Errorf("%d hosts were tried, want 4", n.Load())
		}
		wantError(t, cfg, transport.PhaseAuth, "refused the keys offered for root", "credentials")
		cfg.KeyFiles = right
		dial(t, cfg)
	})
	t.Run("hosts that are lost don't count", func(t *testing.T) {
		t.Parallel()
		s, asked := passwordServer(t)
		s.config.PasswordCallback = func(ssh.ConnMetadata, []byte) (*ssh.Permissions, error) {
			asked.Add(1)
			time.Sleep(5 * limit)
			return nil, errors.New("late")
		}
		cfg := s.serve(t)
		cfg.KeyFiles, cfg.Password, cfg.AuthTimeout, cfg.Brake = nil, says(secret), limit/3, &Brake{}
		for range 5 {
			Dial(t.Context(), cfg)
		}
		if n := asked.Load(); n != 5 {
			t.Errorf("given %d times, want 5", n)
		}
	})
}
