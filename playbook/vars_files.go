package playbook

import (
	"fmt"
	"path/filepath"
	"slices"

	"gopkg.in/yaml.v3"

	"thordeploy/internal/diag"
)

// fileVars reads a file of variables; n names it.
func (ld *loader) fileVars(n *yaml.Node, path string) []Var {
	d := ld.document(n, path, maxVarsFile)
	if !d.fine || d.root == nil {
		return nil
	}
	before := ld.place
	defer func() { ld.place = before }()
	ld.src, ld.dir, ld.open = d.src, filepath.Dir(path), nil
	vars := ld.varsIn(d.root)
	if d.src.lines == nil { // it was encrypted
		for _, v := range vars {
			if c, ok := v.Value.Const(); ok {
				ld.vault.Conceal(c)
			}
		}
	}
	return vars
}

// varsIn reads a mapping of variables, or a list of such mappings. As in
// Ansible a name may be any text: one that isn't a word can't be used in a
// template.
func (ld *loader) varsIn(n *yaml.Node) []Var {
	leave, ok := ld.enter(n)
	defer leave()
	if !ok {
		return nil
	}
	var out []Var
	switch n.Kind {
	case yaml.MappingNode:
		for _, p := range ld.pairs(n) {
			out = append(out, Var{p.name, ld.value(p.value), ld.src.rangeOf(p.key)})
		}
	case yaml.SequenceNode:
		for _, item := range n.Content {
			if item = ld.resolve(item); item != nil {
				out = append(out, ld.varsIn(item)...)
			}
		}
	default:
		ld.errorf(n, "`name: value` in each line", "a file of variables must be a mapping of names to values, not %s", nodeKind(n))
	}
	return out
}

// varsOfFile is a file of variables that was read.
type varsOfFile struct {
	vars  []Var
	err   error
	stamp stamp
}

// ReadVars reads a file of variables (vars_files, include_vars), once for all
// hosts unless it has changed. path is absolute. It is safe for concurrent use.
func (pb *Playbook) ReadVars(path string) ([]Var, error) {
	pb.mu.Lock()
	defer pb.mu.Unlock()
	ld := pb.loader
	now := ld.stampOf(path)
	if got, ok := pb.vars[path]; ok && got.stamp == now {
		return got.vars, got.err
	}
	got := &varsOfFile{stamp: now}
	if _, err := ld.stat(path); err != nil {
		got.err = fmt.Errorf("%s: %w", ld.shown(path), reason(err))
	} else {
		ld.renew()
		ld.place = place{src: &source{file: ld.shown(path)}, dir: filepath.Dir(path)}
		got.vars = ld.fileVars(&yaml.Node{}, path)
		got.err = ld.list.Err()
	}
	if pb.vars == nil {
		pb.vars = make(map[string]*varsOfFile)
	}
	pb.vars[path] = got
	return got.vars, got.err
}

// varsFiles reads the files of variables: a path, or a list of paths and of
// lists of which the first that is there counts.
func (ld *loader) varsFiles(f pair) []VarsFile {
	nodes := []*yaml.Node{f.value}
	if f.value.Kind == yaml.SequenceNode {
		nodes = f.value.Content
	}
	var out []VarsFile
	for _, n := range nodes {
		if n = ld.resolve(n); n == nil {
			continue
		}
		file := VarsFile{Range: ld.src.rangeOf(n)}
		names := []*yaml.Node{n}
		if n.Kind == yaml.SequenceNode {
			names = n.Content
		}
		for _, n := range names {
			if n = ld.resolve(n); n == nil {
				continue
			}
			if v := ld.text(pair{f.name, f.key, n}); v != nil {
				file.Paths = append(file.Paths, v)
			}
		}
		if len(file.Paths) > 0 {
			ld.fix(&file, n)
			out = append(out, file)
		}
	}
	return out
}

// fix reads a file of variables whose path is plainly written.
func (ld *loader) fix(file *VarsFile, n *yaml.Node) {
	var all []string
	for _, v := range file.Paths {
		c, ok := v.Const()
		if !ok {
			return
		}
		places := placesIn("vars", toText(c), []string{ld.playDir()})
		all = append(all, places...)
		if path, found := ld.firstFile(places); found {
			file.Vars = ld.fileVars(n, path)
			file.Fixed = ld.first
			ld.layers = append(slices.Clip(ld.layers), file.Vars)
			return
		}
	}
	what := file.Paths[0].text + " is not there"
	if len(file.Paths) > 1 {
		what = "none of these files is there"
	}
	ld.missing(diag.Warning, n, what, all)
}
