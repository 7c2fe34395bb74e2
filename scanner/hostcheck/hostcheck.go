// Package hostcheck looks at the state of the host itself, where an intruder
// who wants to stay changes it: accounts, what is loaded into every process,
// modules of the kernel, processes that are hidden.
//
// Each check is one file that declares a [check]: the module that it is in
// findings, its rules, and the function that looks. What a check reads it reads
// below a root folder, so that a test can lay out a host of its own.
//
//	files below Root --look--> host.report(rule, subject, …) --yield--> scan
package hostcheck

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"thordeploy/scanner"
	"thordeploy/scanner/finding"
)

// check is one module.
type check struct {
	module string
	about  string
	rules  []*rule
	look   func(context.Context, *host)
}

// rule is one thing that a check may find.
type rule struct {
	name      string // in findings
	technique string // MITRE ATT&CK's number of what it finds
	about     string
}

// checks are all of them, in the order in which they run.
var checks = []*check{users, remoteAccess, preload, hiddenProcesses, kernelModules}

// Source runs one check. It is a [scanner.Source] of what the check reports.
type Source struct {
	Root  string // below which the host's files are; empty: /
	check *check
}

// Sources are all checks of the host below root.
func Sources(root string) []*Source {
	var list []*Source
	for _, c := range checks {
		list = append(list, &Source{Root: root, check: c})
	}
	return list
}

// Module implements [scanner.Source].
func (s *Source) Module() string { return s.check.module }

// About says in a few words what the check looks at.
func (s *Source) About() string { return s.check.about }

// Rules lists what the check may find: name, technique of MITRE ATT&CK, what
// it is. docs/coverage.md is held to it.
func (s *Source) Rules() [][3]string {
	var out [][3]string
	for _, r := range s.check.rules {
		out = append(out, [3]string{r.name, r.technique, r.about})
	}
	return out
}

// Walk implements [scanner.Source].
func (s *Source) Walk(ctx context.Context, led *scanner.Ledger, yield func(*scanner.Object) bool) error {
	root := s.Root
	if root == "" {
		root = "/"
	}
	h := &host{root: root, module: s.check.module, led: led}
	s.check.look(ctx, h)
	for _, o := range h.found {
		if !yield(o) {
			break
		}
	}
	return errors.Join(h.errs...)
}

// host is what a check looks at, and where it reports.
type host struct {
	root   string
	module string
	led    *scanner.Ledger
	found  []*scanner.Object
	errs   []error
}

// maxFile bounds a file that a check reads, in bytes.
const maxFile = 4 << 20

// path is where a file of the host lies for this program.
func (h *host) path(name string) string { return filepath.Join(h.root, name) }

// read reads a regular file of the host; nil where there is none. What can't be
// read is in the ledger.
func (h *host) read(name string) []byte {
	data, err := readFile(h.path(name))
	switch {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR):
		return nil
	case err != nil:
		h.led.Add(scanner.SkipUnreadable, name, err.Error())
		return nil
	}
	return data
}

// readFile opens without waiting for the other end of a FIFO, and without a
// trace in the access time where that is allowed.
func readFile(path string) ([]byte, error) {
	flags := unix.O_RDONLY | unix.O_NONBLOCK | unix.O_CLOEXEC
	fd, err := unix.Open(path, flags|unix.O_NOATIME, 0)
	if errors.Is(err, unix.EPERM) {
		fd, err = unix.Open(path, flags, 0)
	}
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), path)
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("larger than %d MiB", maxFile>>20)
	}
	return data, err
}

// list names the entries of a folder of the host, none where it isn't there.
func (h *host) list(name string) []string {
	entries, err := os.ReadDir(h.path(name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		h.led.Add(scanner.SkipUnreadable, name, err.Error())
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// report yields a subject with the reason why it is suspicious.
func (h *host) report(r *rule, subject finding.Subject, score int, matched []finding.Matched, format string, args ...any) {
	h.found = append(h.found, &scanner.Object{
		Module: h.module, Name: subject.SubjectName(),
		Describe: func(*scanner.Object) finding.Subject { return subject },
		Known: []finding.Reason{finding.NewReason(fmt.Sprintf(format, args...), finding.Signature{
			Score: score, Origin: finding.Internal, Kind: finding.InternalHeuristic, RuleName: r.name,
			Description: r.about, Tags: []string{r.technique}, Author: "thordeploy project",
		}, matched)},
	})
}

// reportLine reports a line of a file of the host.
func (h *host) reportLine(r *rule, name, line string, score int, format string, args ...any) {
	h.report(r, finding.NewFile(name), score, []finding.Matched{{Data: finding.NewText([]byte(line))}}, format, args...)
}
