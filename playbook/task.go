package playbook

import (
	"slices"

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

// task reads a task or a block.
func (ld *loader) task(n *yaml.Node) *Task {
	leave, ok := ld.enter(n)
	defer leave()
	if !ok {
		return nil
	}
	t := &Task{LoopVar: "item", Range: ld.src.rangeOf(n), Order: ld.order}
	ld.order++
	fields := ld.pairs(n)
	if slices.ContainsFunc(fields, func(f pair) bool { return f.name == "block" }) {
		ld.block(t, fields)
		return t
	}
	var module *pair
	var rest []pair
	for _, f := range fields {
		switch {
		case f.name == "args":
		case slices.Contains(taskKeywords, f.name):
			ld.taskField(t, f)
		case !isModule(f.name):
			rest = append(rest, f)
		case module != nil:
			ld.errorf(f.key, "split it into two tasks", "the task has two modules: `%s` and `%s`", module.name, f.name)
		default:
			module = &f
		}
	}
	rest = ld.strays(t, rest, module != nil)
	switch {
	case module != nil:
		ld.module(t, *module, fields)
	case len(fields) < len(n.Content)/2: // what is wrong with the others is said
	case len(fields) == 0:
		ld.errorf(n, "a task looks like `- command: uptime`", "the task is empty")
	case len(rest) == 0:
		ld.errorf(n, "a task looks like `- command: uptime`", "the task has no module")
	}
	return t
}

func isModule(name string) bool {
	_, ok := action.Lookup(name)
	return ok
}

// strays reports the keys of a task that are neither keyword nor module. It
// returns those that the user may have meant as the module.
func (ld *loader) strays(t *Task, list []pair, hasModule bool) []pair {
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
			if f.name == "action" || f.name == "local_action" {
				meant = append(meant, f)
			}
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
	case "loop":
		t.Loop = ld.loop(f)
	case "loop_control":
		ld.loopControl(t, f)
	case ignoreWarnings:
		ld.warnIgnored(f)
	default:
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
	case "ignore_errors":
		t.IgnoreErrors = ld.boolean(f)
	case "vars":
		t.Vars = ld.vars(f)
	case "environment":
		t.Environment = ld.environment(f)
	case "remote_user":
		t.RemoteUser = ld.text(f)
	case "connection":
		t.Connection = ld.connection(f)
	case "no_log":
		t.NoLog = ld.boolean(f)
	case "check_mode":
		t.Check = ld.boolean(f)
	case "timeout":
		t.Timeout = ld.timeout(f)
	default:
		return ld.becomeField(&t.Become, f)
	}
	return true
}

// block reads a block with its rescue and always.
func (ld *loader) block(t *Task, fields []pair) {
	for _, f := range fields {
		switch f.name {
		case "block":
			t.Block = ld.tasks(f)
			if t.Block == nil {
				t.Block = []*Task{}
			}
		case "rescue":
			t.Rescue = ld.tasks(f)
		case "always":
			t.Always = ld.tasks(f)
		case ignoreWarnings:
			ld.warnIgnored(f)
		default:
			if !ld.sharedField(t, f) {
				ld.strayOfBlock(f)
			}
		}
	}
	if len(t.Block) == 0 {
		ld.warnf(fields[0].key, "", "the block has no tasks")
	}
}

func (ld *loader) strayOfBlock(f pair) {
	if isModule(f.name) {
		ld.errorf(f.key, "put it into the list below `block`", "a block can't have a module (`%s`)", f.name)
		return
	}
	if slices.Contains(taskKeywords, f.name) {
		ld.errorf(f.key, "put it on the tasks of the block", "keyword `%s` can't stand on a block", f.name)
		return
	}
	ld.unknownKeyword(f, "block", blockKeywords, blockLater)
}

// loop reads a list, or a template that gives one.
func (ld *loader) loop(f pair) *Value {
	v := ld.value(f.value)
	c, ok := v.Const()
	if _, isList := c.([]any); ok && !isList {
		if f.value.Kind == yaml.ScalarNode && identifier.MatchString(f.value.Value) {
			ld.errorf(f.value, "for a variable write: loop: \"{{ "+f.value.Value+" }}\"", "`loop` needs a list, not %s", nodeKind(f.value))
			return nil
		}
		ld.errorf(f.value, "", "`loop` needs a list, not %s", nodeKind(f.value))
		return nil
	}
	if v.values != nil {
		ld.errorf(f.value, "use `| dict2items`", "`loop` needs a list, not a mapping")
		return nil
	}
	return v
}

var (
	loopKeywords = []string{"loop_var", "label"}
	loopLater    = []string{"index_var", "pause", "extended", "extended_allitems"}
)

func (ld *loader) loopControl(t *Task, f pair) {
	if f.value.Kind != yaml.MappingNode {
		ld.errorf(f.value, "", "`loop_control` must be a mapping, not %s", nodeKind(f.value))
		return
	}
	for _, c := range ld.pairs(f.value) {
		switch c.name {
		case "loop_var":
			if s := ld.variableName(c); s != "" {
				t.LoopVar = s
			}
		case "label":
			t.LoopLabel = ld.value(c.value)
		default:
			ld.unknownKeyword(c, "loop_control", loopKeywords, loopLater)
		}
	}
}

// timeout reads a number of seconds.
func (ld *loader) timeout(f pair) *Value {
	if f.value.Kind != yaml.ScalarNode {
		ld.errorf(f.value, "", "`timeout` must be a number of seconds, not %s", nodeKind(f.value))
		return nil
	}
	v := ld.scalar(f.value)
	c, ok := v.Const()
	if !ok || c == nil {
		return v
	}
	if n, whole := wholeNumber(c); !whole || n < 0 {
		ld.errorf(f.value, "", "`timeout` must be a number of seconds: `%s`", f.value.Value)
		return nil
	}
	return v
}
