package playbook

import (
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"thordeploy/action"
	"thordeploy/internal/diag"
)

// use is a module as a task names it: as a key, or in action or local_action.
type use struct {
	pair              // name is the module's, value what it is given
	base   int        // where key=value text begins in value
	more   []given    // what `action: {module: …}` has besides
	around *yaml.Node // that mapping
}

// use reads the key that names a task's module. Where it names none that is
// here, its name is empty, and that is reported.
func (ld *loader) use(f pair) *use {
	m := &use{pair: f}
	if isModule(f.name) {
		return m
	}
	m.name = ""
	switch f.value.Kind {
	case yaml.ScalarNode:
		ld.actionText(m, f)
	case yaml.MappingNode:
		ld.actionMapping(m, f)
	default:
		ld.errorf(f.value, "`"+f.name+": command uptime`", "`%s` must be a module with its parameters, not %s", f.name, nodeKind(f.value))
	}
	return m
}

// actionText reads `action: copy src=a dest=b`: the module's name and the text
// of its parameters.
func (ld *loader) actionText(m *use, f pair) {
	text := strings.TrimLeft(f.value.Value, " \t\r\n")
	end := strings.IndexAny(text, " \t\r\n")
	if end < 0 {
		end = len(text)
	}
	name := text[:end]
	m.value = f.value
	m.base = len(f.value.Value) - len(strings.TrimLeft(text[end:], " \t\r\n"))
	if text[end:] == "" {
		m.value = &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Line: f.value.Line, Column: f.value.Column}
		m.base = 0
	}
	m.name = ld.actionName(f.value, name)
}

// actionMapping reads `action: {module: copy, src: a, dest: b}`.
func (ld *loader) actionMapping(m *use, f pair) {
	leave, ok := ld.enter(f.value)
	defer leave()
	if !ok {
		return
	}
	fields := ld.pairs(f.value)
	at := slices.IndexFunc(fields, func(p pair) bool { return p.name == "module" })
	if at < 0 || fields[at].value.Kind != yaml.ScalarNode {
		ld.errorf(f.value, "`"+f.name+": {module: command, cmd: uptime}`", "`%s` must name its `module`", f.name)
		return
	}
	ld.actionText(m, fields[at])
	m.around = f.value
	if spec, ok := action.Lookup(m.name); ok {
		m.more = ld.givens(spec, slices.Delete(slices.Clone(fields), at, at+1))
	}
}

// actionName checks the name of a module that stands in a value.
func (ld *loader) actionName(n *yaml.Node, name string) string {
	defer ld.as(RuleModule)()
	switch {
	case isModule(name):
		return name
	case hasTemplate(name):
		ld.errorf(n, "write one task a module, each with its `when`", "the name of a module can't hold a template")
	case name == "":
		ld.errorf(n, "", "no module is named")
	case slices.Contains(modulesLater, plainModule(name)):
		ld.errorf(n, laterHints[plainModule(name)], "module `%s` is not supported yet", name)
	default:
		ld.errorf(n, diag.DidYouMean(plainModule(name), action.Names()), "unknown module `%s`", name)
	}
	return ""
}
