package action

import (
	"bytes"
	"encoding/base64"
	"os"
	"strings"
	"syscall"
	"testing"
)

func TestSlurp(t *testing.T) {
	t.Parallel()
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	large := bytes.Repeat(append(every, '\n', '\n'), 4<<10) // over any buffer between
	eachShell(t, func(t *testing.T, h *host) {
		dir := t.TempDir()
		for name, content := range map[string]string{
			"every byte": string(every), "large": string(large), "empty": "", "newlines": "\n\n", "-odd 'name'\n": "x", "none at the end": "a\nb",
		} {
			at := write(t, dir+"/"+name, content, 0o600)
			h.trips.take()
			r := mustOK(t, h.run(t, "slurp", map[string]any{"src": at}), false)
			if n := h.trips.take(); n != 1 {
				t.Errorf("%d round trips", n)
			}
			want(t, r, "encoding", "base64")
			want(t, r, "source", at)
			text, _ := r.Values["content"].(string)
			if got, err := base64.StdEncoding.DecodeString(text); err != nil || string(got) != content {
				t.Errorf("%s: %d bytes came of %d, %v", name, len(got), len(content), err)
			}
		}
		want(t, mustOK(t, h.run(t, "slurp", map[string]any{"src": "/proc/self/comm"}, inCheck), false), "source", "/proc/self/comm")
	})
}

func TestSlurpRefuses(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, h *host) {
		dir := t.TempDir()
		if err := syscall.Mkfifo(dir+"/fifo", 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("nowhere", dir+"/dangling"); err != nil {
			t.Fatal(err)
		}
		huge := write(t, dir+"/huge", "", 0o600)
		if err := os.Truncate(huge, maxSlurp+1); err != nil {
			t.Fatal(err)
		}
		for at, words := range map[string]string{
			"/none": "file not found: ", "/dangling": "file not found: ", "": "is a directory and must be a file: ", "/fifo": "is not a regular file: ",
		} {
			mustFail(t, h.run(t, "slurp", map[string]any{"src": dir + at}), words+dir+at)
		}
		mustFail(t, h.run(t, "slurp", map[string]any{"src": huge}), "larger than 16.0 MiB", "fetch")
		if err := os.Truncate(huge, maxSlurp); err != nil {
			t.Fatal(err)
		}
		r := mustOK(t, h.run(t, "slurp", map[string]any{"src": huge}), false)
		if text, _ := r.Values["content"].(string); len(text) != base64.StdEncoding.EncodedLen(maxSlurp) {
			t.Errorf("%d of base64", len(text))
		}
	})
}

// FuzzSlurpHeader: what a host says is hostile.
func FuzzSlurpHeader(f *testing.F) {
	for _, line := range []string{
		"file 2f61 2f61 0022 644 0 0 root root 4", "missing 61 2f61 022", "file", "", "file zz 2f 022", "folder 2f 61 022", "file 2f00 2f00 1",
	} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		var s slurped
		if err := s.readHeader(strings.Fields(line)); err != nil {
			return
		}
		if !strings.HasPrefix(s.real, "/") || strings.ContainsRune(s.real, 0) || s.umask > 0o777 || s.at.mode > 0o7777 {
			t.Errorf("%q gives %+v", line, s)
		}
	})
}

// An account that isn't root is told what it may not do.
func TestFilesOfOthers(t *testing.T) {
	t.Parallel()
	h := openHost(t, "dash", "setpriv --reuid=65534 --regid=65534 --clear-groups dash")
	dir, err := os.MkdirTemp("/tmp", "action-others-") // t.TempDir can't be entered
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	secret := write(t, dir+"/secret", "s", 0o600)
	inside := write(t, dir+"/closed/file", "s", 0o644)
	public := write(t, dir+"/public", "p\n", 0o644)
	if err := os.Chmod(dir+"/closed", 0o700); err != nil {
		t.Fatal(err)
	}
	for _, at := range []string{secret, inside} {
		mustFail(t, h.run(t, "slurp", map[string]any{"src": at}), "file is not readable: "+at, "become")
		mustFail(t, h.run(t, "lineinfile", map[string]any{"path": at, "line": "x", "create": true}), at+" can't be read", "become")
	}
	mustFail(t, h.run(t, "wait_for", map[string]any{"path": inside, "timeout": 5}), "Failed to stat "+inside+", Permission denied")
	mustFail(t, h.run(t, "tempfile", map[string]any{"path": dir}), "making "+dir+"/ansible.", "Permission denied", "may write to")
	mustFail(t, h.run(t, "lineinfile", map[string]any{"path": public, "line": "x"}), "copying to "+public, "become")
	holds(t, public, "p\n", 0o644)
	r := mustOK(t, h.run(t, "find", map[string]any{"paths": dir, "recurse": true}), false)
	want(t, r, "matched", 2)
	skipped, _ := r.Values["skipped_paths"].(map[string]any)
	if why, _ := skipped[dir].(string); !strings.Contains(why, "Permission denied") {
		t.Errorf("skipped: %v", skipped)
	}
}
