// Package labtest gives a test its lab.
//
//	func TestMain(m *testing.M) { lab.Main(); os.Exit(m.Run()) }
//
//	func TestSweep(t *testing.T) {
//		l := labtest.Start(t, lab.Options{N: 3})
//		labtest.LeavesNothing(t, l)
//		…
//	}
package labtest

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"thordeploy/internal/lab"
)

// Start brings a lab up that ends with the test. Where this machine can't, the
// test is skipped with the reason, unless CI=true: then it fails.
func Start(tb testing.TB, o lab.Options) *lab.Lab {
	tb.Helper()
	// Not the test's context: that one is cancelled before its clean-up runs,
	// and what a test registered after Start still wants its hosts.
	l, err := lab.Start(context.Background(), o)
	if err != nil {
		Lacking(tb, err)
	}
	tb.Cleanup(func() {
		if err := l.Close(); err != nil {
			tb.Errorf("ending the lab: %v", err)
		}
	})
	return l
}

// Lacking skips a test for what this machine lacks, and fails it where
// CI=true, so that no test goes unrun there unnoticed.
func Lacking(tb testing.TB, err error) {
	tb.Helper()
	if os.Getenv("CI") == "true" {
		tb.Fatalf("%v (CI=true, so this fails rather than skips)", err)
	}
	tb.Skip(err)
}

// settle is how long what a test ended may take to be gone: an SSH session
// outlives its client by a moment.
const settle = 5 * time.Second

// LeavesNothing looks at every host now, and fails the test where at its end a
// process, a mount or a file has come or gone. It must be called after Start.
// The function that it returns checks at once, for a test that looks more
// often.
func LeavesNothing(tb testing.TB, l *lab.Lab) (check func()) {
	tb.Helper()
	before, err := l.Snapshot(context.Background())
	if err != nil {
		tb.Fatal(err)
	}
	check = func() {
		tb.Helper()
		ctx, cancel := context.WithTimeout(context.Background(), 2*settle)
		defer cancel()
		deadline := time.Now().Add(settle)
		for {
			diff, err := l.Diff(ctx, before)
			if err != nil {
				tb.Errorf("looking at what is left on the hosts: %v", err)
				return
			}
			if len(diff) == 0 {
				return
			}
			if time.Now().After(deadline) {
				tb.Errorf("the hosts are not as they were:\n%s", shorten(diff))
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	tb.Cleanup(check)
	return check
}

// shorten keeps a long difference readable.
func shorten(lines []string) string {
	const most = 30
	if len(lines) > most {
		lines = append(lines[:most:most], "…")
	}
	return strings.Join(lines, "\n")
}
