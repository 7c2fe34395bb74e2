// Package program runs programs of the controller's own machine on the user's
// word: inventory scripts, pipe lookups. Each has a deadline and a bound on
// what it prints, and when either is passed its whole process group is ended,
// so that a program which hangs or floods can't take the run with it.
package program

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// Program is a program to run. Path and Args go to it as they are, without a
// shell.
type Program struct {
	Path string // absolute, or a name to look for in PATH
	Args []string
	Dir  string   // to run in; empty: where this process is
	Env  []string // "NAME=value"; nil: this process's own

	Timeout   time.Duration // zero: DefaultTimeout
	MaxOutput int           // bytes of standard output; zero: DefaultOutput
}

// What holds where a Program doesn't say.
const (
	DefaultTimeout = 2 * time.Minute
	DefaultOutput  = 16 << 20
)

const (
	maxStderr = 4 << 10 // bytes kept, for messages
	grace     = time.Second
)

// Error is a program that gave no usable output.
type Error struct {
	Path   string
	Reason string // "hangs: it was ended after 2m0s"; begins after the program's name
	Stderr string // the end of what it said, trimmed; at most 4 KiB
	Err    error  // what is behind it
}

// Error gives the program, the reason and the last line of its standard error.
func (e *Error) Error() string {
	s := e.Path + " " + e.Reason
	if lines := strings.Split(e.Stderr, "\n"); lines[len(lines)-1] != "" {
		s += ": " + lines[len(lines)-1]
	}
	return s
}

// Unwrap gives what is behind it: context.DeadlineExceeded, an *exec.ExitError.
func (e *Error) Unwrap() error { return e.Err }

var errFlood = errors.New("too much output")

// Run runs the program to its end and gives its standard output. Its standard
// input is empty. The error is an [*Error], or ctx's where that ended it.
func (p Program) Run(ctx context.Context) ([]byte, error) {
	timeout, most := p.Timeout, p.MaxOutput
	if timeout == 0 {
		timeout = DefaultTimeout
	}
	if most == 0 {
		most = DefaultOutput
	}
	within, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	out, said := &bounded{max: most, full: cancel}, &tail{}
	c := exec.CommandContext(within, p.Path, p.Args...)
	c.Dir, c.Env, c.Stdout, c.Stderr = p.Dir, p.Env, out, said
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return endGroup(c.Process.Pid) }
	c.WaitDelay = grace // a child that left the group may hold the output open
	err := c.Run()
	if c.Process != nil && err != nil {
		_ = endGroup(c.Process.Pid) // what the program left running
	}
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case out.flooded:
		return nil, p.fail(said, errFlood, "prints more than %d MiB", most>>20)
	case within.Err() != nil:
		return nil, p.fail(said, within.Err(), "hangs: it was ended after %s", timeout)
	case err != nil:
		return nil, p.fail(said, err, "%s", reason(err))
	}
	return out.data.Bytes(), nil
}

func (p Program) fail(said *tail, err error, format string, args ...any) error {
	text := strings.TrimSpace(strings.ToValidUTF8(string(said.data), "\ufffd"))
	return &Error{Path: p.Path, Reason: fmt.Sprintf(format, args...), Stderr: text, Err: err}
}

func reason(err error) string {
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		if s, ok := ended.Sys().(syscall.WaitStatus); ok && s.Signaled() {
			return "was ended by signal " + s.Signal().String()
		}
		return fmt.Sprintf("failed with exit code %d", ended.ExitCode())
	}
	if errors.Is(err, exec.ErrWaitDelay) {
		return "left a process behind that holds its output open"
	}
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	if errors.Is(err, syscall.ENOEXEC) {
		return "can't be run: it is neither a program nor has it a `#!` line"
	}
	return "can't be run: " + err.Error()
}

// endGroup kills a process group. One that is gone is as good as killed.
func endGroup(leader int) error {
	if err := syscall.Kill(-leader, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	return nil
}

// bounded keeps output up to max bytes and then has the program ended. It must
// not embed the buffer: io.Copy would take that one's ReadFrom.
type bounded struct {
	data    bytes.Buffer
	max     int
	full    func()
	flooded bool
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.data.Len()+len(p) > b.max {
		b.flooded = true
		b.full()
		return 0, errFlood
	}
	return b.data.Write(p)
}

// tail keeps the end of what is written.
type tail struct{ data []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.data = append(t.data, p[max(0, len(p)-maxStderr):]...)
	t.data = t.data[max(0, len(t.data)-maxStderr):]
	return len(p), nil
}
