package vault

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The pairs in testdata were made by ansible-vault of ansible-core 2.14.18
// from the plain texts beside them.
var pairs = []struct {
	name string
	by   Secret
}{
	{"yaml", Secret{Password: []byte("correct horse")}},
	{"empty", Secret{ID: "prod", Password: []byte("pässwörd ☂")}},
	{"block", Secret{Password: []byte(strings.Repeat("long ", 30) + "end")}},
	{"binary", Secret{ID: "team.eu-1", Password: []byte("correct horse")}},
}

func readPair(t *testing.T, name string) (text, plain []byte) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name+".vault"))
	if err != nil {
		t.Fatal(err)
	}
	plain, err = os.ReadFile(filepath.Join("testdata", name+".plain"))
	if err != nil {
		t.Fatal(err)
	}
	return text, plain
}

func TestReadsWhatAnsibleWrote(t *testing.T) {
	t.Parallel()
	for _, p := range pairs {
		text, plain := readPair(t, p.name)
		got, err := Decrypt(text, p.by)
		if err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%s: %q, %v", p.name, got, err)
		}
		_, err = Decrypt(text, Secret{ID: p.by.ID, Password: []byte("another")})
		wants(t, err, ErrPassword, 0, "wrong")
	}
}

// With Ansible's salt, each byte is as Ansible writes it.
func TestWritesWhatAnsibleWrote(t *testing.T) {
	t.Parallel()
	for _, p := range pairs {
		text, plain := readPair(t, p.name)
		e, err := parse(text)
		if err != nil {
			t.Fatal(err)
		}
		got, err := encrypt(plain, p.by, e.salt)
		if err != nil || !bytes.Equal(got, text) {
			t.Errorf("%s: %v\n%s\nwant\n%s", p.name, err, got, text)
		}
	}
}

// The live check beside the pairs above, which hold the same where there is no
// Ansible.
func TestAnsibleVault(t *testing.T) {
	t.Parallel()
	program, err := exec.LookPath("ansible-vault")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err) // the tests' set-up installs it
		}
		t.Skip("no ansible-vault on this machine; TestReadsWhatAnsibleWrote and TestWritesWhatAnsibleWrote hold")
	}
	dir := t.TempDir()
	file := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	run := func(args ...string) []byte {
		cmd := exec.CommandContext(t.Context(), program, args...)
		cmd.Env = append(os.Environ(), "HOME="+dir, "LC_ALL=C.UTF-8", "ANSIBLE_CONFIG="+file("ansible.cfg", nil))
		var stderr strings.Builder
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("ansible-vault %s: %v\n%s", strings.Join(args, " "), err, &stderr)
		}
		return out
	}
	s := Secret{ID: "stage", Password: []byte("grün 7")}
	plain := []byte("a: 1\nb: €\n")
	id := "stage@" + file("pw", append(s.Password, '\n'))

	ours, err := Encrypt(plain, s)
	if err != nil {
		t.Fatal(err)
	}
	if got := run("decrypt", "--vault-id", id, "--output", "-", file("ours", ours)); !bytes.Equal(got, plain) {
		t.Errorf("ansible-vault reads %q", got)
	}
	theirs := run("encrypt", "--vault-id", id, "--encrypt-vault-id", "stage", "--output", "-", file("theirs", plain))
	if got, err := Decrypt(theirs, s); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("we read %q, %v\n%s", got, err, theirs)
	}
}
