package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"thordeploy/internal/diag"
	"thordeploy/inventory"
	"thordeploy/playbook"
	"thordeploy/playbook/vault"
)

// ansibleName is the name that makes this program ansible-playbook: that of a
// link to it.
const ansibleName = "ansible-playbook"

// ansibleVersion is the release whose command line and output these are.
const ansibleVersion = "2.14.18"

// defaultInventory is read where nothing names another one.
const defaultInventory = "/etc/ansible/hosts"

// ansibleCommand is the command line under the name ansible-playbook.
func (m *Main) ansibleCommand(code *exitCode) *cobra.Command {
	c := &cobra.Command{
		Use:           ansibleName + " [options] playbook.yml [playbook2 ...]",
		Short:         "Runs Ansible playbooks, executing the defined tasks on the targeted hosts.",
		Long:          "Runs Ansible playbooks, executing the defined tasks on the targeted hosts.\n\nThis is thordeploy under the name of ansible-playbook.",
		Version:       ansibleVersion,
		Args:          cobra.ArbitraryArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(c *cobra.Command, args []string) error {
			if err := m.ansibleFlags(c.Flags(), args); err != nil {
				return &flagsError{err}
			}
			if err := m.configure(c.Flags().Changed); err != nil {
				return err
			}
			var err error
			*code, err = m.sweep(c.Context(), args)
			return err
		},
	}
	c.SetOut(m.out)
	c.SetErr(m.err)
	c.SetVersionTemplate(m.ansibleVersionText())
	c.CompletionOptions.DisableDefaultCmd = true
	m.forks = 5
	m.strategy = string(playbook.Linear)
	addAnsibleFlags(m, c.Flags())
	c.SetFlagErrorFunc(func(c *cobra.Command, err error) error { return &flagsError{flagError(c, err)} })
	return c
}

func (m *Main) ansibleVersionText() string {
	file := m.findConfig()
	if file == "" {
		file = "None"
	}
	program, _ := os.Executable()
	return fmt.Sprintf("%s [core %s]\n  config file = %s\n  executable location = %s\n  thordeploy version = %s\n",
		ansibleName, ansibleVersion, file, program, versionLine())
}

// flagsError is a mistake in the command line, which ends ansible-playbook
// with 2.
type flagsError struct{ error }

func (e *flagsError) Unwrap() error { return e.error }

// ansibleFlags finds what is wrong with the flags' values together.
func (m *Main) ansibleFlags(f *pflag.FlagSet, args []string) error {
	for _, row := range ansibleTable() {
		if row.how == refused && f.Changed(row.name) {
			return wrong(row.doc, "--%s is not done here", row.name)
		}
	}
	for _, pair := range [][2]string{{"ask-pass", "connection-password-file"}, {"ask-become-pass", "become-password-file"}, {"ask-vault-password", "vault-password-file"}} {
		if f.Changed(pair[0]) && f.Changed(pair[1]) {
			return wrong("give one of them", "--%s and --%s exclude each other", pair[0], pair[1])
		}
	}
	switch {
	case len(args) == 0:
		return wrong("name a playbook file", "the following arguments are required: playbook")
	case m.forks < 1:
		return wrong("", "The number of processes (--forks) must be >= 1")
	}
	return nil
}

// ansibleCodeOfError is ansible-playbook's exit code of an error that kept a
// run from being.
func ansibleCodeOfError(err error) exitCode {
	var flags *flagsError
	var usage *usageError
	switch {
	case errors.As(err, &flags):
		return 2
	case errors.Is(err, errUnparsed):
		return 4
	case errors.As(err, &usage), errors.Is(err, errSaid):
		return 1
	}
	return 250
}

// asAnsible is the exit code of a run in ansible-playbook's terms: findings
// are no failure there.
func asAnsible(code exitCode) exitCode {
	if code == exitFindings {
		return exitOK
	}
	return code
}

// loadInventory reads the inventories of -i or the configuration. Under the
// name ansible-playbook /etc/ansible/hosts comes after these, and where that
// isn't there either, there is this machine alone, which `all` doesn't mean.
func (m *Main) loadInventory(ctx context.Context, keys *vault.Keyring) (*inventory.Inventory, *diag.List) {
	if m.ansible && len(m.inventories) == 0 {
		if _, err := os.Stat(defaultInventory); err != nil {
			fmt.Fprint(m.err, noInventory)
			return &inventory.Inventory{}, &diag.List{}
		}
		m.inventories = []string{defaultInventory}
	}
	return (&inventory.Loader{Vault: keys}).Load(ctx, m.inventories)
}

const noInventory = `[WARNING]: No inventory was parsed, only implicit localhost is available
[WARNING]: provided hosts list is empty, only localhost is available. Note that
the implicit localhost does not match 'all'
`

// sayConfig is what -v says before anything else.
func (m *Main) sayConfig() {
	switch {
	case !m.ansible || m.verbose == 0:
	case m.configFile == "":
		fmt.Fprintln(m.out, "No config file found; using defaults")
	default:
		fmt.Fprintf(m.out, "Using %s as config file\n", diag.Escape(m.configFile))
	}
}

// connectBy sets the connection of plays that don't say, which -c and
// ansible.cfg name.
func (m *Main) connectBy(pb *playbook.Playbook) error {
	if m.connection == "" {
		return nil
	}
	name := strings.TrimPrefix(m.connection, "ansible.builtin.")
	switch name {
	case "ssh", "local", "smart", "paramiko", "paramiko_ssh":
	default:
		return wrong("write ssh or local", "connection %s is not done here", diag.Escape(m.connection))
	}
	v, err := playbook.NewValue(name, diag.Range{File: "the command line (-c)"})
	if err != nil {
		return err
	}
	for _, p := range pb.Plays {
		if p.Connection == nil {
			p.Connection = v
		}
	}
	return nil
}

// passwordFrom reads a password file that a flag names.
func (m *Main) passwordFrom(ctx context.Context, flag, name string) (string, error) {
	b, err := m.readVaultPassword(ctx, m.expand(name), "")
	if err != nil {
		return "", fmt.Errorf("--%s: %w", flag, err)
	}
	m.secrets.Add(string(b))
	return string(b), nil
}

// calledAs is the name that the program was started under.
func calledAs(arg0 string) string { return filepath.Base(arg0) }
