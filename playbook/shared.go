package playbook

import (
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"thordeploy/action"
	"thordeploy/internal/diag"
)

// keyword reads a keyword that plays, roles, blocks and tasks share; false: it
// is none of them. `name` isn't among them, since a play's and a task's differ.
func (ld *loader) keyword(k *Keywords, f pair) bool {
	if e := k.boolean(f.name); e != nil {
		*e = ld.boolean(f)
		return true
	}
	if v := k.text(f.name); v != nil {
		*v = ld.text(f)
		return true
	}
	switch f.name {
	case "connection":
		k.Connection = ld.connection(f)
	case "port":
		k.Port = ld.port(f)
	case "throttle":
		k.Throttle = ld.count(f, "a number of hosts")
	case "timeout":
		k.Timeout = ld.count(f, "a number of seconds")
	case "vars":
		k.Vars = ld.vars(f)
	case "environment":
		k.Environment = ld.environment(f)
	case "tags":
		k.Tags = ld.tags(f)
	case "module_defaults":
		k.ModuleDefaults = ld.moduleDefaults(f)
	case "collections":
		ld.collections(f)
	case "debugger":
		ld.debugger(f)
	case ignoreWarnings:
		ld.warnIgnored(f)
	default:
		return false
	}
	return true
}

// boolean is the field of a keyword that is a boolean.
func (k *Keywords) boolean(name string) **Expr {
	switch name {
	case "become":
		return &k.Become.Enabled
	case "no_log":
		return &k.NoLog
	case "check_mode":
		return &k.Check
	case "diff":
		return &k.Diff
	case "ignore_errors":
		return &k.IgnoreErrors
	case "ignore_unreachable":
		return &k.IgnoreUnreachable
	case "any_errors_fatal":
		return &k.AnyErrorsFatal
	case "run_once":
		return &k.RunOnce
	}
	return nil
}

// text is the field of a keyword that is a string of any kind.
func (k *Keywords) text(name string) **Value {
	switch name {
	case "remote_user":
		return &k.RemoteUser
	case "become_user":
		return &k.Become.User
	case "become_method":
		return &k.Become.Method
	case "become_flags":
		return &k.Become.Flags
	case "become_exe":
		return &k.Become.Exe
	}
	return nil
}

// connections are what `connection` may say; the runner takes all but local for
// ssh.
var connections = []string{"ssh", "local", "smart", "paramiko", "paramiko_ssh"}

// connection reads how hosts are reached.
func (ld *loader) connection(f pair) *Value {
	v := ld.text(f)
	c, ok := v.Const()
	if v == nil || !ok {
		return v
	}
	name := strings.TrimPrefix(toText(c), "ansible.builtin.")
	if !slices.Contains(connections, name) {
		hint := diag.DidYouMean(name, connections)
		if hint == "" {
			hint = "ssh or local"
		}
		ld.errorf(f.value, hint, "connection `%s` isn't done here", name)
		return nil
	}
	return v
}

// port reads a TCP port.
func (ld *loader) port(f pair) *Value {
	v := ld.count(f, "a port")
	if c, ok := v.Const(); ok && v != nil {
		if n, _ := wholeNumber(c); n < 1 || n > 65535 {
			ld.errorf(f.value, "a number from 1 to 65535", "`port` must be a port: `%s`", f.value.Value)
			return nil
		}
	}
	return v
}

// words reads a list of strings, or one string with commas, whose templates
// can use what is known at load.
func (ld *loader) words(f pair) []string {
	nodes := []*yaml.Node{f.value}
	if f.value.Kind == yaml.SequenceNode {
		nodes = f.value.Content
	}
	var out []string
	for _, n := range nodes {
		if n = ld.resolve(n); n == nil || n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" {
			continue
		}
		if n.Kind != yaml.ScalarNode {
			ld.errorf(n, "", "`%s` must be words or a list of them, not %s", f.name, nodeKind(n))
			continue
		}
		known, ok := ld.static(pair{f.name, f.key, n})
		if !ok {
			continue
		}
		for _, w := range strings.Split(known, ",") {
			if w = strings.TrimSpace(w); w != "" {
				out = append(out, w)
			}
		}
	}
	return out
}

// tags reads what a task is chosen by.
func (ld *loader) tags(f pair) []string {
	return ld.words(f)
}

// static reads a string whose templates can use only what is known at load.
func (ld *loader) static(f pair) (string, bool) {
	v := ld.text(f)
	if v == nil {
		return "", false
	}
	if v.tmpl == nil {
		s, ok := v.constant.(string)
		return s, ok
	}
	known, err := v.Eval(ld.known())
	if err != nil {
		d := evalError(err, v.rng).Diagnostic
		defer ld.as(RuleTemplate)()
		ld.errorf(f.value, "this is needed before there is a host: it can use -e and the play's own `vars`", "`%s`: %s", f.name, d.Summary)
		return "", false
	}
	return toText(known), true
}

var collectionName = regexp.MustCompile(`^[A-Za-z_]\w*\.[A-Za-z_]\w*$`)

// collections reads where modules and roles are looked up. Nothing hangs on
// it: the modules are those that are here, and one that isn't is an error
// wherever it is used.
func (ld *loader) collections(f pair) {
	for _, name := range ld.words(f) {
		if !collectionName.MatchString(name) {
			ld.errorf(f.value, "a name is like ansible.builtin", "`%s` is not the name of a collection", name)
		}
	}
}

// debugger reads when Ansible would ask a person what to do. Nobody is asked
// here, so it can only say never.
func (ld *loader) debugger(f pair) {
	names := []string{"always", "never", "on_failed", "on_unreachable", "on_skipped"}
	switch s, ok := ld.static(f); {
	case !ok || s == "never":
	case slices.Contains(names, s):
		ld.errorf(f.value, "leave it out; -v shows what a task gave", "`debugger: %s` is not done: hosts don't wait for a person", s)
	default:
		ld.errorf(f.value, diag.DidYouMean(s, names), "unknown debugger `%s`", s)
	}
}

// moduleDefaults reads a mapping of modules to parameters, or a list of them.
func (ld *loader) moduleDefaults(f pair) []ModuleDefaults {
	switch f.value.Kind {
	case yaml.SequenceNode:
		var out []ModuleDefaults
		for _, n := range f.value.Content {
			if n = ld.resolve(n); n != nil {
				out = append(out, ld.moduleDefaults(pair{f.name, f.key, n})...)
			}
		}
		return out
	case yaml.MappingNode:
		leave, ok := ld.enter(f.value)
		defer leave()
		if !ok {
			return nil
		}
		var out []ModuleDefaults
		for _, m := range ld.pairs(f.value) {
			if d, ok := ld.defaultsOf(m); ok {
				out = append(out, d)
			}
		}
		return out
	case yaml.ScalarNode:
		if f.value.ShortTag() == "!!null" {
			return nil
		}
	}
	ld.errorf(f.value, "`module_defaults: {copy: {mode: \"0600\"}}`", "`%s` must be a mapping of modules to parameters, not %s", f.name, nodeKind(f.value))
	return nil
}

// defaultsOf reads the parameters of one module in module_defaults. What
// Ansible has besides (a module or group that isn't here) can't be used by any
// task.
func (ld *loader) defaultsOf(m pair) (ModuleDefaults, bool) {
	spec, known := action.Lookup(m.name)
	if !known {
		defer ld.as(RuleModule)()
		ld.warnf(m.key, diag.DidYouMean(plainModule(m.name), action.Names()), "defaults for `%s` do nothing: there is no such module here", m.name)
		return ModuleDefaults{}, false
	}
	if m.value.Kind != yaml.MappingNode {
		ld.errorf(m.value, "", "the defaults of `%s` must be a mapping of parameters, not %s", m.name, nodeKind(m.value))
		return ModuleDefaults{}, false
	}
	defer ld.as(RuleParameter)()
	t := &Task{Spec: spec, Args: make(map[string]*Value)}
	ld.take(t, ld.mapping(spec, m.value), nil)
	if ld.defaulted[spec] == nil {
		ld.defaulted[spec] = make(map[string]bool)
	}
	for name := range t.Args {
		ld.defaulted[spec][name] = true
	}
	return ModuleDefaults{Spec: spec, Args: t.Args}, true
}
