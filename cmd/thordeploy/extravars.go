package main

import (
	"os"
	"strings"

	"thordeploy/playbook"
	"thordeploy/playbook/vault"
)

// maxVarsFile bounds a file given as -e @file, in bytes.
const maxVarsFile = 16 << 20

// readExtraVars joins the values of -e, later ones winning: key=value words
// (texts), a JSON or YAML mapping, or @file with one, which may be encrypted.
// What is wrong in a mapping is printed with its place.
func (m *Main) readExtraVars(list []string, keys *vault.Keyring) (map[string]any, error) {
	out := map[string]any{}
	for _, text := range list {
		vars, err := m.extraVars(text, keys)
		if err != nil {
			return nil, err
		}
		for k, v := range vars {
			out[k] = v
		}
	}
	return out, nil
}

func (m *Main) extraVars(text string, keys *vault.Keyring) (map[string]any, error) {
	trimmed := strings.TrimSpace(text)
	switch {
	case strings.HasPrefix(trimmed, "@"):
		return m.varsFile(trimmed[1:], keys)
	case strings.HasPrefix(trimmed, "{") || strings.HasPrefix(trimmed, "["):
		return m.mapping([]byte(trimmed), "-e", keys)
	}
	vars, err := playbook.KeyValues(text)
	if err != nil {
		return nil, wrong("write -e key=value, with quotes where there are blanks in it, -e '{\"key\": 1}' or -e @file.yml", "-e: %w", err)
	}
	return vars, nil
}

func (m *Main) varsFile(name string, keys *vault.Keyring) (map[string]any, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, wrong("check the path after @", "-e @%s: %w", name, cause(err))
	}
	if !info.Mode().IsRegular() || info.Size() > maxVarsFile {
		return nil, wrong("", "-e @%s: not a file of %d MiB at most", name, maxVarsFile>>20)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, wrong("", "-e @%s: %w", name, cause(err))
	}
	return m.mapping(data, name, keys)
}

func (m *Main) mapping(data []byte, where string, keys *vault.Keyring) (map[string]any, error) {
	vars, problems := (&playbook.Loader{Vault: keys}).FileVars(where, data)
	return vars, m.report(problems)
}
