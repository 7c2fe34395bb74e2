package action

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// statOf runs stat and gives its return value.
func statOf(t *testing.T, h *host, args map[string]any) map[string]any {
	t.Helper()
	r := h.run(t, "stat", args)
	st, ok := r.Values["stat"].(map[string]any)
	if r.Failed || r.Changed || !ok {
		t.Errorf("stat of %v: %+v", args, r)
	}
	return st
}

// wantKeys compares some keys of a stat.
func wantKeys(t *testing.T, got, want map[string]any) {
	t.Helper()
	for k, v := range want {
		if got[k] != v {
			t.Errorf("%s is %#v, want %#v (of %v)", k, got[k], v, got["path"])
		}
	}
}

func TestStatFile(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, h *host) {
		at := write(t, filepath.Join(t.TempDir(), "a 'file'\n"), "contents", 0o640)
		when := time.Unix(1_500_000_000, 0)
		if err := os.Chtimes(at, when.Add(time.Hour), when); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(at, 0o640|os.ModeSetuid); err != nil {
			t.Fatal(err)
		}
		var sys syscall.Stat_t
		if err := syscall.Stat(at, &sys); err != nil {
			t.Fatal(err)
		}
		h.trips.take()
		st := statOf(t, h, map[string]any{"path": at})
		if n := h.trips.take(); n != 1 {
			t.Errorf("%d round trips", n)
		}
		wantKeys(t, st, map[string]any{
			"exists": true, "path": at, "mode": "4640", "size": 8,
			"isreg": true, "isdir": false, "islnk": false, "isblk": false, "ischr": false, "isfifo": false, "issock": false,
			"uid": int(sys.Uid), "gid": int(sys.Gid), "pw_name": "root", "gr_name": "root",
			"mtime": 1_500_000_000, "atime": 1_500_003_600, "ctime": int(sys.Ctim.Sec),
			"inode": int(sys.Ino), "dev": int(sys.Dev), "nlink": 1, "blocks": int(sys.Blocks), "block_size": int(sys.Blksize),
			"rusr": true, "wusr": true, "xusr": false, "rgrp": true, "wgrp": false, "xgrp": false, "roth": false, "woth": false, "xoth": false,
			"isuid": true, "isgid": false, "readable": true, "writeable": true, "executable": false,
			"checksum": fmt.Sprintf("%x", sha1.Sum([]byte("contents"))),
		})
		for algorithm, sum := range map[string]string{
			"md5": fmt.Sprintf("%x", md5.Sum([]byte("contents"))), "sha256": fmt.Sprintf("%x", sha256.Sum256([]byte("contents"))),
		} {
			wantKeys(t, statOf(t, h, map[string]any{"path": at, "checksum_algorithm": algorithm}), map[string]any{"checksum": sum})
		}
		if _, has := statOf(t, h, map[string]any{"path": at, "get_checksum": "no"})["checksum"]; has {
			t.Error("get_checksum: no gives a checksum")
		}
	})
}

func TestStatKinds(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, h *host) {
		dir := t.TempDir()
		write(t, dir+"/x", "x", 0o755)
		if err := syscall.Mkfifo(dir+"/fifo", 0o600); err != nil {
			t.Fatal(err)
		}
		links := map[string]string{"link": "x", "odd": "a\n", "dangling": "no/where", "abs": dir + "/x"}
		for name, to := range links {
			if err := os.Symlink(to, dir+"/"+name); err != nil {
				t.Fatal(err)
			}
		}
		write(t, dir+"/-c", "dash", 0o600)
		for path, keys := range map[string]map[string]any{
			dir:                                  {"isdir": true, "isreg": false, "executable": true, "mode": fmt.Sprintf("%04o", mode(t, dir))},
			dir + "/fifo":                        {"isfifo": true, "mode": "0600"},
			"/dev/null":                          {"ischr": true, "mode": "0666", "device_type": 259},
			dir + "/link":                        {"islnk": true, "isreg": false, "lnk_target": "x", "lnk_source": dir + "/x"},
			dir + "/odd":                         {"islnk": true, "lnk_target": "a\n", "lnk_source": dir + "/a\n"},
			dir + "/dangling":                    {"islnk": true, "exists": true, "lnk_target": "no/where", "lnk_source": dir + "/no/where"},
			dir + "/abs":                         {"lnk_target": dir + "/x", "lnk_source": dir + "/x"},
			dir + "/none":                        {"exists": false},
			dir + "/x/below":                     {"exists": false},
			dir + "/No such file or directory/y": {"exists": false},
			"~":                                  {"isdir": true, "path": home(t)},
			"~/.":                                {"isdir": true, "path": home(t) + "/."},
		} {
			wantKeys(t, statOf(t, h, map[string]any{"path": path}), keys)
		}
		wantKeys(t, statOf(t, h, map[string]any{"path": dir + "/link", "follow": true}), map[string]any{"islnk": false, "isreg": true, "mode": "0755", "executable": true})
		wantKeys(t, statOf(t, h, map[string]any{"path": dir + "/dangling", "follow": true}), map[string]any{"exists": false})
	})
}

func mode(t *testing.T, path string) os.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode().Perm()
}

func home(t *testing.T) string {
	t.Helper()
	dir, err := os.UserHomeDir()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestStatMissingProgram: a host without stat says so, and one without the
// digest's program leaves the checksum out and says so.
func TestStatMissingProgram(t *testing.T) {
	t.Parallel()
	bare := t.TempDir()
	lend := func(names ...string) {
		for _, name := range names {
			if err := os.Symlink("/usr/bin/"+name, bare+"/"+name); err != nil {
				t.Fatal(err)
			}
		}
	}
	lend("head") // without which there is no session
	h := openHost(t, "dash", "env PATH="+bare+" /usr/bin/dash")
	wantFailed(t, h.run(t, "stat", map[string]any{"path": "/"}), "the host has no stat program", "coreutils")

	lend("stat", "od", "tr")
	r := h.run(t, "stat", map[string]any{"path": "/etc/passwd"})
	st, _ := r.Values["stat"].(map[string]any)
	if _, has := st["checksum"]; has || r.Failed || st["isreg"] != true || !strings.Contains(r.Msg, "sha1sum") {
		t.Errorf("got %+v", r)
	}
	// A loop of symlinks is neither there nor not.
	loop := t.TempDir() + "/loop"
	if err := os.Symlink(loop, loop); err != nil {
		t.Fatal(err)
	}
	wantFailed(t, h.run(t, "stat", map[string]any{"path": loop, "follow": true}), "can't look at "+loop, "folders above")
}
