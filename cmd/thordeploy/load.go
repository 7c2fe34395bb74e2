package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"thordeploy/internal/diag"
	"thordeploy/inventory"
	"thordeploy/playbook"
	"thordeploy/playbook/vault"
	"thordeploy/playbooks"
	"thordeploy/runner"
)

// maxPlaybook bounds a playbook file, in bytes.
const maxPlaybook = 16 << 20

// job is one playbook with the hosts of each of its plays.
type job struct {
	playbook  *playbook.Playbook
	inventory *inventory.Inventory // with the variables beside the playbook
	legs      []runner.Leg
}

// loadPlaybook reads a playbook file or a built-in one and prints all that is
// wrong with it.
func (m *Main) loadPlaybook(name string, extra map[string]any, keys *vault.Keyring) (*playbook.Playbook, error) {
	data, dir, err := readPlaybook(name)
	if err != nil {
		return nil, err
	}
	pb, problems := m.loader(extra, keys).Load(name, dir, data)
	if err := m.report(problems); err != nil {
		return nil, errUnparsed
	}
	m.gatherDefault(pb)
	return pb, m.connectBy(pb)
}

// loader reads playbooks with what the command line gives them.
func (m *Main) loader(extra map[string]any, keys *vault.Keyring) *playbook.Loader {
	roles := []string{"/usr/share/ansible/roles", "/etc/ansible/roles"}
	if len(m.rolesPath) > 0 {
		roles = m.rolesPath
	} else if home := m.Getenv("HOME"); filepath.IsAbs(home) {
		roles = append([]string{filepath.Join(home, ".ansible/roles")}, roles...)
	}
	return &playbook.Loader{FS: m.inputs.fileSystem(), Vault: keys, Vars: extraScope(extra), RolesPath: roles}
}

// readPlaybook gives a playbook's text and the absolute folder that its
// relative paths start from: its own, for a built-in one the current one.
func readPlaybook(name string) (data []byte, dir string, err error) {
	if short, ok := strings.CutPrefix(name, playbooks.Prefix); ok {
		data, err := playbooks.Read(short)
		if err != nil {
			return nil, "", wrong("the built-in ones are: "+strings.Join(playbooks.Names(), ", "), "no built-in playbook is named %q", short)
		}
		dir, err := os.Getwd()
		return data, dir, err
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, "", wrong(missingHint(name, err), "playbook %s: %w", name, cause(err))
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return nil, "", wrong("name a playbook file", "playbook %s is not a file", name)
	}
	data, err = io.ReadAll(io.LimitReader(f, maxPlaybook+1))
	if err != nil {
		return nil, "", wrong("", "playbook %s: %w", name, cause(err))
	}
	if len(data) > maxPlaybook {
		return nil, "", wrong("", "playbook %s is larger than %d MiB", name, maxPlaybook>>20)
	}
	path, err := filepath.Abs(name)
	return data, filepath.Dir(path), err
}

func missingHint(name string, err error) string {
	base := filepath.Base(name)
	switch {
	case errors.Is(err, fs.ErrNotExist) && slices.Contains(playbooks.Names(), base):
		return fmt.Sprintf("check the path, or use the one that is built in: %s%s", playbooks.Prefix, base)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Sprintf("check the path; the built-in playbooks are %s%s", playbooks.Prefix, strings.Join(playbooks.Names(), ", "+playbooks.Prefix))
	}
	return ""
}

// cause is the reason in a file error, without the path that the message
// around it names.
func cause(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// report prints all problems of a list; the error says that one of them keeps
// the run from being.
func (m *Main) report(l *diag.List) error {
	for _, d := range l.All() {
		fmt.Fprintln(m.err, d.String())
	}
	if l.Err() != nil {
		return errSaid
	}
	return nil
}

// load reads the inventory and every playbook, and chooses the hosts of each
// play. All problems are printed before it gives up.
func (m *Main) load(ctx context.Context, names []string, extra map[string]any, keys *vault.Keyring) ([]job, error) {
	var jobs []job
	var failed error
	for _, name := range names {
		pb, err := m.loadPlaybook(name, extra, keys)
		if err != nil {
			m.explain(err)
			failed = said(err)
			continue
		}
		jobs = append(jobs, job{playbook: pb})
	}
	if m.syntaxCheck {
		return jobs, failed
	}
	for _, name := range append(slices.Clone(m.inventories), names...) {
		if !strings.Contains(name, ",") && !strings.HasPrefix(name, playbooks.Prefix) {
			m.inputs.noteFiles(name)
		}
	}
	inv, problems := m.loadInventory(ctx, keys)
	if err := m.report(problems); err != nil {
		failed = err
	}
	for i := range jobs {
		if failed != nil {
			break
		}
		jobs[i].inventory, problems = inv.Beside(jobs[i].playbook.Dir)
		failed = m.report(problems)
	}
	if failed != nil {
		return nil, failed
	}
	return jobs, m.chooseHosts(jobs, extra)
}

// extraScope is -e alone: what is known before there are hosts.
type extraScope map[string]any

// Lookup finds a variable given with -e.
func (s extraScope) Lookup(name string) (any, bool) { v, ok := s[name]; return v, ok }

// Names lists the variables given with -e.
func (s extraScope) Names() []string {
	var out []string
	for k := range s {
		out = append(out, k)
	}
	return out
}
