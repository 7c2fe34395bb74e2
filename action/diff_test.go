package action

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// withDiff is an option: --diff.
func withDiff(c *Call) { c.Diff = true }

// TestDiff: what would change is told in check mode, what changed when it did,
// and nothing where nothing does; the headers are Ansible's.
func TestDiff(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, h *host) {
		dir := t.TempDir()
		at := write(t, dir+"/a", "one\ntwo\n", 0o644)
		book := t.TempDir()
		write(t, book+"/files/b", "one\n2\n", 0o644)
		for _, c := range []struct {
			module string
			values map[string]any
			want   []Change
		}{
			{"copy", values{"content": "one\n", "dest": at, "mode": "0600"}, []Change{
				{BeforeHeader: at, AfterHeader: at, Before: "one\ntwo\n", After: "one\n"},
				{Before: modeJSON("0644", at), After: modeJSON("0600", at)},
			}},
			{"copy", values{"content": "one\n", "dest": at, "mode": "0644"}, []Change{{Before: modeJSON("0600", at), After: modeJSON("0644", at)}}},
			{"copy", values{"content": "new", "dest": dir + "/new"}, []Change{{AfterHeader: dir + "/new", After: "new"}}},
			{"copy", values{"src": "b", "dest": at}, []Change{{BeforeHeader: at, AfterHeader: book + "/files/b", Before: "one\n", After: "one\n2\n"}}},
			{"copy", values{"content": "a\x00b", "dest": at}, []Change{{BeforeHeader: at, AfterHeader: at, Note: "source file appears to be binary"}}},
			{"copy", values{"content": strings.Repeat("x", maxDiff+1), "dest": at}, []Change{{BeforeHeader: at, AfterHeader: at, Note: "destination file appears to be binary"}}},
			{"copy", values{"content": "x\n", "dest": at}, []Change{{BeforeHeader: at, AfterHeader: at, Note: "destination file size is greater than 104448"}}},
			{"lineinfile", values{"path": at, "line": "y"}, []Change{{BeforeHeader: at + " (content)", AfterHeader: at + " (content)", Before: "x\n", After: "x\ny\n"}}},
			{"lineinfile", values{"path": at, "line": "y", "mode": "0640"}, []Change{{
				BeforeHeader: at + " (file attributes)", AfterHeader: at + " (file attributes)",
				Before: "{\n    \"mode\": \"0644\"\n}\n", After: "{\n    \"mode\": \"0640\"\n}\n",
			}}},
			{"file", values{"path": at, "mode": "u+x"}, []Change{{Before: modeJSON("0640", at), After: modeJSON("0740", at)}}},
			{"file", values{"path": dir + "/d", "state": "directory"}, []Change{{Before: stateJSON("absent", dir+"/d"), After: stateJSON("directory", dir+"/d")}}},
			{"file", values{"path": dir + "/d", "state": "absent"}, []Change{{Before: stateJSON("directory", dir+"/d"), After: stateJSON("absent", dir+"/d")}}},
		} {
			local := func(c *Call) { c.Local.Playbook = book }
			if r := h.run(t, c.module, c.values, local, inCheck); r.Diff != nil {
				t.Errorf("%s: a diff that nobody asked for", c.module)
			}
			for i, check := range []bool{true, false} {
				r := h.run(t, c.module, c.values, withDiff, local, func(call *Call) { call.Check = check })
				mustOK(t, r, true)
				if diff := cmp.Diff(c.want, r.Diff); diff != "" {
					t.Errorf("%s %v, check %v (-want +got):\n%s", c.module, c.values["path"], i == 0, diff)
				}
			}
			if r := mustOK(t, h.run(t, c.module, c.values, withDiff, local), false); r.Diff != nil {
				t.Errorf("%s: nothing changed, and yet %+v", c.module, r.Diff)
			}
		}
	})
}

func modeJSON(mode, path string) string {
	return fmt.Sprintf("{\n    \"mode\": %q,\n    \"path\": %q\n}\n", mode, path)
}

func stateJSON(state, path string) string {
	return fmt.Sprintf("{\n    \"path\": %q,\n    \"state\": %q\n}\n", path, state)
}

// TestDiffOfATree: each file that differs is told of, up to maxDiffs.
func TestDiffOfATree(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, h *host) {
		src, dest := t.TempDir(), t.TempDir()
		write(t, src+"/same", "s\n", 0o644)
		write(t, src+"/other", "new\n", 0o644)
		write(t, src+"/sub/more", "more\n", 0o644)
		write(t, dest+"/same", "s\n", 0o644)
		write(t, dest+"/other", "old\n", 0o644)
		r := mustOK(t, h.run(t, "copy", values{"src": src + "/", "dest": dest}, withDiff, inCheck), true)
		want := []Change{
			{BeforeHeader: dest + "/other", AfterHeader: src + "/other", Before: "old\n", After: "new\n"},
			{AfterHeader: src + "/sub/more", After: "more\n"},
		}
		if diff := cmp.Diff(want, r.Diff); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		for i := range maxDiffs + 5 {
			write(t, fmt.Sprintf("%s/sub/z%03d", src, i), "z\n", 0o644)
		}
		r = mustOK(t, h.run(t, "copy", values{"src": src + "/", "dest": dest}, withDiff, inCheck), true)
		if n := len(r.Diff); n != maxDiffs+1 || r.Diff[n-1].Note != "7 more files differ" {
			t.Errorf("%d diffs, the last %+v", n, r.Diff[n-1])
		}
	})
}
