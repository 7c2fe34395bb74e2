package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"thordeploy/playbook"
	"thordeploy/playbook/vault"
)

func TestExtraVars(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	secret := vault.Secret{Password: []byte("sesame")}
	sealed, err := vault.Encrypt([]byte("token: s3cr3t\nlist: [one, 2]\n"), secret)
	if err != nil {
		t.Fatal(err)
	}
	plain := write("vars.yml", "on: yes\nport: 0o17\nurl: http://{{ host }}/\nraw: !unsafe \"{{ x }}\"\nin: {a: \"{{ y }}\", b: 1}\n")
	locked := write("locked.yml", string(sealed))
	var hidden []string
	keys := &vault.Keyring{Passwords: []vault.Secret{secret}, Hide: func(p ...string) { hidden = append(hidden, p...) }}
	m := &Main{err: &bytes.Buffer{}}
	got, err := m.readExtraVars([]string{
		`a=1 b="x y" c='"q"' t="{{ p + \"q\" }}" e=a\\nb`, `{"a": 2, "list": [1, two], "no": no}`, "d=a=b", "@" + plain, "@" + locked,
	}, keys)
	if err != nil {
		t.Fatalf("%v\n%s", err, m.err)
	}
	raw, _ := got["raw"].(*playbook.Value)
	if v, err := raw.Eval(nil); v != "{{ x }}" || err != nil {
		t.Errorf("!unsafe gives %v, %v", v, err)
	}
	delete(got, "raw")
	want := map[string]any{
		"a": 2, "b": "x y", "c": `"q"`, "t": `{{ p + "q" }}`, "e": `a\nb`, "d": "a=b", "no": false, "on": true, "port": "0o17",
		"url": "http://{{ host }}/", "in": map[string]any{"a": "{{ y }}", "b": 1}, "token": "s3cr3t", "list": []any{"one", 2},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(strings.Join(hidden, " "), "s3cr3t") {
		t.Errorf("hidden are %q", hidden)
	}
}

func TestWrongExtraVars(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad.yml")
	if err := os.WriteFile(bad, []byte("a: 1\n\tb: 2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for given, want := range map[string]string{
		"novalue": "not key=value", "=x": "not key=value", `a="b`: "not closed", "{": "not YAML", "[1]": "must be a mapping",
		"@/nonexistent/file": "no such file", "@" + dir: "not a file", "@" + bad: "bad.yml:2", `{"a-b": 1}`: "can't be the name",
		`{"a": [` + strings.Repeat("1,", 300_000) + `1]}`: "the variables are more than",
		`{"a": "{{ b"}`: "not closed", `{"a": !vault x}`: "-e:1",
	} {
		var said bytes.Buffer
		m := &Main{err: &said}
		_, err := m.readExtraVars([]string{given}, nil)
		if err == nil {
			t.Errorf("-e %s is taken", given)
			continue
		}
		if text := said.String() + err.Error(); !strings.Contains(text, want) {
			t.Errorf("-e %s: %s, want %q", given, text, want)
		}
	}
}
