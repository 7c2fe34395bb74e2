package action

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

type values = map[string]any

// oddPack is a pack of names that are easily lost.
func oddPack(t *testing.T) (src string, files map[string]string) {
	t.Helper()
	src = t.TempDir()
	files = map[string]string{
		"with space": "1", "new\nline": "2", "quo'te\"s $HOME `x`": "3", "-rf": "4", "\xff\xfe": "5", "back\\slash": "6",
		"empty": "", "sub/deep/er": "7", "*": "8", ".hidden": "9", strings.Repeat("long-", 30) + "/" + strings.Repeat("name-", 40): "10",
	}
	for name, text := range files {
		write(t, filepath.Join(src, name), text, 0o644)
	}
	write(t, filepath.Join(src, "thor64"), "#!/bin/sh\n", 0o700)
	if err := os.Mkdir(filepath.Join(src, "nothing in it"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("with space", filepath.Join(src, "link")); err != nil {
		t.Fatal(err)
	}
	return src, files
}

func TestCopyTree(t *testing.T) {
	t.Parallel()
	src, files := oddPack(t)
	eachShell(t, func(t *testing.T, h *host) {
		dest := filepath.Join(t.TempDir(), "new dir", "here")
		task := values{"src": src + "/", "dest": dest + "/", "local_follow": false}
		r := mustOK(t, h.run(t, "copy", task, inCheck), true)
		if _, err := os.Stat(filepath.Dir(dest)); err == nil {
			t.Error("check mode made a folder")
		}
		r = mustOK(t, h.run(t, "copy", task), true)
		if r.Values["files"] != len(files)+1 || r.Values["sent"] != len(files)+1 {
			t.Errorf("counts %v of %v", r.Values["sent"], r.Values["files"])
		}
		for name, text := range files {
			holds(t, filepath.Join(dest, name), text, 0o644)
		}
		hasMode(t, filepath.Join(dest, "thor64"), 0o755)
		hasMode(t, filepath.Join(dest, "sub"), 0o755)
		hasMode(t, dest, 0o755)
		nothingElse(t, filepath.Join(dest, "nothing in it"))
		if to, err := os.Readlink(filepath.Join(dest, "link")); to != "with space" {
			t.Errorf("the symlink points to %q, %v", to, err)
		}
		mustOK(t, h.run(t, "copy", task), false)
		mustOK(t, h.run(t, "copy", task, inCheck), false)
	})
}

// TestCopyTreeSendsWhatDiffers: what is there with the same digest stays the
// same file; other files in the folder stay too.
func TestCopyTreeSendsWhatDiffers(t *testing.T) {
	t.Parallel()
	src, _ := oddPack(t)
	eachShell(t, func(t *testing.T, h *host) {
		dest := t.TempDir()
		task := values{"src": src + "/", "dest": dest}
		mustOK(t, h.run(t, "copy", task), true)
		write(t, filepath.Join(dest, "with space"), "X", 0o600) // same size
		write(t, filepath.Join(dest, "new\nline"), "longer", 0o644)
		write(t, filepath.Join(dest, "mine"), "stays", 0o600)
		if err := os.Remove(filepath.Join(dest, "sub/deep/er")); err != nil {
			t.Fatal(err)
		}
		before, _ := os.Stat(filepath.Join(dest, "back\\slash"))
		r := mustOK(t, h.run(t, "copy", task), true)
		if r.Values["sent"] != 3 {
			t.Errorf("%v files were sent, want 3", r.Values["sent"])
		}
		holds(t, filepath.Join(dest, "with space"), "1", 0o600) // keeps its own mode
		holds(t, filepath.Join(dest, "new\nline"), "2", 0o644)
		holds(t, filepath.Join(dest, "sub/deep/er"), "7", 0o644)
		holds(t, filepath.Join(dest, "mine"), "stays", 0o600)
		if after, _ := os.Stat(filepath.Join(dest, "back\\slash")); !os.SameFile(before, after) {
			t.Error("a file that had not changed was written anew")
		}
		if err := os.Chmod(filepath.Join(dest, "thor64"), 0o644); err != nil {
			t.Fatal(err)
		}
		mustOK(t, h.run(t, "copy", task), true)
		hasMode(t, filepath.Join(dest, "thor64"), 0o755)
		mustOK(t, h.run(t, "copy", task), false)
	})
}

func TestCopyFolderItself(t *testing.T) {
	t.Parallel()
	src := filepath.Join(t.TempDir(), "pack")
	write(t, src+"/a", "1", 0o600)
	eachShell(t, func(t *testing.T, h *host) {
		dest := t.TempDir()
		r := mustOK(t, h.run(t, "copy", values{"src": src, "dest": dest}), true)
		holds(t, dest+"/pack/a", "1", 0o644)
		if r.Values["dest"] != dest+"/pack" {
			t.Errorf("dest is %v", r.Values["dest"])
		}
		mustOK(t, h.run(t, "copy", values{"src": src, "dest": dest}), false)
	})
}

func TestCopyTreeModes(t *testing.T) {
	t.Parallel()
	src := t.TempDir()
	write(t, src+"/d/plain", "1", 0o640)
	write(t, src+"/run", "2", 0o755)
	eachShell(t, func(t *testing.T, h *host) {
		for _, c := range []struct {
			mode        any
			plain, prog os.FileMode
		}{
			{"0600", 0o600, 0o600},
			{"u=rwX,go=", 0o600, 0o700},
			{"preserve", 0o640, 0o755},
			{"g+w", 0o664, 0o775},
			{"4755", 0o755 | os.ModeSetuid, 0o755 | os.ModeSetuid},
		} {
			dest := t.TempDir()
			task := values{"src": src + "/", "dest": dest, "mode": c.mode, "directory_mode": "0710"}
			mustOK(t, h.run(t, "copy", task), true)
			hasMode(t, dest+"/d/plain", c.plain)
			hasMode(t, dest+"/run", c.prog)
			hasMode(t, dest+"/d", 0o710)
			mustOK(t, h.run(t, "copy", task), false)
			if err := os.Chmod(dest+"/run", 0o111); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(dest+"/d", 0o700); err != nil {
				t.Fatal(err)
			}
			if c.mode == "0600" {
				mustOK(t, h.run(t, "copy", task), true)
				hasMode(t, dest+"/run", c.prog)
				hasMode(t, dest+"/d", 0o700) // directory_mode is for new folders
			}
		}
	})
}

func TestCopyOwner(t *testing.T) {
	t.Parallel()
	needRoot(t)
	src := t.TempDir()
	write(t, src+"/d/a", "1", 0o644)
	eachShell(t, func(t *testing.T, h *host) {
		dest := t.TempDir()
		task := values{"src": src + "/", "dest": dest, "owner": "daemon", "group": "1", "mode": "4755"}
		mustOK(t, h.run(t, "copy", task), true)
		owned(t, dest+"/d", 1, 1)
		owned(t, dest+"/d/a", 1, 1)
		hasMode(t, dest+"/d/a", 0o755|os.ModeSetuid)
		mustOK(t, h.run(t, "copy", task), false)
		one := values{"content": "x", "dest": dest + "/one", "owner": "1"}
		r := mustOK(t, h.run(t, "copy", one), true)
		owned(t, dest+"/one", 1, 0)
		if r.Values["owner"] != "daemon" || r.Values["uid"] != 1 {
			t.Errorf("values %v", r.Values)
		}
		mustOK(t, h.run(t, "copy", one), false)
		one["owner"] = "root"
		mustOK(t, h.run(t, "copy", one), true)
		owned(t, dest+"/one", 0, 0)
		mustFail(t, h.run(t, "copy", values{"content": "y", "dest": dest + "/one", "owner": "nobody-here"}), "owner", "nobody-here")
		holds(t, dest+"/one", "x", 0o644)
		mustFail(t, h.run(t, "copy", values{"src": src + "/", "dest": dest, "owner": "nobody-here"}), "nobody-here")
	})
}

// TestCopyMakesFolders: all the folders that a copy makes get directory_mode
// and owner, those on the way to dest too, and what is there keeps its own.
func TestCopyMakesFolders(t *testing.T) {
	t.Parallel()
	needRoot(t)
	src := t.TempDir()
	write(t, src+"/d/f", "x", 0o644)
	eachShell(t, func(t *testing.T, h *host) {
		dir := t.TempDir()
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		for to, made := range map[string][]string{
			"tree/a b/": {"tree", "tree/a b", "tree/a b/d"},
			"file/a/":   {"file", "file/a"},
		} {
			from := map[bool]string{true: src + "/", false: src + "/d/f"}[to[0] == 't']
			mustOK(t, h.run(t, "copy", values{"src": from, "dest": dir + "/" + to, "directory_mode": "0710", "owner": "1", "group": "2"}), true)
			for _, m := range made {
				hasMode(t, dir+"/"+m, 0o710)
				owned(t, dir+"/"+m, 1, 2)
			}
		}
		hasMode(t, dir, 0o755)
		owned(t, dir, 0, 0)
		mustFail(t, h.run(t, "copy", values{"src": src + "/", "dest": dir + "/other/x", "owner": "nobody-here"}), "nobody-here", "an account that the host has")
	})
}

func TestCopyFile(t *testing.T) {
	t.Parallel()
	src := write(t, filepath.Join(t.TempDir(), "-a file"), "text\n", 0o755)
	eachShell(t, func(t *testing.T, h *host) {
		dir := t.TempDir()
		r := mustOK(t, h.run(t, "copy", values{"src": src, "dest": dir}), true)
		holds(t, dir+"/-a file", "text\n", 0o644) // as Ansible has it for a single file
		want := values{"dest": dir + "/-a file", "checksum": "aa785adca3fcdfe1884ae840e13c6d294a2414e8", "size": int64(5), "mode": "0644", "state": "file", "src": src}
		for k, want := range want {
			if r.Values[k] != want {
				t.Errorf("%s is %v, want %v", k, r.Values[k], want)
			}
		}
		mustOK(t, h.run(t, "copy", values{"src": src, "dest": dir + "/"}), false)
		mustOK(t, h.run(t, "copy", values{"src": src, "dest": dir + "/-a file", "mode": "u+x"}, inCheck), true)
		hasMode(t, dir+"/-a file", 0o644)
		mustOK(t, h.run(t, "copy", values{"src": src, "dest": dir + "/-a file", "mode": "u+x"}), true)
		hasMode(t, dir+"/-a file", 0o744)
		mustOK(t, h.run(t, "copy", values{"src": src, "dest": dir + "/new/er/"}, inCheck), true)
		mustOK(t, h.run(t, "copy", values{"src": src, "dest": dir + "/new/er/"}), true)
		holds(t, dir+"/new/er/-a file", "text\n", 0o644)
		mustFail(t, h.run(t, "copy", values{"src": src, "dest": dir + "/none/file"}), dir+"/none", "does not exist")
		mustOK(t, h.run(t, "copy", values{"src": src, "dest": dir + "/p", "mode": "preserve"}), true)
		holds(t, dir+"/p", "text\n", 0o755)
		nothingElse(t, dir, "-a file", "new", "p")
	})
}

func TestCopyContent(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, h *host) {
		dir := t.TempDir()
		mustOK(t, h.run(t, "copy", values{"content": "a\n\n", "dest": dir + "/f", "mode": "0600"}), true)
		holds(t, dir+"/f", "a\n\n", 0o600)
		mustOK(t, h.run(t, "copy", values{"content": "a\n\n", "dest": dir + "/f"}), false)
		mustOK(t, h.run(t, "copy", values{"content": "b\n\n", "dest": dir + "/f"}), true)
		holds(t, dir+"/f", "b\n\n", 0o600)
		mustOK(t, h.run(t, "copy", values{"content": "", "dest": dir + "/empty"}), true)
		holds(t, dir+"/empty", "", 0o644)
		mustOK(t, h.run(t, "copy", values{"content": "c", "dest": dir + "/f", "force": false}), false)
		holds(t, dir+"/f", "b\n\n", 0o600)
		mustOK(t, h.run(t, "copy", values{"content": values{"k": []any{1, `x:"é,<\`}, "l": "😀"}, "dest": dir + "/json"}), true)
		holds(t, dir+"/json", `{"k": [1, "x:\"\u00e9,<\\"], "l": "\ud83d\ude00"}`, 0o644) // as Python's json.dumps
		mustFail(t, h.run(t, "copy", values{"content": "x", "dest": dir + "/"}), "folder")
		mustFail(t, h.run(t, "copy", values{"content": "x", "dest": dir}), "folder")
	})
}

func TestCopyBackupAndValidate(t *testing.T) {
	t.Parallel()
	src := t.TempDir()
	write(t, src+"/f", "tree", 0o644)
	eachShell(t, func(t *testing.T, h *host) {
		dir := t.TempDir()
		f := write(t, dir+"/f", "old", 0o640)
		r := mustOK(t, h.run(t, "copy", values{"content": "new", "dest": f, "backup": true}), true)
		saved, _ := r.Values["backup_file"].(string)
		if !strings.HasPrefix(saved, f+".") || !strings.HasSuffix(saved, "~") {
			t.Fatalf("the backup is called %q", saved)
		}
		holds(t, saved, "old", 0o640)
		if err := os.Remove(saved); err != nil {
			t.Fatal(err)
		}
		mustFail(t, h.run(t, "copy", values{"content": "bad one", "dest": f, "validate": "grep -q 'good one' %s"}), "failed to validate")
		holds(t, f, "new", 0o640)
		nothingElse(t, dir, "f")
		mustOK(t, h.run(t, "copy", values{"content": "good one", "dest": f, "validate": "grep -q 'good one' %s"}), true)
		mustFail(t, h.run(t, "copy", values{"content": "x", "dest": f, "validate": "true"}), "%s")
		mustOK(t, h.run(t, "copy", values{"src": src + "/", "dest": dir, "backup": true}), true)
		if list, _ := filepath.Glob(f + ".*~"); len(list) != 1 {
			t.Errorf("backups: %q", list)
		}
		holds(t, f, "tree", 0o640)
	})
}

func TestCopySymlinksAtDest(t *testing.T) {
	t.Parallel()
	src := t.TempDir()
	write(t, src+"/f", "new", 0o644)
	eachShell(t, func(t *testing.T, h *host) {
		dir := t.TempDir()
		real := write(t, dir+"/real", "old", 0o600)
		link := func(at, to string) string {
			t.Helper()
			if err := os.Symlink(to, at); err != nil {
				t.Fatal(err)
			}
			return at
		}
		mustOK(t, h.run(t, "copy", values{"content": "via", "dest": link(dir+"/l1", real), "follow": true}), true)
		holds(t, real, "via", 0o600)
		mustOK(t, h.run(t, "copy", values{"content": "own", "dest": dir + "/l1"}), true)
		holds(t, real, "via", 0o600)
		holds(t, dir+"/l1", "own", 0o644) // the symlink was replaced
		sub := filepath.Join(dir, "sub")
		if err := os.Mkdir(sub, 0o755); err != nil {
			t.Fatal(err)
		}
		mustOK(t, h.run(t, "copy", values{"src": src + "/f", "dest": link(dir+"/l2", sub)}), true)
		holds(t, sub+"/f", "new", 0o644)
		tree := t.TempDir()
		link(tree+"/f", real)
		mustOK(t, h.run(t, "copy", values{"src": src + "/", "dest": tree}), true)
		holds(t, tree+"/f", "new", 0o644)
		holds(t, real, "via", 0o600)
	})
}

func TestCopyConflicts(t *testing.T) {
	t.Parallel()
	src := t.TempDir()
	write(t, src+"/f", "x", 0o644)
	write(t, src+"/d/g", "x", 0o644)
	eachShell(t, func(t *testing.T, h *host) {
		dir := t.TempDir()
		write(t, dir+"/a/f/there", "", 0o644)
		mustFail(t, h.run(t, "copy", values{"src": src + "/", "dest": dir + "/a"}), dir+"/a/f", "is a folder")
		write(t, dir+"/b/d", "", 0o644)
		mustFail(t, h.run(t, "copy", values{"src": src + "/", "dest": dir + "/b"}), dir+"/b/d", "not a folder")
		mustFail(t, h.run(t, "copy", values{"src": src + "/", "dest": dir + "/b/d/under"}), dir+"/b/d", "not a folder")
		nothingElse(t, dir+"/b", "d")
	})
}

func TestCopyLooksUpSrc(t *testing.T) {
	t.Parallel()
	book := t.TempDir()
	write(t, book+"/files/one", "from files", 0o644)
	write(t, book+"/one", "from the playbook", 0o644)
	write(t, book+"/two/x", "beside", 0o644)
	if err := os.Mkdir(book+"/void", 0o755); err != nil {
		t.Fatal(err)
	}
	h := openHost(t, "dash", "dash")
	from := func(c *Call) { c.Local.Playbook = book }
	dir := t.TempDir()
	mustOK(t, h.run(t, "copy", values{"src": "one", "dest": dir + "/"}, from), true)
	holds(t, dir+"/one", "from files", 0o644)
	mustOK(t, h.run(t, "copy", values{"src": "two/", "dest": dir + "/"}, from), true)
	holds(t, dir+"/x", "beside", 0o644)
	mustOK(t, h.run(t, "copy", values{"src": "two/", "dest": dir + "/ignored", "ignore_warnings": true}, from), true)
	mustFail(t, h.run(t, "copy", values{"src": "void/", "dest": dir}, from), book+"/void", "empty", "put the files there")
	mustFail(t, h.run(t, "copy", values{"src": "../nowhere/", "dest": dir}, from), filepath.Join(filepath.Dir(book), "nowhere"), "put the files there")
	mustFail(t, h.run(t, "copy", values{"src": book + "/gone", "dest": dir}, from), book+"/gone")
	mustFail(t, h.run(t, "copy", values{"src": "one", "dest": dir + "/c", "checksum": "00"}, from), "checksum")
	nothingElse(t, dir, "ignored", "one", "x")
}

// TestCopyManyFiles: more entries than one request holds.
func TestCopyManyFiles(t *testing.T) {
	t.Parallel()
	src := t.TempDir()
	for i := range 800 {
		write(t, fmt.Sprintf("%s/d%02d/a-file-with-some-name-%04d", src, i%20, i), fmt.Sprint(i), 0o644)
	}
	h := openHost(t, "dash", "dash")
	dest := t.TempDir()
	task := values{"src": src + "/", "dest": dest}
	mustOK(t, h.run(t, "copy", task), true)
	mustOK(t, h.run(t, "copy", task), false)
	write(t, dest+"/d19/a-file-with-some-name-0799", "no", 0o644)
	if r := mustOK(t, h.run(t, "copy", task), true); r.Values["sent"] != 1 {
		t.Errorf("%v files were sent, want 1", r.Values["sent"])
	}
	mustOK(t, h.run(t, "copy", values{"src": src + "/", "dest": dest, "mode": "0600"}), true)
	hasMode(t, dest+"/d07/a-file-with-some-name-0007", 0o600)
	hasMode(t, dest+"/d19/a-file-with-some-name-0799", 0o600)
}

func TestCopyRemoteSrc(t *testing.T) {
	t.Parallel()
	src, files := oddPack(t)
	eachShell(t, func(t *testing.T, h *host) {
		dir := t.TempDir()
		tree := values{"src": src + "/", "dest": dir + "/tree", "remote_src": true}
		mustOK(t, h.run(t, "copy", tree, inCheck), true)
		nothingElse(t, dir)
		mustOK(t, h.run(t, "copy", tree), true)
		for name, text := range files {
			holds(t, filepath.Join(dir, "tree", name), text, 0o644)
		}
		if to, err := os.Readlink(dir + "/tree/link"); to != "with space" {
			t.Errorf("the symlink points to %q, %v", to, err)
		}
		mustOK(t, h.run(t, "copy", tree), false)
		write(t, dir+"/tree/sub/deep/er", "other", 0o644)
		mustOK(t, h.run(t, "copy", tree), true)
		holds(t, dir+"/tree/sub/deep/er", "7", 0o644)
		one := values{"src": src + "/empty", "dest": dir + "/one", "remote_src": true, "mode": "0640"}
		r := mustOK(t, h.run(t, "copy", one), true)
		holds(t, dir+"/one", "", 0o640)
		if r.Values["dest"] != dir+"/one" || r.Values["mode"] != "0640" {
			t.Errorf("values %v", r.Values)
		}
		mustOK(t, h.run(t, "copy", one), false)
		mustFail(t, h.run(t, "copy", values{"src": dir + "/none", "dest": dir + "/x", "remote_src": true}), dir+"/none")
		mustFail(t, h.run(t, "copy", values{"src": src + "/thor64", "dest": dir + "/one", "remote_src": true, "validate": "false %s"}), "validate")
		holds(t, dir+"/one", "", 0o640)
	})
}
