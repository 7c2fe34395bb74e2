package ssh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"

	"thordeploy/transport"
	"thordeploy/transport/internal/readahead"
)

// process is one command in its session channel.
//
// Its streams pass through buffers, since the library's own reads and writes
// return only when the host has closed the channel too, and sshd doesn't
// before the command ends.
type process struct {
	conn                  *Conn
	ch                    ssh.Channel
	stdin, stdout, stderr *readahead.Buffer

	once  sync.Once
	done  chan struct{}
	exit  transport.Exit
	cause error // why the exit isn't known; an *transport.Error
}

func newProcess(ctx context.Context, c *Conn, ch ssh.Channel, reqs <-chan *ssh.Request) *process {
	p := &process{
		conn: c, ch: ch, done: make(chan struct{}),
		stdin: readahead.New(), stdout: readahead.New(), stderr: readahead.New(),
	}
	stop := context.AfterFunc(ctx, func() { p.end(c.cfg.fail(transport.PhaseLost, context.Cause(ctx), "")) })
	var pumps sync.WaitGroup
	pumps.Go(func() { p.stdout.Fill(ch) })
	pumps.Go(func() { p.stderr.Fill(ch.Stderr()) })
	go p.feed()
	go p.watch()
	go func() {
		exit, known := exitOf(reqs) // returns when the channel is closed
		c.freed.Store(time.Now().UnixNano())
		pumps.Wait()
		stop()
		p.finish(exit, p.judge(known))
	}()
	return p
}

// watch lets the process end with its connection even where nobody reads what
// the connection still brought.
func (p *process) watch() {
	select {
	case <-p.done:
	case <-p.conn.done:
		p.stdout.Loosen()
		p.stderr.Loosen()
	}
}

// feed carries the caller's bytes to the command.
func (p *process) feed() {
	if _, err := io.CopyBuffer(p.ch, struct{ io.Reader }{p.stdin}, make([]byte, 64<<10)); err != nil {
		p.stdin.End() // nobody reads them: let the caller know
		return
	}
	_ = p.ch.CloseWrite() // fails where the channel is gone, which Wait tells
}

// judge says what is wrong with the end of the channel, or nil. The library
// closes a channel alike when the host closed it and when the connection broke;
// a connection already broken makes the end doubtful, even with an exit status,
// since output may be missing.
func (p *process) judge(known bool) error {
	select {
	case <-p.conn.done:
		return p.conn.ended()
	default:
	}
	switch {
	case p.conn.tap.broken.Load():
		return p.conn.ended()
	case !known:
		return p.conn.cfg.fail(transport.PhaseLost,
			errors.New("the host ended the command's channel without an exit status"),
			"the host refused to run the command (ForceCommand, a restricted account), or could not")
	}
	return nil
}

// finish settles how the command ended, once.
func (p *process) finish(exit transport.Exit, cause error) {
	p.once.Do(func() {
		p.exit, p.cause = exit, cause
		close(p.done)
		p.stdin.End()
		p.stdout.End()
		p.stderr.End()
	})
}

// end is the end of the channel from this side.
func (p *process) end(cause error) {
	p.finish(transport.Exit{}, cause)
	// In a goroutine of its own: a write to a dead connection can block.
	go p.ch.Close()
}

func (p *process) Stdin() io.WriteCloser { return stdin{p} }
func (p *process) Stdout() io.Reader     { return p.stdout }
func (p *process) Stderr() io.Reader     { return p.stderr }

func (p *process) Wait() (transport.Exit, error) {
	<-p.done
	if p.cause != nil {
		return transport.Exit{}, p.cause
	}
	return p.exit, nil
}

func (p *process) Close() error {
	p.end(p.conn.cfg.fail(transport.PhaseLost, transport.ErrClosed, ""))
	return nil
}

type stdin struct{ p *process }

func (s stdin) Write(b []byte) (int, error) {
	n, err := s.p.stdin.Write(b)
	if err == nil {
		return n, nil
	}
	select {
	case <-s.p.done:
		if s.p.cause != nil {
			return n, s.p.cause
		}
	default:
	}
	return n, fmt.Errorf("%s: writing to a command that reads no more: %w", s.p.conn.cfg.addr(), syscall.EPIPE)
}

func (s stdin) Close() error {
	s.p.stdin.End()
	return nil
}

// exitOf reads the channel's requests to their end (RFC 4254, 6.10).
func exitOf(reqs <-chan *ssh.Request) (exit transport.Exit, known bool) {
	for req := range reqs {
		switch req.Type {
		case "exit-status":
			var m struct{ Status uint32 }
			if ssh.Unmarshal(req.Payload, &m) == nil {
				exit, known = transport.Exit{Code: int(m.Status)}, true
			}
		case "exit-signal":
			var m struct {
				Signal     string
				CoreDumped bool
				Message    string
				Language   string
			}
			if ssh.Unmarshal(req.Payload, &m) == nil {
				exit, known = signalled(m.Signal), true
			}
		}
		_ = req.Reply(false, nil)
	}
	return exit, known
}

// signalled is the exit of a command that a signal ended. Signals beyond the
// standard's carry a domain ("BUS@openssh.com").
func signalled(name string) transport.Exit {
	name, _, _ = strings.Cut(said([]string{name})[0], "@")
	return transport.Exit{Code: 128 + int(signalNumbers[name]), Signal: name}
}

var signalNumbers = map[string]syscall.Signal{
	"ABRT": syscall.SIGABRT, "ALRM": syscall.SIGALRM, "BUS": syscall.SIGBUS, "FPE": syscall.SIGFPE,
	"HUP": syscall.SIGHUP, "ILL": syscall.SIGILL, "INT": syscall.SIGINT, "KILL": syscall.SIGKILL,
	"PIPE": syscall.SIGPIPE, "QUIT": syscall.SIGQUIT, "SEGV": syscall.SIGSEGV, "SYS": syscall.SIGSYS,
	"TERM": syscall.SIGTERM, "USR1": syscall.SIGUSR1, "USR2": syscall.SIGUSR2,
}
