package action

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// find looks a task's local file or folder up as Ansible does: in the role, in
// the further folders, beside the playbook, each time first in the folder sub
// ("files", "templates") there. The error names where it looked.
func (p Paths) find(name, sub string) (string, error) {
	name, err := homed(name)
	if err != nil {
		return "", err
	}
	if filepath.IsAbs(name) {
		_, err := os.Stat(name)
		return name, err
	}
	var tried []string
	for _, dir := range append(append([]string{p.Role}, p.Files...), p.Playbook) {
		if dir == "" {
			continue
		}
		for _, at := range []string{filepath.Join(dir, sub, name), filepath.Join(dir, name)} {
			_, err := os.Stat(at)
			if err == nil {
				if strings.HasSuffix(name, "/") {
					at += "/" // says "its contents", which Join drops
				}
				return at, nil
			}
			if !errors.Is(err, fs.ErrNotExist) {
				return "", err
			}
			if !slices.Contains(tried, at) {
				tried = append(tried, at)
			}
		}
	}
	return "", fmt.Errorf("%q is not there (looked at %s): %w", name, strings.Join(tried, ", "), fs.ErrNotExist)
}

// homed replaces a leading ~ by the home folder of the account that runs this
// program.
func homed(name string) (string, error) {
	rest, ok := strings.CutPrefix(name, "~")
	if !ok || rest != "" && rest[0] != '/' {
		return name, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("finding the home folder for %q: %w", name, err)
	}
	return home + rest, nil
}
