package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"thordeploy/internal/diag"
	"thordeploy/playbook/vault"
)

// vaultVerb is one of the things that `thordeploy vault` does with a file.
type vaultVerb struct {
	name, short string
	confirm     bool // a mistyped password would lock the file: ask twice
	show        bool // on standard output, the file stays as it is
	turn        func(data []byte, s vault.Secret) ([]byte, error)
}

// vaultFlags are what the flags of a verb said.
type vaultFlags struct {
	passwordFile string
	label        string
	output       string
}

const stdio = "-" // standard input or output, in place of a file

// vaultCommand is `thordeploy vault`: files as ansible-vault encrypts them.
func (m *Main) vaultCommand() *cobra.Command {
	const words = "write `vault encrypt FILE`, `vault decrypt FILE` or `vault view FILE`; a playbook file of that name is ./vault"
	c := &cobra.Command{
		Use:   "vault",
		Short: "Encrypt and decrypt files as ansible-vault does",
		Args:  cobra.ArbitraryArgs,
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return wrong(words, "vault %s is not known", args[0])
			}
			return wrong(words, "vault needs a word after it")
		},
	}
	decrypt := func(data []byte, s vault.Secret) ([]byte, error) { return vault.Decrypt(data, s) }
	for _, v := range []vaultVerb{
		{name: "encrypt", short: "Encrypt files in place", confirm: true, turn: vault.Encrypt},
		{name: "decrypt", short: "Decrypt files in place", turn: decrypt},
		{name: "view", short: "Print what is in encrypted files", show: true, turn: decrypt},
	} {
		c.AddCommand(m.vaultVerbCommand(v))
	}
	return c
}

func (m *Main) vaultVerbCommand(v vaultVerb) *cobra.Command {
	var f vaultFlags
	c := &cobra.Command{
		Use:                   v.name + " [flags] FILE…",
		Short:                 v.short,
		Long:                  v.short + ".\n\nA FILE of - is standard input, and the result goes to standard output.",
		Args:                  cobra.ArbitraryArgs,
		DisableFlagsInUseLine: true,
		RunE: func(c *cobra.Command, files []string) error {
			if err := v.check(c.Flags().Changed, f, files); err != nil {
				return err
			}
			if err := f.splitLabel(); err != nil {
				return err
			}
			return m.runVault(c.Context(), v, f, files)
		},
	}
	fl := c.Flags()
	fl.SortFlags = false
	fl.StringVar(&f.passwordFile, "vault-password-file", "", "`FILE` that has the password, or a program that prints it (default: ask)")
	fl.StringVar(&f.label, "vault-id", "", "`LABEL` of the password; LABEL@FILE and LABEL@prompt say where it is too")
	if !v.show {
		fl.StringVar(&f.output, "output", "", "write to this `FILE` instead of the one that is read; - is standard output")
	}
	return c
}

// check finds what is wrong with the command line, before anybody is asked for
// a password.
func (v vaultVerb) check(given func(flag string) bool, f vaultFlags, files []string) error {
	switch {
	case len(files) == 0:
		return wrong("name a file, or - for standard input", "vault %s needs a file", v.name)
	case len(files) > 1 && slices.Contains(files, stdio):
		return wrong("run it once for standard input and once for the files", "- can't stand beside other files")
	case len(files) > 1 && given("output"):
		return wrong("run it once for each file", "--output takes the result of one file, not of %d", len(files))
	case given("output") && f.output == "":
		return wrong("write --output FILE", "--output is empty")
	case given("vault-password-file") && f.passwordFile == "":
		return wrong("write --vault-password-file FILE", "--vault-password-file is empty")
	}
	for _, name := range files {
		if name == stdio {
			continue
		}
		info, err := os.Stat(name)
		if err != nil {
			return wrong("check the path", "%s: %w", diag.Escape(name), cause(err))
		}
		if info.IsDir() {
			return wrong("name its files one by one", "%s is a folder", diag.Escape(name))
		}
	}
	return nil
}

// runVault turns every file, and only when all went well replaces the first
// one: a wrong password leaves all of them as they are.
func (m *Main) runVault(ctx context.Context, v vaultVerb, f vaultFlags, files []string) error {
	s, err := m.vaultSecret(ctx, f, v.confirm)
	if err != nil {
		return err
	}
	var done replacements
	defer done.discard()
	for _, name := range files {
		if err := ctx.Err(); err != nil {
			return err
		}
		data, err := m.readVaultFile(name)
		if err != nil {
			return err
		}
		out, err := v.turn(data, s)
		if err != nil {
			return vaultError(name, err)
		}
		to := first(f.output, name)
		if v.show || to == stdio {
			// Not through m.out: the result is exact, and may hold a secret.
			if _, err := m.Stdout.Write(out); err != nil {
				return fmt.Errorf("write to standard output: %w", cause(err))
			}
			continue
		}
		if err := done.add(to, out); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return done.commit()
}

// readVaultFile reads a file or standard input, as far as the vault would take
// it; the vault says that it is too much.
func (m *Main) readVaultFile(name string) ([]byte, error) {
	file := m.Stdin
	if name != stdio {
		f, err := os.Open(name)
		if err != nil {
			return nil, wrong("check the path and its mode", "%s: %w", diag.Escape(name), cause(err))
		}
		defer f.Close()
		file = f
	}
	data, err := io.ReadAll(io.LimitReader(file, vault.MaxText+1))
	if err != nil {
		return nil, wrong("", "read %s: %w", diag.Escape(name), cause(err))
	}
	return data, nil
}

// vaultError is what is wrong with a file, with its line and a hint.
func vaultError(name string, err error) error {
	if name == stdio {
		name = "standard input"
	}
	var e *vault.Error
	if !errors.As(err, &e) {
		return fmt.Errorf("%s: %w", diag.Escape(name), err)
	}
	return wrong(e.Hint, "%s: %s", diag.Range{File: name, Line: e.Line}, e.Summary)
}
