package transport

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"
)

// becomeTime bounds how long sudo may take to ask, or to let the command
// start: PAM modules and name look-ups are slow, a prompt in words that aren't
// known would wait for ever.
const becomeTime = 30 * time.Second

// Terminal is what a Conn may offer besides: a command with a terminal of its
// own, in raw mode and without echo, on which its three streams are one.
// [WithBecome] needs it where the host's sudo wants one (`requiretty`), and for
// the password of doas.
type Terminal interface {
	// StartTerminal is Conn.Start with a terminal. The process's Stderr is empty.
	StartTerminal(ctx context.Context, line string) (Process, error)
}

// WithBecome is conn with every command run as b. Where b is zero, or conn has
// a method User() string that names the account to become, it is conn itself.
//
// Start returns when sudo has let the command start or has refused: its error
// then holds [ErrBecome]. Files is refused: the host's file
// service runs as the account that connected.
func WithBecome(conn Conn, b Become) Conn {
	if u, ok := conn.(interface{ User() string }); ok {
		b = b.From(u.User())
	}
	if b.IsZero() {
		return conn
	}
	c := &becomeConn{conn: conn, become: b, timeout: becomeTime}
	c.terminal.Store(b.asksAtTerminal())
	return c
}

type becomeConn struct {
	conn     Conn
	become   Become
	timeout  time.Duration
	terminal atomic.Bool // commands need one; known of doas, found out of sudo
}

func (c *becomeConn) Start(ctx context.Context, line string) (Process, error) {
	if err := c.become.Check(); err != nil {
		return nil, c.refused(err, "")
	}
	if err := CheckLine(line); err != nil {
		return nil, &Error{Phase: PhaseChannel, Err: err}
	}
	if c.terminal.Load() {
		return c.atTerminal(ctx, line)
	}
	p, err := c.plainly(ctx, line)
	if _, can := c.conn.(Terminal); can && errors.Is(err, errNoTerminal) {
		c.terminal.Store(true)
		return c.atTerminal(ctx, line)
	}
	return p, err
}

// plainly runs line without a terminal.
func (c *becomeConn) plainly(ctx context.Context, line string) (Process, error) {
	t := c.newTalk()
	p, err := c.conn.Start(ctx, c.become.Wrap(line, t.prompt, t.ready))
	if err != nil {
		return nil, err
	}
	return c.converse(ctx, t, p, nil)
}

func (c *becomeConn) newTalk() *talk {
	nonce := rand.Text()
	return &talk{
		become: c.become,
		prompt: "[thordeploy " + nonce + "] password: ",
		ready:  "[thordeploy " + nonce + "] ready\n",
	}
}

// Files is refused, since what it wrote would belong to another account.
func (c *becomeConn) Files(context.Context) (Files, error) {
	return nil, &Error{
		Phase: PhaseChannel,
		Err:   fmt.Errorf("the host's file service runs as the account that connected, not as %s", c.become.User),
		Hint:  "install tar on the host, or connect as " + c.become.User,
	}
}

func (c *becomeConn) Close() error { return c.conn.Close() }

// errNoTerminal is inside the error of a sudo that wants a terminal.
var errNoTerminal = errors.New("it wants a terminal")

// refused is the error for a command that could not become. The host is
// reached and alive; only a person can mend the cause.
func (c *becomeConn) refused(why error, said string) *Error {
	method := c.become.method()
	rules := map[string]string{"sudo": "the host's sudoers", "doas": "the host's doas.conf", "su": "the host's rules for su (pam_wheel)"}[method]
	hint := "check the become user and password, and " + rules
	if c.become.Password == "" {
		hint = "give the password that " + method + " asks for (-K, ansible_become_password), or check the become user and " + rules
	}
	if said != "" {
		hint += "; " + method + " said: " + said
	}
	return &Error{
		Phase: PhaseAuth,
		Err:   fmt.Errorf("%w %s: %w", ErrBecome, c.become.User, why),
		Hint:  hint,
	}
}

// converse answers the method's prompt once and returns when the command runs.
// control is the process at the terminal, where there is one; p has the streams.
func (c *becomeConn) converse(ctx context.Context, t *talk, p, control Process) (Process, error) {
	done := make(chan error, 1)
	go func() { done <- t.until(p, control) }()

	timer := time.NewTimer(c.timeout)
	defer timer.Stop()
	var err error
	select {
	case err = <-done:
		switch {
		case err == nil:
			return t.process(p, control), nil
		case errors.Is(err, io.EOF):
			err = c.ended(p, control, t)
		default:
			err = c.refused(err, t.said())
		}
	case <-ctx.Done():
		err = &Error{Phase: PhaseLost, Err: ctx.Err()}
	case <-timer.C:
		err = c.refused(fmt.Errorf("%s neither asked for the password in known words nor started the command within %v", c.become.method(), c.timeout), "")
	}
	p.Close()
	if control != nil {
		control.Close()
	}
	return nil, err
}

// ended is the error for a method that went away before the command ran.
func (c *becomeConn) ended(p, control Process, t *talk) error {
	if control != nil {
		p = control // its exit status is the method's
	}
	exit, err := p.Wait()
	if err != nil {
		return err
	}
	said := t.said()
	why := fmt.Errorf("%s ended with exit status %d", c.become.method(), exit.Code)
	if exit.Code == 127 {
		why = fmt.Errorf("the host has no %s (exit status 127)", c.become.method())
	}
	if lower := strings.ToLower(said); control == nil && (strings.Contains(lower, "tty") || strings.Contains(lower, "terminal")) {
		why = fmt.Errorf("%w: %w", why, errNoTerminal)
	}
	return c.refused(why, said)
}
