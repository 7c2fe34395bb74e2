// Package playbooks embeds the playbooks that thordeploy ships: a person names
// one as `builtin:thor.yml`, or prints it to make it their own.
package playbooks

import (
	"embed"
	"io/fs"
)

// Prefix marks a shipped playbook on the command line.
const Prefix = "builtin:"

//go:embed *.yml
var files embed.FS

// Names lists the shipped playbooks, sorted.
func Names() []string {
	names, err := fs.Glob(files, "*.yml")
	if err != nil {
		panic(err) // only a bad pattern is an error (fs.Glob)
	}
	return names
}

// Read gives the text of a shipped playbook. The error is fs.ErrNotExist for a
// name that is none.
func Read(name string) ([]byte, error) { return files.ReadFile(name) }
