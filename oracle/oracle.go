// Package oracle holds thordeploy to ansible-playbook, the judge of what a
// playbook means.
//
// Each folder in cases/ is a small playbook with its roles, templates, files
// and inventory. [Load] reads one; the test TestCases copies it, runs it by
// ansible-playbook on hosts of the lab with real sshd, puts the hosts back,
// runs it by thordeploy on the same hosts, and compares what the two left and
// said: each host's counts of the recap, the exit code, the files on the hosts
// and here with their modes, owners, contents and link targets, mounts and
// fstab, and the tasks in the order they ran with how each ended. A case tells
// what a task returned by writing it to a file on the host: JSON is compared
// as values, without what is bound to differ, as times.
//
// The cases want Ansible and take minutes, so that TestCases runs only where
// asked to (`make test-oracle`, which passes -oracle):
//
//	go test ./oracle -oracle                        # all cases
//	go test ./oracle -oracle -run TestCases/blocks  # one
//	go test ./oracle -oracle -run … -show           # with the output of both
//
// [Scan] lists what the cases use (keywords, modules with their parameters,
// filters, tests, lookups, flags): docs/compatibility.md says "yes" to nothing
// that no case uses.
package oracle

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"gopkg.in/yaml.v3"
)

// Case is a playbook that both programs run. Its folder has play.yml, what
// that one needs, and where the defaults don't do a case.yml with these fields.
type Case struct {
	Name string `yaml:"-"` // the folder's name
	Dir  string `yaml:"-"`

	// Runs are the command lines' arguments, run one after another without
	// putting the hosts back between them; none: one run without arguments.
	// The playbook is play.yml unless the run names one.
	Runs [][]string `yaml:"runs"`
	// Before is a shell script that is run on each host first, as root.
	Before string `yaml:"before"`
	// Stdin is what both programs read, for questions.
	Stdin string `yaml:"stdin"`
	// Env are variables for both programs, as NAME: value.
	Env map[string]string `yaml:"env"`
	// Sequence compares the results of all hosts as one sequence rather than
	// host by host: for what must not differ with one fork.
	Sequence bool `yaml:"sequence"`
	// Output compares what both print; thordeploy is then started under the
	// name ansible-playbook.
	Output bool `yaml:"output"`
	// Departs lists what is different on purpose.
	Departs []Departure `yaml:"departs"`
}

// Departure is a difference that is meant. One that doesn't show any more
// fails the case, so that the list stays true.
type Departure struct {
	// What is a [path.Match] pattern of what is compared: "exit", "recap
	// host01", "tasks host01", "order", "host01:/tmp/box/file", "here:file".
	What   string `yaml:"what"`
	Reason string `yaml:"reason"`
}

// Playbook is the playbook of a run that doesn't name one.
const Playbook = "play.yml"

// Load reads the case in a folder.
func Load(dir string) (*Case, error) {
	c := &Case{Name: filepath.Base(dir), Dir: dir}
	if _, err := os.Stat(filepath.Join(dir, Playbook)); err != nil {
		return nil, fmt.Errorf("case %s: %w", c.Name, err)
	}
	data, err := os.ReadFile(filepath.Join(dir, "case.yml"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("case %s: %w", c.Name, err)
	}
	if len(data) > 0 {
		d := yaml.NewDecoder(bytes.NewReader(data))
		d.KnownFields(true)
		if err := d.Decode(c); err != nil {
			return nil, fmt.Errorf("case %s: case.yml: %w", c.Name, err)
		}
	}
	for _, dep := range c.Departs {
		if dep.What == "" || dep.Reason == "" {
			return nil, fmt.Errorf("case %s: a departure must say what differs and the reason", c.Name)
		}
	}
	if len(c.Runs) == 0 {
		c.Runs = [][]string{nil}
	}
	return c, nil
}

// LoadAll reads every case below a folder, by name.
func LoadAll(dir string) ([]*Case, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("reading the cases: %w", err)
	}
	var cases []*Case
	for _, e := range entries {
		if !e.IsDir() {
			return nil, fmt.Errorf("reading the cases: %s is no folder", filepath.Join(dir, e.Name()))
		}
		c, err := Load(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		cases = append(cases, c)
	}
	return cases, nil
}

// args are a run's arguments with the playbook.
func args(run []string) []string {
	named := func(a string) bool {
		return filepath.Ext(a) == ".yml" && a[0] != '-' && a[0] != '@'
	}
	if slices.ContainsFunc(run, named) {
		return run
	}
	return append(slices.Clone(run), Playbook)
}
