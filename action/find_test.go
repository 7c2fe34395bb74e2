package action

import (
	"crypto/sha1"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// foundNames runs find below dir and gives the paths relative to it, sorted.
func foundNames(t *testing.T, h *host, dir string, args map[string]any) []string {
	t.Helper()
	if args["paths"] == nil {
		args["paths"] = dir
	}
	h.trips.take()
	r := h.run(t, "find", args)
	if r.Failed || r.Changed || h.trips.take() != 1 {
		t.Errorf("find %v: %+v", args, r)
		return nil
	}
	names := []string{}
	list, _ := r.Values["files"].([]any)
	for _, f := range list {
		st, _ := f.(map[string]any)
		name, _ := st["path"].(string)
		names = append(names, strings.TrimPrefix(name, dir+"/"))
	}
	want(t, r, "matched", len(names))
	slices.Sort(names)
	return names
}

// findTree is what the tests look in.
func findTree(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"a.log": "one\ntwo 22\n", "b.txt": "xtwo\n", ".hidden": "", "sub/c.log": strings.Repeat("c", 3000), "sub/deep/d.log": "", "sub/.git/e.log": "two", "odd[1].log": "",
	} {
		write(t, dir+"/"+name, text, 0o644)
	}
	for name, to := range map[string]string{"link.log": "a.log", "into": "sub", "dangling": "none"} {
		if err := os.Symlink(to, dir+"/"+name); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(dir+"/fifo.log", 0o600); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-50 * time.Hour)
	if err := os.Chtimes(dir+"/b.txt", time.Now(), old); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestFind(t *testing.T) {
	t.Parallel()
	tests := []struct {
		args string // key=value, ; between
		want string
	}{
		{"", "a.log b.txt odd[1].log"},
		{"patterns=*.log", "a.log odd[1].log"},
		{"patterns=*.txt,a.*", "a.log b.txt"},
		{"patterns=odd[[]1].log", "odd[1].log"},
		{"patterns=[!a].???", "b.txt"},
		{`patterns=\*.log`, ""},
		{"patterns=^[ab]\\.(log|txt);use_regex=yes", "a.log b.txt"},
		{"patterns=log;use_regex=yes", ""}, // from the beginning
		{"patterns=.*log;use_regex=yes;excludes=a", "odd[1].log"},
		{"excludes=*.txt", "a.log odd[1].log"},
		{"hidden=yes", ".hidden a.log b.txt odd[1].log"},
		{"recurse=yes;patterns=*.log", "a.log odd[1].log sub/.git/e.log sub/c.log sub/deep/d.log"},
		{"recurse=yes;patterns=*.log;depth=2", "a.log odd[1].log sub/c.log"},
		{"depth=2;patterns=c*", ""},
		{"recurse=yes;follow=yes;patterns=c.log", "into/c.log sub/c.log"},
		{"file_type=directory", "sub"},
		{"file_type=directory;recurse=yes", "sub sub/deep"},
		{"file_type=link", "dangling into link.log"},
		{"file_type=link;follow=yes", "dangling into link.log"},
		{"file_type=any", "a.log b.txt dangling fifo.log into link.log odd[1].log sub"},
		{"file_type=any;size=1k", "dangling fifo.log into link.log sub"}, // size is about files
		{"recurse=yes;size=2k", "sub/c.log"},
		{"recurse=yes;size=3000", "sub/c.log"},
		{"recurse=yes;size=3001b", ""},
		{"size=-5;patterns=*.txt,*.log", "b.txt odd[1].log"},
		{"size=-4;follow=yes", "odd[1].log"},
		{"age=2d", "b.txt"},
		{"age=-1H", "a.log odd[1].log"},
		{"age=2d;age_stamp=atime", ""},
		{"contains=two [0-9]+", "a.log"},
		{"contains=t.o", "a.log"}, // from the beginning of a line
		{"contains=zero|.two", "b.txt"},
		{"contains=two;recurse=yes;follow=yes", "a.log into/.git/e.log sub/.git/e.log"},
	}
	eachShell(t, func(t *testing.T, h *host) {
		dir := findTree(t)
		for _, test := range tests {
			args := map[string]any{}
			for _, kv := range strings.Split(test.args, ";") {
				if k, v, ok := strings.Cut(kv, "="); ok {
					args[k] = v
				}
			}
			if got := strings.Join(foundNames(t, h, dir, args), " "); got != test.want {
				t.Errorf("%s: got  %s\nwant %s", test.args, got, test.want)
			}
		}
	})
}

func TestFindValues(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, h *host) {
		dir := findTree(t)
		r := mustOK(t, h.run(t, "find", map[string]any{"paths": []any{dir + "//sub/", dir, dir + "/none", dir + "/a.log"}, "patterns": "[ac].log", "get_checksum": true}), false)
		want(t, r, "examined", 3+9)
		want(t, r, "msg", "Not all paths examined, check warnings for details")
		want(t, r, "skipped_paths", map[string]any{
			dir + "/none": "'" + dir + "/none' is not a directory", dir + "/a.log": "'" + dir + "/a.log' is not a directory",
		})
		list, _ := r.Values["files"].([]any)
		if len(list) != 2 {
			t.Fatalf("found %v", list)
		}
		var sys syscall.Stat_t
		if err := syscall.Stat(dir+"/a.log", &sys); err != nil {
			t.Fatal(err)
		}
		st, _ := list[1].(map[string]any)
		wantKeys(t, st, map[string]any{
			"path": dir + "/a.log", "mode": "0644", "size": 11, "uid": 0, "gid": 0, "pw_name": "root", "gr_name": "root", "isreg": true, "islnk": false, "wusr": true, "woth": false,
			"mtime": int(sys.Mtim.Sec), "inode": int(sys.Ino), "dev": int(sys.Dev), "nlink": 1, "checksum": fmt.Sprintf("%x", sha1.Sum([]byte("one\ntwo 22\n"))),
		})
		// The level below depth is counted, as in Ansible.
		want(t, h.run(t, "find", map[string]any{"paths": dir, "recurse": true, "depth": 1}), "examined", 12)
		want(t, h.run(t, "find", map[string]any{"paths": dir, "recurse": true}), "examined", 14)
		want(t, h.run(t, "find", map[string]any{"paths": dir}), "msg", "All paths examined")
	})
}

// Names are hostile: none may pass for another record, an option or a command.
func TestFindHostileNames(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, h *host) {
		dir := filepath.Join(t.TempDir(), "-exec")
		names := []string{
			"\n", "a\n", "-delete", "$(touch x)", "`touch x`", "*", "'\"", "a:b:c", "\xff\xfe", "\n=end", "a\n\n=skip x", "{}", `back\slash`, " ", "é",
			"81a4:1:0:0:root:root:1:1:1:1:1:1:x", strings.Repeat("n", 255),
		}
		var expect []string
		for _, n := range names {
			write(t, dir+"/"+n+"/"+n, "two\n", 0o600)
			expect = append(expect, text8(n+"/"+n))
		}
		slices.Sort(expect)
		for _, extra := range []map[string]any{{}, {"contains": "two"}, {"get_checksum": true}, {"follow": true}, {"use_regex": true, "patterns": "(?s).*"}} {
			extra["recurse"] = true
			if got := foundNames(t, h, dir, extra); !slices.Equal(got, expect) {
				t.Errorf("%v: got %q\nwant %q", extra, got, expect)
			}
		}
		if got := foundNames(t, h, dir, map[string]any{"recurse": true, "patterns": "?"}); !slices.Equal(got, []string{"\n/\n", " / ", "*/*", "é/é"}) {
			t.Errorf("one letter: %q", got)
		}
		nothingElse(t, dir+"/*", "*")
	})
}

func TestFindRefuses(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, h *host) {
		for words, args := range map[string]map[string]any{
			`failed to process age: "1y"`:            {"age": "1y"},
			`failed to process age: "10dd"`:          {"age": "10dd"},
			`failed to process size: "+1k"`:          {"size": "+1k"},
			`failed to process size: "99999999999t"`: {"size": "99999999999t"},
			`"(?=x)" can't be used`:                  {"patterns": "(?=x)", "use_regex": true},
			`depth must not be negative`:             {"depth": -1},
			`has no "\\d"`:                           {"contains": `\d`},
			`paths holds " "`:                        {"paths": []any{" "}},
		} {
			if args["paths"] == nil {
				args["paths"] = "/etc"
			}
			mustFail(t, h.run(t, "find", args), words[:len(words)-1])
		}
	})
}

// FuzzFindRecords: what a host says is hostile.
func FuzzFindRecords(f *testing.F) {
	f.Add("//=now 10\n//=root 1\n//81a4:5:0:0:root:root:1:2:3:4:5:1:/etc/a\nb\n//=sum 00\n//=examined 3\n//=end\n")
	f.Add("//=root 9\n")
	f.Add("//81a4\n")
	f.Add("x\n//\n//=skip /etc\n")
	f.Fuzz(func(t *testing.T, text string) {
		s, _ := Lookup("find")
		a, err := s.Bind(map[string]any{"paths": "/etc"})
		if err != nil {
			t.Fatal(err)
		}
		fd, err := newFinding(a)
		if err != nil {
			t.Fatal(err)
		}
		if fd.read(strings.NewReader(text)) == nil && fd.examined < 0 {
			t.Errorf("%q: examined %d", text, fd.examined)
		}
		for name, st := range fd.files {
			if p, _ := st["path"].(string); p == "" || st["isreg"] != true {
				t.Errorf("%q: %q is %v", text, name, st)
			}
		}
	})
}

// FuzzGlob: a glob is an expression that compiles, or an error, and what find(1)
// is told never leaves out what the glob means.
func FuzzGlob(f *testing.F) {
	for _, g := range []string{"*.log", "[!a]?", "[]x]", "[", "[a-z]*", `\*`, "[z-a]", "[^a]", "[[:alpha:]]", "a[*]b", "[\xff]", "[]", "[!]"} {
		f.Add(g, "a.log")
	}
	f.Fuzz(func(t *testing.T, glob, name string) {
		filter, err := newNameFilter(Args{map[string]any{"patterns": []string{glob}}}, "patterns")
		if err != nil || !filter.matches(name) {
			return
		}
		wide, err := newNameFilter(Args{map[string]any{"patterns": []string{filter.narrow()[2]}}}, "patterns")
		if err != nil || !wide.matches(name) {
			t.Errorf("%q matches %q, and %q doesn't: %v", glob, name, filter.narrow()[2], err)
		}
	})
}
