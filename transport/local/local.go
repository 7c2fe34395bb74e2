// Package local runs a host's commands on this machine: `ansible_connection:
// local`, and tests that need no network.
//
// It keeps the contract of transport.Conn as SSH does: a command is given to
// /bin/sh, in a session of its own (as sshd does it) so that a Ctrl-C meant for the
// controller doesn't reach it; ending its channel closes its streams and sends
// it no signal.
package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"sync"
	"syscall"

	"thordeploy/transport"
)

// addr is how errors name this machine.
const addr = "local"

// Conn is the connection to this machine. Create it with [Dial].
type Conn struct {
	mu     sync.Mutex
	closed bool
	live   map[*process]struct{} // started, not yet ended
}

var _ transport.Conn = (*Conn)(nil)

// Dial returns a connection to this machine. It can't fail; it is a function
// for its likeness to ssh.Dial.
func Dial() *Conn { return &Conn{live: map[*process]struct{}{}} }

// User is the name of the account that runs this program, empty where the
// system doesn't know it. transport.WithBecome asks for it.
func (c *Conn) User() string {
	u, err := user.Current()
	if err != nil {
		return ""
	}
	return u.Username
}

// Start runs `/bin/sh -c line` in the account's home folder, as a login over
// SSH does.
func (c *Conn) Start(ctx context.Context, line string) (transport.Process, error) {
	if err := transport.CheckLine(line); err != nil {
		return nil, failed(transport.PhaseChannel, err, "")
	}
	if err := ctx.Err(); err != nil {
		return nil, failed(transport.PhaseChannel, err, "")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, failed(transport.PhaseLost, transport.ErrClosed, "")
	}
	cmd := exec.Command("/bin/sh", "-c", line)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if home, err := os.UserHomeDir(); err == nil {
		if info, err := os.Stat(home); err == nil && info.IsDir() {
			cmd.Dir = home
		}
	}
	p, err := start(cmd)
	if err != nil {
		return nil, failed(transport.PhaseChannel, fmt.Errorf("starting /bin/sh: %w", err), "")
	}
	c.live[p] = struct{}{}
	p.onEnd = func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.live, p)
	}
	p.begin(ctx)
	return p, nil
}

// Files gives this machine's own files.
func (c *Conn) Files(ctx context.Context) (transport.Files, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, failed(transport.PhaseChannel, err, "")
	}
	if c.closed {
		return nil, failed(transport.PhaseLost, transport.ErrClosed, "")
	}
	return files{}, nil
}

// Close closes the streams of every command still running.
func (c *Conn) Close() error {
	c.mu.Lock()
	c.closed = true
	var live []*process
	for p := range c.live {
		live = append(live, p)
	}
	c.mu.Unlock()
	for _, p := range live {
		p.end(transport.ErrClosed)
	}
	return nil
}

func failed(phase transport.Phase, err error, hint string) *transport.Error {
	var e *transport.Error
	if errors.As(err, &e) {
		return e
	}
	return &transport.Error{Phase: phase, Addr: addr, Err: err, Hint: hint}
}
