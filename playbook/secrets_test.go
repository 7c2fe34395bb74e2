package playbook

import (
	"strings"
	"testing"

	"thordeploy/playbook/vault"
)

// encrypted is a vault text, each line indented.
func encrypted(t *testing.T, plain, indent string) string {
	t.Helper()
	text, err := vault.Encrypt([]byte(plain), vault.Secret{Password: []byte("pw")})
	if err != nil {
		t.Fatal(err)
	}
	return indent + strings.ReplaceAll(strings.TrimSpace(string(text)), "\n", "\n"+indent)
}

func withPassword(hidden *[]string, password string) *Loader {
	return &Loader{Vault: &vault.Keyring{
		Passwords: []vault.Secret{{Password: []byte(password)}},
		Hide:      func(s ...string) { *hidden = append(*hidden, s...) },
	}}
}

func vaultPlaybook(t *testing.T, plain string) []byte {
	t.Helper()
	return []byte("- hosts: all\n  vars:\n    token: !vault |\n" + encrypted(t, plain, "      ") + "\n  tasks: []\n")
}

func TestVaultValue(t *testing.T) {
	t.Parallel()
	for _, plain := range []string{"open sesame", "{{ not_a_template }}", "8"} {
		var hidden []string
		pb, list := withPassword(&hidden, "pw").Load("p.yml", "", vaultPlaybook(t, plain))
		if err := list.Err(); err != nil {
			t.Fatal(err)
		}
		v := pb.Plays[0].Vars[0].Value
		if got, ok := v.Const(); !ok || got != plain {
			t.Errorf("value is %q, %v; want %q", got, ok, plain)
		}
		if len(hidden) != 1 || hidden[0] != plain {
			t.Errorf("hidden: %q", hidden)
		}
	}
}

func TestVaultValueThatCannotBeOpened(t *testing.T) {
	t.Parallel()
	good := string(vaultPlaybook(t, "open sesame"))
	damaged := strings.Replace(good, "AES256\n      ", "AES256\n      xyz", 1)
	tests := []struct {
		name, text, password, says string
		line                       int
	}{
		{"wrong password", good, "other", "the vault password is wrong", 3},
		{"damaged", damaged, "pw", "hexadecimal", 5},
		{"no vault", "- hosts: all\n  vars:\n    token: !vault plain\n  tasks: []\n", "pw", "doesn't begin with", 3},
	}
	for _, tt := range tests {
		var hidden []string
		_, list := withPassword(&hidden, tt.password).Load("p.yml", "", []byte(tt.text))
		if len(list.All()) != 1 {
			t.Errorf("%s: %v", tt.name, list.All())
			continue
		}
		d := list.All()[0]
		if d.Range.File != "p.yml" || d.Range.Line != tt.line || !strings.Contains(d.Summary, tt.says) || d.Hint == "" {
			t.Errorf("%s: %s", tt.name, d)
		}
	}
	_, list := Load("p.yml", "", []byte(good))
	if all := list.All(); len(all) != 1 || !strings.Contains(all[0].Hint, "--vault-password-file") {
		t.Errorf("without a password: %v", all)
	}
}

func TestEncryptedPlaybook(t *testing.T) {
	t.Parallel()
	text := encrypted(t, "- hosts: all\n  secret_key: 5\n  tasks: []\n", "")
	var hidden []string
	_, list := withPassword(&hidden, "pw").Load("p.yml", "", []byte(text))
	all := list.All()
	if len(all) != 1 || all[0].Range.Line != 2 || !strings.Contains(all[0].Summary, "secret_key") {
		t.Fatalf("problems: %v", all)
	}
	if all[0].Source != "" {
		t.Errorf("shows the line %q of an encrypted file", all[0].Source)
	}
	_, list = withPassword(&hidden, "other").Load("p.yml", "", []byte(text))
	if all := list.All(); len(all) != 1 || all[0].Range.File != "p.yml" || !strings.Contains(all[0].Summary, "wrong") {
		t.Errorf("wrong password: %v", all)
	}
}
