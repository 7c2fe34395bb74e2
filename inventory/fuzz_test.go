package inventory_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"thordeploy/internal/diag"
	"thordeploy/inventory"
)

// check loads text as a file of that name and holds what must be true of every
// inventory, whatever was in the file.
func check(t *testing.T, name, text string) {
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	inv, list := inventory.Load([]string{path})
	for _, d := range list.All() {
		checkPlace(t, d, text)
	}
	if list.Err() != nil {
		if len(inv.Hosts()) > 0 {
			t.Errorf("an inventory with errors has hosts")
		}
		return
	}
	checkHosts(t, inv)
}

func checkPlace(t *testing.T, d diag.Diagnostic, text string) {
	if d.Summary == "" {
		t.Error("a problem says nothing")
	}
	if n := strings.Count(text, "\n") + 1; d.Range.Line < 0 || d.Range.Line > n+1 {
		t.Errorf("line %d of %d: %s", d.Range.Line, n, d.Summary)
	}
}

func checkHosts(t *testing.T, inv *inventory.Inventory) {
	seen := map[string]bool{}
	for _, h := range inv.Hosts() {
		if seen[h.Name] || h.Name == "" || h.Name[0] == '-' || strings.Contains(h.Name, "/") ||
			strings.ContainsFunc(h.Name, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
			t.Errorf("%q is a host, or is one twice", h.Name)
		}
		seen[h.Name] = true
		if len(h.Groups) == 0 {
			t.Errorf("%q is in no group", h.Name)
		}
		_, _ = h.Connection() // must not panic; whether it makes sense is the file's matter
	}
	if len(seen) == 0 {
		t.Error("an inventory without errors has no host")
	}
	if all, _, err := inv.Select("all"); err != nil || len(all) != len(seen) {
		t.Errorf("all selects %d of %d hosts, %v", len(all), len(seen), err)
	}
}

func FuzzINI(f *testing.F) {
	for _, s := range []string{
		"a\nb:22 v=1\n[g]\nw[1:3] x='y z'\n[g:vars]\nk = v\n[p:children]\ng\n", "---\nhost1\nhost2\n",
		"[2001:db8::1]:22\nfe80::1\n", "[g:children]\ng\n", "a v=\"{'x': [1, 2.5, None]}\"\n", "h v='\n[x\n", "h v=\\", "\ufeff[a]\n\tb\r\n",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) { check(t, "hosts.ini", text) })
}

func FuzzYAML(f *testing.F) {
	for _, s := range []string{
		"all:\n  hosts:\n    a:\n    b: {v: yes}\n  children:\n    g: {hosts: {c: }}\n  vars: {x: 0755}\n", "- a\n- b[1:3]\n",
		"g:\n  hosts: {a: &x {p: 1}, b: {<<: *x}}\n", "a: &a [*a]\n", "g: {hosts: {h: {v: !vault x}}}\n", "plugin: x\n", "{}", "? [a]\n: b\n",
		"g: {children: {g: }}\n", "<<: {a: {hosts: b}}\n", "%YAML 1.1\n---\na:\n",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) { check(t, "hosts.yml", text) })
}

func FuzzRanges(f *testing.F) {
	for _, s := range []string{"w[01:50]", "w[a:c:2].x", "[1:2][3:4]:22", "2001:db8::[1:5]", "[2001:db8::[1:5]]:22", "w[:", "w[1:99999999]", "]", "[:]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, pattern string) {
		inv, list := inventory.Load([]string{pattern + ","})
		if list.Err() == nil {
			checkHosts(t, inv)
		}
	})
}

func FuzzPatterns(f *testing.F) {
	for _, s := range []string{"all", "a:&b:!c", "~(x|y)", "g[0]", "g[1:]", "g[-1]", "w*.[!x]?", "[", "[!]", "[]a]", "~[", "a,,b", "&", "!", "[^a]*", "[z-a]"} {
		f.Add(s)
	}
	inv, list := inventory.Load([]string{"a1,a2,b.c,2001:db8::1,"})
	if list.Err() != nil {
		f.Fatal(list.Err())
	}
	f.Fuzz(func(t *testing.T, pattern string) {
		hosts, _, err := inv.Select(pattern)
		if err != nil && len(hosts) > 0 {
			t.Errorf("%q gives hosts and %v", pattern, err)
		}
		last := -1
		for _, h := range hosts {
			at := -1
			for i, x := range inv.Hosts() {
				if x == h {
					at = i
				}
			}
			if at >= 0 && at <= last {
				t.Errorf("%q gives hosts out of order or twice: %s", pattern, names(hosts))
			}
			last = max(last, at)
		}
	})
}

// FuzzVarsFile reads a file of variables beside an inventory.
func FuzzVarsFile(f *testing.F) {
	for _, s := range []string{"a: 1\nb: [x, {c: yes}]\n", "", "---\n", "- a\n", "$ANSIBLE_VAULT;1.1;AES256\n3330\n", "a: !vault x\n", "a: &a {<<: *a}\n", "{\"__ansible_vault\": \"x\"}", "a: {\"__ansible_unsafe\": \"{{\"}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		dir := tree(t, map[string]string{"hosts": "a\n", "group_vars/all.yml": ""})
		path := filepath.Join(dir, "group_vars/all.yml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		inv, list := inventory.Load(sources(dir, "hosts"))
		for _, d := range list.All() {
			checkPlace(t, d, text)
		}
		if list.Err() == nil {
			checkHosts(t, inv)
			_ = inventory.JSON(inventory.Listing{Inventory: inv}.List())
		}
	})
}

// FuzzListForms reads lists of hosts in their forms.
func FuzzListForms(f *testing.F) {
	for _, s := range []string{"a\nb:22\n", "---\na\nb\n", "- a\n- b\n", "[a, b]\n", "a,b,", "root@a\n", "# c\n; d\n...\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) { check(t, "hosts", text) })
}
