package shell_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"thordeploy/transport"
	"thordeploy/transport/shell"
)

// odd is a host that no shell runs on: what it answers is the test's, which is
// given the nonce.
type odd struct {
	transport.Process
	ctx    context.Context
	in     *io.PipeReader
	stdin  *io.PipeWriter
	stdout *io.PipeReader
	out    *io.PipeWriter
	stderr *io.PipeReader
	errs   *io.PipeWriter
}

// oddHost is a Conn to such a host. Without an answer it never says anything.
func oddHost(answer func(nonce string, stdin io.Reader, stdout, stderr io.Writer)) transport.Conn {
	return oddConn{answer}
}

type oddConn struct {
	answer func(string, io.Reader, io.Writer, io.Writer)
}

func (c oddConn) Start(ctx context.Context, line string) (transport.Process, error) {
	if c.answer == nil && strings.Contains(line, "never") {
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}
	p := &odd{ctx: ctx}
	p.in, p.stdin = io.Pipe()
	p.stdout, p.out = io.Pipe()
	p.stderr, p.errs = io.Pipe()
	go func() {
		text := make([]byte, 64<<10)
		n, _ := p.in.Read(text)
		_, nonce, _ := strings.Cut(string(text[:n]), "Z=")
		nonce, _, _ = strings.Cut(nonce, " ")
		if c.answer != nil {
			c.answer(nonce, p.in, p.out, p.errs)
		}
		_, _ = io.Copy(io.Discard, p.in)
	}()
	return p, nil
}
func (c oddConn) Files(context.Context) (transport.Files, error) { return nil, nil }
func (c oddConn) Close() error                                   { return nil }

func (p *odd) Stdin() io.WriteCloser { return p.stdin }
func (p *odd) Stdout() io.Reader     { return p.stdout }
func (p *odd) Stderr() io.Reader     { return p.stderr }
func (p *odd) Wait() (transport.Exit, error) {
	return transport.Exit{}, errors.New("closed")
}
func (p *odd) Close() error {
	_ = p.in.Close()
	_ = p.errs.Close()
	return p.out.Close()
}

func TestOpenDoesNotWaitForEver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		s, err := shell.Open(t.Context(), oddHost(nil), shell.Options{})
		var te *transport.Error
		if s != nil || !errors.As(err, &te) || te.Phase != transport.PhaseFirstByte || !strings.Contains(err.Error(), "no answer within 1m0s") || te.Hint == "" {
			t.Errorf("%v", err)
		}
		if took := time.Since(begin); took != time.Minute {
			t.Errorf("took %v", took)
		}
	})
}

// TestOpenEndsWithItsContext: a host that is frozen does not answer the request
// for a channel either.
func TestOpenEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := shell.Open(ctx, oddHost(nil), shell.Options{Prefix: "never"}); err == nil {
			t.Error("opened")
		}
	})
}

// TestASessionOutlivesTheContextOfItsOpening.
func TestASessionOutlivesTheContextOfItsOpening(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var started context.Context
		conn := oddHost(func(nonce string, _ io.Reader, w, _ io.Writer) { fmt.Fprintf(w, "\n%s = hello 1\n", nonce) })
		s, err := shell.Open(ctx, keepContext{conn, &started}, shell.Options{})
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		synctest.Wait()
		if started.Err() != nil {
			t.Error("the session ended with the context that opened it")
		}
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, _, err := s.Close(ctx, true); err == nil {
			t.Error("a host that says nothing said goodbye")
		}
		synctest.Wait()
		if started.Err() == nil {
			t.Error("the context of a session that is over is still there")
		}
	})
}

type keepContext struct {
	transport.Conn
	ctx *context.Context
}

func (k keepContext) Start(ctx context.Context, line string) (transport.Process, error) {
	*k.ctx = ctx
	return k.Conn.Start(ctx, line)
}

func TestAHostThatReportsWithoutEnd(t *testing.T) {
	t.Parallel()
	conn := oddHost(func(nonce string, in io.Reader, w, _ io.Writer) {
		fmt.Fprintf(w, "\n%s = hello 1\n", nonce)
		_, _ = in.Read(make([]byte, 64<<10)) // the task
		value := strings.Repeat("x", 1000)
		for {
			if _, err := fmt.Fprintf(w, "\n%s = k %s\n", nonce, value); err != nil {
				return
			}
		}
	})
	s, err := shell.Open(t.Context(), conn, shell.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if _, err = s.Script(ctx, "x", "true"); err == nil || !strings.Contains(err.Error(), "more than 32 MB") {
		t.Errorf("%v", err)
	}
}

// TestALapsedLeaseIsNotTheTasksFailure: the guard ends the task, and the loop
// may still have time to say how it ended.
func TestALapsedLeaseIsNotTheTasksFailure(t *testing.T) {
	t.Parallel()
	conn := oddHost(func(nonce string, in io.Reader, w, errs io.Writer) {
		fmt.Fprintf(w, "\n%s = hello 1\n", nonce)
		_, _ = in.Read(make([]byte, 64<<10)) // the task
		fmt.Fprintf(w, "\n%s lapsed\n\n%s end 143\n", nonce, nonce)
		fmt.Fprintf(errs, "\n%s end 143\n", nonce)
	})
	s, err := shell.Open(t.Context(), conn, shell.Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Command(t.Context(), shell.Command{Argv: []string{"sleep", "9"}}, nil, nil)
	var te *transport.Error
	if !errors.As(err, &te) || te.Phase != transport.PhaseLost || !strings.Contains(err.Error(), "lease") {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, _, _ = s.Close(ctx, true)
}
