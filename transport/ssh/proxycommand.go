package ssh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"thordeploy/transport"
)

// ProxyCommand gives a dial function (see Config.DialContext) that talks to the
// host through a command's standard streams, as ssh_config(5) has it: the
// account's shell runs it, and it ends with the connection. Tokens (%h, %p) are
// the caller's to expand.
func ProxyCommand(shell, command string) func(ctx context.Context, network, addr string) (net.Conn, error) {
	if shell == "" {
		shell = "/bin/sh"
	}
	return func(_ context.Context, _, addr string) (net.Conn, error) {
		cmd := exec.Command(shell, "-c", "exec "+command)
		// In a group of its own, which ends as a whole, and which Ctrl-C at the
		// terminal doesn't reach: hosts are cleaned up through it.
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		p := &proxy{cmd: cmd, addr: addr, ended: make(chan struct{})}
		cmd.Stderr = &p.said
		cmd.WaitDelay = proxyGrace
		var err error
		if p.in, err = cmd.StdinPipe(); err != nil {
			return nil, proxyFailed(addr, err)
		}
		// Not StdoutPipe: Wait would close it before all is read.
		theirs := (*os.File)(nil)
		if p.out, theirs, err = os.Pipe(); err != nil {
			return nil, proxyFailed(addr, err)
		}
		cmd.Stdout = theirs
		err = cmd.Start()
		theirs.Close()
		if err != nil {
			p.out.Close()
			return nil, proxyFailed(addr, err)
		}
		go func() {
			_ = cmd.Wait() // how it ended is in its ProcessState
			close(p.ended)
		}()
		return p, nil
	}
}

// proxyGrace is how long a command may take to end when the connection has.
const proxyGrace = time.Second

func proxyFailed(addr string, err error) error {
	return &transport.Error{Phase: transport.PhaseDial, Addr: addr, Err: fmt.Errorf("starting the ProxyCommand: %w", err)}
}

// proxy is a running ProxyCommand as a net.Conn.
type proxy struct {
	cmd   *exec.Cmd
	addr  string
	in    io.WriteCloser
	out   *os.File
	said  lastWords
	ended chan struct{}
	once  sync.Once
	any   atomic.Bool // the host has said something

	closed atomic.Bool // from this side
}

// Read tells a command that failed before the host said anything from a host
// that closed the connection.
func (p *proxy) Read(b []byte) (int, error) {
	n, err := p.out.Read(b)
	if n > 0 {
		p.any.Store(true)
	}
	return n, p.explain(err)
}

func (p *proxy) Write(b []byte) (int, error) {
	n, err := p.in.Write(b)
	return n, p.explain(err)
}

// explain says how a command ended that the host said nothing through.
func (p *proxy) explain(err error) error {
	gone := errors.Is(err, io.EOF) || errors.Is(err, syscall.EPIPE) || errors.Is(err, os.ErrClosed)
	if p.any.Load() || p.closed.Load() || !gone {
		return err
	}
	select {
	case <-p.ended:
	case <-time.After(proxyGrace):
		return err
	}
	text := fmt.Sprintf("the ProxyCommand ended with %v before the host said anything", p.cmd.ProcessState)
	if words := p.said.String(); words != "" {
		text += ": " + words
	}
	return &transport.Error{Phase: transport.PhaseDial, Addr: p.addr, Err: errors.New(text), Hint: "try the command by hand: " + p.cmd.Args[2]}
}

// Close ends the command and what it started, gently at first.
func (p *proxy) Close() error {
	p.once.Do(func() {
		p.closed.Store(true)
		p.in.Close()
		p.out.Close()
		go func() {
			for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
				select {
				case <-p.ended:
					return
				default:
				}
				_ = syscall.Kill(-p.cmd.Process.Pid, s) // it may have ended by itself
				select {
				case <-p.ended:
				case <-time.After(proxyGrace):
				}
			}
		}()
	})
	return nil
}

func (p *proxy) LocalAddr() net.Addr  { return named("ProxyCommand") }
func (p *proxy) RemoteAddr() net.Addr { return named(p.addr) }

func (p *proxy) SetDeadline(time.Time) error      { return os.ErrNoDeadline }
func (p *proxy) SetReadDeadline(time.Time) error  { return os.ErrNoDeadline }
func (p *proxy) SetWriteDeadline(time.Time) error { return os.ErrNoDeadline }

// lastWords keeps the end of what a command says on standard error.
type lastWords struct {
	mu   sync.Mutex
	text []byte
}

func (w *lastWords) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text = append(w.text, p...)
	if most := 1000; len(w.text) > most {
		w.text = append([]byte(nil), w.text[len(w.text)-most:]...)
	}
	return len(p), nil
}

// String is the last line, fit for a terminal.
func (w *lastWords) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	lines := strings.Split(strings.TrimSpace(string(w.text)), "\n")
	return said([]string{strings.TrimSpace(lines[len(lines)-1])})[0]
}
