package playbook

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"thordeploy/internal/diag"
)

// includeKey is one include with what it brings there.
type includeKey struct {
	task *Task
	name string
	from RoleFiles
}

// included is what an include brings.
type included struct {
	tasks    []*Task
	handlers []*Task // of roles among them
	file     string  // of an include_tasks
	stamp    stamp   // of that file
	err      error
}

// IncludeTasks reads what an include_tasks brings: path is its evaluated
// `file`, looked up as Ansible does (in the tasks/ of the role that the task
// stands in, beside the file it stands in, beside the playbook). All hosts
// share what was read, so its tasks have the same Order on each. handlers are
// those of roles that are imported there, blocks as in [Play.Handlers]. The
// error draws every problem, or says which places were looked at. It is safe
// for concurrent use.
func (pb *Playbook) IncludeTasks(t *Task, path string) (tasks, handlers []*Task, err error) {
	in := pb.bring(includeKey{task: t, name: path})
	return in.tasks, in.handlers, in.err
}

// IncludeRole reads the role that an include_role brings, with its
// dependencies before it, as IncludeTasks does. The block has the role's own in
// it, with Role set; handlers are blocks as in [Play.Handlers], what stands
// around the include being around them already. from are tasks_from,
// vars_from, defaults_from and handlers_from; empty: main.
func (pb *Playbook) IncludeRole(t *Task, name string, from RoleFiles) (block *Task, handlers []*Task, err error) {
	in := pb.bring(includeKey{t, name, from})
	if in.err != nil {
		return nil, nil, in.err
	}
	return in.tasks[0], in.handlers, nil
}

// RoleFiles name the files of a role that are read instead of main.yml.
type RoleFiles struct{ Tasks, Vars, Defaults, Handlers string }

// bring reads an include that a host has come to, once for all.
func (pb *Playbook) bring(key includeKey) *included {
	pb.mu.Lock()
	defer pb.mu.Unlock()
	ld := pb.loader
	if in, ok := ld.included[key]; ok && ld.stampOf(in.file) == in.stamp {
		return in
	}
	if key.task.Include == nil || key.task.Include.at.src == nil {
		return &included{err: fmt.Errorf("%s: this is no include", key.task.Range)}
	}
	ld.renew()
	in := ld.bring(key)
	key.task.Include.at.play.numberBrought()
	if in.err = ld.list.Err(); in.err == nil {
		return in
	}
	in.tasks, in.handlers = nil, nil
	if in.file == "" { // it may be there the next time
		delete(ld.included, key)
	}
	return in
}

// renew forgets the problems of what was read before, which were told.
func (ld *loader) renew() {
	ld.running, ld.nodes, ld.bytes = true, 0, 0
	ld.list, ld.said, ld.stopped = diag.List{}, make(map[diag.Diagnostic]bool), false
}

// bring reads what an include brings. What is wrong is in ld.list afterwards.
func (ld *loader) bring(key includeKey) *included {
	t := key.task
	in := &included{}
	ld.included[key] = in
	before := ld.place
	defer func() { ld.place = before }()
	ld.place = t.Include.at
	ld.toHandlers = &in.handlers
	ld.open, ld.chain = nil, nil // a file may come back to itself: each host decides
	ld.depth++
	if ld.depth > maxChain {
		ld.errorf(t.Include.node, "look at the `when` that ends this", "includes are nested deeper than %d", maxChain)
		return in
	}
	ld.play.brought = append(ld.play.brought, in)
	if t.Spec.Name == "include_role" {
		ld.bringRole(in, key)
		return in
	}
	places := ld.includePlaces(key.name)
	path, ok := ld.firstFile(places)
	if !ok {
		ld.missing(diag.Error, t.Include.node, key.name+" is not there", places)
		return in
	}
	in.file, in.stamp = path, ld.stampOf(path)
	in.tasks = ld.tasksOf(t.Include.node, path, false)
	return in
}

// includePlaces are where an include's file is looked up: in a role, its
// tasks/ come before the folder of the file that has the include.
func (ld *loader) includePlaces(name string) []string {
	places := ld.taskPlaces(name)
	if ld.role == nil || len(places) < 2 {
		return places
	}
	sub := "tasks"
	if ld.handling {
		sub = "handlers"
	}
	return unique(append([]string{filepath.Join(ld.role.Dir, sub, name)}, places...))
}

func (ld *loader) bringRole(in *included, key includeKey) {
	t := key.task
	use := ld.needOf(t, key.name, key.from)
	if b := ld.callRole(use, &Task{Range: t.Range}, &in.handlers); b != nil {
		in.tasks = []*Task{b}
	}
}

// needOf is the use of a role by import_role or include_role.
func (ld *loader) needOf(t *Task, name string, from RoleFiles) need {
	return need{
		name: name, node: t.node, around: Task{Keywords: Keywords{Vars: t.Vars}}, from: from, static: true,
		again: ld.argFlag(t.Args["allow_duplicates"], true), check: ld.argFlag(t.Args["rolespec_validate"], true),
	}
}

// argFlag is a boolean parameter as far as it is known now.
func (ld *loader) argFlag(v *Value, otherwise bool) bool {
	x, err := v.Eval(ld.known())
	if v == nil || err != nil {
		return otherwise
	}
	b, ok := wordTruth(toText(x))
	if !ok {
		return otherwise
	}
	return b
}

// roleFiles are the *_from parameters; ok is false where one isn't known yet.
func (ld *loader) roleFiles(t *Task) (from RoleFiles, ok bool) {
	for name, to := range map[string]*string{
		"tasks_from": &from.Tasks, "vars_from": &from.Vars, "defaults_from": &from.Defaults, "handlers_from": &from.Handlers,
	} {
		v := t.Args[name]
		if v == nil {
			continue
		}
		x, err := v.Eval(ld.known())
		if err != nil {
			return from, false
		}
		*to = filepath.Base(toText(x))
	}
	return from, true
}

// ahead reads what an include brings while the playbook is loaded, if its file
// is plainly written, so that what is wrong in it comes before a host is
// touched.
func (ld *loader) ahead(t *Task) {
	name := t.Args["file"]
	if t.Spec.Name == "include_role" {
		name = t.Args["name"]
	}
	c, ok := name.Const()
	from, known := ld.roleFiles(t)
	if !ok || c == nil || !known || ld.play == nil || ld.running || t.hasTemplates() {
		return
	}
	key := includeKey{t, toText(c), from}
	places := ld.includePlaces(key.name)
	if t.Spec.Name == "include_role" {
		places = ld.rolePlaces(key.name)
	}
	for _, p := range places {
		step := t.Spec.Name + " " + p + " " + from.Tasks
		if !ld.isFile(p) && (t.Spec.Name != "include_role" || !ld.isDir(p)) {
			continue
		}
		if slices.Contains(ld.reading, step) {
			ld.again = append(ld.again, t)
			return
		}
		ld.reading = append(ld.reading, step)
		ld.bring(key)
		ld.reading = ld.reading[:len(ld.reading)-1]
		return
	}
	what := key.name
	if t.Spec.Name == "include_role" {
		what = "role `" + what + "`"
	}
	ld.missing(diag.Warning, t.Include.node, what+" is not there", places)
}

// hasTemplates reports an include of a role whose files hang on the host.
func (t *Task) hasTemplates() bool {
	for name, v := range t.Args {
		if _, ok := v.Const(); !ok && strings.HasSuffix(name, "_from") {
			return true
		}
	}
	return false
}

// LookUp finds the file that path names: absolute, or in sub ("vars") of one
// of dirs or in that itself, the first that is there. dirs are the folders of
// the role, of the task's file and of the play, as far as there are these. The
// error says which places were looked at. It is safe for concurrent use.
func (pb *Playbook) LookUp(sub, path string, dirs ...string) (string, error) {
	ld := pb.loader
	places := placesIn(sub, path, dirs)
	for _, p := range places {
		if _, err := ld.stat(p); err == nil {
			return p, nil
		} else if !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("%s: %w", ld.shown(p), reason(err))
		}
	}
	return "", fmt.Errorf("%s is not there: looked for %s: %w", path, strings.Join(places, ", "), fs.ErrNotExist)
}

func placesIn(sub, path string, dirs []string) []string {
	if filepath.IsAbs(path) {
		return []string{filepath.Clean(path)}
	}
	var places []string
	for _, dir := range dirs {
		if dir != "" {
			places = append(places, filepath.Join(dir, sub, path), filepath.Join(dir, path))
		}
	}
	return unique(places)
}
