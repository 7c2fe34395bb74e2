package playbook

import (
	"path/filepath"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"thordeploy/internal/diag"
)

// importPlaybook reads the plays of another playbook.
func (ld *loader) importPlaybook(n *yaml.Node, fields []pair) []*Play {
	k := Keywords{}
	var when []*Expr
	var file pair
	for _, f := range inOrder(fields, "vars") {
		switch plainModule(f.name) {
		case "import_playbook":
			file = f
		case "name":
			ld.text(f)
		case "when":
			when = ld.conditions(f)
		case "vars":
			k.Vars = ld.vars(f)
			defer ld.within(k.Vars)()
		case "tags":
			k.Tags = ld.tags(f)
		default:
			ld.strayOfImport(f)
		}
	}
	d, path := ld.playbookFile(file)
	if d == nil {
		return nil
	}
	leave, ok := ld.into(file.value, d, path)
	defer leave()
	if !ok || ld.listOfPlays(d.root) == nil {
		return nil
	}
	plays := ld.plays(d.root)
	for _, p := range plays {
		p.imported(k, when)
	}
	return plays
}

// importKeywords are those that may stand on an import_playbook.
var importKeywords = []string{"import_playbook", "name", "tags", "vars", "when"}

func (ld *loader) strayOfImport(f pair) {
	defer ld.as(RuleKeyword)()
	hint := diag.DidYouMean(f.name, importKeywords)
	if hint == "" {
		hint = "write it in the plays that are imported"
	}
	ld.errorf(f.key, hint, "keyword `%s` can't stand on an import_playbook", f.name)
}

// playbookFile finds and reads the file that an import_playbook names.
func (ld *loader) playbookFile(f pair) (*document, string) {
	name, ok := ld.static(f)
	if !ok || name == "" {
		if f.value.Kind == yaml.ScalarNode && strings.TrimSpace(f.value.Value) == "" {
			ld.errorf(f.key, "", "`import_playbook` names no file")
		}
		return nil, ""
	}
	path := ld.absolute(name)
	if !ld.isFile(path) {
		ld.missing(diag.Error, f.value, name+" is not there", []string{path})
		return nil, ""
	}
	d := ld.document(f.value, path, maxFile)
	if !d.fine {
		return nil, ""
	}
	return d, path
}

// imported gives a play what its import_playbook says.
func (p *Play) imported(k Keywords, when []*Expr) {
	p.Vars = append(p.Vars, k.Vars...)
	p.Tags = append(p.Tags, k.Tags...)
	if len(when) == 0 {
		return
	}
	p.When = slices.Concat(when, p.When)
	for _, list := range [][]*Task{p.PreTasks, p.Roles, p.Tasks, p.PostTasks} {
		for _, t := range list {
			t.When = slices.Concat(when, t.When)
		}
	}
}

// absolute is a path that starts from the file being read.
func (ld *loader) absolute(path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(ld.dir, path)
}

// importTasks makes an import_tasks the block of the tasks in its file.
func (ld *loader) importTasks(t *Task, m use, fields []pair) {
	ld.onlyInherited(m, fields)
	at := ld.nameNode(t, m, fields)
	file := t.Args["file"]
	t.Spec, t.Args, t.Block = nil, nil, []*Task{}
	name, ok := ld.staticArg(m, file)
	if !ok {
		return
	}
	places := ld.taskPlaces(name)
	path, found := ld.firstFile(places)
	if !found {
		ld.missing(diag.Error, at, name+" is not there", places)
		return
	}
	around := ld.around
	defer func() { ld.around = around }()
	ld.around = append(slices.Clip(around), t)
	t.Block = ld.tasksOf(at, path, false)
}

// importRole makes an import_role the block of the role's tasks.
func (ld *loader) importRole(t *Task, m use, fields []pair) {
	ld.onlyInherited(m, fields)
	if ld.handling {
		ld.errorf(m.key, "write import_tasks", "a role can't be a handler")
		return
	}
	t.node = ld.nameNode(t, m, fields)
	name, ok := ld.staticArg(m, t.Args["name"])
	from, known := ld.roleFiles(t)
	for _, arg := range []string{"tasks_from", "vars_from", "defaults_from", "handlers_from"} {
		if !known && t.Args[arg] != nil {
			ld.staticArg(m, t.Args[arg])
		}
	}
	use := ld.needOf(t, name, from)
	t.Spec, t.Args, t.Block = nil, nil, []*Task{}
	if !ok || !known {
		return
	}
	ld.callRole(use, t, ld.toHandlers)
}

// tasksOf reads a file of tasks; n names it. A role's may well be empty.
func (ld *loader) tasksOf(n *yaml.Node, path string, ofRole bool) []*Task {
	d := ld.document(n, path, maxFile)
	if !d.fine {
		return []*Task{}
	}
	leave, ok := ld.into(n, d, path)
	defer leave()
	if !ok {
		return []*Task{}
	}
	if d.root == nil || len(d.root.Content) == 0 && d.root.Kind == yaml.SequenceNode {
		if !ofRole {
			ld.warnf(&yaml.Node{Line: 1, Column: 1}, "", "the file has no tasks")
		}
		return []*Task{}
	}
	if d.root.Kind != yaml.SequenceNode {
		ld.errorf(d.root, "begin each task with `- `", "a file of tasks must be a list of them, not %s", nodeKind(d.root))
		return []*Task{}
	}
	if looksLikePlays(d.root) {
		ld.errorf(d.root, "write import_playbook beside the plays", "this is a playbook, not a file of tasks")
		return []*Task{}
	}
	return ld.tasks(pair{"tasks", d.root, d.root})
}

// looksLikePlays tells a playbook from a file of tasks.
func looksLikePlays(root *yaml.Node) bool {
	first := root.Content[0]
	return first.Kind == yaml.MappingNode && hasKey(first, "hosts")
}

// taskPlaces are where a file of tasks is looked up: beside the file that names
// it, in its role, beside the playbook.
func (ld *loader) taskPlaces(name string) []string {
	if filepath.IsAbs(name) {
		return []string{filepath.Clean(name)}
	}
	places := []string{filepath.Join(ld.dir, name)}
	if ld.role != nil {
		sub := "tasks"
		if ld.handling {
			sub = "handlers"
		}
		places = append(places, filepath.Join(ld.role.Dir, sub, name), filepath.Join(ld.role.Dir, name))
	}
	return unique(append(places, filepath.Join(ld.playDir(), name)))
}

// playDir is the folder of the playbook whose play is being read.
func (ld *loader) playDir() string {
	if ld.play != nil {
		return ld.play.Dir
	}
	return ld.dir
}

// staticArg is a parameter that is needed while the playbook is loaded.
func (ld *loader) staticArg(m use, v *Value) (string, bool) {
	if v == nil {
		return "", false // that it is missing is said
	}
	x, err := v.Eval(ld.known())
	if err != nil {
		d := evalError(err, v.rng).Diagnostic
		defer ld.as(RuleTemplate)()
		d.Severity = diag.Error
		d.Hint = "an import is read before there is a host: it can use -e and `vars`; use an include for what depends on the host"
		if d.Source == "" {
			d.Source = ld.src.line(d.Range.Line)
		}
		ld.report(d)
		return "", false
	}
	s := toText(x)
	if s == "" {
		ld.errorf(m.key, "", "`%s` names nothing", m.name)
	}
	return s, s != ""
}

// notInherited are keywords of tasks that an import can't hand on to what it
// brings.
var notInherited = []string{
	"loop", "loop_control", "until", "retries", "delay", "async", "poll", "changed_when", "failed_when",
}

// onlyInherited reports keywords on an import that its tasks can't inherit.
func (ld *loader) onlyInherited(m use, fields []pair) {
	defer ld.as(RuleKeyword)()
	for _, f := range fields {
		switch {
		case f.name == "loop" || strings.HasPrefix(f.name, "with_"):
			ld.errorf(f.key, "write "+strings.Replace(plainModule(m.name), "import", "include", 1), "`%s` can't be in a loop", m.name)
		case slices.Contains(notInherited, f.name):
			ld.errorf(f.key, "put it on the tasks that are imported", "keyword `%s` can't stand on `%s`", f.name, m.name)
		case f.name == "register":
			ld.warnf(f.key, "put it on the tasks that are imported", "`register` does nothing on `%s`", m.name)
		}
	}
}
