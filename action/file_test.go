package action

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestFileDirectory(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, h *host) {
		dir := filepath.Join(t.TempDir(), "a b", "c\nd")
		task := values{"path": dir + "/", "state": "directory", "mode": "0750"}
		mustOK(t, h.run(t, "file", task, inCheck), true)
		if _, err := os.Stat(dir); err == nil {
			t.Fatal("check mode made the folder")
		}
		r := mustOK(t, h.run(t, "file", task), true)
		hasMode(t, dir, 0o750)
		hasMode(t, filepath.Dir(dir), 0o750) // Ansible gives it to every folder it makes
		if r.Values["state"] != "directory" || r.Values["mode"] != "0750" || r.Values["path"] != dir || r.Values["dest"] != nil {
			t.Errorf("values %v", r.Values)
		}
		mustOK(t, h.run(t, "file", task), false)
		task["mode"] = "g-x,o+r"
		mustOK(t, h.run(t, "file", task, inCheck), true)
		mustOK(t, h.run(t, "file", task), true)
		hasMode(t, dir, 0o744)
		mustOK(t, h.run(t, "file", task, inCheck), false)
		if err := os.Chmod(dir, 0o755|os.ModeSetgid); err != nil {
			t.Fatal(err)
		}
		task["mode"] = "0755"
		mustOK(t, h.run(t, "file", task), true)
		hasMode(t, dir, 0o755)
		f := write(t, dir+"/f", "x", 0o644)
		mustFail(t, h.run(t, "file", values{"path": f, "state": "directory"}), "already exists as a file")
		mustFail(t, h.run(t, "file", values{"path": f + "/x", "state": "directory"}), f)
	})
}

func TestFileRecurse(t *testing.T) {
	t.Parallel()
	needRoot(t)
	eachShell(t, func(t *testing.T, h *host) {
		dir := t.TempDir()
		outside := write(t, filepath.Join(t.TempDir(), "f"), "", 0o600)
		write(t, dir+"/d/f", "", 0o600)
		if err := os.Symlink(outside, dir+"/l"); err != nil {
			t.Fatal(err)
		}
		task := values{"path": dir, "state": "directory", "recurse": true, "mode": "u=rwX,go=rX", "owner": "daemon", "group": "1"}
		mustOK(t, h.run(t, "file", task), true)
		hasMode(t, dir+"/d/f", 0o644)
		hasMode(t, dir+"/d", 0o755)
		owned(t, dir+"/d/f", 1, 1)
		owned(t, outside, 0, 0)
		hasMode(t, outside, 0o600)
		mustOK(t, h.run(t, "file", task), false)
		mustFail(t, h.run(t, "file", values{"path": dir, "state": "touch", "recurse": true}), "recurse")
	})
}

func TestFileTouch(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, h *host) {
		f := filepath.Join(t.TempDir(), "-thor64")
		mustOK(t, h.run(t, "file", values{"path": f, "state": "touch", "mode": "0555"}, inCheck), true)
		if _, err := os.Stat(f); err == nil {
			t.Fatal("check mode made the file")
		}
		r := mustOK(t, h.run(t, "file", values{"path": f, "state": "touch", "mode": "0555"}), true)
		holds(t, f, "", 0o555)
		if r.Values["path"] != nil || r.Values["dest"] == nil {
			t.Errorf("Ansible names what it touched dest: %v", r.Values)
		}
		long := time.Now().Add(-time.Hour)
		old := func() {
			t.Helper()
			if err := os.Chtimes(f, long, long); err != nil {
				t.Fatal(err)
			}
		}
		since := func() time.Duration {
			info, err := os.Stat(f)
			if err != nil {
				t.Fatal(err)
			}
			return time.Since(info.ModTime())
		}
		old()
		mustOK(t, h.run(t, "file", values{"path": f, "state": "touch", "mode": "0555"}), true)
		if since() > time.Minute {
			t.Error("the time was not set")
		}
		old()
		preserve := values{"path": f, "state": "touch", "access_time": "preserve", "modification_time": "preserve"}
		mustOK(t, h.run(t, "file", preserve), false)
		if since() < time.Minute {
			t.Error("the time was set")
		}
		preserve["modification_time"] = "202001020304.05"
		mustOK(t, h.run(t, "file", preserve), true)
		if info, _ := os.Stat(f); info.ModTime().Year() != 2020 {
			t.Errorf("the time is %v", info.ModTime())
		}
		mustOK(t, h.run(t, "file", preserve), false)
		mustOK(t, h.run(t, "file", preserve, inCheck), false)
		preserve["modification_time"] = "202001020304.06"
		mustOK(t, h.run(t, "file", preserve, inCheck), true)
		preserve["modification_time"] = "202013020304.05"
		mustFail(t, h.run(t, "file", preserve), "modification_time")
		preserve["modification_time"] = "yesterday"
		mustFail(t, h.run(t, "file", preserve), "modification_time")
		mustFail(t, h.run(t, "file", values{"path": f + "/x/y", "state": "touch"}), f)
	})
}

func TestFileState(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, h *host) {
		f := write(t, filepath.Join(t.TempDir(), "f"), "x", 0o644)
		mustOK(t, h.run(t, "file", values{"path": f}), false)
		r := mustOK(t, h.run(t, "file", values{"path": f, "mode": "0600"}), true)
		hasMode(t, f, 0o600)
		if r.Values["state"] != "file" || r.Values["size"] != int64(1) {
			t.Errorf("values %v", r.Values)
		}
		r = h.run(t, "file", values{"path": f + "none", "state": "file"})
		mustFail(t, r, "absent")
		if r.Values["state"] != "absent" || r.Values["path"] != f+"none" {
			t.Errorf("values %v", r.Values)
		}
		mustFail(t, h.run(t, "file", values{"path": f + "none"}), "absent")
		mustFail(t, h.run(t, "file", values{"path": filepath.Dir(f), "state": "file"}), "directory")
		mustFail(t, h.run(t, "file", values{"path": " "}), "empty")
		link := f + ".link"
		if err := os.Symlink(f, link); err != nil {
			t.Fatal(err)
		}
		mustOK(t, h.run(t, "file", values{"path": link, "mode": "0640"}), true)
		hasMode(t, f, 0o640)
		mustOK(t, h.run(t, "file", values{"path": link, "mode": "0600", "follow": false}), false)
	})
}

func TestFileAbsent(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, h *host) {
		dir := t.TempDir()
		keep := write(t, filepath.Join(t.TempDir(), "keep"), "", 0o644)
		write(t, dir+"/d/-rf/f", "", 0o600)
		for _, l := range []string{dir + "/d/in", dir + "/l"} {
			if err := os.Symlink(filepath.Dir(keep), l); err != nil {
				t.Fatal(err)
			}
		}
		absent := func(p string) values { return values{"path": p, "state": "absent"} }
		mustOK(t, h.run(t, "file", absent(dir+"/d"), inCheck), true)
		holds(t, dir+"/d/-rf/f", "", 0o600)
		r := mustOK(t, h.run(t, "file", absent(dir+"/d")), true)
		if r.Values["state"] != "absent" {
			t.Errorf("values %v", r.Values)
		}
		mustOK(t, h.run(t, "file", absent(dir+"/d")), false)
		mustOK(t, h.run(t, "file", absent(dir+"/l/")), true)
		nothingElse(t, dir)
		holds(t, keep, "", 0o644)
		for _, p := range []string{"/", "//", "/.", "/tmp/..", dir + "/."} {
			mustFail(t, h.run(t, "file", absent(p)), "refusing")
		}
	})
}

func TestFileAbsentStopsAtMounts(t *testing.T) {
	t.Parallel()
	eachNamespace(t, func(t *testing.T, h *host) {
		dir := t.TempDir()
		at := filepath.Join(dir, "with blank", "m")
		h.sh(t, "mkdir -p '"+at+"' && mount -t tmpfs tmpfs '"+at+"' && echo x >'"+at+"/f'")
		mustFail(t, h.run(t, "file", values{"path": dir, "state": "absent"}), "mount point", at)
		if got := h.sh(t, "cat '"+at+"/f'"); got != "x\n" {
			t.Errorf("the file on the mount holds %q", got)
		}
	})
}

func TestFileLinks(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, h *host) {
		dir := t.TempDir()
		f := write(t, dir+"/f", "x", 0o644)
		points := func(at, to string) {
			t.Helper()
			if got, err := os.Readlink(at); got != to {
				t.Errorf("%s points to %q, %v; want %q", at, got, err, to)
			}
		}
		link := values{"path": dir + "/l", "src": "f", "state": "link"}
		mustOK(t, h.run(t, "file", link, inCheck), true)
		mustOK(t, h.run(t, "file", link), true)
		points(dir+"/l", "f")
		mustOK(t, h.run(t, "file", link), false)
		link["src"] = "gone"
		mustFail(t, h.run(t, "file", link), "gone", "force")
		link["force"] = true
		mustOK(t, h.run(t, "file", link), true)
		points(dir+"/l", "gone")
		mustFail(t, h.run(t, "file", values{"path": f, "src": ".", "state": "link"}), "refusing")
		mustFail(t, h.run(t, "file", values{"path": dir + "/n", "state": "link"}), "src")
		write(t, dir+"/d/x", "", 0o644)
		mustFail(t, h.run(t, "file", values{"path": dir + "/d", "src": f, "state": "link", "force": true}), "not empty")
		if err := os.Symlink(dir+"/d", dir+"/ld"); err != nil {
			t.Fatal(err)
		}
		mustOK(t, h.run(t, "file", values{"path": dir + "/ld", "src": f, "state": "link"}), true)
		points(dir+"/ld", f)
		nothingElse(t, dir+"/d", "x")
		hard := values{"path": dir + "/hard", "src": f, "state": "hard"}
		if v := mustOK(t, h.run(t, "file", hard), true).Values; v["state"] != "hard" || v["src"] != f {
			t.Errorf("values of a hard link: %v", v)
		}
		mustOK(t, h.run(t, "file", hard), false)
		a, _ := os.Stat(f)
		if b, err := os.Stat(dir + "/hard"); err != nil || !os.SameFile(a, b) {
			t.Errorf("no hard link: %v", err)
		}
		hard["path"] = write(t, dir+"/other", "", 0o644)
		mustFail(t, h.run(t, "file", hard), "force")
	})
}

// TestMkdir: as mkdir -p, and what is there is left alone.
func TestMkdir(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, h *host) {
		dir := filepath.Join(t.TempDir(), "a", "temp_ram")
		task := values{"path": dir + "/", "mode": "0700"}
		mustOK(t, h.run(t, "mkdir", task, inCheck), true)
		mustOK(t, h.run(t, "mkdir", task), true)
		hasMode(t, dir, 0o700)
		hasMode(t, filepath.Dir(dir), 0o755)
		task["mode"] = "0711"
		mustOK(t, h.run(t, "mkdir", task), false)
		hasMode(t, dir, 0o700)
		f := write(t, dir+"/f", "", 0o644)
		mustFail(t, h.run(t, "mkdir", values{"path": f}), "already exists")
		mustFail(t, h.run(t, "mkdir", values{"path": f + "/x"}), f)
		mustFail(t, h.run(t, "mkdir", values{"path": ""}), "empty")
		r := mustOK(t, h.run(t, "mkdir", values{"path": dir + "/-x y", "mode": "u=rwx,go="}), true)
		hasMode(t, dir+"/-x y", 0o700)
		if r.Values["path"] != dir+"/-x y" || r.Values["state"] != "directory" || r.Values["mode"] != "0700" {
			t.Errorf("values %v", r.Values)
		}
	})
}

// TestMkdirOwner: the last folder alone has the owner, and no setgid bit of
// the one above when a mode says otherwise.
func TestMkdirOwner(t *testing.T) {
	t.Parallel()
	needRoot(t)
	eachShell(t, func(t *testing.T, h *host) {
		dir := t.TempDir()
		if err := os.Chmod(dir, 0o755|os.ModeSetgid); err != nil {
			t.Fatal(err)
		}
		mustOK(t, h.run(t, "mkdir", values{"path": dir + "/a/b", "mode": "0711", "owner": "1", "group": "2"}), true)
		hasMode(t, dir+"/a/b", 0o711)
		owned(t, dir+"/a/b", 1, 2)
		owned(t, dir+"/a", 0, 0)
		r := h.run(t, "file", values{"path": dir, "owner": "nobody-here"})
		mustFail(t, r, "nobody-here")
		if r.Changed {
			t.Error("what could not be done counts as a change")
		}
	})
}

func TestFileHints(t *testing.T) {
	t.Parallel()
	needRoot(t)
	h := openHost(t, "dash", "setpriv --reuid=65534 --regid=65534 --clear-groups dash")
	mustFail(t, h.run(t, "mkdir", values{"path": "/root-owned-folder"}), "ermission denied", "become: true")
	mustFail(t, h.run(t, "mount", values{"path": "/mnt/temp_ram", "fstype": "ramfs", "state": "ephemeral"}), "needs root", "become: true")
	if _, err := os.Stat("/mnt/temp_ram"); err == nil {
		t.Error("a folder was left behind")
	}
}

func TestFileFootprints(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		module string
		values values
		want   string
	}{
		{"mkdir", values{"path": "/mnt/temp_ram/"}, "makes /mnt/temp_ram"},
		{"mkdir", values{"path": "relative"}, ""},
		{"file", values{"path": "/a/b", "state": "directory"}, "makes /a/b"},
		{"file", values{"path": "/a/b", "state": "absent"}, "removes /a/b"},
		{"file", values{"path": "/a/b", "state": "touch"}, ""},
		{"mount", values{"path": "/m/", "state": "ephemeral", "fstype": "ramfs", "opts": "noexec,size=60M"}, "makes /m mounts /m ram 62914560"},
		{"mount", values{"path": "/m", "state": "mounted", "fstype": "ext4", "src": "/dev/x"}, "makes /m mounts /m"},
		{"mount", values{"name": "/m", "state": "unmounted"}, "removes /m"},
		{"mount", values{"path": "/m", "state": "absent"}, "removes /m"},
		{"mount", values{"path": "/m", "state": "present", "fstype": "ext4"}, ""},
		{"unmount", values{"path": "/m"}, "removes /m"},
	} {
		s, _ := Lookup(c.module)
		args, err := s.Bind(c.values)
		if err != nil {
			t.Fatal(err)
		}
		if got := footprintText(s.Ephemeral(args)); got != c.want {
			t.Errorf("%s %v: %q, want %q", c.module, c.values, got, c.want)
		}
	}
	if s, _ := Lookup("unmount"); s.FreeForm != "path" {
		t.Error("`unmount: PATH` is not understood")
	}
	if s, _ := Lookup("mkdir"); s.FreeForm != "path" {
		t.Error("`mkdir: PATH` is not understood")
	}
}
