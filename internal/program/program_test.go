package program_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"thordeploy/internal/program"
)

// script makes an executable file.
func script(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "p.sh")
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestOutput(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := program.Program{Path: script(t, "#!/bin/sh\necho \"$1|$V\"; pwd; cat\necho noise >&2\n"), Args: []string{"a b"}, Dir: dir, Env: []string{"V=x", "PATH=/bin:/usr/bin"}}
	out, err := p.Run(t.Context())
	if err != nil || string(out) != "a b|x\n"+dir+"\n" {
		t.Errorf("%q, %v", out, err)
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text, says string
		p                program.Program
	}{
		{"exit code", "#!/bin/sh\necho first >&2; echo 'no route' >&2; exit 3\n", "p.sh failed with exit code 3: no route", program.Program{}},
		{"signal", "#!/bin/sh\nkill -9 $$\n", "p.sh was ended by signal killed", program.Program{}},
		{"hangs", "#!/bin/sh\necho waiting >&2; sleep 60\n", "p.sh hangs: it was ended after 200ms: waiting", program.Program{Timeout: 200 * time.Millisecond}},
		{"floods", "#!/bin/sh\nhead -c 100000000 /dev/zero\nsleep 60\n", "p.sh prints more than 1 MiB", program.Program{MaxOutput: 1 << 20}},
		{"no program", "just text\n", "can't be run: it is neither a program nor", program.Program{}},
		{"no interpreter", "#!/nonexistent/sh\n", "can't be run: no such file", program.Program{}},
		{"long complaint", "#!/bin/sh\nhead -c 100000 /dev/zero | tr '\\0' x >&2; exit 1\n", "failed with exit code 1: xxx", program.Program{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.p.Path = script(t, tt.text)
			out, err := tt.p.Run(t.Context())
			var e *program.Error
			if out != nil || !errors.As(err, &e) || !strings.Contains(err.Error(), tt.says) || len(err.Error()) > 5000 {
				t.Errorf("%d bytes, %.200v; want %s", len(out), err, tt.says)
			}
		})
	}
}

// What a program that hangs has started ends with it.
func TestTheWholeGroupEnds(t *testing.T) {
	t.Parallel()
	note := filepath.Join(t.TempDir(), "pid")
	p := program.Program{Path: script(t, "#!/bin/sh\nsleep 300 & echo $! > "+note+"; wait\n"), Timeout: 500 * time.Millisecond}
	if _, err := p.Run(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	data, err := os.ReadFile(note)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil {
		t.Fatal(err)
	}
	for range 100 { // a killed process stays until init reaps it
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if err != nil || strings.Contains(string(stat), ") Z ") {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	_ = syscall.Kill(pid, syscall.SIGKILL)
	t.Error("the child of a program that hung is still there")
}

func TestInterrupt(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, cancel)
	if _, err := (program.Program{Path: script(t, "#!/bin/sh\nsleep 60\n")}).Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
