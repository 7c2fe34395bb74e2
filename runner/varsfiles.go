package runner

import (
	"maps"

	"thordeploy/action"
	"thordeploy/playbook"
)

// readVarsFiles reads the play's vars_files where their names differ by host.
// Each is seen by those after it.
func (h *hostRun) readVarsFiles(f *frame) fate {
	for _, file := range h.plan.files {
		vars := file.Vars
		var err error
		if !file.Fixed {
			vars, err = h.firstVarsFile(file, h.scope(f, nil))
		}
		if err != nil {
			o := h.evalFailed("vars_files", err)
			o.place = file.Range.String()
			return h.report(h.factsTask(), inside{f: f}, o, now())
		}
		h.files = h.files.with(vars)
	}
	return fine
}

// firstVarsFile reads the first path of an entry that is there.
func (h *hostRun) firstVarsFile(file playbook.VarsFile, sc *scope) ([]playbook.Var, error) {
	var missing error
	for _, v := range file.Paths {
		name, err := text(v, sc)
		if err != nil {
			return nil, err
		}
		path, err := h.pb.LookUp("vars", name, h.dir())
		if err == nil {
			return h.pb.ReadVars(path)
		}
		missing = err
	}
	return nil, missing
}

// includeVars is ansible.builtin.include_vars.
func (h *hostRun) includeVars(_ *playbook.Task, sc *scope, args action.Args) outcome {
	files, err := h.varsFilesOf(sc, args)
	if err != nil {
		files = nil
	}
	vars := layer{}
	read := []any{}
	for _, file := range files {
		var list []playbook.Var
		if list, err = h.pb.ReadVars(file); err != nil {
			break
		}
		next := layer(nil).with(list)
		if args.Str("hash_behaviour") == "merge" {
			next = merged(vars, next)
		}
		maps.Copy(vars, next)
		read = append(read, file)
	}
	if err != nil {
		o := notRead(err)
		o.value("ansible_included_var_files", read)
		return o
	}
	if name := args.Str("name"); name != "" {
		m := make(map[string]any, len(vars))
		maps.Copy(m, vars)
		vars = layer{name: m}
	}
	if args.Str("hash_behaviour") == "merge" {
		vars = merged(h.known(sc, vars), vars)
	}
	h.mem.include(vars)
	return outcome{Result: action.Result{Values: map[string]any{"ansible_included_var_files": read, "ansible_facts": plainVars(vars, sc)}}}
}

// known is what vars' names are now, evaluated.
func (h *hostRun) known(sc *scope, vars layer) layer {
	out := layer{}
	for name := range vars {
		if v, ok := sc.layered(name); ok {
			out[name] = evaluated(v, sc)
		}
	}
	return out
}

func evaluated(v any, sc *scope) any {
	t, ok := v.(*playbook.Value)
	if !ok {
		return v
	}
	if x, err := t.Eval(sc); err == nil {
		return x
	}
	return v
}

// plainVars is vars without templates, for a registered result.
func plainVars(vars layer, sc *scope) map[string]any {
	out := make(map[string]any, len(vars))
	for name, v := range vars {
		switch v := evaluated(v, sc).(type) {
		case *playbook.Value:
			out[name] = v.Text()
		default:
			out[name] = v
		}
	}
	return out
}

// merged is add with the mappings that old has under the same names merged into
// it, all the way down.
func merged(old, add layer) layer {
	out := make(layer, len(add))
	for name, v := range add {
		out[name] = mergeInto(old[name], v)
	}
	return out
}

func mergeInto(old, add any) any {
	a, ok := constantMap(old)
	b, both := constantMap(add)
	if !ok || !both {
		return add
	}
	out := maps.Clone(a)
	for k, v := range b {
		out[k] = mergeInto(out[k], v)
	}
	return out
}

func constantMap(v any) (map[string]any, bool) {
	if t, ok := v.(*playbook.Value); ok {
		c, constant := t.Const()
		if !constant {
			return nil, false
		}
		v = c
	}
	m, ok := v.(map[string]any)
	return m, ok
}

// varsFilesOf are the files that an include_vars reads.
func (h *hostRun) varsFilesOf(sc *scope, args action.Args) ([]string, error) {
	name := firstText(args.Str("file"), args.Str("dir"))
	path, err := h.pb.LookUp("vars", name, sc.searchPath()...)
	if err != nil || args.Str("file") != "" {
		return []string{path}, err
	}
	return action.VarsFiles(path, action.VarsFolder{
		Depth: args.Int("depth"), Extensions: args.List("extensions"), Match: args.Str("files_matching"),
		Ignore: args.List("ignore_files"), LeaveOthers: args.Bool("ignore_unknown_extensions"),
	})
}
