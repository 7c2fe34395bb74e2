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

// TestSynchronize: trees both ways through the held connection, over a real
// rsync at both ends.
func TestSynchronize(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("rsync"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("this machine has no rsync")
	}
	for _, s := range testShells {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			prefix := s.prefix
			if s.name == "busybox" { // its own programs, and rsync
				box, err := busyboxDir()
				if err != nil {
					t.Fatal(err)
				}
				at, _ := exec.LookPath("rsync")
				dir := onlyLinks(t, box)
				if err := os.Symlink(at, dir+"/rsync"); err != nil {
					t.Fatal(err)
				}
				prefix = "env PATH=" + dir + " busybox sh"
			}
			h := openHost(t, s.name, prefix)
			book, far := t.TempDir(), t.TempDir()
			write(t, book+"/files/tree/a b.txt", "one\n", 0o640)
			write(t, book+"/files/tree/sub/$(x) ü", "two\n", 0o755)
			if err := os.Symlink("a b.txt", book+"/files/tree/link"); err != nil {
				t.Fatal(err)
			}
			do := func(v values, options ...func(*Call)) Result {
				return h.run(t, "synchronize", v, append(options, func(c *Call) { c.Local.Playbook = book })...)
			}
			mustOK(t, do(values{"src": "tree/", "dest": far + "/to it"}, inCheck), true)
			nothingElse(t, far)
			r := mustOK(t, do(values{"src": "tree/", "dest": far + "/to it"}), true)
			nothingElse(t, far+"/to it", "a b.txt", "link", "sub")
			holds(t, far+"/to it/a b.txt", "one\n", 0o640)
			holds(t, far+"/to it/sub/$(x) ü", "two\n", 0o755)
			if r.Values["rc"] != 0 || !strings.Contains(r.Values["msg"].(string), "a b.txt") || strings.Contains(r.Values["msg"].(string), changedMark) {
				t.Errorf("values: %v", r.Values)
			}
			mustOK(t, do(values{"src": "tree/", "dest": far + "/to it"}), false)

			// What is too much there.
			write(t, far+"/to it/stray", "x", 0o644)
			mustOK(t, do(values{"src": "tree/", "dest": far + "/to it", "delete": true, "rsync_opts": []any{"--exclude=nothing"}}), true)
			nothingElse(t, far+"/to it", "a b.txt", "link", "sub")
			mustOK(t, do(values{"src": "tree", "dest": far, "recursive": false, "dirs": true}), true)
			mustOK(t, do(values{"src": "tree/", "dest": far + "/plain", "archive": false, "recursive": true, "copy_links": true, "perms": true, "checksum": true, "compress": false}), true)
			holds(t, far+"/plain/link", "one\n", 0o640)

			mustOK(t, do(values{"mode": "pull", "src": far + "/to it", "dest": "got/", "dest_port": 2222}), true)
			holds(t, book+"/got/to it/a b.txt", "one\n", 0o640)
			mustOK(t, do(values{"mode": "pull", "src": far + "/to it", "dest": "got/"}), false)

			mustFail(t, do(values{"src": "none", "dest": far}), "none", "mode: pull")
			mustFail(t, do(values{"mode": "pull", "src": far + "/none", "dest": "got"}), "exit status 23", "No such file")
			mustFail(t, do(values{"src": "tree", "dest": "web1:/x"}), "names a host of its own")
			mustFail(t, do(values{"src": "tree", "dest": far, "rsync_opts": []any{"--no-such-option"}}), "--no-such-option")
			mustFail(t, do(values{"src": "tree", "dest": far, "rsync_path": "/none/rsync"}), "no rsync that can be run", "package: name=rsync")
			list, _ := filepath.Glob(os.TempDir() + "/thordeploy-*/s")
			if len(list) > 8 { // other tests may be at it
				t.Errorf("sockets are left: %v", list)
			}
		})
	}
}

// TestSynchronizeEndsWithItsTask: a host that never answers doesn't hold it.
func TestSynchronizeEndsWithItsTask(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("rsync"); err != nil && os.Getenv("CI") != "true" {
		t.Skip("this machine has no rsync")
	}
	h := openHost(t, "dash", "dash")
	src := t.TempDir()
	write(t, src+"/a", "x", 0o644)
	slow := write(t, t.TempDir()+"/slow", "#!/bin/sh\nexec sleep 100\n", 0o755)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	start := time.Now()
	if r := h.runContext(ctx, t, "synchronize", values{"src": src, "dest": "/tmp/none", "rsync_path": slow}); !r.TimedOut || time.Since(start) > 30*time.Second {
		t.Errorf("after %v: %+v", time.Since(start), r)
	}
}
