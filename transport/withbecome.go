package transport

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// becomeTime bounds how long sudo may take to ask, or to let the command
// start: PAM modules and name look-ups are slow, a prompt in words that aren't
// ours would wait for ever.
const becomeTime = 30 * time.Second

// maxPreamble bounds what is kept of standard error ahead of the command (the
// login shell's own words, sudo's lecture).
const maxPreamble = 16 << 10

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
	return &becomeConn{conn: conn, become: b, timeout: becomeTime}
}

type becomeConn struct {
	conn    Conn
	become  Become
	timeout time.Duration
}

func (c *becomeConn) Start(ctx context.Context, line string) (Process, error) {
	if err := c.become.Check(); err != nil {
		return nil, c.refused(err, "")
	}
	if err := CheckLine(line); err != nil {
		return nil, &Error{Phase: PhaseChannel, Err: err}
	}
	nonce := rand.Text()
	prompt := "[thordeploy " + nonce + "] password: "
	ready := "[thordeploy " + nonce + "] ready\n"
	p, err := c.conn.Start(ctx, c.become.Wrap(line, prompt, ready))
	if err != nil {
		return nil, err
	}
	return c.converse(ctx, p, prompt, ready)
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

// Unwrap is the connection as the account that connected.
func (c *becomeConn) Unwrap() Conn { return c.conn }

// refused is the error for a command that could not become. The host is
// reached and alive; only a person can mend the cause.
func (c *becomeConn) refused(why error, said string) *Error {
	hint := "check the become user and password, and the host's sudoers"
	if c.become.Password == "" {
		hint = "give the password that sudo asks for (-K, ansible_become_password), or check the become user and the host's sudoers"
	}
	if said != "" {
		hint += "; sudo said: " + said
	}
	return &Error{
		Phase: PhaseAuth,
		Err:   fmt.Errorf("%w %s: %w", ErrBecome, c.become.User, why),
		Hint:  hint,
	}
}

// converse answers sudo's prompt once and returns when the command runs.
func (c *becomeConn) converse(ctx context.Context, p Process, prompt, ready string) (Process, error) {
	t := &talk{stderr: p.Stderr(), prompt: []byte(prompt), ready: []byte(ready)}
	done := make(chan error, 1)
	go func() { done <- t.until(p.Stdin(), c.become.Password) }()

	timer := time.NewTimer(c.timeout)
	defer timer.Stop()
	var err error
	select {
	case err = <-done:
		if err == nil {
			return &becomeProcess{Process: p, stderr: io.MultiReader(bytes.NewReader(t.rest), p.Stderr())}, nil
		}
		if errors.Is(err, io.EOF) {
			err = c.ended(p, t)
		} else {
			err = c.refused(err, t.said())
		}
	case <-ctx.Done():
		err = &Error{Phase: PhaseLost, Err: ctx.Err()}
	case <-timer.C:
		err = c.refused(fmt.Errorf("sudo neither asked for the password in our words nor started the command within %v", c.timeout), "")
	}
	p.Close()
	return nil, err
}

// ended is the error for a sudo that went away before the command ran.
func (c *becomeConn) ended(p Process, t *talk) error {
	exit, err := p.Wait()
	if err != nil {
		return err
	}
	return c.refused(fmt.Errorf("sudo ended with exit status %d", exit.Code), t.said())
}

// talk reads standard error up to the moment the command runs.
type talk struct {
	stderr        io.Reader
	prompt, ready []byte
	seen          []byte // what came so far, prompts taken out
	rest          []byte // what the command itself wrote behind ready
}

// until reads until ready stands there, giving the password on the first
// prompt. A second prompt means that it was wrong.
func (t *talk) until(stdin io.Writer, password string) error {
	asked := false
	buf := make([]byte, 4096)
	for {
		n, err := t.stderr.Read(buf)
		t.seen = append(t.seen, buf[:n]...)
		if i := bytes.Index(t.seen, t.ready); i >= 0 {
			t.rest = t.seen[i+len(t.ready):]
			return nil
		}
		if i := bytes.Index(t.seen, t.prompt); i >= 0 {
			t.seen = append(t.seen[:i:i], t.seen[i+len(t.prompt):]...)
			if asked {
				return errors.New("sudo did not take the password")
			}
			asked = true
			if _, err := io.WriteString(stdin, password+"\n"); err != nil {
				return fmt.Errorf("giving sudo the password: %w", err)
			}
		}
		if err != nil {
			return err
		}
		if len(t.seen) > maxPreamble {
			return fmt.Errorf("more than %d bytes on standard error before the command started", maxPreamble)
		}
	}
}

// said is the last line ahead of the command, for an error.
func (t *talk) said() string {
	lines := strings.Split(strings.TrimSpace(strings.ToValidUTF8(string(t.seen), "?")), "\n")
	last := strings.TrimSpace(lines[len(lines)-1])
	if len(last) > 200 {
		last = last[:200]
	}
	return last
}

type becomeProcess struct {
	Process
	stderr io.Reader
}

func (p *becomeProcess) Stderr() io.Reader { return p.stderr }
