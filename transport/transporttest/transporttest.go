// Package transporttest is the one suite that every implementation of
// transport.Conn passes: what a caller may rely on, told as tests.
package transporttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"thordeploy/transport"
)

// commands are what every Conn's commands keep to.
var commands = map[string]func(*testing.T, transport.Conn){
	"streams carry every byte both ways":                      binaryClean,
	"stdout and stderr are apart":                             streamsApart,
	"a large output needs little memory":                      largeOutput,
	"an unread output holds the command back":                 backPressure,
	"exit statuses are values":                                exitCodes,
	"closing stdin is end of file":                            stdinEOF,
	"output can be read after Wait":                           readAfterWait,
	"cancelling ends the channel":                             cancelEndsChannel,
	"cancelled before the start":                              cancelledBefore,
	"closing a process unblocks":                              closeProcess,
	"commands run side by side":                               concurrent,
	"closing the connection unblocks":                         closeConn,
	"a bad command line is refused":                           badLines,
	"writing to a command that ended is an error, not a hang": writeAfterEnd,
}

// Run runs the suite. Each test opens connections of its own; the commands run
// on a machine whose /bin/sh and /tmp are this one's, since tests look at
// marker files from outside.
func Run(t *testing.T, open func(t *testing.T) transport.Conn) {
	run(t, open, commands, map[string]func(*testing.T, transport.Conn){
		"a signal is told":           signals,
		"a command line may be long": longLine,
		"files":                      files,
		"files: large":               largeFile,
		"files: what is wrong":       fileErrors,
	})
}

// RunAs runs the suite for a Conn whose commands run as another account. What
// becoming it costs is left out: room in the command line, the signal's name,
// and the host's file service, which is another account's.
func RunAs(t *testing.T, open func(t *testing.T) transport.Conn) {
	run(t, open, commands, map[string]func(*testing.T, transport.Conn){
		"a signal is told by the exit status": signalCodes,
		"files are refused":                   filesRefused,
	})
}

func run(t *testing.T, open func(t *testing.T) transport.Conn, suites ...map[string]func(*testing.T, transport.Conn)) {
	for _, tests := range suites {
		for name, test := range tests {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				conn := open(t)
				t.Cleanup(func() { conn.Close() })
				within(t, 60*time.Second, func() { test(t, conn) })
			})
		}
	}
}

// sharedDir is a folder that every account may write to.
func sharedDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "transporttest-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	return dir
}

// within fails the test where f hangs, with a word better than the test
// binary's own time limit has.
func within(t *testing.T, d time.Duration, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	select {
	case <-done:
	case <-time.After(d):
		t.Errorf("still not done after %v", d)
	}
}

// result is what a finished command left.
type result struct {
	exit           transport.Exit
	err            error
	stdout, stderr []byte
}

// output starts line, gives it stdin, and reads it to its end.
func output(t *testing.T, conn transport.Conn, line, stdin string) result {
	t.Helper()
	p, err := conn.Start(t.Context(), line)
	if err != nil {
		t.Errorf("Start(%q): %v", line, err)
		return result{err: err}
	}
	return finish(p, strings.NewReader(stdin))
}

// finish drives a started command to its end.
func finish(p transport.Process, stdin io.Reader) result {
	var r result
	var wg sync.WaitGroup
	wg.Go(func() {
		io.Copy(p.Stdin(), stdin)
		p.Stdin().Close()
	})
	wg.Go(func() { r.stdout, _ = io.ReadAll(p.Stdout()) })
	wg.Go(func() { r.stderr, _ = io.ReadAll(p.Stderr()) })
	r.exit, r.err = p.Wait()
	wg.Wait()
	return r
}

// wantLost checks that err says why a command's end isn't known.
func wantLost(t *testing.T, err, cause error) {
	t.Helper()
	var te *transport.Error
	if !errors.As(err, &te) || te.Phase != transport.PhaseLost {
		t.Errorf("error %v (%T), want a *transport.Error of phase %q", err, err, transport.PhaseLost)
	}
	if !errors.Is(err, cause) {
		t.Errorf("error %v, want %v inside it", err, cause)
	}
}

func binaryClean(t *testing.T, conn transport.Conn) {
	all := make([]byte, 0, 1<<20)
	for i := range 1 << 20 {
		all = append(all, byte(i), byte(i>>8))
	}
	for line, of := range map[string]func(result) []byte{
		"cat":     func(r result) []byte { return r.stdout },
		"cat >&2": func(r result) []byte { return r.stderr },
	} {
		p, err := conn.Start(t.Context(), line)
		if err != nil {
			t.Error(err)
			return
		}
		got := finish(p, bytes.NewReader(all))
		if got.err != nil || got.exit.Code != 0 {
			t.Errorf("%s: %+v, %v", line, got.exit, got.err)
		}
		if !bytes.Equal(of(got), all) {
			t.Errorf("%s: %d bytes came back of %d, or others", line, len(of(got)), len(all))
		}
	}
}

func streamsApart(t *testing.T, conn transport.Conn) {
	got := output(t, conn, "echo out; echo err >&2; read -r x; echo \"$x\"", "in\n")
	if got.err != nil || string(got.stdout) != "out\nin\n" || string(got.stderr) != "err\n" {
		t.Errorf("stdout %q, stderr %q, %v", got.stdout, got.stderr, got.err)
	}
}

func exitCodes(t *testing.T, conn transport.Conn) {
	for _, code := range []int{0, 1, 2, 42, 126, 127, 255} {
		got := output(t, conn, fmt.Sprintf("exit %d", code), "")
		if got.err != nil || got.exit != (transport.Exit{Code: code}) {
			t.Errorf("exit %d: got %+v, %v", code, got.exit, got.err)
		}
	}
	if got := output(t, conn, "/no/such/command", ""); got.err != nil || got.exit.Code != 127 {
		t.Errorf("a missing command: got %+v, %v; want 127", got.exit, got.err)
	}
}

func signals(t *testing.T, conn transport.Conn) {
	for name, number := range map[string]int{"TERM": 15, "KILL": 9, "HUP": 1} {
		got := output(t, conn, "kill -"+name+" $$; sleep 5", "")
		if want := (transport.Exit{Code: 128 + number, Signal: name}); got.err != nil || got.exit != want {
			t.Errorf("SIG%s: got %+v, %v; want %+v", name, got.exit, got.err, want)
		}
	}
}

// signalCodes is for a command behind a program that may tell a signal as a
// shell does.
func signalCodes(t *testing.T, conn transport.Conn) {
	for name, number := range map[string]int{"TERM": 15, "KILL": 9, "USR1": 10} {
		if got := output(t, conn, "kill -"+name+" $$; sleep 5", ""); got.err != nil || got.exit.Code != 128+number {
			t.Errorf("SIG%s: got %+v, %v; want code %d", name, got.exit, got.err, 128+number)
		}
	}
}

func filesRefused(t *testing.T, conn transport.Conn) {
	_, err := conn.Files(t.Context())
	var te *transport.Error
	if !errors.As(err, &te) || te.Phase != transport.PhaseChannel || te.Hint == "" {
		t.Errorf("%v", err)
	}
}

func stdinEOF(t *testing.T, conn transport.Conn) {
	p, err := conn.Start(t.Context(), "cat; echo done")
	if err != nil {
		t.Error(err)
		return
	}
	io.WriteString(p.Stdin(), "x\n")
	if err := p.Stdin().Close(); err != nil {
		t.Errorf("closing stdin: %v", err)
	}
	if err := p.Stdin().Close(); err != nil {
		t.Errorf("closing stdin again: %v", err)
	}
	out, err := io.ReadAll(p.Stdout())
	if string(out) != "x\ndone\n" || err != nil {
		t.Errorf("got %q, %v", out, err)
	}
	if _, err := p.Stdin().Write([]byte("late")); err == nil {
		t.Error("writing to a closed stdin gives no error")
	}
	if exit, err := p.Wait(); err != nil || exit.Code != 0 {
		t.Errorf("Wait: %+v, %v", exit, err)
	}
}

func readAfterWait(t *testing.T, conn transport.Conn) {
	p, err := conn.Start(t.Context(), "echo out; echo err >&2; exit 3")
	if err != nil {
		t.Error(err)
		return
	}
	for range 2 { // Wait may be asked again
		if exit, err := p.Wait(); err != nil || exit.Code != 3 {
			t.Errorf("Wait: %+v, %v", exit, err)
		}
	}
	out, _ := io.ReadAll(p.Stdout())
	errs, _ := io.ReadAll(p.Stderr())
	if string(out) != "out\n" || string(errs) != "err\n" {
		t.Errorf("after Wait: stdout %q, stderr %q", out, errs)
	}
	if err := p.Close(); err != nil {
		t.Errorf("Close after the end: %v", err)
	}
	if exit, err := p.Wait(); err != nil || exit.Code != 3 {
		t.Errorf("Wait after Close: %+v, %v; the end was known", exit, err)
	}
}

func concurrent(t *testing.T, conn transport.Conn) {
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			in := strings.Repeat(fmt.Sprintf("%d\n", i), 50_000)
			got := output(t, conn, fmt.Sprintf("cat; exit %d", i), in)
			if got.err != nil || string(got.stdout) != in || got.exit.Code != i {
				t.Errorf("command %d: %d bytes of %d, %+v, %v", i, len(got.stdout), len(in), got.exit, got.err)
			}
		})
	}
	wg.Wait()
}

func badLines(t *testing.T, conn transport.Conn) {
	for name, line := range map[string]string{
		"NUL":      "echo a\x00b",
		"empty":    "",
		"too long": "echo " + strings.Repeat("x", transport.MaxLine),
	} {
		p, err := conn.Start(t.Context(), line)
		if err == nil {
			p.Close()
		}
		var te *transport.Error
		if !errors.As(err, &te) || te.Phase != transport.PhaseChannel {
			t.Errorf("%s: error %v, want a *transport.Error of phase %q", name, err, transport.PhaseChannel)
		}
	}
	if got := output(t, conn, "echo alive", ""); string(got.stdout) != "alive\n" {
		t.Errorf("after refused lines: %q, %v", got.stdout, got.err)
	}
}

func longLine(t *testing.T, conn transport.Conn) {
	const frame = "echo " // and the line fills what a process can be given
	word := strings.Repeat("x", transport.MaxLine-len(frame))
	got := output(t, conn, frame+word, "")
	if got.err != nil || string(got.stdout) != word+"\n" {
		t.Errorf("%d bytes of %d came back, %+v, %v, %.200q", len(got.stdout), len(word)+1, got.exit, got.err, got.stderr)
	}
}

func cancelledBefore(t *testing.T, conn transport.Conn) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p, err := conn.Start(ctx, "true")
	if err == nil {
		p.Close()
	}
	var te *transport.Error
	if !errors.As(err, &te) || !errors.Is(err, context.Canceled) {
		t.Errorf("Start: %v, want a *transport.Error with %v inside", err, context.Canceled)
	}
}
