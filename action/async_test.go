package action

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// inBackground starts a command and doesn't wait for it.
func inBackground(limit time.Duration) func(*Call) {
	return func(c *Call) { c.Background = &Background{Job: NewJob(), Limit: limit} }
}

// ended waits until a job says that it has ended, and takes away what is kept
// of it.
func (h *host) ended(t *testing.T, job any) Result {
	t.Helper()
	for range 100 {
		r := h.run(t, "async_status", map[string]any{"jid": job})
		if r.Values["finished"] == 1 {
			c := mustOK(t, h.run(t, "async_status", map[string]any{"jid": job, "mode": "cleanup"}), false)
			if _, err := os.Stat(fmt.Sprint(c.Values["erased"])); err == nil {
				t.Errorf("%v is still there", c.Values["erased"])
			}
			return r
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("job %v doesn't end", job)
	return Result{}
}

func TestBackground(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, h *host) {
		dir := t.TempDir()
		begun := time.Now()
		started := mustOK(t, h.run(t, "shell", map[string]any{
			"cmd": `read line; sleep 1; echo "out $line $V"; umask; echo err >&2; pwd; exit 3`, "chdir": dir, "stdin": "a 'b'",
		}, withEnv("V", "x y"), inBackground(time.Minute)), true)
		if d := time.Since(begun); d > 900*time.Millisecond {
			t.Errorf("waited %v", d)
		}
		job := started.Values["ansible_job_id"]
		path, _ := started.Values["results_file"].(string)
		hasMode(t, path, os.FileMode(0o700))
		hasMode(t, filepath.Join(path, "out"), os.FileMode(0o600))
		if r := h.run(t, "async_status", map[string]any{"jid": job}); r.Failed || r.Values["finished"] != 0 {
			t.Errorf("at first: %+v", r)
		}
		r := h.ended(t, job)
		out, _ := r.Values["stdout"].(string)
		if !r.Failed || r.Values["rc"] != 3 || r.Values["stderr"] != "err" || !strings.HasPrefix(out, "out a 'b' x y\n0022\n") && !strings.HasPrefix(out, "out a 'b' x y\n022\n") || !strings.HasSuffix(out, "\n"+dir) {
			t.Errorf("%+v", r)
		}
		mustFail(t, h.run(t, "async_status", map[string]any{"jid": job}), "could not find job")
	})
}

func TestBackgroundOutlivesTheSessionUntilItsDeadline(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, h *host) {
		mark := fmt.Sprintf("7%06d", time.Now().UnixNano()%1e6)
		words := []string{"/bin/sh", "-c", "sleep " + mark + " & wait"}
		started := mustOK(t, h.run(t, "command", map[string]any{"argv": words}, inBackground(2*time.Second)), true)
		if _, _, err := h.Close(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		if !runs(mark) {
			t.Error("it ended with the session")
		}
		again := openHost(t, h.shell, prefixOf(h.shell))
		r := again.ended(t, started.Values["ansible_job_id"])
		mustFail(t, r, "did not end within the time")
		for range 30 {
			if !runs(mark) {
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
		t.Error("what it started goes on after its deadline")
	})
}

func prefixOf(name string) string {
	for _, s := range testShells {
		if s.name == name {
			return s.prefix
		}
	}
	return name
}

// runs reports whether a sleep of so many seconds runs on this machine.
func runs(seconds string) bool {
	out, _ := exec.Command("ps", "-eo", "args").Output()
	return strings.Contains(string(out), "sleep "+seconds)
}

func TestBackgroundRefuses(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, h *host) {
		mustFail(t, h.run(t, "command", map[string]any{"cmd": "true", "chdir": "/none"}, inBackground(time.Second)), "can't change to folder /none")
		r := mustOK(t, h.run(t, "command", map[string]any{"cmd": "true", "creates": "/"}, inBackground(time.Second)), false)
		if r.Values["ansible_job_id"] != nil {
			t.Errorf("%+v", r)
		}
		for _, id := range []string{"../x", "j1.1/..", "", "x"} {
			mustFail(t, h.run(t, "async_status", map[string]any{"jid": id}), "could not find job")
		}
		large := write(t, t.TempDir()+"/large.sh", "#!/bin/sh\n#"+strings.Repeat("x", inRequest), 0o755)
		h.trips.take()
		mustFail(t, h.run(t, "script", map[string]any{"cmd": large}, inBackground(time.Second)), "does not support async", "run it with command")
		if n := h.trips.take(); n != 0 {
			t.Errorf("%d round trips for what is refused", n)
		}
	})
}
