package action

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// packed makes an archive of a small tree with the machine's own programs.
func packed(t *testing.T, name string) string {
	t.Helper()
	src, out := t.TempDir(), t.TempDir()
	write(t, src+"/top/run.sh", "#!/bin/sh\n", 0o755)
	write(t, src+"/top/sub/a b.txt", "text\n", 0o640)
	write(t, src+"/top/sub/ü.txt", "more\n", 0o644)
	if err := os.Symlink("a b.txt", src+"/top/sub/link"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(src+"/top/empty", 0o755); err != nil {
		t.Fatal(err)
	}
	at := filepath.Join(out, name)
	command := exec.Command("tar", "-caf", at, "-C", src, "top")
	if strings.HasSuffix(name, ".zip") {
		command = exec.Command("zip", "-qry", at, "top")
		command.Dir = src
	}
	if text, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return at
}

func unpackedWell(t *testing.T, dest string) {
	t.Helper()
	nothingElse(t, dest, "top")
	nothingElse(t, dest+"/top", "empty", "run.sh", "sub")
	nothingElse(t, dest+"/top/sub", "a b.txt", "link", "ü.txt")
	holds(t, dest+"/top/run.sh", "#!/bin/sh\n", 0o755)
	holds(t, dest+"/top/sub/a b.txt", "text\n", 0o640)
	if to, err := os.Readlink(dest + "/top/sub/link"); err != nil || to != "a b.txt" {
		t.Errorf("the link leads to %q, %v", to, err)
	}
}

// TestUnarchive: each format, from here and from the host, under each shell.
func TestUnarchive(t *testing.T) {
	t.Parallel()
	archives := map[string]string{}
	for name, tool := range map[string]string{"a.tar": "tar", "a.tar.gz": "gzip", "a.tar.bz2": "bzip2", "a.tar.xz": "xz", "a.tar.zst": "zstd", "a.zip": "zip"} {
		if _, err := exec.LookPath(tool); err != nil && os.Getenv("CI") != "true" {
			t.Logf("%s is not tried: %v", name, err)
			continue
		}
		archives[name] = packed(t, name)
	}
	eachShell(t, func(t *testing.T, h *host) {
		for name, at := range archives {
			dest := t.TempDir()
			do := func(v values, options ...func(*Call)) Result {
				v["src"], v["dest"] = at, dest
				return h.run(t, "unarchive", v, options...)
			}
			mustOK(t, do(values{}, inCheck), true)
			if r := do(values{"remote_src": true}, inCheck); !r.Skipped || r.Failed || r.Changed { // as Ansible
				t.Errorf("%s, remote_src in check mode: %+v", name, r)
			}
			nothingElse(t, dest)
			r := mustOK(t, do(values{"list_files": true}), true)
			unpackedWell(t, dest)
			if files, _ := r.Values["files"].([]any); len(files) != 7 || r.Values["dest"] != dest || !strings.HasSuffix(r.Values["handler"].(string), "Archive") {
				t.Errorf("%s: %v", name, r.Values)
			}
			mustOK(t, do(values{}), false)
			mustOK(t, do(values{"remote_src": true}), false)
			write(t, dest+"/top/run.sh", "#!/bin/xx\n", 0o755)
			mustOK(t, do(values{"remote_src": true}), true)
			unpackedWell(t, dest)
			if err := os.Chmod(dest+"/top/sub/a b.txt", 0o600); err != nil {
				t.Fatal(err)
			}
			mustOK(t, do(values{"copy": false}), true)
			unpackedWell(t, dest)
		}
	})
}

func TestUnarchiveChooses(t *testing.T) {
	t.Parallel()
	at := packed(t, "a.tar.gz")
	eachShell(t, func(t *testing.T, h *host) {
		do := func(v values) (string, Result) {
			dest := t.TempDir()
			v["src"], v["dest"] = at, dest
			return dest, h.run(t, "unarchive", v)
		}
		dest, r := do(values{"exclude": []any{"top/sub", "*.sh"}})
		mustOK(t, r, true)
		nothingElse(t, dest+"/top", "empty")
		dest, r = do(values{"include": []any{"top/sub/a b.txt", "top/run*"}})
		mustOK(t, r, true)
		nothingElse(t, dest+"/top", "run.sh", "sub")
		nothingElse(t, dest+"/top/sub", "a b.txt")
		_, r = do(values{"include": []any{"top/none"}})
		mustFail(t, r, `no "top/none"`)
		dest, r = do(values{"extra_opts": []any{"--strip-components=1", "--no-same-owner"}})
		mustOK(t, r, true)
		nothingElse(t, dest, "empty", "run.sh", "sub")
		dest, r = do(values{"extra_opts": []any{"--strip-components", "2"}})
		mustOK(t, r, true)
		nothingElse(t, dest, "a b.txt", "link", "ü.txt")
		_, r = do(values{"extra_opts": []any{"--to-command=sh"}})
		mustFail(t, r, "--to-command", "is not done")
		dest, r = do(values{"mode": "u=rwX,go=", "owner": "0", "group": "0"})
		mustOK(t, r, true)
		hasMode(t, dest+"/top/run.sh", 0o700)
		hasMode(t, dest+"/top/sub/ü.txt", 0o600)
		mustOK(t, h.run(t, "unarchive", values{"src": at, "dest": dest, "mode": "u=rwX,go=", "owner": "0"}), false)

		// keep_newer and creates.
		write(t, dest+"/top/run.sh", "newer", 0o755)
		later := time.Now().Add(time.Hour)
		if err := os.Chtimes(dest+"/top/run.sh", later, later); err != nil {
			t.Fatal(err)
		}
		mustOK(t, h.run(t, "unarchive", values{"src": at, "dest": dest, "mode": "u=rwX,go=", "keep_newer": true}), false)
		holds(t, dest+"/top/run.sh", "newer", 0o755)
		if r := h.run(t, "unarchive", values{"src": "none", "dest": dest, "creates": dest + "/t*"}); !r.Skipped {
			t.Errorf("creates: %+v", r)
		}
	})
}

// TestUnarchiveRefusesHostileMembers: nothing at all is written.
func TestUnarchiveRefusesHostileMembers(t *testing.T) {
	t.Parallel()
	h := openHost(t, "busybox", "dash")
	file := &tar.Header{Name: "fine", Mode: 0o644, Size: 1}
	link := func(name, to string) *tar.Header {
		return &tar.Header{Name: name, Linkname: to, Typeflag: tar.TypeSymlink, Mode: 0o777}
	}
	for want, list := range map[string][]*tar.Header{
		"absolute name":           {file, {Name: "/tmp/evil", Mode: 0o644}},
		"leads out of the folder": {file, {Name: "a/../../evil", Mode: 0o644}},
		`symlink that leads`:      {file, link("a", "/etc")},
		`"../x"`:                  {file, link("a", "../x")},
		`"d/l/.."`:                {file, link("d/l", ".."), link("b", "d/l/..")},
		"lies behind":             {file, link("a", "b"), {Name: "a/x", Mode: 0o644}},
		"hard link":               {file, {Name: "h", Linkname: "/etc/passwd", Typeflag: tar.TypeLink}},
		"special file":            {file, {Name: "dev", Typeflag: tar.TypeBlock, Devmajor: 8}},
		"has no name":             {file, {Name: ".", Typeflag: tar.TypeReg}},
	} {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		for _, m := range list {
			m := *m
			if m.Typeflag == 0 {
				m.Typeflag = tar.TypeReg
			}
			if err := w.WriteHeader(&m); err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write(make([]byte, m.Size)); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		at, dest := write(t, t.TempDir()+"/x.tar", b.String(), 0o644), t.TempDir()
		for _, remote := range []bool{false, true} {
			mustFail(t, h.run(t, "unarchive", values{"src": at, "dest": dest, "remote_src": remote}), want, "is not unpacked")
		}
		nothingElse(t, dest)
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	if _, err := z.Create("../evil"); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	at, dest := write(t, t.TempDir()+"/x.zip", b.String(), 0o644), t.TempDir()
	mustFail(t, h.run(t, "unarchive", values{"src": at, "dest": dest}), `"../evil"`, "leads out")
	nothingElse(t, dest)
}

func TestUnarchiveFaults(t *testing.T) {
	t.Parallel()
	h := openHost(t, "dash", "dash")
	dest := t.TempDir()
	good := packed(t, "a.tar.gz")
	text, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	torn := write(t, t.TempDir()+"/torn.tar.gz", string(text[:len(text)/2]), 0o644)
	mustFail(t, h.run(t, "unarchive", values{"src": torn, "dest": dest}), "Failed to find handler", "tar.zst")
	mustFail(t, h.run(t, "unarchive", values{"src": write(t, t.TempDir()+"/x.rar", "Rar!", 0o644), "dest": dest}), "Failed to find handler")
	mustFail(t, h.run(t, "unarchive", values{"src": good, "dest": dest + "/none"}), "must be an existing dir")
	mustFail(t, h.run(t, "unarchive", values{"src": "none.zip", "dest": dest}), "none.zip", "remote_src: true")
	mustFail(t, h.run(t, "unarchive", values{"src": "/none.zip", "dest": dest, "remote_src": true}), "Source '/none.zip' does not exist")
	mustFail(t, h.run(t, "unarchive", values{"src": dest, "dest": dest, "remote_src": true}), "or no file")
	mustFail(t, h.run(t, "unarchive", values{"src": "http://h/x.tgz", "dest": dest, "remote_src": true}), "get_url first")
	nothingElse(t, dest)
	write(t, dest+"/top", "a file", 0o644)
	mustFail(t, h.run(t, "unarchive", values{"src": good, "dest": dest}), "is in the way")
}
