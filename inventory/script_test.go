package inventory_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"thordeploy/inventory"
)

// printing is a script that answers --list, and --host where host isn't empty.
func printing(list, host string) string {
	return "#!/bin/sh\necho \"$@\" >> \"$0.calls\"\ncase $1 in\n--list) cat <<'END'\n" + list + "\nEND\n;;\n--host) printf '%s' '" + host + "' ;;\nesac\n"
}

func TestScript(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, list, host, want, calls string }{
		{
			"with _meta", `{"web": {"hosts": ["b", "a"], "vars": {"g": [1, 2.5, "x", null, true]}, "children": ["db"]}, "db": ["c"],
			  "_meta": {"hostvars": {"a": {"v": {"k": 1}, "ansible_password": 12.50}, "stranger": {"v": 1}}}}`, "never asked",
			lines("b [web] map[g:[1 2.5 x <nil> true]]", "a [web] map[ansible_password:12.50 g:[1 2.5 x <nil> true] v:map[k:1]]", "c [db web] map[g:[1 2.5 x <nil> true]]"),
			"--list\n",
		},
		{
			"without _meta", `{"web": ["a", "b"], "all": {"vars": {"x": 1}}}`, `{"y": "é 😀"}`,
			lines("a [web] map[x:1 y:é 😀]", "b [web] map[x:1 y:é 😀]"), "--list\n--host a\n--host b\n",
		},
		{"without _meta and nothing to say", `{"web": ["a"]}`, " ", lines("a [web]"), "--list\n--host a\n"},
		{"a group that is its own host", `{"lone": {"v": 1, "w": "x"}, "_meta": {"hostvars": {}}}`, "", lines("lone [lone] map[v:1 w:x]"), "--list\n"},
		{"empty _meta", `{"web": ["a"], "_meta": {}}`, `{"z": 99999999999999999999, "f": 1e3}`, lines("a [web] map[f:1000 z:99999999999999999999]"), "--list\n--host a\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := tree(t, map[string]string{"s.sh": printing(tt.list, tt.host)})
			inv, list := inventory.Load(sources(dir, "s.sh")) // a group may share its host's name: a warning
			if list.Err() != nil {
				t.Fatal(list)
			}
			if diff := cmp.Diff(tt.want, show(inv)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			calls, err := os.ReadFile(filepath.Join(dir, "s.sh.calls"))
			if err != nil || string(calls) != tt.calls {
				t.Errorf("called as %q, %v", calls, err)
			}
			if h := inv.Hosts()[0]; h.File != filepath.Join(dir, "s.sh") {
				t.Errorf("comes from %s", h.File)
			}
		})
	}
}

func TestBadScripts(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", 5000)
	tests := []struct{ name, text, summary, hint string }{
		{"fails", "#!/bin/sh\necho 'token expired' >&2\nexit 3\n", "run with --list, failed with exit code 3: token expired", "by hand"},
		{"hangs", "#!/bin/sh\nsleep 60\n", "run with --list, hangs: it was ended after 300ms", "by hand"},
		{"prints a flood", "#!/bin/sh\nyes '{}' | head -c 100000000\n", "prints more than 16 MiB", "by hand"},
		{"prints nothing", "#!/bin/sh\n", "prints no JSON: its output is empty", "one JSON object"},
		{"prints no JSON", printing("{\n \"web\": [\n  oops", ""), "prints no JSON: line 3: invalid character 'o'", "one JSON object"},
		{"stops in the middle", printing(`{"web": ["a"`, ""), "prints no JSON: its output ends in the middle", ""},
		{"prints two values", printing(`{} {}`, ""), "something follows the value", ""},
		{"prints a list", printing(`["a"]`, ""), "prints a list where an object is due", ""},
		{"prints too deep", printing(`{"web": `+deep, ""), "nests more than 100 levels", ""},
		{"prints latin1", "#!/bin/sh\nprintf '{\"caf\\351\": []}'\n", "not UTF-8", ""},
		{"hosts are no list", printing(`{"web": {"hosts": {"a": {}}}}`, ""), "the hosts of group `web` are an object, not a list", ""},
		{"host is no name", printing(`{"web": [5]}`, ""), "a host of group `web` is a number, not a name", ""},
		{"host is an option", printing(`{"web": ["-oProxyCommand=x"]}`, ""), "begins with `-`", ""},
		{"host is a path", printing(`{"web": ["../../etc"]}`, ""), "has a `/` in it", ""},
		{"vars are no object", printing(`{"web": {"hosts": ["a"], "vars": [1]}}`, ""), "the variables of group `web` are a list, not an object", ""},
		{"children are no list", printing(`{"web": {"hosts": ["a"], "children": "b"}}`, ""), "the children of group `web` are a text, not a list", ""},
		{"group is its own child", printing(`{"a": {"children": ["b"]}, "b": {"hosts": ["h"], "children": ["a"]}, "_meta": {"hostvars": {}}}`, ""), "group `a` is its own child: a > b > a", ""},
		{"hostvars are no object", printing(`{"web": ["a"], "_meta": {"hostvars": []}}`, ""), "`_meta.hostvars` is a list", ""},
		{"host fails", printing(`{"web": ["a"]}`, "oops"), "run with --host a, prints no JSON", "--host a; a `_meta`"},
		{"vault without a password", printing(`{"web": {"hosts": ["a"], "vars": {"p": {"__ansible_vault": "$ANSIBLE_VAULT;1.1;AES256\nzz"}}}}`, ""), "the variables of group `web`: ", ""},
		{"no interpreter", "#!/nonexistent/python\n", "can't be run: no such file", "by hand"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := tree(t, map[string]string{"s.sh": tt.text})
			l := &inventory.Loader{}
			if tt.name == "hangs" {
				l.ScriptTime = 300 * time.Millisecond
			}
			inv, list := l.Load(t.Context(), sources(dir, "s.sh"))
			if list.Err() == nil || len(inv.Hosts()) > 0 {
				t.Fatalf("no error, and %d hosts", len(inv.Hosts()))
			}
			d := list.Errors()[0]
			if d.Range.File != filepath.Join(dir, "s.sh") && tt.name != "group is its own child" || !strings.Contains(d.Summary, tt.summary) || !strings.Contains(d.Hint, tt.hint) || len(d.Summary) > 500 {
				t.Errorf("got %s", d)
			}
		})
	}
}

func TestInterruptedScript(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, list := new(inventory.Loader).Load(ctx, sources(tree(t, map[string]string{"s.sh": "#!/bin/sh\nsleep 60\n"}), "s.sh"))
	if list.Err() == nil || !strings.Contains(list.String(), "interrupted") {
		t.Errorf("got: %s", list)
	}
}
