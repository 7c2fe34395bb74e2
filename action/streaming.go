package action

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"

	"thordeploy/transport"
)

// streamed is how a remote half on a stream of its own ended.
type streamed struct {
	code   int
	stdout string // the first 4 KiB, unless a reader took it
	stderr string // the first 4 KiB
	sent   error  // of the writer; where the half ended early, its own words tell more
}

// receiver reads a program from standard input, a line at a time up to "#end",
// and becomes it; what follows is the program's input. It has no newline, quote
// or exclamation mark, so that any login shell takes it.
const receiver = `N=$(printf "\012.");N=${N%.};p=;while :;do IFS= read -r l||exit 1;case $l in "#end")break;;esac;p=$p$l$N;done;eval "$p"`

// streamHalf runs the remote half sh/NAME.sh beside the held shell, with args
// as its $1…, with what write gives it on standard input and what it prints
// handed to read. Either may be nil. The error is nil where the half has ended
// by itself, however it did.
func streamHalf(ctx context.Context, c *Call, name string, args []string, write func(io.Writer) error, read func(io.Reader) error) (streamed, error) {
	text, err := halves.ReadFile("sh/" + name + ".sh")
	if err != nil {
		return streamed{}, fmt.Errorf("remote half %s is not part of this program: %w", name, err)
	}
	words := append([]string{"/bin/sh", "-c", receiver, name + ".sh"}, args...)
	return streamLine(ctx, c, "exec "+transport.Quote(words...), func(w io.Writer) error {
		if _, err := io.WriteString(w, lean(string(text))+"#end\n"); err != nil || write == nil {
			return err
		}
		return write(w)
	}, read)
}

// streamLine is streamHalf for a plain command line.
func streamLine(ctx context.Context, c *Call, line string, write func(io.Writer) error, read func(io.Reader) error) (streamed, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	p, err := c.Shell.Stream(ctx, line)
	if err != nil {
		return streamed{}, err
	}
	defer p.Close() //nolint:errcheck // it has ended, or is to end
	var s streamed
	var readErr error
	var both sync.WaitGroup
	both.Go(func() { s.stderr = readSome(p.Stderr()) })
	both.Go(func() {
		if read == nil {
			s.stdout = readSome(p.Stdout())
			return
		}
		if readErr = read(p.Stdout()); readErr != nil {
			cancel(readErr) // nobody wants the rest
			_ = p.Close()
		}
	})
	if write != nil {
		s.sent = write(p.Stdin())
	}
	_ = p.Stdin().Close()
	both.Wait()
	if readErr != nil {
		if err := context.Cause(ctx); err != nil && err != readErr { //nolint:errorlint // identity is meant
			return s, err
		}
		return s, readErr
	}
	exit, err := p.Wait()
	s.code = exit.Code
	if ctx.Err() != nil {
		return s, context.Cause(ctx)
	}
	return s, err
}

// lean drops what a shell program doesn't need on its way, since the shell
// reads it a byte at a time: comment lines, indentation, empty lines.
func lean(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		line = strings.TrimLeft(line, "\t")
		if line == "\n" || strings.HasPrefix(line, "#") {
			continue
		}
		b.WriteString(line)
	}
	return b.String()
}
