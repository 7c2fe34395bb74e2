package inventory

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"thordeploy/playbook/vault"
)

// varsFolders are the variables that lie beside an inventory or a playbook, in
// group_vars/ and host_vars/, as ansible.builtin.host_group_vars finds them:
// for each name the file or folder of that name, or else the file with one of
// the extensions.
type varsFolders struct {
	groups, hosts map[string]map[string]any // by name
}

// varsExtensions are those of variable files, in the order they are tried.
var varsExtensions = []string{"", ".yml", ".yaml", ".json"}

// maxVarsDepth is how deep folders of variables may nest.
const maxVarsDepth = 20

// readVarsFolders reads the variables of the draft's groups and hosts below dir.
func (d *draft) readVarsFolders(dir string) varsFolders {
	var v varsFolders
	if list := d.listVars(dir, "group_vars"); list != nil {
		v.groups = map[string]map[string]any{}
		for _, g := range d.groups {
			d.readVarsOf(v.groups, list, g.name)
		}
	}
	if list := d.listVars(dir, "host_vars"); list != nil {
		v.hosts = map[string]map[string]any{}
		for _, h := range d.hosts {
			d.readVarsOf(v.hosts, list, h.name)
		}
		if _, named := d.host["localhost"]; !named {
			d.readVarsOf(v.hosts, list, "localhost") // which a play may name nevertheless
		}
	}
	return v
}

// listVars gives the paths below a folder of variables by their names; nil
// where there is no such folder.
func (d *draft) listVars(dir, kind string) map[string]string {
	path := filepath.Join(dir, kind)
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err == nil && !info.IsDir():
		(&source{draft: d, name: path}).wholeWarning(kind+" is no folder, and isn't read", "make it a folder with a file for each group or host")
		return nil
	}
	var entries []os.DirEntry
	if err == nil {
		entries, err = os.ReadDir(path)
	}
	if err != nil {
		(&source{draft: d, name: path}).whole("the folder of variables can't be read: "+plainCause(err), "check its permissions")
		return nil
	}
	list := make(map[string]string, len(entries))
	for _, e := range entries {
		list[e.Name()] = filepath.Join(path, e.Name())
	}
	return list
}

func (d *draft) readVarsOf(into map[string]map[string]any, list map[string]string, name string) {
	for _, ext := range varsExtensions {
		path, ok := list[name+ext]
		if !ok {
			continue
		}
		vars := map[string]any{}
		for _, file := range d.varsFilesAt(path, 0) {
			maps.Copy(vars, d.readVarsFile(file))
		}
		into[name] = vars
		return
	}
}

// varsFilesAt is path, or where it is a folder the files of variables in it and
// the folders below, by name. Hidden and backup files are left out.
func (d *draft) varsFilesAt(path string, depth int) []string {
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		return []string{path} // reading it says what is wrong with it
	}
	entries, err := os.ReadDir(path)
	if err != nil || depth > maxVarsDepth {
		s := &source{draft: d, name: path}
		if err != nil {
			s.whole("the folder of variables can't be read: "+plainCause(err), "check its permissions")
		} else {
			s.whole(fmt.Sprintf("the folders of variables nest more than %d deep", maxVarsDepth), "is one of them a link to itself?")
		}
		return nil
	}
	var files []string
	for _, e := range entries { // sorted by name
		name := e.Name()
		if strings.HasPrefix(name, ".") || strings.HasSuffix(name, "~") {
			continue
		}
		ext, below := filepath.Ext(name), filepath.Join(path, name)
		info, err := os.Stat(below)
		switch {
		case err == nil && info.IsDir() && ext == "":
			files = append(files, d.varsFilesAt(below, depth+1)...)
		case (err != nil || !info.IsDir()) && slices.Contains(varsExtensions, ext):
			files = append(files, below)
		}
	}
	return files
}

// readVarsFile reads one file of variables. One with nothing in it is fine.
func (d *draft) readVarsFile(path string) map[string]any {
	s := &source{draft: d, name: path, what: "the file of variables"}
	info, err := os.Stat(path)
	if err != nil {
		s.whole("the file of variables can't be opened: "+plainCause(err), "check the path and its permissions")
		return nil
	}
	data, ok := s.bytes(info)
	if !ok {
		return nil
	}
	return s.varsOf(data)
}

// varsOf reads the text of a file of variables, which may be encrypted as a whole.
func (s *source) varsOf(data []byte) map[string]any {
	data, sealed, ok := s.opened(data)
	if !ok || !s.setText(data) {
		return nil
	}
	vars := map[string]any{}
	if sealed {
		s.sealed = true
		defer func() { s.loader.Vault.Conceal(vars) }()
	}
	r := &yamlReader{source: s}
	if r.tooMany() {
		return nil
	}
	root, ok := r.parse()
	if !ok || root == nil || root.ShortTag() == "!!null" {
		return nil
	}
	if root.Kind != yaml.MappingNode {
		r.node(root).error(s.draft, "a file of variables holds `name: value` lines, and this is no mapping", "write each variable on its own line, without a dash")
		return nil
	}
	for _, e := range r.pairs(root, 0) {
		r.readVar(e, 1, func(name string, x any, _ place) { vars[name] = x })
	}
	return vars
}

// opened decrypts a text that is encrypted as a whole.
func (s *source) opened(data []byte) (plain []byte, sealed, ok bool) {
	if !vault.Is(data) {
		return data, false, true
	}
	plain, err := s.loader.Vault.Open(data)
	if err != nil {
		line, summary, hint := vaultProblem(err)
		s.at(line, 1, 0).error(s.draft, summary, hint)
		return nil, true, false
	}
	return plain, true, true
}

// vaultProblem is what is wrong with a vault text, with its line in the text
// (0: none is to blame).
func vaultProblem(err error) (line int, summary, hint string) {
	var e *vault.Error
	if !errors.As(err, &e) {
		return 0, err.Error(), ""
	}
	return e.Line, e.Summary, e.Hint
}
