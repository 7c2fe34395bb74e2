package playbook

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"thordeploy/internal/diag"
)

// reaching is a scope whose templates may look things up.
type reaching struct {
	vars
	on *machine
}

func (r reaching) Controller() Controller { return r.on }

func (r reaching) HostsOf(pattern string) ([]string, error) {
	if pattern == "bad[" {
		return nil, errors.New("no pattern")
	}
	return strings.Split(pattern, ","), nil
}

// machine is this one, with an environment of its own.
type machine struct {
	env    map[string]string
	warned []string
}

func (m *machine) Env(name string) (string, bool)         { v, ok := m.env[name]; return v, ok }
func (m *machine) ReadFile(path string) ([]byte, error)   { return os.ReadFile(path) }
func (m *machine) Stat(path string) (fs.FileInfo, error)  { return os.Stat(path) }
func (m *machine) Lstat(path string) (fs.FileInfo, error) { return os.Lstat(path) }
func (m *machine) Glob(pattern string) ([]string, error)  { return filepath.Glob(pattern) }
func (m *machine) Home(account string) (string, bool)     { return "/home/me", account == "" }
func (m *machine) Warn(text string)                       { m.warned = append(m.warned, text) }

func (m *machine) RealPath(path string) string {
	abs, err := filepath.Abs(path)
	if real, err2 := filepath.EvalSymlinks(abs); err == nil && err2 == nil {
		return real
	}
	return abs
}

func (m *machine) Run(command, dir string) ([]byte, error) {
	c := exec.Command("/bin/sh", "-c", command)
	c.Dir = dir
	return c.Output()
}

// lookupTree is a playbook's folder with a role.
func lookupTree(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"play/files/one.txt": "  in files \n\n", "play/one.txt": "beside", "play/two.txt": "two", "play/files/a.yar": "", "play/files/b.yar": "", "play/files/sub.yar/x": "",
		"role/files/one.txt": "of the role", "role/templates/t.j2": "{% for i in list %}{{ i }}{{ sep }}{% endfor %}", "play/templates/data.j2": "[{{ n }}, 'x']",
		"play/templates/outer.j2": "<{{ lookup('template', 'inner.j2') }}>", "play/templates/inner.j2": "{{ n }}", "play/templates/again.j2": "{{ lookup('template', 'again.j2') }}",
		"play/templates/broken.j2": "one\n{{ nope }}\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestLookupsOfFiles(t *testing.T) {
	t.Parallel()
	dir := lookupTree(t)
	play, role := dir+"/play", dir+"/role"
	for _, tt := range []struct {
		expr string
		want any
	}{
		{"lookup('file', 'two.txt')", "two"},
		{"lookup('file', 'one.txt', 'two.txt')", "of the role,two"},
		{"lookup('file', '" + play + "/files/one.txt')", "  in files"},
		{"lookup('file', '" + play + "/files/one.txt', lstrip=true, rstrip=false)", "in files \n\n"},
		{"lookup('unvault', '" + play + "/files/one.txt')", "  in files \n\n"},
		{"query('fileglob', '*.yar')", []any{play + "/files/a.yar", play + "/files/b.yar"}},
		{"lookup('fileglob', '*.yar') | split(',') | map('basename') | join(' ')", "a.yar b.yar"},
		{"query('fileglob', '*.nope')", []any{}},
		{"lookup('first_found', ['zero.txt', 'two.txt'])", play + "/two.txt"},
		{"query('first_found', {'files': 'zero.txt,one.txt', 'paths': ['" + play + "']})", []any{play + "/one.txt"}},
		{"lookup('template', 't.j2', template_vars={'sep': '-'})", "1-2-"},
		{"lookup('template', 'data.j2')", []any{7, "x"}},
		{"lookup('template', 'data.j2', convert_data=false)", "[7, 'x']"},
		{"lookup('template', 'outer.j2')", "<7>"},
		{"lookup('env', 'WHO')", "me"},
		{"lookup('env', 'NOBODY')", ""},
		{"lookup('env', 'NOBODY', default='x')", "x"},
		{"lookup('pipe', 'pwd')", play},
		{"lookup('pipe', 'echo 5') | int + 1", 6},
		{"query('lines', 'echo a; echo b')", []any{"a", "b"}},
		{"query('inventory_hostnames', 'a,b')", []any{"a", "b"}},
		{"lookup('vars', 'n')", 7},
		{"lookup('vars', 'indirect')", "8"},
		{"query('varnames', '^li', '^n$')", []any{"list", "n"}},
		{"lookup('file', 'none', errors='ignore')", nil},
		{"lookup('file', 'none', errors='ignore', wantlist=true)", []any{}},
		{"'~/x' | expanduser", "/home/me/x"},
		{"'~other/x' | expanduser", "~other/x"},
		{"'$WHO-${WHO}-$NOBODY' | expandvars", "me-me-$NOBODY"},
		{"'" + play + "/*.txt' | fileglob | map('basename') | list", []any{"one.txt", "two.txt"}},
		{"'" + play + "' is directory", true},
		{"'" + play + "/two.txt' is file", true},
		{"'" + play + "/two.txt' is link", false},
	} {
		sc := reaching{vars{
			"playbook_dir": play, "ansible_search_path": []any{role, play}, "n": 7, "list": []any{1, 2}, "indirect": mustValue(t, "{{ n + 1 }}"),
		}, &machine{env: map[string]string{"WHO": "me"}}}
		e, err := NewExpr(tt.expr, diag.Range{})
		if err != nil {
			t.Errorf("%s: %v", tt.expr, err)
			continue
		}
		got, err := e.Eval(sc)
		if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v %s", tt.expr, err, diff)
		}
	}
}

func mustValue(t *testing.T, text string) *Value {
	t.Helper()
	v, err := NewValue(text, diag.Range{})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestLookupsThatFail(t *testing.T) {
	t.Parallel()
	play := lookupTree(t) + "/play"
	on := &machine{}
	sc := reaching{vars{"playbook_dir": play, "n": 7}, on}
	for expr, says := range map[string]string{
		"lookup('file', 'none')":                 "there is no file `none`; it was looked for as " + play + "/files/none, " + play + "/none",
		"lookup('template', 'again.j2')":         "look each other up",
		"lookup('template', 'broken.j2')":        "variable `nope` is undefined",
		"lookup('first_found', ['a', 'b'])":      "none of these files is there: a, b",
		"lookup('pipe', 'exit 3')":               "exit status 3",
		"lookup('vars', 'nope')":                 "variable `nope` is undefined",
		"lookup('inventory_hostnames', 'bad[')":  "no pattern",
		"query('sequence', 'start=1')":           "needs a count or an end",
		"query('sequence', 'x=1')":               `a sequence has no "x"`,
		"query('sequence', '5-1')":               "make stride negative",
		"query('sequence', '1-100000000')":       "steps",
		"query('subelements', [{'a': 1}], 'l')":  "an item has no `l`",
		"query('nested')":                        "at least one list is needed",
		"lookup(name)":                           "variable `name` is undefined",
		"lookup('fi' ~ 'le2', 'x')":              "unknown lookup `file2`",
		"lookup('file', 'none', errors='maybe')": "errors must be strict, warn or ignore",
		"undef('set it in group_vars')":          "set it in group_vars",
		"range(300) | permutations(5)":           "steps",
	} {
		e, err := NewExpr(expr, diag.Range{})
		if err != nil {
			t.Errorf("%s: %v", expr, err)
			continue
		}
		if got, err := e.Eval(sc); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s gives %v, %v\nwant %s", expr, got, err, says)
		}
	}
	e, err := NewExpr("lookup('file', 'none', errors='warn')", diag.Range{})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := e.Eval(sc); got != nil || err != nil || len(on.warned) != 1 || !strings.Contains(on.warned[0], "no file `none`") {
		t.Errorf("%v, %v, warned %q", got, err, on.warned)
	}
	e, err = NewExpr("lookup('env', 'HOME')", diag.Range{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Eval(vars{}); err == nil || !strings.Contains(err.Error(), "can't be reached from here") {
		t.Errorf("without a controller: %v", err)
	}
}

// What isn't there is found when the playbook is loaded.
func TestUnknownLookups(t *testing.T) {
	t.Parallel()
	for expr, want := range map[string][2]string{
		"lookup('fiel', 'x')":               {"unknown lookup `fiel`", "did you mean `file`?"},
		"query('ansible.builtin.filglob')":  {"unknown lookup `filglob`", "did you mean `fileglob`?"},
		"lookup('password', '/tmp/x')":      {"the lookup `password` isn't done", "vault"},
		"lookup('url', 'http://x')":         {"the lookup `url` isn't done", "get_url"},
		"lookup('file', 'x', rstripp=true)": {"lookup `file` has no option `rstripp`", "did you mean `rstrip`?"},
		"lookup()":                          {"the name of a lookup is needed", ""},
		"'x' | password_hash('sha512')":     {"unknown filter `password_hash`", ""},
		"x is fiel":                         {"unknown test `fiel`", "did you mean `file`?"},
	} {
		_, err := NewExpr(expr, diag.Range{})
		var d *diag.Diagnostic
		if !errors.As(err, &d) || !strings.Contains(d.Summary, want[0]) || !strings.Contains(d.Hint, want[1]) {
			t.Errorf("%s: %v, want %q", expr, err, want)
		}
	}
}

func TestWith(t *testing.T) {
	t.Parallel()
	m := map[string]any{"z": 1}
	for _, tt := range []struct {
		name  string
		terms any
		want  []any
	}{
		{"items", []any{1, []any{2, []any{3}}}, []any{1, 2, []any{3}}},
		{"items", "one", []any{"one"}},
		{"list", []any{[]any{1}}, []any{[]any{1}}},
		{"dict", m, []any{map[string]any{"key": "z", "value": 1}}},
		{"nested", []any{[]any{1, 2}, []any{"a"}}, []any{[]any{1, "a"}, []any{2, "a"}}},
		{"sequence", "start=2 end=3", []any{"2", "3"}},
		{"subelements", []any{[]any{map[string]any{"n": 1, "l": []any{5}}}, "l"}, []any{[]any{map[string]any{"n": 1}, 5}}},
		{"together", []any{[]any{1, 2}, []any{"a"}}, []any{[]any{1, "a"}, []any{2, nil}}},
		{"env", []any{"WHO"}, []any{"me"}},
		{"inventory_hostnames", "a:b", []any{"a", "b"}},
	} {
		got, err := With(tt.name, tt.terms, reaching{vars{}, &machine{env: map[string]string{"WHO": "me"}}})
		if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
			t.Errorf("with_%s: %v %s", tt.name, err, diff)
		}
	}
	if _, err := With("sequence", "x", vars{}); err == nil || !strings.Contains(err.Error(), "with_sequence: ") {
		t.Errorf("%v", err)
	}
}
