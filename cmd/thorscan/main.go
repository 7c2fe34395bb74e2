// Thorscan looks for signs of compromise on the host it runs on: it matches
// YARA rules on files and writes what it finds to logs in the forms of the
// THOR scanner. docs/thorscan.md tells how to use it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"

	"golang.org/x/sys/unix"

	"thordeploy/scanner/finding"
)

// Exit codes. What doesn't start or can't be read by name is never a clean
// scan; a finding outweighs it, since it is what a person must see.
const (
	exitClean    = 0
	exitFailed   = 1 // could not scan, not completely, or was interrupted without a finding
	exitFindings = 2
)

// version is set by the linker: -X main.version=….
var version = "dev"

// Main is the program without the process around it.
type Main struct {
	Args   []string // without the program's name
	Stdout io.Writer
	Stderr io.Writer
	Getenv func(string) string
}

func main() {
	crashBySignal()
	// Standard output may be a channel that closes; the logs are to be
	// finished all the same.
	signal.Ignore(unix.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGINT, unix.SIGTERM, unix.SIGHUP)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	m := &Main{Args: os.Args[1:], Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv}
	os.Exit(m.Run(ctx))
}

// crashBySignal makes a crash end the process by SIGABRT. Go's own way, exit
// code 2, would read as a scan with findings. No core is left on the host: a
// limit of 1, unlike 0, holds back those that go to a program, too (core(5)).
func crashBySignal() {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_CORE, &limit); err == nil {
		limit.Cur = min(1, limit.Max)
		_ = unix.Setrlimit(unix.RLIMIT_CORE, &limit) // lowering it is always allowed
	}
	debug.SetTraceback("crash")
}

// hinted is an error that knows what to try.
type hinted struct {
	error
	hint string
}

func (h hinted) Unwrap() error { return h.error }

// Run runs one command line and returns the exit code.
func (m *Main) Run(ctx context.Context) int {
	code := exitClean
	cmd := m.command(&code)
	cmd.SetArgs(m.Args)
	cmd.SetOut(m.Stdout)
	cmd.SetErr(m.Stderr)
	if err := cmd.ExecuteContext(ctx); err != nil {
		m.complain(err)
		return exitFailed
	}
	return code
}

// complain prints an error, each of joined ones on a line of its own.
func (m *Main) complain(err error) {
	var h hinted
	if errors.As(err, &h) {
		err = h.error
	}
	for _, err := range leaves(err) {
		fmt.Fprintln(m.Stderr, "error: "+finding.Printable(err.Error()))
	}
	if h.hint != "" {
		fmt.Fprintln(m.Stderr, "hint: "+finding.Printable(h.hint))
	}
}

// leaves takes joined errors apart; nil has none.
func leaves(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error }) //nolint:errorlint // joined at the top alone
	switch {
	case err == nil:
		return nil
	case !ok:
		return []error{err}
	}
	var list []error
	for _, err := range joined.Unwrap() {
		list = append(list, leaves(err)...)
	}
	return list
}
