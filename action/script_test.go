package action

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// inPlaybook is an option: the playbook's folder, and a TMPDIR of the test's
// own, so that what a script leaves behind can be seen.
func inPlaybook(dir, tmp string) func(*Call) {
	return func(c *Call) {
		c.Local.Playbook = dir
		withEnv("TMPDIR", tmp)(c)
	}
}

// wantEmpty wants nothing in a folder.
func wantEmpty(t *testing.T, dir string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestScript(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, h *host) {
		dir, tmp := t.TempDir(), t.TempDir()
		write(t, dir+"/files/my script.sh", "#!/bin/sh\nprintf '<%s>' \"$@\"\nls -ld \"$0\" | cut -c1-10\nls -ld \"${0%/*}\" | cut -c1-10\npwd\numask\ncat\n", 0o644)
		write(t, dir+"/fail.sh", "echo bad >&2; exit 9\n", 0o600)
		at := inPlaybook(dir, tmp)

		h.trips.take()
		r := h.run(t, "script", map[string]any{"cmd": `'my script.sh' a\ b "$TD_V" | cat`, "chdir": "/usr"}, at, withEnv("TD_V", "it's  $x"))
		out, _ := r.Values["stdout"].(string)
		if !r.Changed || r.Failed || !strings.HasPrefix(out, "<a b><it's  $x>-rwx------\ndrwx------\n/usr\n0022\n") {
			t.Errorf("got %+v", r)
		}
		if n := h.trips.take(); n != 1 {
			t.Errorf("%d round trips", n)
		}
		wantEmpty(t, tmp)

		r = h.run(t, "script", map[string]any{"cmd": "fail.sh"}, at)
		if !r.Failed || r.Msg != "non-zero return code" || r.Values["rc"] != 9 || r.Values["stderr"] != "bad\n" {
			t.Errorf("got %+v", r)
		}
		wantEmpty(t, tmp)

		r = h.run(t, "script", map[string]any{"cmd": "fail.sh", "executable": "/bin/cat -n"}, at)
		if out, _ := r.Values["stdout"].(string); r.Failed || !strings.Contains(out, "1\techo bad") {
			t.Errorf("with an executable: %+v", r)
		}
		wantEmpty(t, tmp)
	})
}

func TestScriptCreatesRemovesAndCheck(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, h *host) {
		dir, tmp := t.TempDir(), t.TempDir()
		at := inPlaybook(dir, tmp)
		write(t, dir+"/x.sh", "touch "+tmp+"/ran\n", 0o644)
		for _, options := range [][]func(*Call){{at}, {at, inCheck}} {
			r := h.run(t, "script", map[string]any{"cmd": "x.sh", "creates": dir + "/x*"}, options...)
			if !r.Skipped || r.Changed || r.Failed || r.Msg != "skipped, since "+dir+"/x* exists" {
				t.Errorf("creates: %+v", r)
			}
			r = h.run(t, "script", map[string]any{"cmd": "x.sh", "removes": dir + "/none"}, options...)
			if !r.Skipped || r.Msg != "skipped, since "+dir+"/none does not exist" {
				t.Errorf("removes: %+v", r)
			}
		}
		if r := h.run(t, "script", map[string]any{"cmd": "x.sh"}, at, inCheck); !r.Skipped || r.Changed {
			t.Errorf("in check mode: %+v", r)
		}
		wantEmpty(t, tmp)
	})
}

// TestScriptLarge: a script that is too large for a request, or has NUL bytes,
// goes ahead of it, and goes away again.
func TestScriptLarge(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, h *host) {
		dir, tmp := t.TempDir(), t.TempDir()
		at := inPlaybook(dir, tmp)
		name := strings.ReplaceAll(strings.Trim(dir, "/"), "/", "-") + ".sh"
		write(t, dir+"/"+name, "echo $#; wc -c <\"$0\"; exit 0\n"+strings.Repeat("\x00payload\n", 30000), 0o644)
		r := h.run(t, "script", map[string]any{"cmd": name + " a b"}, at)
		if out, _ := r.Values["stdout"].(string); r.Failed || strings.Join(strings.Fields(out), " ") != "2 270029" {
			t.Errorf("got %+v", r)
		}
		if r := h.run(t, "script", map[string]any{"cmd": name, "creates": dir}, at); !r.Skipped {
			t.Errorf("creates: %+v", r)
		}
		// A stream beside the session doesn't have the task's environment.
		if left, err := filepath.Glob("/tmp/thordeploy.*/" + name); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v, %v", left, err)
		}
	})
}

func TestScriptTimesOut(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, h *host) {
		dir, tmp := t.TempDir(), t.TempDir()
		text := "echo begun; sleep 30; sleep 30\n"
		if h.shell == "dash" {
			text = "trap '' TERM\n" + text // ends by KILL, two seconds later
		}
		write(t, dir+"/slow.sh", text, 0o644)
		ctx, cancel := context.WithTimeout(t.Context(), 700*time.Millisecond)
		defer cancel()
		r := h.runContext(ctx, t, "script", map[string]any{"cmd": "slow.sh"}, inPlaybook(dir, tmp))
		if !r.TimedOut || !r.Failed || r.Values["stdout"] != "begun\n" {
			t.Errorf("got %+v", r)
		}
		wantEmpty(t, tmp)
	})
}

func TestScriptRefuses(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, h *host) {
		dir := t.TempDir()
		at := inPlaybook(dir, dir)
		write(t, dir+"/x.sh", "", 0o644)
		write(t, dir+"/interp.sh", "#!/td/none\n", 0o644)
		wantFailed(t, h.run(t, "script", map[string]any{"cmd": "none.sh a"}, at), dir+"/files/none.sh", "files/")
		wantFailed(t, h.run(t, "script", map[string]any{"cmd": "/"}, at), "is not a file", "")
		wantFailed(t, h.run(t, "script", map[string]any{"cmd": ""}, at), "needs a local file", "")
		wantFailed(t, h.run(t, "script", map[string]any{"cmd": "x.sh", "chdir": "usr"}, at), "absolute", "")
		if r := h.run(t, "script", map[string]any{"cmd": "interp.sh"}, at); !r.Failed || !strings.Contains(r.Hint, "executable") {
			t.Errorf("got %+v", r)
		}
	})
}

// TestScriptWrappers runs what goes to /bin/sh on a host under every shell
// that may be it.
func TestScriptWrappers(t *testing.T) {
	t.Parallel()
	run, err := os.ReadFile("sh/script.sh")
	if err != nil {
		t.Fatal(err)
	}
	put, err := os.ReadFile("sh/script_put.sh")
	if err != nil {
		t.Fatal(err)
	}
	for _, sh := range [][]string{{"dash"}, {"bash"}, {"bash", "--posix"}, {"busybox", "sh"}} {
		t.Run(strings.Join(sh, " "), func(t *testing.T) {
			t.Parallel()
			tmp := t.TempDir()
			call := func(input, text string, args ...string) (string, int) {
				c := exec.Command(sh[0], append(append(append([]string{}, sh[1:]...), "-c", text, "x"), args...)...)
				c.Env = append(os.Environ(), "TMPDIR="+tmp)
				c.Stdin = strings.NewReader(input)
				out, _ := c.Output()
				return string(out), c.ProcessState.ExitCode()
			}
			if out, rc := call("echo $1 ran; exit 3", string(run), "n.sh", "", "'a b'", ""); out != "a b ran\n" || rc != 3 {
				t.Errorf("script.sh: %q, %d", out, rc)
			}
			wantEmpty(t, tmp)
			if out, rc := call("short", oneLine(string(put)), "n.sh", "6"); out != "" || rc != 125 {
				t.Errorf("script_put.sh, cut off: %q, %d", out, rc)
			}
			wantEmpty(t, tmp)
			at, rc := call("echo $1 ran", oneLine(string(put)), "n.sh", "11")
			if rc != 0 || filepath.Dir(at) != tmp {
				t.Fatalf("script_put.sh: %q, %d", at, rc)
			}
			if out, rc := call("", string(run), "n.sh", "", "b", at); out != "b ran\n" || rc != 0 {
				t.Errorf("script.sh of a folder: %q, %d", out, rc)
			}
			wantEmpty(t, tmp)
		})
	}
}
