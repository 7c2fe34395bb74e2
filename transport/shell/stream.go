package shell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"syscall"
	"time"

	"thordeploy/transport"
	"thordeploy/transport/internal/readahead"
)

const (
	// minBlock and maxBlock bound what is sent of a shared stream at once. A
	// block must be through within a lease, or the guard takes the link for
	// dead: the largest would have to crawl at 17 KB/s.
	minBlock, maxBlock = 16 << 10, 1 << 20
	// blockTime is how long a block may take before the next one is smaller.
	blockTime = 4 * time.Second
)

// Stream starts line, a POSIX sh command line, beside the held shell, as the
// same account, with streams of its own: for trees sent and files fetched.
//
// Where the host opens no second session on a connection (MaxSessions 1), the
// stream takes its turn in the held shell's own channel, as one more task: its
// input goes in blocks, each sent when the one before was taken, for on a host
// only head(1) reads a given number of bytes at a fair speed, and it may read
// ahead. That costs a round trip a block; a second connection would cost a
// second login, which one-time passwords don't allow.
func (s *Session) Stream(ctx context.Context, line string) (transport.Process, error) {
	if !s.Shared() {
		p, err := s.own(ctx, line)
		if !errors.Is(err, transport.ErrNoSession) || !s.share() {
			return p, err
		}
	}
	return s.startShared(ctx, line)
}

// Shared reports whether streams share the held shell's channel.
func (s *Session) Shared() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shared
}

// own starts line on a channel of its own.
func (s *Session) own(ctx context.Context, line string) (transport.Process, error) {
	p, err := s.conn.Start(ctx, line)
	if err != nil {
		return nil, err
	}
	s.count(1)
	go func() {
		_, _ = p.Wait() // its owner asks too
		s.count(-1)
	}()
	return p, nil
}

func (s *Session) count(n int) {
	s.mu.Lock()
	s.streams += n
	s.mu.Unlock()
}

// share has streams share the held shell's channel from now on, unless the
// host was only asked for one too many.
func (s *Session) share() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shared = s.streams == 0
	return s.shared
}

// sharedProcess is a stream in the held shell's channel.
type sharedProcess struct {
	s                     *Session
	t                     *task
	stdin, stdout, stderr *readahead.Buffer
	cancel                context.CancelCauseFunc

	done chan struct{}
	exit transport.Exit
	err  error
}

// startShared waits for the session's turn and runs line in it.
func (s *Session) startShared(ctx context.Context, line string) (transport.Process, error) {
	if err := transport.CheckLine(line); err != nil {
		return nil, &transport.Error{Phase: transport.PhaseChannel, Err: err}
	}
	request, err := request("stream", line)
	if err != nil {
		return nil, err
	}
	release, err := s.acquire(ctx)
	if err != nil {
		return nil, err
	}
	p := &sharedProcess{s: s, stdin: readahead.New(), stdout: readahead.New(), stderr: readahead.New(), done: make(chan struct{})}
	p.t = newTask(p.stdout, p.stderr)
	p.t.done = make(chan struct{})
	ctx, p.cancel = context.WithCancelCause(ctx)
	var fed sync.WaitGroup
	begun := make(chan struct{})
	fed.Go(func() {
		<-begun
		p.feed(ctx)
	})
	go func() {
		<-p.t.done
		p.stdin.End() // what is still written finds no reader
	}()
	go func() {
		defer release()
		p.run(ctx, tasks(request), begun, &fed)
	}()
	return p, nil
}

// run performs the request to its end.
func (p *sharedProcess) run(ctx context.Context, m message, begun chan struct{}, fed *sync.WaitGroup) {
	stop := context.AfterFunc(ctx, p.unread)
	defer stop()
	p.t.started = func() { close(begun) }
	err := p.s.perform(ctx, p.t, m)
	p.unread()
	if !closed(begun) {
		close(begun)
	}
	fed.Wait()
	if !closed(p.t.done) {
		close(p.t.done)
	}
	p.exit, p.err = transport.Exit{Code: p.t.reply.Code}, p.judge(err)
	close(p.done)
	p.cancel(nil)
}

// unread ends the streams: what a task still prints must not keep the session
// from reading how it ends.
func (p *sharedProcess) unread() {
	p.stdin.End()
	p.stdout.End()
	p.stderr.End()
}

// judge words the end as a channel of its own would have it.
func (p *sharedProcess) judge(err error) error {
	var te *transport.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &te):
		return err
	}
	return &transport.Error{Phase: transport.PhaseLost, Err: err}
}

// feed sends the stream's input in blocks. They grow while they pass quickly.
func (p *sharedProcess) feed(ctx context.Context) {
	buf := make([]byte, maxBlock)
	for size := minBlock; ; {
		n, err := io.ReadFull(p.stdin, buf[:size])
		if n > 0 && ctx.Err() == nil && !closed(p.t.done) {
			begin := time.Now()
			if !p.block(buf[:n]) {
				return
			}
			switch took := time.Since(begin); {
			case took > blockTime:
				size = max(minBlock, size/2)
			case took < blockTime/4:
				size = min(maxBlock, size*2)
			}
		}
		if err != nil {
			break
		}
	}
	_ = p.s.send(context.Background(), message{text: "C 0\n"}) // the session's end is told elsewhere
}

// block sends one block and waits until it was taken; false: never.
func (p *sharedProcess) block(b []byte) bool {
	m := message{text: fmt.Sprintf("C %d\n%s", len(b), b), held: true, done: make(chan struct{})}
	if p.s.send(context.Background(), m) != nil {
		return false
	}
	select {
	case <-m.done:
		return true
	case <-p.s.dead:
		return false
	}
}

func (p *sharedProcess) Stdin() io.WriteCloser { return sharedStdin{p} }
func (p *sharedProcess) Stdout() io.Reader     { return p.stdout }
func (p *sharedProcess) Stderr() io.Reader     { return p.stderr }

func (p *sharedProcess) Wait() (transport.Exit, error) {
	<-p.done
	return p.exit, p.err
}

// Close ends the command as the end of a task does.
func (p *sharedProcess) Close() error {
	p.unread()
	p.cancel(transport.ErrClosed)
	return nil
}

type sharedStdin struct{ p *sharedProcess }

func (w sharedStdin) Write(b []byte) (int, error) {
	n, err := w.p.stdin.Write(b)
	if err == nil {
		return n, nil
	}
	if closed(w.p.done) && w.p.err != nil {
		return n, w.p.err
	}
	return n, fmt.Errorf("writing to a command that reads no more: %w", syscall.EPIPE)
}

func (w sharedStdin) Close() error {
	w.p.stdin.End()
	return nil
}
