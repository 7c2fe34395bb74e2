package playbook

import (
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"thordeploy/action"
	"thordeploy/internal/diag"
)

// tasks reads a list of tasks and blocks.
func (ld *loader) tasks(f pair) []*Task {
	if f.value.Kind == yaml.ScalarNode && f.value.ShortTag() == "!!null" {
		return nil
	}
	if f.value.Kind != yaml.SequenceNode {
		ld.errorf(f.value, "begin each task with `- `", "`%s` must be a list of tasks, not %s", f.name, nodeKind(f.value))
		return nil
	}
	leave, ok := ld.enter(f.value)
	defer leave()
	if !ok {
		return nil
	}
	var out []*Task
	for _, n := range f.value.Content {
		if n = ld.resolve(n); n == nil {
			continue
		}
		if n.Kind != yaml.MappingNode {
			ld.errorf(n, ld.taskHint(n), "a task must be a mapping with a module, not %s", nodeKind(n))
			continue
		}
		if t := ld.task(n); t != nil {
			out = append(out, t)
		}
	}
	return out
}

func (ld *loader) taskHint(n *yaml.Node) string {
	if n.Kind == yaml.ScalarNode && noSpace.MatchString(n.Value) {
		return "a space is missing after the colon"
	}
	return "a task looks like `- command: uptime`"
}

// handlers reads tasks that wait to be notified.
func (ld *loader) handlers(f pair) []*Task {
	before := ld.handling
	ld.handling = true
	defer func() { ld.handling = before }()
	return ld.tasks(f)
}

// task reads a task or a block.
func (ld *loader) task(n *yaml.Node) *Task {
	leave, ok := ld.enter(n)
	defer leave()
	if !ok {
		return nil
	}
	t := &Task{LoopVar: "item", Range: ld.src.rangeOf(n), Dir: ld.dir}
	fields := inOrder(ld.pairs(n), "vars", "module_defaults")
	if slices.ContainsFunc(fields, func(f pair) bool { return f.name == "block" }) {
		ld.block(t, fields)
		return t
	}
	var module *use
	var rest []pair
	for _, f := range fields {
		switch {
		case f.name == "args":
		case f.name == "vars":
			t.Vars = ld.vars(f)
			defer ld.within(t.Vars)()
		case isModule(f.name), f.name == "action", f.name == "local_action":
			if module != nil {
				ld.errorf(f.key, "split it into two tasks", "the task has two modules: `%s` and `%s`", module.key.Value, f.name)
				continue
			}
			module = ld.use(f)
		case isTaskKeyword(f.name):
			ld.taskField(t, f)
		default:
			rest = append(rest, f)
		}
	}
	rest = ld.strays(rest, module != nil)
	switch {
	case module != nil:
		ld.call(t, *module, fields)
	case len(fields) < len(n.Content)/2: // what is wrong with the others is said
	case len(fields) == 0:
		ld.errorf(n, "a task looks like `- command: uptime`", "the task is empty")
	case len(rest) == 0:
		ld.errorf(n, "a task looks like `- command: uptime`", "the task has no module")
	}
	return t
}

// call reads a task's module, when its keywords are read.
func (ld *loader) call(t *Task, m use, fields []pair) {
	if m.key.Value == "local_action" {
		t.DelegateTo = &Value{rng: ld.src.rangeOf(m.key), text: "localhost", constant: "localhost"}
	}
	if m.name == "" {
		return
	}
	ld.module(t, m, fields)
	switch t.Spec.Name {
	case "include_tasks", "include_role":
		ld.include(t, m, fields)
	case "import_tasks":
		ld.importTasks(t, m, fields)
	case "import_role":
		ld.importRole(t, m, fields)
	}
}

func isModule(name string) bool {
	_, ok := action.Lookup(name)
	return ok
}

// strays reports the keys of a task that are neither keyword nor module. It
// returns those that the user may have meant as the module.
func (ld *loader) strays(list []pair, hasModule bool) []pair {
	defer ld.as(RuleModule)()
	var meant []pair
	for _, f := range list {
		word := plainModule(f.name)
		modules := append(slices.Clone(action.Names()), modulesLater...)
		nearest := diag.Nearest(word, append(slices.Clone(modules), taskKeywords...))
		switch {
		case f.name == "rescue" || f.name == "always":
			ld.errorf(f.key, "put the tasks that may fail into `block`", "`%s` needs a `block`", f.name)
			meant = append(meant, f)
		case slices.Contains(taskLater, f.name):
			ld.unknownKeyword(f, "task", taskKeywords, taskLater)
		case slices.Contains(modulesLater, word):
			ld.errorf(f.key, laterHints[word], "module `%s` is not supported yet", f.name)
			meant = append(meant, f)
		case !hasModule && slices.Contains(modules, nearest) || nearest == "" && !hasModule && len(meant) == 0:
			ld.errorf(f.key, diag.DidYouMean(word, action.Names()), "unknown module `%s`", f.name)
			meant = append(meant, f)
		default:
			ld.unknownKeyword(f, "task", taskKeywords, taskLater)
		}
	}
	return meant
}

// taskField reads one keyword of a task; its module and args come after.
func (ld *loader) taskField(t *Task, f pair) {
	switch f.name {
	case "register":
		t.Register = ld.variableName(f)
	case "changed_when":
		t.ChangedWhen = ld.conditions(f)
	case "failed_when":
		t.FailedWhen = ld.conditions(f)
	case "until":
		t.Until = ld.conditions(f)
	case "retries":
		t.Retries = ld.count(f, "a number of tries")
	case "delay":
		t.Delay = ld.seconds(f)
	case "async":
		t.Async = ld.count(f, "a number of seconds")
	case "poll":
		t.Poll = ld.count(f, "a number of seconds")
	case "listen":
		t.Listen = ld.listen(f)
	case "loop_control":
		ld.loopControl(t, f)
	default:
		if f.name == "loop" || strings.HasPrefix(f.name, "with_") {
			ld.loopField(t, f)
			return
		}
		ld.sharedField(t, f)
	}
}

// sharedField reads the keywords that tasks and blocks share.
func (ld *loader) sharedField(t *Task, f pair) bool {
	switch f.name {
	case "name":
		t.Name = ld.text(f)
	case "when":
		t.When = ld.conditions(f)
	case "delegate_to":
		t.DelegateTo = ld.text(f)
	case "delegate_facts":
		t.DelegateFacts = ld.boolean(f)
	case "notify":
		t.Notify = ld.notify(f)
	default:
		return ld.keyword(&t.Keywords, f)
	}
	return true
}

// notify reads the names of handlers, or what they listen to.
func (ld *loader) notify(f pair) []*Value {
	nodes := []*yaml.Node{f.value}
	if f.value.Kind == yaml.SequenceNode {
		nodes = f.value.Content
	}
	var out []*Value
	for _, n := range nodes {
		if n = ld.resolve(n); n != nil {
			if v := ld.text(pair{f.name, f.key, n}); v != nil {
				out = append(out, v)
			}
		}
	}
	return out
}

// listen reads what a handler listens to besides its name.
func (ld *loader) listen(f pair) []string {
	if !ld.handling {
		defer ld.as(RuleKeyword)()
		ld.errorf(f.key, "put the task below `handlers`, or write `notify`", "keyword `listen` belongs to a handler")
		return nil
	}
	var out []string
	for _, v := range ld.notify(f) {
		if v.tmpl != nil {
			ld.errorf(f.value, "", "`listen` can't hold a template")
			continue
		}
		out = append(out, v.text)
	}
	return out
}

// block reads a block with its rescue and always, its keywords before its
// tasks.
func (ld *loader) block(t *Task, fields []pair) {
	var sections []pair
	for _, f := range fields {
		switch f.name {
		case "block", "rescue", "always":
			sections = append(sections, f)
		case "vars":
			t.Vars = ld.vars(f)
			defer ld.within(t.Vars)()
		default:
			if !ld.sharedField(t, f) {
				ld.strayOfBlock(f)
			}
		}
	}
	if ld.handling {
		ld.errorf(fields[0].key, "write its tasks as handlers, each with its `when`", "a block can't be a handler")
	}
	around := ld.around
	defer func() { ld.around = around }()
	ld.around = append(slices.Clip(around), t)
	for _, f := range sections {
		switch f.name {
		case "block":
			t.Block = ld.tasks(f)
		case "rescue":
			t.Rescue = ld.tasks(f)
		case "always":
			t.Always = ld.tasks(f)
		}
	}
	if len(t.Block) == 0 {
		t.Block = []*Task{}
		ld.warnf(fields[0].key, "", "the block has no tasks")
	}
}

func (ld *loader) strayOfBlock(f pair) {
	if isModule(f.name) {
		ld.errorf(f.key, "put it into the list below `block`", "a block can't have a module (`%s`)", f.name)
		return
	}
	if isTaskKeyword(f.name) {
		ld.errorf(f.key, "put it on the tasks of the block", "keyword `%s` can't stand on a block", f.name)
		return
	}
	ld.unknownKeyword(f, "block", blockKeywords, nil)
}
