package ssh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"

	"thordeploy/transport"
)

// Conn is an authenticated connection. Create it with [Dial].
type Conn struct {
	cfg Config
	tap *tap
	ssh ssh.Conn

	rtt   atomic.Int64 // shortest round trip, in nanoseconds
	freed atomic.Int64 // when a session's channel last ended, in Unix nanoseconds
	once  sync.Once
	cause error         // why the connection ended; set before done is closed
	done  chan struct{} // closed when it has
	tasks sync.WaitGroup
}

var (
	_ transport.Conn     = (*Conn)(nil)
	_ transport.Terminal = (*Conn)(nil)
)

func newConn(cfg Config, t *tap, conn ssh.Conn, chans <-chan ssh.NewChannel, reqs <-chan *ssh.Request) *Conn {
	c := &Conn{cfg: cfg, tap: t, ssh: conn, done: make(chan struct{})}
	c.tasks.Go(func() { ssh.DiscardRequests(reqs) }) // answers the host's own keepalives
	c.tasks.Go(func() {
		for ch := range chans {
			_ = ch.Reject(ssh.Prohibited, "no channels to this side")
		}
	})
	c.tasks.Go(func() {
		err := conn.Wait()
		c.end(fmt.Errorf("the connection broke: %w", rootCause(err)))
	})
	if cfg.Keepalive > 0 {
		c.tasks.Go(c.keepAlive)
	}
	return c
}

// User is the account that connected. transport.WithBecome asks for it.
func (c *Conn) User() string { return c.cfg.User }

// Start opens a session channel and sends the command after it. It doesn't wait
// for the host's word on the command: one it refuses ends without an exit
// status.
func (c *Conn) Start(ctx context.Context, line string) (transport.Process, error) {
	return c.start(ctx, line, nil)
}

// rawTerminal is a pty-req (RFC 4254, 6.2) whose modes (section 8) switch off
// all that a terminal does to bytes, and the echo.
var rawTerminal = ssh.Marshal(struct {
	Term                         string
	Columns, Rows, Width, Height uint32
	Modes                        string
}{Term: "dumb", Columns: 80, Rows: 24, Modes: rawModes()})

func rawModes() string {
	var b []byte
	// IGNCR, ICRNL, IXON, ISIG, ICANON, ECHO, ECHOE, ECHOK, ECHONL, OPOST, ONLCR
	for _, mode := range []byte{35, 36, 38, 50, 51, 53, 54, 55, 56, 70, 72} {
		b = append(b, mode, 0, 0, 0, 0)
	}
	return string(append(b, 0))
}

// StartTerminal keeps [transport.Terminal].
func (c *Conn) StartTerminal(ctx context.Context, line string) (transport.Process, error) {
	return c.start(ctx, line, rawTerminal)
}

func (c *Conn) start(ctx context.Context, line string, terminal []byte) (transport.Process, error) {
	if err := transport.CheckLine(line); err != nil {
		return nil, c.cfg.fail(transport.PhaseChannel, err, "")
	}
	p, err := within(ctx, c, func() (*process, error) {
		ch, reqs, err := c.session()
		if err != nil {
			return nil, err
		}
		if terminal != nil {
			if ok, err := ch.SendRequest("pty-req", true, terminal); err != nil || !ok {
				go ssh.DiscardRequests(reqs)
				ch.Close()
				return nil, c.noTerminal(err)
			}
		}
		if _, err := ch.SendRequest("exec", false, ssh.Marshal(struct{ Line string }{line})); err != nil {
			go ssh.DiscardRequests(reqs)
			ch.Close()
			return nil, c.unusable(fmt.Errorf("sending the command: %w", err))
		}
		return newProcess(ctx, c, ch, reqs), nil
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}

// noTerminal is the error for a host that gives none.
func (c *Conn) noTerminal(err error) error {
	if err != nil {
		return c.unusable(fmt.Errorf("asking for a terminal: %w", err))
	}
	return c.cfg.fail(transport.PhaseChannel, errors.New("the host gives this account no terminal, and its sudo or doas wants one"),
		"allow it: PermitTTY in the host's sshd_config, no `no-pty` at the key in authorized_keys; or no requiretty in its sudoers")
}

// session opens a session channel. sshd counts a session for a moment longer
// than its channel lives, so a refusal right after the end of another is not
// yet the answer.
func (c *Conn) session() (ssh.Channel, <-chan *ssh.Request, error) {
	for wait := 5 * time.Millisecond; ; wait *= 2 {
		begin := time.Now()
		ch, reqs, err := c.ssh.OpenChannel("session", nil)
		var refused *ssh.OpenChannelError
		switch {
		case err == nil:
			c.timed(time.Since(begin))
			return ch, reqs, nil
		case !errors.As(err, &refused):
			return nil, nil, c.unusable(fmt.Errorf("opening a session: %w", err))
		case wait > time.Second || time.Since(time.Unix(0, c.freed.Load())) > time.Second:
			return nil, nil, c.cfg.fail(transport.PhaseChannel,
				fmt.Errorf("%w: %s (%s)", transport.ErrNoSession, said([]string{refused.Message})[0], refused.Reason),
				"sshd bounds the sessions of a connection: raise MaxSessions in its sshd_config (10 by default, at least 4 are wanted)")
		}
		time.Sleep(wait)
	}
}

// unusable ends a connection on which a channel can't be had, unless it has
// broken by itself, which is then the cause.
func (c *Conn) unusable(cause error) error {
	if !c.tap.broken.Load() {
		c.end(cause)
	}
	return c.ended()
}

// within runs f, which talks to the host, and returns early when ctx or the
// connection ends. What f still opens afterwards is closed.
func within[T io.Closer](ctx context.Context, c *Conn, f func() (T, error)) (T, error) {
	var none T
	if err := c.usable(ctx); err != nil {
		return none, err
	}
	type result struct {
		opened T
		err    error
	}
	results := make(chan result, 1)
	go func() {
		o, err := f()
		results <- result{o, err}
	}()
	var err error
	select {
	case r := <-results:
		return r.opened, r.err
	case <-ctx.Done():
		err = c.cfg.fail(transport.PhaseChannel, context.Cause(ctx), "")
	case <-c.done:
		// What the host answered before it went still counts.
		select {
		case r := <-results:
			if r.err == nil {
				return r.opened, nil
			}
		case <-time.After(100 * time.Millisecond):
		}
		err = c.ended()
	}
	go func() {
		if r := <-results; r.err == nil {
			r.opened.Close()
		}
	}()
	return none, err
}

func (c *Conn) usable(ctx context.Context) error {
	select {
	case <-c.done:
		return c.ended()
	case <-ctx.Done():
		return c.cfg.fail(transport.PhaseChannel, context.Cause(ctx), "")
	default:
		return nil
	}
}

// ended is the error for a connection that is gone. It waits for the cause,
// which is on its way when something on the connection has failed.
func (c *Conn) ended() error {
	<-c.done
	phase := transport.PhaseLost
	if errors.Is(c.cause, errSilent) {
		phase = transport.PhaseIdle
	}
	return c.cfg.fail(phase, c.cause, "")
}

// end ends the connection, once, for a cause.
func (c *Conn) end(cause error) {
	c.once.Do(func() {
		c.cause = cause
		close(c.done)
		c.tap.Conn.Close()
	})
}

// Close ends the connection and waits for what this side ran for it.
func (c *Conn) Close() error {
	c.end(transport.ErrClosed)
	c.tasks.Wait()
	return nil
}

// errSilent ends a connection whose host answers nothing any more.
var errSilent = errors.New("no sign of life")

// keepAlive asks a silent host whether it lives. Whatever the host sends counts
// as life.
func (c *Conn) keepAlive() {
	tick := time.NewTicker(c.cfg.Keepalive)
	defer tick.Stop()
	asking := make(chan struct{}, 1) // holds a token while a question is out
	var seen int64
	silent := 0
	for {
		select {
		case <-c.done:
			return
		case <-tick.C:
		}
		if now := c.tap.received.Load(); now != seen {
			seen, silent = now, 0
			continue
		}
		if silent++; silent > c.cfg.KeepaliveCount {
			c.end(fmt.Errorf("%w for %v", errSilent, time.Duration(silent)*c.cfg.Keepalive))
			return
		}
		select {
		case asking <- struct{}{}:
			c.tasks.Go(func() {
				_, _, _ = c.ssh.SendRequest("keepalive@openssh.com", true, nil)
				<-asking
			})
		default:
		}
	}
}
