package shell

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"thordeploy/transport"
)

const (
	defaultLease = 60 * time.Second
	// endGrace is how long the guard may take to end a task: TERM, 2 s, KILL,
	// 2 s, and as much again for a host that is busy.
	endGrace = 10 * time.Second
	tailSize = 64 << 10
	// helloWait is how long a login shell may take over its start-up files.
	helloWait = time.Minute
)

// Session is a held shell on one host. Its methods may be called from several
// goroutines; tasks run one at a time, in the order called.
//
// Every method that talks to the host returns a [*transport.Error] when the
// host is lost.
type Session struct {
	conn transport.Conn
	proc transport.Process
	free func()        // of the context that the process runs under
	turn chan struct{} // holds one token: the right to run a task
	out  chan message  // requests on their way
	took chan struct{} // a held message was taken by the host
	// urgent holds the call to end the running task.
	urgent chan struct{}
	dead   chan struct{} // closed when the channel has ended
	bye    chan struct{} // closed when the guard said goodbye
	// ended holds the guard's word that it ended a task.
	ended chan struct{}

	mu      sync.Mutex
	cause   error           // why the session is dead
	lapsed  error           // the guard's word that it heard nothing for a lease
	task    *task           // the one that runs
	known   map[string]bool // remote halves the host keeps
	watched []string        // paths given to the guard, from index 1
	undone  []string        // the guard's report
	stderr  tail            // what came outside a task: a login shell's complaint
	hello   chan struct{}   // closed at the first answer
	streams int             // that run on channels of their own
	shared  bool            // the host gives streams no channel of their own
}

// Open starts a session on conn. It returns when the host has answered, so a
// login shell that prints a banner or refuses the account is found here.
func Open(ctx context.Context, conn transport.Conn, o Options) (*Session, error) {
	if !o.Become.IsZero() {
		conn = transport.WithBecome(conn, o.Become)
	}
	if o.Lease == 0 {
		o.Lease = defaultLease
	}
	random := make([]byte, 16)
	_, _ = rand.Read(random) // never fails (crypto/rand)
	nonce := hex.EncodeToString(random)
	text := program(nonce, o.Lease, !o.Become.IsZero())
	// ctx bounds the opening alone: the session outlives it.
	life, release := context.WithCancel(context.WithoutCancel(ctx))
	opening := context.AfterFunc(ctx, release)
	defer opening()
	proc, err := conn.Start(life, bootLine(o.Prefix, text))
	if err != nil {
		release()
		return nil, err
	}
	s := &Session{
		conn:   conn,
		proc:   proc,
		free:   release,
		turn:   make(chan struct{}, 1),
		out:    make(chan message, 16),
		took:   make(chan struct{}, 1),
		urgent: make(chan struct{}, 1),
		dead:   make(chan struct{}),
		bye:    make(chan struct{}),
		ended:  make(chan struct{}, 1),
		hello:  make(chan struct{}),
		known:  map[string]bool{},
	}
	s.stderr.max = 4 << 10
	s.out <- message{text: text, held: true}
	go s.write(o.Lease)
	go s.read(nonce)
	if err := s.greeted(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// greeted waits for the host's first answer.
func (s *Session) greeted(ctx context.Context) error {
	late := time.NewTimer(helloWait)
	defer late.Stop()
	var why error
	phase := transport.PhaseChannel
	select {
	case <-s.hello:
		return s.alive()
	case <-s.dead:
		return s.alive()
	case <-late.C:
		why, phase = fmt.Errorf("no answer within %v", helloWait), transport.PhaseFirstByte
	case <-ctx.Done():
		why = context.Cause(ctx)
	}
	s.end(why)
	return &transport.Error{
		Phase: phase,
		Err:   fmt.Errorf("the host's shell did not answer: %w", why),
		Hint:  "the account's login shell, or a start-up file of it (.bashrc), may wait for somebody: try `ssh` to that account with a command",
	}
}

// alive is nil while the session can carry tasks.
func (s *Session) alive() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cause == nil {
		return nil
	}
	var te *transport.Error
	if errors.As(s.cause, &te) {
		return te
	}
	return &transport.Error{Phase: transport.PhaseLost, Err: s.cause}
}

// end closes the channel; the first cause stays. The guard takes the end of
// file as its call to clean up.
func (s *Session) end(cause error) {
	s.mu.Lock()
	if s.cause == nil {
		s.cause = cause
	}
	s.mu.Unlock()
	_ = s.proc.Close()
}

// write sends requests in order, and heartbeats three to a lease.
func (s *Session) write(lease time.Duration) {
	beat := time.NewTicker(lease / 3)
	defer beat.Stop()
	stdin := s.proc.Stdin()
	for {
		m := message{text: "H\n"}
		select {
		case m = <-s.out:
			if m.held {
				s.untaken()
			}
		case <-s.urgent:
			m.text = "K\n"
		case <-beat.C:
		case <-s.dead:
			return
		}
		if _, err := stdin.Write([]byte(m.text)); err != nil {
			return // the readers find out why
		}
		if m.held && !s.waitTaken(m) {
			return
		}
	}
}

// waitTaken waits until the host has a held message, and reports whether the
// session goes on. The call to end the task passes by: it is repeated where the
// program that takes the message swallows it.
func (s *Session) waitTaken(m message) bool {
	if m.done != nil {
		defer close(m.done)
	}
	for {
		select {
		case <-s.took:
			return true
		case <-s.dead:
			return false
		case <-s.urgent:
			if _, err := s.proc.Stdin().Write([]byte("K\n")); err != nil {
				return false
			}
		}
	}
}

// send queues one message.
func (s *Session) send(ctx context.Context, m message) error {
	select {
	case s.out <- m:
		return nil
	case <-s.dead:
		return s.alive()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// read runs both streams to their ends and then says why the session is over.
func (s *Session) read(nonce string) {
	mark := []byte("\n" + nonce + " ")
	var streams sync.WaitGroup
	streams.Go(func() {
		f := frameReader{mark: mark, among: []byte(nonce + "~"), data: func(p []byte) { s.data(0, p) }, frame: s.frame}
		_ = f.read(s.proc.Stdout())
	})
	streams.Go(func() {
		f := frameReader{mark: mark, data: func(p []byte) { s.data(1, p) }, frame: s.endOfStderr}
		_ = f.read(s.proc.Stderr())
	})
	streams.Wait()
	exit, err := s.proc.Wait()
	s.free()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cause == nil {
		s.cause = lostCause(exit, err, strings.TrimSpace(string(s.stderr.buf)), closed(s.hello))
	}
	close(s.dead)
}

// lostCause words the end of a channel that nobody asked for.
func lostCause(exit transport.Exit, err error, words string, answered bool) error {
	if err != nil {
		return err
	}
	if words != "" {
		words = ": " + strconv.QuoteToGraphic(words)
	}
	if !answered {
		return &transport.Error{
			Phase: transport.PhaseChannel,
			Err:   fmt.Errorf("the account's login shell ended with status %d before it ran anything%s", exit.Code, words),
			Hint:  "try `ssh` to that account by hand: it must be able to run /bin/sh",
		}
	}
	return fmt.Errorf("the shell held on the host ended with status %d%s", exit.Code, words)
}

func closed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// hold sends the guard each path that it doesn't watch yet.
func (s *Session) hold(paths []string) error {
	for _, p := range paths {
		if !path.IsAbs(p) {
			return fmt.Errorf("can't hold %q: not an absolute path", p)
		}
		p = path.Clean(p)
		if !s.watch(p) {
			continue
		}
		line, err := request("W", p)
		if err != nil {
			return err
		}
		if err := s.send(context.Background(), message{text: line + "\n"}); err != nil {
			return err
		}
	}
	return nil
}

// watch adds p to the paths that the guard knows, in the guard's order.
func (s *Session) watch(p string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.watched {
		if w == p {
			return false
		}
	}
	s.watched = append(s.watched, p)
	return true
}

// Close says goodbye and ends the session. With clean, the guard first ends
// the session's processes and undoes what is held, and done and left say what
// it did ("unmounted /mnt/temp_ram", "removed /mnt/temp_ram") and what it
// could not do. Without, what is there stays. ctx bounds the wait; the channel
// is closed in any case.
func (s *Session) Close(ctx context.Context, clean bool) (done, left []string, err error) {
	word := "Q leave"
	if clean {
		word = "Q clean"
	}
	err = s.send(ctx, message{text: word + "\n"})
	if err == nil {
		select {
		case <-s.bye:
		case <-s.dead:
			if !closed(s.bye) {
				err = s.alive()
			}
		case <-ctx.Done():
			err = fmt.Errorf("the host did not answer the goodbye: %w", ctx.Err())
		}
	}
	s.end(errors.New("the session is closed"))
	s.mu.Lock()
	defer s.mu.Unlock()
	done, left = s.report()
	return done, left, err
}
