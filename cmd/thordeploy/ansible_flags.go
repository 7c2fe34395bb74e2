package main

import "github.com/spf13/pflag"

// How a flag of ansible-playbook is taken.
const (
	done     = "yes"
	accepted = "without effect"
	refused  = "error"
)

// ansibleFlag is a flag of `ansible-playbook --help` (core 2.14).
type ansibleFlag struct {
	name, short string
	also        string // another spelling
	value       string // what its value is; empty: it has none
	how         string
	doc         string // what it does, or why not
	to          func(*Main) any
}

// ansibleTable lists every flag, in the order of the documentation, which a
// test holds to it.
func ansibleTable() []ansibleFlag {
	return []ansibleFlag{
		{"inventory", "i", "inventory-file", "INVENTORY", done, "hosts file, or names with a comma", func(m *Main) any { return &m.inventories }},
		{"limit", "l", "", "SUBSET", done, "only hosts of this pattern too", func(m *Main) any { return &m.limit }},
		{"list-hosts", "", "", "", done, "say which hosts each play would run on, and end", func(m *Main) any { return &m.listHosts }},
		{"list-tasks", "", "", "", done, "say which tasks would be run, and end", func(m *Main) any { return &m.listTasks }},
		{"list-tags", "", "", "", done, "say which tags there are, and end", func(m *Main) any { return &m.listTags }},
		{"syntax-check", "", "", "", done, "check the playbooks and end", func(m *Main) any { return &m.syntaxCheck }},
		{"tags", "t", "", "TAGS", done, "only tasks with these tags", func(m *Main) any { return (*tagList)(&m.tags) }},
		{"skip-tags", "", "", "TAGS", done, "but not those with these", func(m *Main) any { return (*tagList)(&m.skipTags) }},
		{"start-at-task", "", "", "NAME", done, "begin at the task of this name", func(m *Main) any { return &m.startAt }},
		{"step", "", "", "", done, "ask before each task", func(m *Main) any { return &m.step }},
		{"check", "C", "", "", done, "change nothing", func(m *Main) any { return &m.check }},
		{"diff", "D", "", "", done, "show what changes in files", func(m *Main) any { return &m.diff }},
		{"extra-vars", "e", "", "VARS", done, "variables that win over every other", func(m *Main) any { return &m.extra }},
		{"forks", "f", "", "N", done, "hosts at once (default 5)", func(m *Main) any { return &m.forks }},
		{"force-handlers", "", "", "", done, "run handlers of failed hosts too", func(m *Main) any { return &m.forceHandlers }},
		{"flush-cache", "", "", "", accepted, "facts are kept for a run alone", nil},
		{"user", "u", "", "USER", done, "account to log in as", func(m *Main) any { return &m.user }},
		{"private-key", "", "key-file", "FILE", done, "private key", func(m *Main) any { return &m.privateKey }},
		{"connection", "c", "", "CONNECTION", done, "ssh or local; smart and paramiko are ssh", func(m *Main) any { return &m.connection }},
		{"timeout", "T", "", "SECONDS", done, "how long connecting may take", func(m *Main) any { return &m.timeout }},
		{"ssh-common-args", "", "", "ARGS", done, "options of ssh, as in ansible_ssh_common_args", func(m *Main) any { return &m.sshCommon }},
		{"ssh-extra-args", "", "", "ARGS", done, "the same", func(m *Main) any { return &m.sshExtra }},
		{"sftp-extra-args", "", "", "ARGS", accepted, "files go through the one connection, without sftp", nil},
		{"scp-extra-args", "", "", "ARGS", accepted, "files go through the one connection, without scp", nil},
		{"ask-pass", "k", "", "", done, "ask for the login password", func(m *Main) any { return &m.askPass }},
		{"connection-password-file", "", "conn-pass-file", "FILE", done, "file with the login password, or a program that prints it", func(m *Main) any { return &m.passFile }},
		{"become", "b", "", "", done, "become another account for every task that doesn't say otherwise", func(m *Main) any { return &m.become }},
		{"become-user", "", "", "USER", done, "account to become (default root)", func(m *Main) any { return &m.becomeUser }},
		{"become-method", "", "", "METHOD", done, "how", func(m *Main) any { return &m.becomeMethod }},
		{"ask-become-pass", "K", "", "", done, "ask for its password", func(m *Main) any { return &m.askBecome }},
		{"become-password-file", "", "become-pass-file", "FILE", done, "file with its password, or a program that prints it", func(m *Main) any { return &m.becomePassFile }},
		{"vault-id", "", "", "LABEL@FILE", done, "vault password with a label", func(m *Main) any { return &m.vault.ids }},
		{"vault-password-file", "", "vault-pass-file", "FILE", done, "file with the vault's password, or a program that prints it", func(m *Main) any { return &m.vault.files }},
		{"ask-vault-password", "J", "ask-vault-pass", "", done, "ask for the vault's password", func(m *Main) any { return &m.vault.ask }},
		{"module-path", "M", "", "PATH", refused, "modules are built in: `thordeploy` has no Python to run others with", nil},
		{"verbose", "v", "", "", done, "show results; twice, places; three times, results on lines of their own", func(m *Main) any { return &m.verbose }},
	}
}

// addAnsibleFlags makes the table's flags.
func addAnsibleFlags(m *Main, f *pflag.FlagSet) {
	f.SortFlags = false
	other := map[string]string{}
	for _, row := range ansibleTable() {
		if row.also != "" {
			other[row.also] = row.name
		}
		usage := row.doc
		if row.value != "" {
			usage = "`" + row.value + "` " + usage
		}
		var to any
		switch {
		case row.to != nil:
			to = row.to(m)
		case row.value != "":
			to = new(string)
		default:
			to = new(bool)
		}
		switch to := to.(type) {
		case *bool:
			f.BoolVarP(to, row.name, row.short, false, usage)
		case *string:
			f.StringVarP(to, row.name, row.short, "", usage)
		case *[]string:
			f.StringArrayVarP(to, row.name, row.short, nil, usage)
		case *int:
			if row.value == "" {
				f.CountVarP(to, row.name, row.short, "``"+usage)
			} else {
				f.IntVarP(to, row.name, row.short, *to, usage)
			}
		case pflag.Value:
			f.VarP(to, row.name, row.short, usage)
		}
	}
	f.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		if n, ok := other[name]; ok {
			name = n
		}
		return pflag.NormalizedName(name)
	})
}

// tagList is --tags: words with commas, repeatable.
type tagList []string

// String is the flag's value for the usage text.
func (t *tagList) String() string { return "" }

// Type names the flag's value in the usage text.
func (t *tagList) Type() string { return "TAGS" }

// Set adds tags.
func (t *tagList) Set(text string) error {
	*t = append(*t, words(text)...)
	return nil
}
