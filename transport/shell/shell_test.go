package shell_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"thordeploy/transport/local"
	"thordeploy/transport/shell"
)

// shells are what /bin/sh may be on a host.
var shells = []string{"dash", "busybox sh", "bash", "bash --posix"}

func forShells(t *testing.T, test func(t *testing.T, prefix string)) {
	t.Parallel()
	for _, sh := range shells {
		t.Run(sh, func(t *testing.T) {
			t.Parallel()
			name, rest, _ := strings.Cut(sh, " ")
			path, err := exec.LookPath(name)
			if err != nil {
				if os.Getenv("CI") == "true" {
					t.Fatal(err)
				}
				t.Skip(err)
			}
			test(t, strings.TrimSpace(path+" "+rest))
		})
	}
}

func open(t *testing.T, prefix string) *shell.Session {
	t.Helper()
	conn := local.Dial()
	t.Cleanup(func() { conn.Close() })
	s, err := shell.Open(t.Context(), conn, shell.Options{Prefix: prefix})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		s.Close(ctx, true)
	})
	return s
}

// nasty are words that have gone wrong in other programs.
var nasty = []string{"", "a b", "'", `"`, `\`, "$HOME", "`id`", "a\nb", "\n", "-n", "*", "é\xff\x80", "~", "!x", "a\tb ", "#end", "\r"}

func TestWordsArriveAsTheyAre(t *testing.T) {
	forShells(t, func(t *testing.T, prefix string) {
		s := open(t, prefix)
		var got bytes.Buffer
		rc, err := s.Command(t.Context(), shell.Command{Argv: append([]string{"printf", `%s\0`}, nasty...)}, &got, nil)
		if err != nil || rc != 0 {
			t.Fatal(rc, err)
		}
		if want := strings.Join(nasty, "\x00") + "\x00"; got.String() != want {
			t.Errorf("got %q\nwant %q", got.String(), want)
		}
		for _, w := range nasty {
			r, err := s.Script(t.Context(), "echo_hex", "# a comment\nemit_hex word \"$1\"\nemit n $#\n", w)
			if err != nil || r.Values["word"] != w || r.Values["n"] != "1" {
				t.Errorf("%q came back as %q, %v, %v", w, r.Values["word"], r.Values["n"], err)
			}
		}
	})
}

func TestCommandStreamsStayApartAndWhole(t *testing.T) {
	forShells(t, func(t *testing.T, prefix string) {
		s := open(t, prefix)
		cases := []struct {
			script, out, err string
			rc               int
		}{
			{`printf 'no newline'; printf 'err' >&2; exit 7`, "no newline", "err", 7},
			{`printf '\n\n'; printf '\n' >&2`, "\n\n", "\n", 0},
			{`exit 255`, "", "", 255},
			{`kill -KILL $$`, "", "", 137},
			{`cat`, "", "", 0}, // standard input is empty, not the session's
			{`printf '\377\000\376'`, "\xff\x00\xfe", "", 0},
		}
		for _, c := range cases {
			var out, errs bytes.Buffer
			rc, err := s.Command(t.Context(), shell.Command{Argv: []string{c.script}, Shell: "/bin/sh"}, &out, &errs)
			if err != nil || rc != c.rc || out.String() != c.out || errs.String() != c.err {
				t.Errorf("%s: rc %d, out %q, err %q, %v", c.script, rc, out.String(), errs.String(), err)
			}
		}
	})
}

func TestCommandSurroundings(t *testing.T) {
	forShells(t, func(t *testing.T, prefix string) {
		s := open(t, prefix)
		dir := t.TempDir()
		var out bytes.Buffer
		rc, err := s.Command(t.Context(), shell.Command{
			Argv:  []string{`pwd; umask; echo "$A|$B"; cat; ls /proc/self/fd | wc -l`},
			Shell: "/bin/sh",
			Dir:   dir,
			Umask: "0027",
			Env:   map[string]string{"A": "x y", "B": "l1\nl2"},
			Stdin: []byte("in\nput"),
		}, &out, nil)
		if err != nil || rc != 0 {
			t.Fatal(rc, err)
		}
		// None of the session's own descriptors reaches a command.
		fds, err := exec.Command("/bin/sh", "-c", "ls /proc/self/fd | wc -l").Output()
		if err != nil {
			t.Fatal(err)
		}
		if want := dir + "\n0027\nx y|l1\nl2\nin\nput" + string(fds); out.String() != want {
			t.Errorf("got %q\nwant %q", out.String(), want)
		}
		account, err := os.UserHomeDir()
		if err != nil {
			t.Fatal(err)
		}
		for _, dir := range []string{"~", "~/."} {
			out.Reset()
			rc, err = s.Command(t.Context(), shell.Command{Argv: []string{"pwd", "-P"}, Dir: dir}, &out, nil)
			if err != nil || rc != 0 || out.String() != account+"\n" {
				t.Errorf("chdir %s: rc %d, %v, %q", dir, rc, err, out.String())
			}
		}
		if _, err := s.Command(t.Context(), shell.Command{Argv: []string{"true"}, Env: map[string]string{"A;id": ""}}, nil, nil); err == nil {
			t.Error("a name that is none was taken")
		}
		if _, err := s.Command(t.Context(), shell.Command{Argv: []string{"a\x00b"}}, nil, nil); err == nil {
			t.Error("a NUL was taken")
		}
	})
}

func TestCreatesAndRemoves(t *testing.T) {
	forShells(t, func(t *testing.T, prefix string) {
		s := open(t, prefix)
		dir := filepath.Join(t.TempDir(), "a b")
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "x.log"), nil, 0o644); err != nil {
			t.Fatal(err)
		}
		cases := []struct {
			creates, removes string
			skipped          bool
		}{
			{dir, "", true}, {dir + "/*.log", "", true}, {dir + "/*.txt", "", false}, {"x.log", "", true},
			{"", dir + "/none", true}, {"", "*.log", false}, {"$(touch " + dir + "/pwn)", "", false},
		}
		for _, c := range cases {
			var out bytes.Buffer
			rc, err := s.Command(t.Context(), shell.Command{Argv: []string{"echo", "ran"}, Dir: dir, Creates: c.creates, Removes: c.removes}, &out, nil)
			var skipped *shell.SkippedError
			if errors.As(err, &skipped) != c.skipped || rc != 0 || (out.String() == "ran\n") == c.skipped {
				t.Errorf("%+v: rc %d, %v, %q", c, rc, err, out.String())
			}
		}
		if _, err := os.Stat(filepath.Join(dir, "pwn")); err == nil {
			t.Error("a creates pattern was run")
		}
	})
}

func TestWhyACommandDidNotRun(t *testing.T) {
	forShells(t, func(t *testing.T, prefix string) {
		s := open(t, prefix)
		dir := t.TempDir()
		elf := func(machine byte, abi byte) []byte {
			h := make([]byte, 64)
			copy(h, "\x7fELF\x02\x01\x01")
			h[7], h[16], h[18] = abi, 3, machine
			return h
		}
		write := func(name string, mode os.FileMode, data []byte) string {
			p := filepath.Join(dir, name)
			if err := os.WriteFile(p, data, mode); err != nil {
				t.Fatal(err)
			}
			return p
		}
		foreign := map[string]byte{"x86_64": 0xb7, "aarch64": 0x3e}[hostMachine(t)]
		cases := []struct {
			program string
			want    shell.Reason
			rc      int
		}{
			{filepath.Join(dir, "none"), shell.Missing, 127},
			{"no-such-program-here", shell.Missing, 127},
			{"-x", shell.Missing, 127},
			{dir, shell.IsFolder, 126},
			{write("noexec", 0o644, []byte("#!/bin/sh\n")), shell.NoExec, 126},
			{write("foreign", 0o755, elf(foreign, 0)), shell.Machine, 126},
			{write("foreign3", 0o755, elf(foreign, 3)), shell.Machine, 126},
			{write("mips", 0o755, elf(8, 0)), shell.Machine, 126},
		}
		for _, c := range cases {
			rc, err := s.Command(t.Context(), shell.Command{Argv: []string{c.program}}, nil, nil)
			var why *shell.NotRunError
			if !errors.As(err, &why) || why.Reason != c.want || why.Path != c.program || rc != c.rc {
				t.Errorf("%s: rc %d, %v", c.program, rc, err)
			}
		}
		_, err := s.Command(t.Context(), shell.Command{Argv: []string{"true"}, Dir: dir + "/none"}, nil, nil)
		var why *shell.NotRunError
		if !errors.As(err, &why) || why.Reason != shell.NoDir {
			t.Error(err)
		}
		if rc, err := s.Command(t.Context(), shell.Command{Argv: []string{"/bin/true"}}, nil, nil); err != nil || rc != 0 {
			t.Errorf("/bin/true: rc %d, %v", rc, err)
		}
	})
}

func hostMachine(t *testing.T) string {
	out, err := exec.Command("uname", "-m").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

func TestMuchOutputIsStreamed(t *testing.T) {
	forShells(t, func(t *testing.T, prefix string) {
		s := open(t, prefix)
		var n counter
		rc, err := s.Command(t.Context(), shell.Command{Argv: []string{"head", "-c", "100000000", "/dev/zero"}}, &n, nil)
		if err != nil || rc != 0 || n != 100000000 {
			t.Errorf("rc %d, %v, %d bytes", rc, err, n)
		}
		r, err := s.Script(t.Context(), "loud", "head -c 1000000 /dev/zero | tr '\\0' x\nemit done 1")
		if err != nil || len(r.Stdout) != 64<<10 || r.Values["done"] != "1" {
			t.Errorf("%d bytes kept of a half's output, %v", len(r.Stdout), err)
		}
	})
}

type counter int

func (c *counter) Write(p []byte) (int, error) { *c += counter(len(p)); return len(p), nil }

func TestDeadlineEndsTheCommandAndNotTheSession(t *testing.T) {
	forShells(t, func(t *testing.T, prefix string) {
		s := open(t, prefix)
		mark := fmt.Sprintf("3%d.%s", time.Now().UnixNano()%1e9, "5")
		for _, script := range []string{
			"sleep " + mark,
			"trap '' TERM; sleep " + mark + " & sleep " + mark + "; sleep " + mark,
		} {
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			begin := time.Now()
			_, err := s.Command(ctx, shell.Command{Argv: []string{script}, Shell: "/bin/sh"}, nil, nil)
			cancel()
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("%v", err)
			}
			if took := time.Since(begin); took > 5*time.Second {
				t.Errorf("took %v", took)
			}
			if left := running("sleep\x00" + mark); left != "" {
				t.Errorf("%s: still running: %s", script, left)
			}
			if rc, err := s.Command(t.Context(), shell.Command{Argv: []string{"true"}}, nil, nil); rc != 0 || err != nil {
				t.Fatalf("after a deadline: rc %d, %v", rc, err)
			}
		}
	})
}

// running finds a process by a piece of its command line.
func running(piece string) string {
	procs, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, p := range procs {
		b, _ := os.ReadFile(p)
		if strings.Contains(string(b), piece) {
			return p + ": " + strings.ReplaceAll(string(b), "\x00", " ")
		}
	}
	return ""
}

func TestALoginShellThatRefuses(t *testing.T) {
	t.Parallel()
	conn := local.Dial()
	defer conn.Close()
	_, err := shell.Open(t.Context(), conn, shell.Options{Prefix: "/bin/sh -c 'echo no login here >&2; exit 3' #"})
	if err == nil || !strings.Contains(err.Error(), "status 3") || !strings.Contains(err.Error(), "no login here") {
		t.Errorf("%v", err)
	}
}

func TestOpenGivesUpOnAShellThatNeverAnswers(t *testing.T) {
	t.Parallel()
	conn := local.Dial()
	defer conn.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err := shell.Open(ctx, conn, shell.Options{Prefix: "/bin/sh -c 'sleep 5' #"})
	if err == nil || !strings.Contains(err.Error(), "did not answer") {
		t.Errorf("%v", err)
	}
}
