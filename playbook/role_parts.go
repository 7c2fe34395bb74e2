package playbook

import (
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"thordeploy/internal/diag"
)

// roleKey names a role as it is read: uses with other files see other
// variables.
type roleKey struct {
	dir, vars, defaults string
	static, again       bool
}

// roleIn reads a role's variables and its meta/main.yml, once.
func (ld *loader) roleIn(dir string, use need) *Role {
	key := roleKey{dir, use.from.Vars, use.from.Defaults, use.static, use.again}
	if r, ok := ld.roles[key]; ok {
		return r
	}
	r := &Role{Name: use.name, Dir: dir}
	ld.roles[key] = r
	before := ld.place
	defer func() { ld.place = before }()
	r.Defaults = ld.partVars(use.node, r, "defaults", use.from.Defaults)
	r.Vars = ld.partVars(use.node, r, "vars", use.from.Vars)
	ld.meta(use.node, r)
	if use.check {
		ld.specs(use.node, r)
	}
	if use.static {
		r.AllowDuplicates = use.again
	}
	return r
}

var dataEndings = []string{".yml", ".yaml", ".json"}

// part finds the files of a role's folder: main, or the one that the use
// names. Of variables, main may be a folder of files. That a named one is
// missing is reported.
func (ld *loader) part(n *yaml.Node, r *Role, sub, main string, folders bool) []string {
	endings := append(slices.Clone(dataEndings), "")
	if main != "" {
		endings = append([]string{""}, dataEndings...)
	}
	dir := filepath.Join(r.Dir, sub)
	var places []string
	for _, ending := range endings {
		name := main
		if main == "" {
			name = "main"
		}
		path := filepath.Join(dir, name+ending)
		places = append(places, path)
		switch {
		case ld.isFile(path):
			return []string{path}
		case folders && ld.isDir(path):
			return ld.dataFiles(path, 0)
		}
	}
	if main != "" && main != "main" {
		ld.missing(diag.Error, n, "role `"+r.Name+"` has no "+sub+"/"+main, places)
	}
	return nil
}

// dataFiles lists the files of variables in a folder and those below it, in
// the order of their names.
func (ld *loader) dataFiles(dir string, depth int) []string {
	var out []string
	for _, e := range ld.entries(dir) {
		name := e.Name()
		path := filepath.Join(dir, name)
		ending := filepath.Ext(name)
		switch {
		case strings.HasPrefix(name, ".") || strings.HasSuffix(name, "~") || depth > maxChain:
		case ld.isDir(path):
			if ending == "" {
				out = append(out, ld.dataFiles(path, depth+1)...)
			}
		case ending == "" || slices.Contains(dataEndings, ending):
			out = append(out, path)
		}
	}
	return out
}

// entries lists a folder; none where it can't be read.
func (ld *loader) entries(dir string) []fs.DirEntry {
	list, err := fs.ReadDir(ld.fsys, inFS(dir))
	if err != nil {
		return nil
	}
	return list
}

// partVars reads a role's defaults or vars.
func (ld *loader) partVars(n *yaml.Node, r *Role, sub, main string) []Var {
	var out []Var
	for _, path := range ld.part(n, r, sub, main, true) {
		out = append(out, ld.fileVars(n, path)...)
	}
	return out
}

// roleTasks reads the tasks of the role that is being called.
func (ld *loader) roleTasks(use need) []*Task {
	return ld.partTasks(use.node, "tasks", use.from.Tasks)
}

// partTasks reads a role's tasks or handlers.
func (ld *loader) partTasks(n *yaml.Node, sub, main string) []*Task {
	files := ld.part(n, ld.role.Role, sub, main, false)
	if len(files) == 0 {
		return []*Task{}
	}
	return ld.tasksOf(n, files[0], true)
}

// meta reads a role's meta/main.yml: what it needs, and whether it may run
// again.
func (ld *loader) meta(n *yaml.Node, r *Role) {
	files := ld.part(n, r, "meta", "", false)
	if len(files) == 0 {
		return
	}
	d := ld.document(n, files[0], maxFile)
	if !d.fine || d.root == nil {
		return
	}
	before := ld.place
	defer func() { ld.place = before }()
	ld.src, ld.dir, ld.open = d.src, filepath.Dir(files[0]), nil
	if d.root.Kind != yaml.MappingNode {
		ld.errorf(d.root, "`dependencies: []`", "a role's meta/main.yml must be a mapping, not %s", nodeKind(d.root))
		return
	}
	leave, ok := ld.enter(d.root)
	defer leave()
	if !ok {
		return
	}
	r.meta = d
	for _, f := range ld.pairs(d.root) {
		switch f.name {
		case "dependencies":
			r.needs = ld.roleList(f)
		case "allow_duplicates":
			r.AllowDuplicates = ld.flag(f, false)
		case "argument_specs":
			r.specs = f.value.Kind == yaml.MappingNode && len(f.value.Content) > 0
		}
	}
}

// specs says that what a role wants of its variables isn't checked.
func (ld *loader) specs(n *yaml.Node, r *Role) {
	if r.specs || slices.ContainsFunc(dataEndings, func(ending string) bool {
		return ld.isFile(filepath.Join(r.Dir, "meta", "argument_specs"+ending))
	}) {
		ld.warnf(n, "`assert` in the role's tasks checks them; `rolespec_validate: false` says that it is meant so",
			"the argument_specs of role `%s` aren't checked", r.Name)
	}
}
