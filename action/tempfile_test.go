package action

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTempfile(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, h *host) {
		dir := filepath.Join(t.TempDir(), "a 'folder'\n")
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		h.trips.take()
		r := mustOK(t, h.run(t, "tempfile", map[string]any{"path": dir + "//", "prefix": "-p $x ", "suffix": " *.s"}), true)
		if n := h.trips.take(); n != 1 {
			t.Errorf("%d round trips", n)
		}
		at, _ := r.Values["path"].(string)
		if name := filepath.Base(at); filepath.Dir(at) != dir || !strings.HasPrefix(name, "-p $x ") || !strings.HasSuffix(name, " *.s") || len(name) < len("-p $x  *.s")+8 {
			t.Errorf("made %q", at)
		}
		holds(t, at, "", 0o600)
		wantKeys(t, r.Values, map[string]any{
			"mode": "0600", "uid": os.Getuid(), "gid": os.Getgid(), "owner": "root", "group": "root", "size": int64(0), "state": "file",
		})
		other := mustOK(t, h.run(t, "tempfile", map[string]any{"path": dir, "state": "directory"}), true)
		at2, _ := other.Values["path"].(string)
		hasMode(t, at2, os.FileMode(0o700))
		wantKeys(t, other.Values, map[string]any{"mode": "0700", "state": "directory"})
		if !strings.HasPrefix(filepath.Base(at2), "ansible.") {
			t.Errorf("made %q", at2)
		}
		third := mustOK(t, h.run(t, "tempfile", map[string]any{"path": dir}), true)
		if third.Values["path"] == at2 {
			t.Error("the same name twice")
		}
	})
}

func TestTempfileRefuses(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, h *host) {
		dir := t.TempDir()
		mustFail(t, h.run(t, "tempfile", map[string]any{"path": dir + "/none"}), dir+"/none is not there", "make it first")
		mustFail(t, h.run(t, "tempfile", map[string]any{"path": "/proc"}), "making /proc/ansible.")
		mustFail(t, h.run(t, "tempfile", map[string]any{"path": dir, "prefix": "../up"}), "prefix can't be part", "in path")
		mustFail(t, h.run(t, "tempfile", map[string]any{"path": dir, "suffix": "/up", "state": "directory"}), "suffix can't be part")
		r := h.run(t, "tempfile", map[string]any{"path": dir}, inCheck)
		if !r.Skipped || r.Failed || r.Changed || !strings.Contains(r.Msg, "check mode") {
			t.Errorf("in check mode: %+v", r)
		}
		wantEmpty(t, dir)
	})
}
