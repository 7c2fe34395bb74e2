package main

import (
	"context"
	"strings"

	"github.com/spf13/pflag"

	"thordeploy/internal/diag"
	"thordeploy/playbook/vault"
)

// runVault is what the flags say about the passwords that open encrypted
// values and files, as ansible-playbook has them.
type runVault struct {
	ids   []string // [label@]source; a source is a file or the word prompt
	files []string
	ask   bool
}

func (v *runVault) addTo(f *pflag.FlagSet) {
	f.StringArrayVar(&v.files, "vault-password-file", nil, "`FILE` that has the password of encrypted values and files, or a program that prints it; repeatable")
	f.BoolVarP(&v.ask, "ask-vault-pass", "J", false, "ask for that password")
	f.StringArrayVar(&v.ids, "vault-id", nil, "the same with a label: `LABEL@FILE`, or LABEL@prompt to ask; repeatable")
	f.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		switch name { // Ansible's other spellings
		case "vault-pass-file":
			name = "vault-password-file"
		case "ask-vault-password":
			name = "ask-vault-pass"
		}
		return pflag.NormalizedName(name)
	})
}

// keyring gets every password that the flags name, each once, before anything
// is loaded.
func (m *Main) keyring(ctx context.Context, v runVault) (*vault.Keyring, error) {
	var sources []vaultFlags
	for _, id := range v.ids {
		label, source, ok := strings.Cut(id, "@")
		if !ok {
			label, source = "", id
		}
		if source == "" {
			return nil, wrong("write --vault-id LABEL@FILE or --vault-id LABEL@prompt", "--vault-id %s names no password file", diag.Escape(id))
		}
		if source == "prompt" {
			source = ""
		}
		sources = append(sources, vaultFlags{label: label, passwordFile: source})
	}
	for _, name := range v.files {
		if name == "" {
			return nil, wrong("write --vault-password-file FILE", "--vault-password-file is empty")
		}
		sources = append(sources, vaultFlags{passwordFile: name})
	}
	if v.ask {
		sources = append(sources, vaultFlags{})
	}
	keys := &vault.Keyring{Hide: m.secrets.Add}
	for _, s := range sources {
		secret, err := m.vaultSecret(ctx, s, false)
		if err != nil {
			return nil, err
		}
		keys.Passwords = append(keys.Passwords, secret)
	}
	return keys, nil
}
