package action

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// want compares what a test cares about.
func want(t *testing.T, r Result, key string, expected any) {
	t.Helper()
	if diff := cmp.Diff(expected, r.Values[key]); diff != "" {
		t.Errorf("%s (-want +got):\n%s\nof %+v", key, diff, r)
	}
}

// wantFailed wants a failure with these words in its message and hint.
func wantFailed(t *testing.T, r Result, msg, hint string) {
	t.Helper()
	if !r.Failed || r.Changed || r.Skipped || !strings.Contains(r.Msg, msg) || !strings.Contains(r.Hint, hint) {
		t.Errorf("got %+v\nwant a failure that says %q and hints %q", r, msg, hint)
	}
}

func TestCommandResult(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, h *host) {
		var live []string
		r := h.run(t, "command", map[string]any{"cmd": `printf '%s\n' "a b" 'c*' $X \|`, "expand_argument_vars": false},
			func(c *Call) { c.Output = func(s string, p []byte) { live = append(live, s+":"+string(p)) } })
		if !r.Changed || r.Failed || r.Skipped || r.Msg != "" {
			t.Errorf("got %+v", r)
		}
		want(t, r, "cmd", []any{"printf", `%s\n`, "a b", "c*", "$X", "|"})
		want(t, r, "rc", 0)
		want(t, r, "stdout", "a b\nc*\n$X\n|")
		want(t, r, "stdout_lines", []any{"a b", "c*", "$X", "|"})
		want(t, r, "stderr", "")
		want(t, r, "stderr_lines", []any{})
		if got := strings.Join(live, ""); !strings.Contains(got, "stdout:a b") || strings.Contains(got, "stderr:") {
			t.Errorf("live output %q", live)
		}
		for key, form := range map[string]string{
			"start": `^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}$`, "end": `^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}$`, "delta": `^0:00:\d\d\.\d{6}$`,
		} {
			if v, _ := r.Values[key].(string); !regexp.MustCompile(form).MatchString(v) {
				t.Errorf("%s is %q", key, v)
			}
		}
		if n := h.trips.take(); n != 1 {
			t.Errorf("%d round trips", n)
		}
	})
}

func TestCommandArgv(t *testing.T) {
	t.Parallel()
	words := []any{"printf", "<%s>", "", "a b", "'", `"`, "a\nb", "$(id)", "`id`", "*", "~", "-n", "\\", "é", "\x01;&|"}
	eachShell(t, func(t *testing.T, h *host) {
		r := h.run(t, "command", map[string]any{"argv": words, "expand_argument_vars": false})
		var b strings.Builder
		for _, w := range words[2:] {
			fmt.Fprintf(&b, "<%s>", w)
		}
		want(t, r, "stdout", b.String())
	})
}

func TestCommandExpandsVariables(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, h *host) {
		env := withEnv("TD_A", "x  y*")
		r := h.run(t, "command", map[string]any{"cmd": "printf <%s> $TD_A ${TD_A}/b $TD_UNSET"}, env)
		want(t, r, "stdout", "<x  y*><x  y*/b><$TD_UNSET>")
		want(t, r, "cmd", []any{"printf", "<%s>", "$TD_A", "${TD_A}/b", "$TD_UNSET"})
		r = h.run(t, "command", map[string]any{"cmd": "printf <%s> ~/x"}, withEnv("HOME", "/home of/me"))
		want(t, r, "stdout", "</home of/me/x>")
		h.trips.take()
		r = h.run(t, "command", map[string]any{"cmd": "sh -c 'exit 3' $TD_A"}, env)
		want(t, r, "rc", 3)
		if n := h.trips.take(); n != 1 {
			t.Errorf("%d round trips", n)
		}
		dir := t.TempDir()
		write(t, dir+"/plain", "x", 0o644)
		at := withEnv("TD_DIR", dir)
		wantFailed(t, h.run(t, "command", map[string]any{"cmd": "$TD_DIR/none x"}, at), "no such program: "+dir+"/none", "check the path")
		wantFailed(t, h.run(t, "command", map[string]any{"cmd": "$TD_DIR/plain"}, at), "plain is not executable", "0755")
		wantFailed(t, h.run(t, "command", map[string]any{"cmd": "$TD_DIR"}, at), "is a folder", "")
		wantFailed(t, h.run(t, "command", map[string]any{"cmd": "td-none $TD_DIR"}, at), "no such program: td-none", "PATH")
		// The program's own 127 stays what it is.
		r = h.run(t, "command", map[string]any{"cmd": "sh -c 'exit 127' $TD_DIR"}, at)
		if r.Msg != "non-zero return code" || !r.Failed {
			t.Errorf("got %+v", r)
		}
		want(t, r, "rc", 127)
	})
}

func TestCommandCreatesRemoves(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, h *host) {
		dir := t.TempDir()
		write(t, dir+"/a file.txt", "", 0o644)
		if err := os.Symlink("/nonexistent", dir+"/dangling"); err != nil {
			t.Fatal(err)
		}
		for _, test := range []struct {
			args   map[string]any
			hit    string // the pattern that keeps it from running, empty: it runs
			exists string
		}{
			{map[string]any{"creates": dir + "/a file.txt"}, dir + "/a file.txt", "exists"},
			{map[string]any{"creates": dir + "/*.txt"}, dir + "/*.txt", "exists"},
			{map[string]any{"creates": dir + "/dangling"}, dir + "/dangling", "exists"},
			{map[string]any{"creates": "*.txt", "chdir": dir}, "*.txt", "exists"},
			{map[string]any{"creates": dir + "/none"}, "", ""},
			{map[string]any{"removes": dir + "/none*"}, dir + "/none*", "does not exist"},
			{map[string]any{"removes": dir + "/a*"}, "", ""},
			{map[string]any{"creates": dir + "/a*", "removes": dir + "/none"}, dir + "/a*", "exists"},
			{map[string]any{"creates": dir + "/$(touch oops)"}, "", ""},
		} {
			for _, module := range []string{"command", "shell"} {
				test.args["cmd"] = "echo ran"
				h.trips.take()
				r := h.run(t, module, test.args)
				if n := h.trips.take(); n != 1 {
					t.Errorf("%s %v: %d round trips", module, test.args, n)
				}
				if test.hit == "" {
					want(t, r, "stdout", "ran")
					continue
				}
				if r.Changed || r.Failed || r.Skipped {
					t.Errorf("%s %v: %+v", module, test.args, r)
				}
				want(t, r, "rc", 0)
				want(t, r, "stdout", fmt.Sprintf("skipped, since %s %s", test.hit, test.exists))
			}
		}
	})
}

func TestCommandCheckMode(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, h *host) {
		dir := t.TempDir()
		write(t, dir+"/there", "", 0o644)
		run := func(args map[string]any) Result {
			args["cmd"] = "touch " + dir + "/ran"
			r := h.run(t, "command", args, inCheck)
			if _, err := os.Stat(dir + "/ran"); err == nil {
				t.Errorf("%v ran in check mode", args)
			}
			return r
		}
		if r := run(map[string]any{}); !r.Skipped || r.Changed || r.Failed {
			t.Errorf("without creates: %+v", r)
		}
		if r := run(map[string]any{"creates": dir + "/th*"}); r.Skipped || r.Changed || r.Values["stdout"] != "skipped, since "+dir+"/th* exists" {
			t.Errorf("creates that is there: %+v", r)
		}
		if r := run(map[string]any{"creates": "none", "chdir": dir}); r.Skipped || !r.Changed {
			t.Errorf("creates that isn't there: %+v", r)
		}
		if r := run(map[string]any{"removes": "there", "chdir": dir}); r.Skipped || !r.Changed {
			t.Errorf("removes that is there: %+v", r)
		}
		if r := run(map[string]any{"removes": dir + "/none"}); r.Skipped || r.Changed {
			t.Errorf("removes that isn't there: %+v", r)
		}
		wantFailed(t, run(map[string]any{"removes": "x", "chdir": dir + "/none"}), "can't change to folder "+dir+"/none", "chdir")
	})
}

func TestCommandStdinChdirEnvAndEnds(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, h *host) {
		dir := filepath.Join(t.TempDir(), "a 'folder'")
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		for _, test := range []struct {
			args map[string]any
			out  string
		}{
			{map[string]any{"cmd": "od -c", "stdin": "a"}, "0000000   a  \\n\n0000002"},
			{map[string]any{"cmd": "od -c", "stdin": "a", "stdin_add_newline": "no"}, "0000000   a\n0000001"},
			{map[string]any{"cmd": "wc -c"}, "0"},
			{map[string]any{"cmd": "wc -c", "stdin": ""}, "0"},
			{map[string]any{"cmd": "pwd", "chdir": dir}, dir},
			{map[string]any{"cmd": `printf 'x\n\n'`}, "x"},
			{map[string]any{"cmd": `printf 'x\n\n'`, "strip_empty_ends": false}, "x\n\n"},
			{map[string]any{"cmd": `sh -c 'printf %s "$TD_V"'`, "expand_argument_vars": false}, "it's \"$HOME\"\nx"},
		} {
			r := h.run(t, "command", test.args, withEnv("TD_V", "it's \"$HOME\"\nx"))
			if got := strings.TrimSpace(fmt.Sprint(r.Values["stdout"])); got != strings.TrimSpace(test.out) || r.Failed {
				t.Errorf("%v: %q, want %q (%+v)", test.args, got, test.out, r)
			}
		}
		wantFailed(t, h.run(t, "command", map[string]any{"cmd": "pwd", "chdir": dir + "/none"}), "can't change to folder "+dir+"/none", "chdir")
	})
}

func TestCommandFails(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, h *host) {
		r := h.run(t, "command", map[string]any{"cmd": "sh -c 'echo out; echo err >&2; exit 3'"})
		if !r.Failed || !r.Changed || r.Msg != "non-zero return code" {
			t.Errorf("got %+v", r)
		}
		want(t, r, "rc", 3)
		want(t, r, "stdout", "out")
		want(t, r, "stderr_lines", []any{"err"})
		want(t, h.run(t, "command", map[string]any{"cmd": "sh -c 'kill -9 $$'", "expand_argument_vars": false}), "rc", 137)

		dir := t.TempDir()
		write(t, dir+"/plain", "#!/bin/sh\n", 0o644)
		write(t, dir+"/foreign", foreignELF(), 0o755)
		for _, test := range []struct{ cmd, msg, hint string }{
			{"td-no-such-program x", "no such program: td-no-such-program", "PATH"},
			{dir + "/none", "no such program: " + dir + "/none", "check the path"},
			{"./none", "no such program: ./none", "home"},
			{dir + "/plain", dir + "/plain is not executable", `mode: "0755"`},
			{dir, dir + " is a folder", ""},
			{dir + "/foreign", "Exec format error: " + dir + "/foreign is built for " + foreign()[0] + ", the host is " + foreign()[1], "architecture"},
		} {
			r := h.run(t, "command", map[string]any{"cmd": test.cmd})
			wantFailed(t, r, test.msg, test.hint)
			want(t, r, "stderr", r.Msg)
			want(t, r, "cmd", test.cmd)
			if said, _ := r.Values["msg"].(string); !strings.HasPrefix(said, "[Errno ") || r.Values["delta"] != nil {
				t.Errorf("%s: conditions that are written for Ansible see %v", test.cmd, r.Values)
			}
			if rc := r.Values["rc"]; rc != 126 && rc != 127 {
				t.Errorf("%s: rc %v", test.cmd, rc)
			}
		}
		write(t, dir+"/interp", "#! /td/no*  -x\n", 0o755)
		write(t, dir+"/dos", "#!/bin/sh\r\necho hi\r\n", 0o755)
		wantFailed(t, h.run(t, "command", map[string]any{"cmd": dir + "/interp a"}), `not on the host: "/td/no*"`, "install it")
		wantFailed(t, h.run(t, "command", map[string]any{"cmd": dir + "/dos"}), `not on the host: "/bin/sh\r"`, "Windows line ends")
		if r := h.run(t, "command", map[string]any{"cmd": "/bin/sh -c 'exit 127'"}); r.Msg != "non-zero return code" || !strings.Contains(r.Hint, "loader") {
			t.Errorf("got %+v", r)
		}
		wantFailed(t, h.run(t, "command", map[string]any{"cmd": "echo 'x"}), "quotation", "argv")
		wantFailed(t, h.run(t, "command", map[string]any{"cmd": "  "}), "no command", "")
	})
}

// foreign is the other architecture and this machine's, as uname -m says them.
func foreign() [2]string {
	if runtime.GOARCH == "arm64" {
		return [2]string{"x86_64", "aarch64"}
	}
	return [2]string{"aarch64", "x86_64"}
}

// foreignELF is the header of a program for the other architecture.
func foreignELF() string {
	machine := byte(183) // EM_AARCH64
	if runtime.GOARCH == "arm64" {
		machine = 62 // EM_X86_64
	}
	h := make([]byte, 128)
	copy(h, "\x7fELF\x02\x01\x01")
	h[16], h[18] = 2, machine // ET_EXEC
	return string(h)
}

func TestCommandHugeAndOddOutput(t *testing.T) {
	t.Parallel()
	h := openHost(t, "dash", "dash")
	const size = 100_000_000
	total := 0
	r := h.run(t, "command", map[string]any{"cmd": fmt.Sprintf(`sh -c "printf begin; head -c %d /dev/zero | tr '\\0' x; printf end"`, size-8)},
		func(c *Call) { c.Output = func(_ string, p []byte) { total += len(p) } })
	if r.Failed || total != size {
		t.Errorf("%d bytes came live of %d; failed %v: %s", total, size, r.Failed, r.Msg)
	}
	out, _ := r.Values["stdout"].(string)
	if len(out) > 2*keepEnd+100 || !strings.HasPrefix(out, "beginxxx") || !strings.HasSuffix(out, "xxxend") || !strings.Contains(out, "bytes left out") {
		t.Errorf("kept %d bytes", len(out))
	}
	want(t, r, "stdout_truncated", true)
	if _, ok := r.Values["stderr_truncated"]; ok {
		t.Error("stderr counts as truncated")
	}

	var live bytes.Buffer
	r = h.run(t, "shell", map[string]any{"cmd": `printf 'a\377\376\000b\nc'`}, func(c *Call) { c.Output = func(_ string, p []byte) { live.Write(p) } })
	if s, _ := r.Values["stdout"].(string); !utf8.ValidString(s) || !strings.HasPrefix(s, "a\uFFFD") || !strings.HasSuffix(s, "\x00b\nc") {
		t.Errorf("stdout %q", s)
	}
	if live.String() != "a\xff\xfe\x00b\nc" {
		t.Errorf("live %q", live.String())
	}
}

func TestCommandTimesOut(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, h *host) {
		dir := t.TempDir()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		deadline, stop := context.WithTimeout(ctx, 700*time.Millisecond)
		defer stop()
		r := h.runContext(deadline, t, "shell", map[string]any{"cmd": "echo begun; echo $$ > pid; sleep 30; echo late", "chdir": dir})
		if !r.Failed || !r.TimedOut || r.Lost != nil || r.Hint == "" {
			t.Errorf("got %+v", r)
		}
		want(t, r, "stdout", "begun")
		if _, has := r.Values["rc"]; has {
			t.Errorf("a command that was ended has no rc: %v", r.Values)
		}
		pid, err := os.ReadFile(dir + "/pid")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat("/proc/" + strings.TrimSpace(string(pid))); err == nil {
			t.Error("the command still runs")
		}
		// The session goes on.
		want(t, h.run(t, "command", map[string]any{"cmd": "echo on"}), "stdout", "on")
	})
}

func TestHostLost(t *testing.T) {
	t.Parallel()
	h := openHost(t, "dash", "dash")
	if err := h.Conn().Close(); err != nil {
		t.Fatal(err)
	}
	for _, module := range []string{"command", "ping"} {
		args := map[string]any{}
		if module == "command" {
			args["cmd"] = "true"
		}
		if r := h.run(t, module, args); r.Lost == nil || !r.Failed || r.Msg == "" {
			t.Errorf("%s on a lost host: %+v", module, r)
		}
	}
}

// TestCommandFootprint: what the published playbook does by hand is known to
// the guard, like what the mount module does.
func TestCommandFootprint(t *testing.T) {
	t.Parallel()
	mkdir, mount, rmdir := Footprint{Makes: []string{"/mnt/temp_ram"}}, Footprint{Mounts: []string{"/mnt/temp_ram"}, RAM: true, Size: 60 << 20}, Footprint{Removes: []string{"/mnt/temp_ram"}}
	for _, test := range []struct {
		module string
		args   map[string]any
		want   Footprint
	}{
		{"command", map[string]any{"cmd": "mkdir /mnt/temp_ram"}, mkdir},
		{"command", map[string]any{"argv": []any{"mkdir", "/mnt/temp_ram"}}, mkdir},
		{"execute", map[string]any{"cmd": "mount -t ramfs -o size=60M ramfs /mnt/temp_ram/"}, mount},
		{"command", map[string]any{"cmd": "rmdir /mnt/temp_ram/"}, rmdir},
		{"command", map[string]any{"cmd": "echo a; mkdir /mnt/temp_ram"}, Footprint{}},
		{"shell", map[string]any{"cmd": "echo a; mkdir /mnt/temp_ram"}, mkdir},
		{"raw", map[string]any{"cmd": "mkdir /mnt/temp_ram || exit"}, mkdir},
	} {
		s, _ := Lookup(test.module)
		args, err := s.Bind(test.args)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, s.Ephemeral(args)); diff != "" {
			t.Errorf("%s %v (-want +got):\n%s", test.module, test.args, diff)
		}
	}
}
