package action

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestLineEdit holds the edit to what ansible.builtin.lineinfile makes of the
// same (ansible-core 2.14), but for one: a line after the last one, which has no
// newline, doesn't become a part of it.
func TestLineEdit(t *testing.T) {
	t.Parallel()
	const conf = "# head\nport=1\nhost=a\nport=2\ntail"
	for _, test := range []struct {
		args      string // key=value, ; between
		was, want string // want ==: as it was
		msg       string
	}{
		{"line=new", "", "new\n", "line added"},
		{"line=new", "a\n", "a\nnew\n", "line added"},
		{"line=new", "a", "a\nnew\n", "line added"},
		{"line=a", "a\n", "==", ""},
		{"line=a", "a\r\nb\n", "a\nb\n", "line replaced"},
		{"line=a", "b\na", "b\na\n", "line replaced"},
		{"regexp=^port=;line=port=3", conf, "# head\nport=1\nhost=a\nport=3\ntail", "line replaced"},
		{"regexp=^port=;line=port=3;firstmatch=yes", conf, "# head\nport=3\nhost=a\nport=2\ntail", "line replaced"},
		{"regexp=^port=;line=port=2", conf, "==", ""},
		{"regexp=^port=[0-9]$;line=x", conf, "# head\nport=1\nhost=a\nx\ntail", "line replaced"},
		{`regexp=\s$;line=x;firstmatch=yes`, "a\n", "x\n", "line replaced"}, // the newline is a part of the line
		{"regexp=^none;line=x", conf, conf + "\nx\n", "line added"},
		{"search_string=ort=;line=x;firstmatch=yes", conf, "# head\nx\nhost=a\nport=2\ntail", "line replaced"},
		{"search_string=p.rt;line=x", conf, conf + "\nx\n", "line added"},
		{"insertafter=^port;line=x", conf, "# head\nport=1\nhost=a\nport=2\nx\ntail", "line added"},
		{"insertafter=^port;line=x;firstmatch=yes", conf, "# head\nport=1\nx\nhost=a\nport=2\ntail", "line added"},
		{"insertafter=^port;line=host=a;firstmatch=yes", conf, "==", ""},
		{"insertafter=tail;line=x", conf, conf + "\nx\n", "line added"},
		{"insertafter=none;line=x", conf, conf + "\nx\n", "line added"},
		{"insertafter=BOF;line=x", conf, "x\n" + conf, "line added"},
		{"insertafter=EOF;line=host=a", conf, "==", ""},
		{"insertbefore=^port;line=x", conf, "# head\nport=1\nhost=a\nx\nport=2\ntail", "line added"},
		{"insertbefore=^port;line=x;firstmatch=yes", conf, "# head\nx\nport=1\nhost=a\nport=2\ntail", "line added"},
		{"insertbefore=BOF;line=x", conf, "x\n" + conf, "line added"},
		{"insertbefore=none;line=x", "a\n", "a\nx\n", "line added"},
		{"regexp=^host;insertafter=^port;line=x", conf, "# head\nport=1\nx\nport=2\ntail", "line replaced"},
		{`regexp=^(\w+)=(?P<v>a);line=\1: \g<v>\g<2>\t.;backrefs=yes`, conf, "# head\nport=1\nhost: aa\t.\nport=2\ntail", "line replaced"},
		{`regexp=^none(.);line=\1;backrefs=yes`, conf, "==", ""},
		{`regexp=^host;line=a\1`, conf, "# head\nport=1\na\\1\nport=2\ntail", "line replaced"},
		{"regexp=^port;state=absent", conf, "# head\nhost=a\ntail", "2 line(s) removed"},
		{"regexp=^port;state=absent;line=tail", conf, "# head\nhost=a\ntail", "2 line(s) removed"},
		{"search_string==;state=absent", conf, "# head\ntail", "3 line(s) removed"},
		{"line=tail;state=absent", conf, "# head\nport=1\nhost=a\nport=2\n", "1 line(s) removed"},
		{"line=port;state=absent", conf, "==", ""},
		{"line=a;state=absent", "a\r\n", "", "1 line(s) removed"},
		{"line=x", "\xff\xfe\x00\n", "\xff\xfe\x00\nx\n", "line added"},
	} {
		e, err := newLineEdit(lineArgs(t, test.args))
		if err != nil {
			t.Errorf("%s: %v", test.args, err)
			continue
		}
		got, err := e.apply([]byte(test.was))
		if test.want == "==" && got != nil || test.want != "==" && string(got) != test.want || err != nil || e.msg != test.msg {
			t.Errorf("%s on %q gives %q, %q, %v; want %q", test.args, test.was, got, e.msg, err, test.want)
		}
	}
}

// lineArgs are a task's arguments, written key=value with ; between.
func lineArgs(t *testing.T, text string) Args {
	t.Helper()
	values := map[string]any{"path": "/x"}
	for _, kv := range strings.Split(text, ";") {
		if k, v, ok := strings.Cut(kv, "="); ok {
			values[k] = v
		}
	}
	s, _ := Lookup("lineinfile")
	a, err := s.Bind(values)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestLineEditRefuses(t *testing.T) {
	t.Parallel()
	for args, words := range map[string]string{
		"state=present":                      "line is required with state=present",
		"state=absent":                       "one of line, search_string, or regexp is required",
		"line=x;backrefs=yes":                "regexp is required with backrefs=true",
		"line=x;regexp=(?=x)":                "regexp: \"(?=x)\" can't be used",
		"line=x;insertafter=(":               "insertafter: \"(\" can't be used",
		"line=x;insertbefore=(":              "insertbefore: \"(\" can't be used",
		`line=\2;regexp=(a);backrefs=yes`:    "invalid group reference 2",
		`line=\g<n>;regexp=(a);backrefs=yes`: `no group "n"`,
		`line=\q;regexp=(a);backrefs=yes`:    `bad escape \q`,
	} {
		e, err := newLineEdit(lineArgs(t, args))
		if err == nil {
			_, err = e.apply([]byte("a\n"))
		}
		if err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v, want %q", args, err, words)
		}
	}
	s, _ := Lookup("lineinfile")
	for _, set := range s.Exclusive {
		if _, err := s.Bind(map[string]any{"path": "/x", set[0]: "yes", set[1]: "yes"}); err == nil {
			t.Errorf("%v go together", set)
		}
	}
}

func TestLineinfile(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, h *host) {
		dir := filepath.Join(t.TempDir(), "a 'folder'")
		at := write(t, dir+"/-x.conf", "a=1\n\n\xff\nb=2\n\n", 0o640)
		if err := os.Chown(at, 12, 34); err != nil {
			t.Fatal(err)
		}
		args := map[string]any{"path": at, "regexp": "^a=", "line": "a='$x' \\1"}
		r := mustOK(t, h.run(t, "lineinfile", args, inCheck), true)
		want(t, r, "msg", "line replaced")
		holds(t, at, "a=1\n\n\xff\nb=2\n\n", 0o640)
		h.trips.take()
		r = mustOK(t, h.run(t, "lineinfile", args), true)
		if n := h.trips.take(); n != 2 {
			t.Errorf("%d round trips", n)
		}
		want(t, r, "msg", "line replaced")
		want(t, r, "backup", "")
		holds(t, at, "a='$x' \\1\n\n\xff\nb=2\n\n", 0o640)
		if uid, gid := owner(t, at); uid != 12 || gid != 34 {
			t.Errorf("it belongs to %d:%d", uid, gid)
		}
		h.trips.take()
		want(t, mustOK(t, h.run(t, "lineinfile", args), false), "msg", "")
		if n := h.trips.take(); n != 1 {
			t.Errorf("%d round trips for nothing", n)
		}

		r = mustOK(t, h.run(t, "lineinfile", map[string]any{"path": at, "regexp": "^$", "state": "absent", "mode": "u+x", "group": "root"}), true)
		want(t, r, "found", 2)
		want(t, r, "msg", "2 line(s) removed and ownership, perms or SE linux context changed")
		holds(t, at, "a='$x' \\1\n\xff\nb=2\n", 0o740)
		if uid, gid := owner(t, at); uid != 12 || gid != 0 {
			t.Errorf("it belongs to %d:%d", uid, gid)
		}
		r = mustOK(t, h.run(t, "lineinfile", map[string]any{"path": at, "line": "b=2", "mode": "0600", "owner": "0"}), true)
		want(t, r, "msg", "ownership, perms or SE linux context changed")
		holds(t, at, "a='$x' \\1\n\xff\nb=2\n", 0o600)
		mustOK(t, h.run(t, "lineinfile", map[string]any{"path": at, "line": "b=2", "mode": "0600", "owner": "root"}), false)
		nothingElse(t, dir, "-x.conf")
	})
}

func TestLineinfileCreates(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, h *host) {
		dir := t.TempDir()
		at := dir + "/sub/deep/new %d"
		args := map[string]any{"path": at, "line": "x", "create": true, "validate": "grep -q x %s"}
		want(t, mustOK(t, h.run(t, "lineinfile", args, inCheck), true), "msg", "line added")
		wantEmpty(t, dir)
		want(t, mustOK(t, h.run(t, "lineinfile", args), true), "msg", "line added")
		holds(t, at, "x\n", 0o666&^umask())
		hasMode(t, dir+"/sub", 0o777&^umask())
		mustOK(t, h.run(t, "lineinfile", map[string]any{"path": dir + "/private", "line": "x", "create": true, "mode": "0600"}), true)
		holds(t, dir+"/private", "x\n", 0o600)
		args["validate"] = "grep -q y %s"
		args["path"] = dir + "/other"
		mustFail(t, h.run(t, "lineinfile", args), "failed to validate")
		args["path"] = at
		args["line"] = "z"
		mustFail(t, h.run(t, "lineinfile", args), "failed to validate")
		holds(t, at, "x\n", 0o666&^umask())
		nothingElse(t, dir, "private", "sub")
	})
}

func TestLineinfileBackupAndLink(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, h *host) {
		dir := t.TempDir()
		at := write(t, dir+"/real/file", "a\n", 0o644)
		link := dir + "/link"
		if err := os.Symlink("real/file", link); err != nil {
			t.Fatal(err)
		}
		r := mustOK(t, h.run(t, "lineinfile", map[string]any{"path": link, "line": "b", "backup": true}), true)
		holds(t, at, "a\nb\n", 0o644)
		if to, err := os.Readlink(link); err != nil || to != "real/file" {
			t.Errorf("the link is %q, %v", to, err)
		}
		saved, _ := r.Values["backup"].(string)
		if !strings.HasPrefix(saved, link+".") {
			t.Errorf("backup is %q", saved)
		}
		holds(t, saved, "a\n", 0o644)
	})
}

// Whoever edits the file at the same time doesn't lose what he wrote.
func TestLineinfileMeanwhile(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, h *host) {
		dir := t.TempDir()
		at := write(t, dir+"/file", "a\n", 0o644)
		other := fmt.Sprintf("sh -c 'echo other >%s; true %%s'", at)
		mustFail(t, h.run(t, "lineinfile", map[string]any{"path": at, "line": "b", "validate": other}), "was changed by somebody else", "try again")
		holds(t, at, "other\n", 0o644)
		made := dir + "/made"
		other = fmt.Sprintf("sh -c 'echo other >%s; true %%s'", made)
		mustFail(t, h.run(t, "lineinfile", map[string]any{"path": made, "line": "b", "create": true, "validate": other}), "was changed by somebody else")
		if got, err := os.ReadFile(made); err != nil || string(got) != "other\n" {
			t.Errorf("it holds %q, %v", got, err)
		}
		nothingElse(t, dir, "file", "made")
	})
}

func TestLineinfileRefuses(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, h *host) {
		dir := t.TempDir()
		huge := write(t, dir+"/huge", "", 0o600)
		if err := os.Truncate(huge, maxLines+1); err != nil {
			t.Fatal(err)
		}
		r := h.run(t, "lineinfile", map[string]any{"path": dir + "/none", "line": "x"})
		mustFail(t, r, "Destination "+dir+"/none does not exist !", "create")
		want(t, r, "rc", 257)
		r = h.run(t, "lineinfile", map[string]any{"path": dir, "line": "x"})
		mustFail(t, r, "Path "+dir+" is a directory !")
		want(t, r, "rc", 256)
		mustFail(t, h.run(t, "lineinfile", map[string]any{"path": "/dev/null", "line": "x"}), "not a regular file")
		mustFail(t, h.run(t, "lineinfile", map[string]any{"path": huge, "line": "x"}), "larger than 4.0 MiB", "sed")
		mustFail(t, h.run(t, "lineinfile", map[string]any{"path": huge, "line": "x", "validate": "true"}), "validate must contain %s")
		want(t, mustOK(t, h.run(t, "lineinfile", map[string]any{"path": dir + "/none", "line": "x", "state": "absent"}), false), "msg", "file not present")
	})
}

// FuzzLineEdit: whatever the file and the task, editing twice is editing once,
// as long as the line is found again.
func FuzzLineEdit(f *testing.F) {
	f.Add("a\nb\n", "x", "^a", "b", false)
	f.Add("a\r\nb", `\1\g<1>`, "(a)", "", true)
	f.Add("", "", "", "(", false)
	f.Add("\xff\n\n", `\\`, "[", "EOF", true)
	f.Fuzz(func(t *testing.T, content, line, regexp, after string, backrefs bool) {
		a := map[string]any{"state": "present", "line": line, "regexp": regexp, "insertafter": after, "backrefs": backrefs}
		if regexp == "" {
			delete(a, "regexp")
			a["backrefs"] = false
		}
		e, err := newLineEdit(Args{a})
		if err != nil {
			return
		}
		once, err := e.apply([]byte(content))
		if err != nil || once == nil || regexp != "" || strings.ContainsAny(line, "\r\n") {
			return
		}
		if !strings.Contains("\n"+string(once), "\n"+line+"\n") {
			t.Errorf("%q isn't in %q", line, once)
		}
		if twice, err := e.apply(once); err != nil || twice != nil && after == "EOF" {
			t.Errorf("%q: twice gives %q, %v", once, twice, err)
		}
	})
}

// owner gives who a file belongs to.
func owner(t *testing.T, at string) (uid, gid int) {
	t.Helper()
	var sys syscall.Stat_t
	if err := syscall.Stat(at, &sys); err != nil {
		t.Fatal(err)
	}
	return int(sys.Uid), int(sys.Gid)
}
