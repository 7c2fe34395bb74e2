package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"thordeploy/internal/diag"
	"thordeploy/playbook/vault"
)

// maxVaultPassword bounds a password file, in bytes.
const maxVaultPassword = 64 << 10

// asciiBlanks are what Ansible takes off both ends of a password that comes
// from a file or a person.
const asciiBlanks = " \t\r\n\v\f"

// splitLabel takes a run's way to write --vault-id, LABEL@FILE or LABEL@prompt,
// apart.
func (f *vaultFlags) splitLabel() error {
	label, source, ok := strings.Cut(f.label, "@")
	switch {
	case !ok:
		return nil
	case source == "":
		return wrong("write --vault-id LABEL, --vault-id LABEL@FILE or --vault-id LABEL@prompt", "--vault-id %s names no password file", diag.Escape(f.label))
	case f.passwordFile != "":
		return wrong("leave one of them out", "--vault-id %s and --vault-password-file both name a password", diag.Escape(f.label))
	}
	f.label = label
	if source != "prompt" {
		f.passwordFile = source
	}
	return nil
}

// vaultSecret gets the password where the flags say, or from a person, and
// marks it as secret.
func (m *Main) vaultSecret(ctx context.Context, f vaultFlags, confirm bool) (vault.Secret, error) {
	var password []byte
	var err error
	if f.passwordFile == "" {
		password, err = m.askVaultPassword(ctx, f.label, confirm)
	} else {
		password, err = m.readVaultPassword(ctx, f.passwordFile, f.label)
	}
	m.secrets.Add(string(password))
	if err == nil && len(password) == 0 {
		err = wrong("give a password of at least one character", "the vault password is empty")
	}
	return vault.Secret{ID: f.label, Password: password}, err
}

func (m *Main) askVaultPassword(ctx context.Context, label string, confirm bool) ([]byte, error) {
	name := "vault password"
	if label != "" {
		name += " (" + diag.Escape(label) + ")"
	}
	ask := func(prompt string) (string, error) {
		text, err := m.ask(ctx, prompt)
		var u *usageError
		if errors.As(err, &u) {
			return "", wrong("run it in a terminal, or name a file that has it: --vault-password-file FILE", "%w", err)
		}
		return strings.Trim(text, asciiBlanks), err
	}
	password, err := ask(name + ": ")
	if err != nil || !confirm {
		return []byte(password), err
	}
	again, err := ask(name + ", again: ")
	if err == nil && again != password {
		err = wrong("run it once more", "the two vault passwords differ")
	}
	return []byte(password), err
}

// readVaultPassword reads a password file. As with Ansible, one that is
// executable is a program, which prints the password.
func (m *Main) readVaultPassword(ctx context.Context, name, label string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, wrong("check the path and its mode", "vault password file %s: %w", diag.Escape(name), cause(err))
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, wrong("", "vault password file %s: %w", diag.Escape(name), cause(err))
	}
	if info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0 {
		return m.runPasswordProgram(ctx, name, label)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxVaultPassword+1))
	switch {
	case err != nil:
		return nil, wrong("name a file that has the password in it", "vault password file %s: %w", diag.Escape(name), cause(err))
	case len(data) > maxVaultPassword:
		return nil, wrong("is it the right file?", "vault password file %s is larger than %d KiB", diag.Escape(name), maxVaultPassword>>10)
	case vault.Is(data):
		return nil, wrong("decrypt it first, or ask for the password by leaving the flag out", "vault password file %s is itself encrypted", diag.Escape(name))
	}
	return bytes.Trim(data, asciiBlanks), nil
}

// runPasswordProgram runs a password file. It has the terminal, to ask a
// person; one whose name ends in -client is told which label is wanted.
func (m *Main) runPasswordProgram(ctx context.Context, name, label string) ([]byte, error) {
	path, err := filepath.Abs(name)
	if err != nil {
		return nil, err
	}
	var args []string
	if strings.HasSuffix(strings.TrimSuffix(path, filepath.Ext(path)), "-client") {
		args = []string{"--vault-id", first(label, vault.DefaultID)}
	}
	var out bounded
	c := exec.CommandContext(ctx, path, args...)
	c.Stdin, c.Stdout, c.Stderr = m.Stdin, &out, m.Stderr
	c.WaitDelay = 5 * time.Second // what it left behind may hold its output open
	err = c.Run()
	var ended *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.As(err, &ended):
		return nil, wrong("run it by hand: it must print the password and end with 0", "vault password program %s: %v", diag.Escape(name), ended)
	case err != nil:
		return nil, wrong("if it is no program but has the password in it, take its executable bit away: chmod a-x FILE", "vault password program %s: %w", diag.Escape(name), cause(err))
	}
	return bytes.Trim(out.data, "\r\n"), nil
}

// bounded holds what a password program prints. It has an error beyond
// maxVaultPassword bytes.
type bounded struct{ data []byte }

func (b *bounded) Write(p []byte) (int, error) {
	if len(b.data)+len(p) > maxVaultPassword {
		return 0, fmt.Errorf("it prints more than %d KiB", maxVaultPassword>>10)
	}
	b.data = append(b.data, p...)
	return len(p), nil
}
