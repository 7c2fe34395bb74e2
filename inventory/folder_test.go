package inventory_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"thordeploy/inventory"
	"thordeploy/playbook/vault"
)

// tree writes files below a new folder; one whose text begins with #! is made
// executable.
func tree(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		mode := os.FileMode(0o600)
		if strings.HasPrefix(text, "#!") {
			mode = 0o700
		}
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func sources(dir string, names ...string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = filepath.Join(dir, n)
	}
	return out
}

// clean loads what must be without any problem.
func clean(t testing.TB, l *inventory.Loader, from []string) *inventory.Inventory {
	t.Helper()
	inv, list := l.Load(t.Context(), from)
	if len(list.All()) > 0 {
		t.Fatalf("unexpected problems:\n%s", list)
	}
	return inv
}

func TestFolder(t *testing.T) {
	t.Parallel()
	junk := "!! no inventory !!\n"
	dir := tree(t, map[string]string{
		"inv/10-web.yml": "web: {hosts: {w1: {v: 10}}}", "inv/20-web.yml": "web: {hosts: {w1: {v: 20}, w2: }}",
		"inv/05-list": "a\nb\n", "inv/sub/db": "[db]\nd1\n", "inv/script": "#!/bin/sh\necho '{\"s\": [\"s1\"], \"_meta\": {\"hostvars\": {}}}'\n",
		"inv/.hidden": junk, "inv/x~": junk, "inv/x.orig": junk, "inv/x.bak": junk, "inv/x.ini": junk, "inv/x.cfg": junk,
		"inv/x.md": junk, "inv/x.txt": junk, "inv/x.rst": junk, "inv/x.retry": junk, "inv/x.pyc": junk, "inv/x.swp": junk, "inv/x.rpm": junk, "inv/x.pyo": junk,
		"inv/vars_plugins/x": junk, "inv/group_vars/web": "g: 1", "inv/sub/group_vars/db": "not: read",
	})
	inv := clean(t, new(inventory.Loader), sources(dir, "inv"))
	want := lines("a [ungrouped]", "b [ungrouped]", "w1 [web] map[g:1 v:20]", "w2 [web] map[g:1]", "s1 [s]", "d1 [db]")
	if diff := cmp.Diff(want, show(inv)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if h, _ := inv.Host("d1"); h.File != filepath.Join(dir, "inv/sub/db") {
		t.Errorf("d1 comes from %s", h.File)
	}
}

func TestFolderThatHoldsItself(t *testing.T) {
	t.Parallel()
	dir := tree(t, map[string]string{"inv/a": "a\n", "inv/group_vars/all/x.yml": "x: 1"})
	for link, to := range map[string]string{"inv/loop": dir + "/inv", "inv/group_vars/all/loop": dir + "/inv/group_vars/all"} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	_, list := inventory.Load(sources(dir, "inv"))
	if list.Err() == nil || !strings.Contains(list.String(), "a link to itself?") || len(list.All()) > 3 {
		t.Errorf("got:\n%s", list)
	}
}

// TestPrecedence sets one variable in every place; taking the highest place
// away shows the next one.
func TestPrecedence(t *testing.T) {
	t.Parallel()
	inventoryText := func(host string) string {
		return "all:\n  vars: {v: all}\n  children:\n    parent:\n      vars: {v: parent}\n      children:\n        child:\n" +
			"          vars: {v: child}\n          hosts:\n            h: {" + host + "}\n"
	}
	low := []struct{ file, value string }{ // after the inventory's own all, parent, child
		{"inv/group_vars/all", "inv all"}, {"play/group_vars/all.yml", "play all"},
		{"inv/group_vars/parent.yml", "inv parent"}, {"inv/group_vars/child.yaml", "inv child"},
		{"inv2/group_vars/parent.json", "inv2 parent"}, {"play/group_vars/parent", "play parent"}, {"play/group_vars/child", "play child"},
		{"", "host"}, {"inv/host_vars/h/b.yml", "inv host"}, {"inv2/host_vars/h", "inv2 host"}, {"play/host_vars/h.yml", "play host"},
	}
	for n := range len(low) + 1 {
		files := map[string]string{"inv2/more": "other\n"}
		want, host := "child", ""
		for _, l := range low[:n] {
			want = l.value
			if l.file == "" {
				host = "v: host"
				continue
			}
			files[l.file] = fmt.Sprintf("{\"v\": %q}", l.value)
		}
		files["inv/hosts.yml"] = inventoryText(host)
		dir := tree(t, files)
		inv, list := clean(t, new(inventory.Loader), sources(dir, "inv/hosts.yml", "inv2")).Beside(filepath.Join(dir, "play"))
		if list.Err() != nil {
			t.Fatal(list)
		}
		if h, _ := inv.Host("h"); h.Vars["v"] != want {
			t.Errorf("with %d places v is %v, want %s", n, h.Vars["v"], want)
		}
	}
}

func TestVarsFolders(t *testing.T) {
	t.Parallel()
	dir := tree(t, map[string]string{
		"hosts": "[web]\na\nb ansible_password=1\n[db]\nc\n",
		// The file or folder of the bare name goes before those with an extension.
		"group_vars/web/2.yml": "x: 2\nm: {b: 2}", "group_vars/web/1.yaml": "x: 1\ny: 1\nm: {a: 1}", "group_vars/web/sub/3.json": `{"x": 3}`,
		"group_vars/web/.hidden.yml": "x: hidden", "group_vars/web/4.yml~": "x: backup", "group_vars/web/notes.txt": "no vars", "group_vars/web/dir.d/5.yml": "x: 5",
		"group_vars/web.yml": "x: file", "group_vars/db.yaml": "", "group_vars/nobody": "x: 1", "group_vars/ungrouped": "x: 1",
		"host_vars/b.yml": "ansible_password: 0123\nyes_word: yes\nt: \"{{ x }}\"\n", "host_vars/localhost": "here: 1",
	})
	inv := clean(t, new(inventory.Loader), sources(dir, "hosts"))
	want := lines("a [web] map[m:map[b:2] x:3 y:1]", "b [web] map[ansible_password:0123 m:map[b:2] t:{{ x }} x:3 y:1 yes_word:true]", "c [db]")
	if diff := cmp.Diff(want, show(inv)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if local, _, err := inv.Select("localhost"); err != nil || len(local) != 1 || local[0].Vars["here"] != 1 {
		t.Errorf("the implicit localhost is %v, %v", local, err)
	}
	if same, list := inv.Beside(dir); same != inv || len(list.All()) > 0 {
		t.Errorf("the folder of the inventory is read again: %v", list)
	}
	if same, list := inv.Beside(t.TempDir()); same != inv || len(list.All()) > 0 {
		t.Errorf("an empty folder makes another inventory: %v", list)
	}
}

func TestBadVarsFiles(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, file, text string
		line             int
		summary, hint    string
	}{
		{"list", "group_vars/all", "- a\n", 1, "this is no mapping", "without a dash"},
		{"text", "group_vars/all.yml", "\nhello\n", 2, "this is no mapping", "each variable"},
		{"tab", "host_vars/a.yml", "a:\n\tb: 1\n", 2, "a tab in the indentation", "spaces"},
		{"broken", "host_vars/a.yml", "a: [\n", 1, "the file of variables is not valid YAML", "quotes"},
		{"NUL", "host_vars/a.yml", "a: \x00\n", 1, "the file of variables is not a text file", "right file"},
		{"two documents", "host_vars/a.yml", "a: 1\n---\nb: 1\n", 2, "a second document", "take the `---` out"},
		{"bomb", "group_vars/all", "a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: [*f,*f,*f,*f,*f,*f,*f,*f,*f,*f]\n", 0, "aliases multiply", "write the content out"},
		{"large", "group_vars/all", strings.Repeat("# filler line\n", 1<<21), 0, "the file of variables is larger than 16 MiB", ""},
		{"cut vault", "group_vars/all", "$ANSIBLE_VAULT;1.1;AES256\n", 1, "cut off after its header", "whole text"},
		{"below play", "play/group_vars/all", "- a\n", 1, "this is no mapping", "without a dash"},
	}
	for _, tt := range tests {
		dir := tree(t, map[string]string{"hosts": "a\n", tt.file: tt.text})
		inv, list := inventory.Load(sources(dir, "hosts"))
		if list.Err() == nil {
			_, list = inv.Beside(filepath.Join(dir, "play"))
		}
		if list.Err() == nil {
			t.Errorf("%s: no error", tt.name)
			continue
		}
		d := list.Errors()[0]
		if d.Range.File != filepath.Join(dir, tt.file) || tt.line != 0 && d.Range.Line != tt.line || !strings.Contains(d.Summary, tt.summary) || !strings.Contains(d.Hint, tt.hint) {
			t.Errorf("%s: %s", tt.name, d)
		}
	}
	_, list := inventory.Load(sources(tree(t, map[string]string{"hosts": "a\n", "group_vars": "x"}), "hosts"))
	if w := list.Warnings(); list.Err() != nil || len(w) != 1 || !strings.Contains(w[0].Summary, "group_vars is no folder") {
		t.Errorf("a file called group_vars: %s", list)
	}
}

func TestVault(t *testing.T) {
	t.Parallel()
	seal := func(plain, indent string) string {
		text, err := vault.Encrypt([]byte(plain), vault.Secret{Password: []byte("pw")})
		if err != nil {
			t.Fatal(err)
		}
		return indent + strings.ReplaceAll(strings.TrimSpace(string(text)), "\n", "\n"+indent)
	}
	var hidden []string
	l := &inventory.Loader{Vault: &vault.Keyring{Passwords: []vault.Secret{{Password: []byte("pw")}}, Hide: func(s ...string) { hidden = append(hidden, s...) }}}
	files := map[string]string{
		"hosts.yml":          "all:\n  hosts:\n    a:\n      v: !vault |\n" + seal("value one", "        ") + "\n      braces: !vault |\n" + seal("a{%b'\\", "        ") + "\n      u: !unsafe '{{ x }}'\n",
		"group_vars/all":     seal("whole: file two\nn: 5\n", ""),
		"host_vars/a.json":   "{\"j\": {\"__ansible_vault\": \"" + strings.ReplaceAll(seal("json three", ""), "\n", "\\n") + "\\n\"}}",
		"sealed-inventory":   seal("b sealed=four\n", ""),
		"sealed-and-bad.yml": seal("all:\n  host:\n    a: secret five\n", ""),
	}
	dir := tree(t, files)
	inv := clean(t, l, sources(dir, "hosts.yml", "sealed-inventory"))
	want := lines(`a [ungrouped] map[braces:{{ 'a{%b\'\\' }} j:json three n:5 u:{{ '{{ x }}' }} v:value one whole:file two]`, "b [ungrouped] map[n:5 sealed:four whole:file two]")
	if diff := cmp.Diff(want, show(inv)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for _, secret := range []string{"value one", "file two", "json three"} {
		if !strings.Contains(strings.Join(hidden, "|"), secret) {
			t.Errorf("%q isn't hidden", secret)
		}
	}
	_, list := l.Load(t.Context(), sources(dir, "sealed-and-bad.yml"))
	if list.Err() == nil || strings.Contains(list.String(), "secret five") || list.Errors()[0].Range.Line != 2 {
		t.Errorf("got:\n%s", list)
	}
	l.Vault.Passwords[0].Password = []byte("wrong")
	_, list = l.Load(t.Context(), sources(dir, "hosts.yml"))
	if n := strings.Count(list.String(), "the vault password is wrong"); n != 2 { // variables beside aren't read after an error
		t.Errorf("%d complaints:\n%s", n, list)
	}
	l = &inventory.Loader{Sealed: true, Vault: l.Vault}
	delete(files, "group_vars/all")
	inv, list = l.Load(t.Context(), sources(tree(t, files), "hosts.yml"))
	if list.Err() != nil {
		t.Fatal(list)
	}
	h, _ := inv.Host("a")
	v, _ := h.Vars["v"].(map[string]any)
	if text, _ := v["__ansible_vault"].(string); !strings.HasPrefix(text, "$ANSIBLE_VAULT;1.1;AES256\n") {
		t.Errorf("sealed: %v", h.Vars)
	}
}
