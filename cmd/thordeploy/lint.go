package main

import (
	"context"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"thordeploy/internal/diag"
	"thordeploy/inventory"
	"thordeploy/playbook/lint"
	"thordeploy/playbook/vault"
)

// lintFlags are what the flags of `thordeploy lint` said.
type lintFlags struct {
	inventories []string
	extra       []string
	format      string
	vault       runVault
}

const lintText = `Find what would go wrong with playbooks before a host is touched: everything
that loading them finds, and what loads but doesn't do what it looks like.

With -i and -e, as a run has them, lint knows the variables that come from
there, and looks for secrets in the inventory's files. A comment
"# noqa: rule" at the end of a line takes its findings back.`

// lintCommand is `thordeploy lint`.
func (m *Main) lintCommand(code *exitCode) *cobra.Command {
	var f lintFlags
	c := &cobra.Command{
		Use:                   "lint [flags] playbook.yml…",
		Short:                 "Find what would go wrong with playbooks",
		Long:                  lintText,
		Args:                  cobra.ArbitraryArgs,
		DisableFlagsInUseLine: true,
		RunE: func(c *cobra.Command, args []string) error {
			m.inventories, m.vault = f.inventories, f.vault
			err := m.configure(c.Flags().Changed)
			if err != nil {
				return err
			}
			f.inventories, f.vault = m.inventories, m.vault
			*code, err = m.lint(c.Context(), f, args)
			return err
		},
	}
	fl := c.Flags()
	fl.SortFlags = false
	fl.StringArrayVarP(&f.inventories, "inventory", "i", nil, "`HOSTS` file, as for a run; repeatable")
	fl.StringArrayVarP(&f.extra, "extra-vars", "e", nil, "`key=value`, a mapping or @file, as for a run; repeatable")
	fl.StringVar(&f.format, "format", "text", "`FORM` of the findings: text, json or sarif (2.1.0)")
	f.vault.addTo(fl)
	return c
}

// linter is one run of `thordeploy lint`.
type linter struct {
	*Main
	known, extra []string
	vars         map[string]any // of -e
	keys         *vault.Keyring
	encrypted    map[string]bool
	files        map[string][]string // lines of files that findings are in, by name
}

// lint checks every playbook and the inventory's files, and writes the findings
// to standard output.
func (m *Main) lint(ctx context.Context, f lintFlags, names []string) (exitCode, error) {
	write, ok := map[string]func(io.Writer, []lint.Finding) error{
		"text": lint.WriteText, "json": lint.WriteJSON,
		"sarif": func(w io.Writer, list []lint.Finding) error { return lint.WriteSARIF(w, version, list) },
	}[f.format]
	switch {
	case !ok:
		return 0, wrong("write text, json or sarif", "--format %s is not known", diag.Escape(f.format))
	case len(names) == 0:
		return 0, wrong("name a playbook file, or a built-in one: builtin:thor.yml", "no playbook is given")
	}
	l := &linter{Main: m, encrypted: map[string]bool{}, files: map[string][]string{}}
	if err := l.outside(ctx, f); err != nil {
		return 0, err
	}
	var found []lint.Finding
	for _, name := range names {
		list, err := l.playbook(name)
		if err != nil {
			return 0, err
		}
		found = append(found, list...)
	}
	for _, name := range inventoryFiles(f.inventories) {
		found = append(found, l.inventoryFile(name)...)
	}
	if err := write(m.out, found); err != nil {
		return 0, err
	}
	if len(found) > 0 {
		return exitFailed, nil
	}
	return exitOK, nil
}

// outside reads what comes to the playbooks from -i, -e and the vault.
func (l *linter) outside(ctx context.Context, f lintFlags) error {
	var err error
	if l.keys, err = l.keyring(ctx, f.vault); err != nil {
		return err
	}
	if l.vars, err = l.readExtraVars(f.extra, l.keys); err != nil {
		return err
	}
	l.extra = slices.Sorted(maps.Keys(l.vars))
	hide := l.keys.Hide
	l.keys.Hide = func(plain ...string) {
		for _, p := range plain {
			l.encrypted[p] = true
		}
		hide(plain...)
	}
	if len(f.inventories) == 0 {
		return nil
	}
	inv, problems := inventory.Load(f.inventories)
	if err := l.report(problems); err != nil {
		return err
	}
	names := map[string]bool{}
	for _, h := range inv.Hosts() {
		for name := range h.Vars {
			names[name] = true
		}
	}
	for _, g := range inv.Groups() {
		for name := range g.Vars {
			names[name] = true
		}
	}
	l.known = slices.Sorted(maps.Keys(names))
	return nil
}

func (l *linter) playbook(name string) ([]lint.Finding, error) {
	data, dir, err := readPlaybook(name)
	if err != nil {
		return nil, err
	}
	l.files[name] = lines(data)
	pb, problems := l.loader(l.vars, l.keys).Load(name, dir, data)
	return lint.Check(lint.Input{
		Playbook: pb, Found: problems, Known: l.known, Extra: l.extra, Line: l.line,
		Encrypted: func(text string) bool { return l.encrypted[text] },
	}), nil
}

// inventoryFile looks for secrets in a file of the inventory. One that can't be
// read, or is encrypted, has been spoken about or has none.
func (l *linter) inventoryFile(name string) []lint.Finding {
	info, err := os.Stat(name)
	if err != nil || !info.Mode().IsRegular() || info.Mode().Perm()&0o111 != 0 || info.Size() > maxPlaybook {
		return nil
	}
	data, err := os.ReadFile(name)
	if err != nil || vault.Is(data) {
		return nil
	}
	return lint.InventorySecrets(name, string(data))
}

// line gives a line of a file that a range names.
func (l *linter) line(file string, n int) string {
	text, ok := l.files[file]
	if !ok {
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() && info.Size() <= maxPlaybook {
			if data, err := os.ReadFile(file); err == nil {
				text = lines(data)
			}
		}
		l.files[file] = text
	}
	if n < 1 || n > len(text) {
		return ""
	}
	return text[n-1]
}

func lines(data []byte) []string {
	return strings.Split(strings.ReplaceAll(string(data), "\r\n", "\n"), "\n")
}

// inventoryFiles lists the files of the sources that -i names, and the
// variables of hosts and groups beside them.
func inventoryFiles(sources []string) []string {
	var out []string
	walk := func(dir string) {
		_ = filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
			if err == nil && e.Type().IsRegular() && !strings.HasPrefix(e.Name(), ".") {
				out = append(out, path)
			}
			return nil // what can't be read has no finding
		})
	}
	for _, s := range sources {
		info, err := os.Stat(s)
		switch {
		case err != nil: // a list of names
			continue
		case info.IsDir():
			walk(s)
			continue
		}
		out = append(out, s)
		for _, vars := range []string{"group_vars", "host_vars"} {
			walk(filepath.Join(filepath.Dir(s), vars))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
