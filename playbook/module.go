package playbook

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"thordeploy/action"
	"thordeploy/internal/diag"
)

// given is one parameter as a task gives it.
type given struct {
	name  string     // as written
	at    *yaml.Node // where to point at when the name is wrong
	value *Value
}

// plainModule strips the collections whose modules live here.
func plainModule(name string) string {
	for _, c := range []string{"ansible.builtin.", "ansible.legacy.", "ansible.posix."} {
		name = strings.TrimPrefix(name, c)
	}
	return name
}

// module reads a task's module with its parameters, from the module's own
// value and from args.
func (ld *loader) module(t *Task, m use, fields []pair) {
	defer ld.as(RuleParameter)()
	t.Spec, _ = action.Lookup(m.name)
	t.Module = m.name
	t.ModuleRange = ld.src.rangeOf(m.key)
	t.Args = make(map[string]*Value)
	before := len(ld.list.Errors())
	own := ld.own(t.Spec, m)
	for _, f := range fields {
		if f.name == "args" {
			ld.take(t, ld.extra(f), own)
		}
	}
	ld.take(t, own, nil)
	if len(ld.list.Errors()) == before {
		ld.complete(t, m)
	}
}

// own reads the parameters of the module's own value.
func (ld *loader) own(spec *action.Spec, m use) []given {
	switch m.value.Kind {
	case yaml.MappingNode:
		return ld.mapping(spec, m.value)
	case yaml.SequenceNode:
		ld.errorf(m.value, "", "the parameters of `%s` must be a mapping or text, not a list", m.name)
		return nil
	}
	if tag := m.value.ShortTag(); tag == "!!null" {
		return m.more
	} else if tag != "!!str" && spec.FreeForm == "" {
		ld.errorf(m.value, "", "the parameters of `%s` must be a mapping or key=value text, not %s", m.name, nodeKind(m.value))
		return nil
	}
	return append(ld.inline(spec, m), m.more...)
}

// mapping reads parameters written as a mapping.
func (ld *loader) mapping(spec *action.Spec, n *yaml.Node) []given {
	leave, ok := ld.enter(n)
	defer leave()
	if !ok {
		return nil
	}
	return ld.givens(spec, ld.pairs(n))
}

func (ld *loader) givens(spec *action.Spec, fields []pair) []given {
	var out []given
	for _, p := range fields {
		v := ld.value(p.value)
		if param, ok := spec.Param(p.name); ok && param.Type == action.Mode {
			octal(v, p.value)
		}
		out = append(out, given{p.name, p.key, v})
	}
	return out
}

var octalNumber = regexp.MustCompile(`^0[oO]?([0-7]*)$`)

// octal lets a mode written as YAML's octal number (0755, 0o755) reach the
// module as the text it was meant as. A number without the 0 stays one, and is
// refused by the parameter's check.
func octal(v *Value, n *yaml.Node) {
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!int" {
		return
	}
	if m := octalNumber.FindStringSubmatch(n.Value); m != nil {
		v.constant = "0" + m[1]
	}
}

// extra reads the args keyword.
func (ld *loader) extra(f pair) []given {
	if f.value.Kind == yaml.MappingNode {
		var out []given
		for _, p := range ld.pairs(f.value) {
			v := ld.value(p.value)
			octal(v, p.value)
			out = append(out, given{p.name, p.key, v})
		}
		return out
	}
	if f.value.Kind == yaml.ScalarNode && f.value.ShortTag() == "!!null" {
		return nil
	}
	ld.errorf(f.value, "", "`args` must be a mapping of parameters, not %s", nodeKind(f.value))
	return nil
}

// take checks parameters and puts them under their canonical names. Those of
// winners, which come later, aren't said to be given twice.
func (ld *loader) take(t *Task, list, winners []given) {
	written := make(map[string]string)
	for _, g := range list {
		name := g.name
		p, ok := t.Spec.Param(g.name)
		switch {
		case ok:
			name = p.Name
		case g.name == ignoreWarnings:
			ld.warnIgnored(pair{g.name, g.at, nil})
			continue
		case !t.Spec.AnyParam:
			ld.unknownParam(t.Spec, g)
			continue
		case !ld.isVariable(g.at, g.name):
			continue
		}
		if other, twice := written[name]; twice {
			ld.errorf(g.at, "leave one of them out", "parameter `%s` means the same as `%s`, which is given too", g.name, other)
			continue
		}
		written[name] = g.name
		if slices.ContainsFunc(winners, func(w given) bool { q, ok := t.Spec.Param(w.name); return ok && q.Name == name }) {
			continue
		}
		if ok {
			ld.checkParam(p, g)
		}
		t.Args[name] = g.value
	}
}

func (ld *loader) unknownParam(spec *action.Spec, g given) {
	var names []string
	for _, p := range spec.Params {
		names = append(append(names, p.Name), p.Aliases...)
	}
	hint := diag.DidYouMean(g.name, names)
	if hint == "" && isTaskKeyword(g.name) {
		hint = "this is a keyword of the task: write it two spaces further out"
	}
	ld.errorf(g.at, hint, "unknown parameter `%s` of module `%s`", g.name, spec.Name)
}

// checkParam holds a constant against its parameter's type.
func (ld *loader) checkParam(p *action.Param, g given) {
	v, ok := g.value.Const()
	if !ok {
		return
	}
	err := p.Check(v)
	if n, ok := v.(int); err == nil && ok && p.Type == action.Mode {
		// 493 may be meant as 0755 where a template gives it, but not where
		// it is written.
		err = &action.ParamError{Param: g.name, Reason: fmt.Sprintf("must be a mode, not the decimal number %d", n), Hint: `write it as a quoted string: "0755"`}
	}
	var wrong *action.ParamError
	if !errors.As(err, &wrong) {
		return
	}
	r := g.value.Range()
	ld.report(diag.Diagnostic{Range: r, Summary: wrong.Error(), Hint: wrong.Hint, Source: ld.src.line(r.Line)})
}

// complete checks what the parameters must be together.
func (ld *loader) complete(t *Task, m use) {
	is := func(name string) bool {
		v, ok := t.Args[name]
		if !ok {
			return ld.defaulted[t.Spec][name]
		}
		c, isConst := v.Const()
		return !isConst || c != nil
	}
	for _, p := range t.Spec.Params {
		if p.Required && !is(p.Name) {
			ld.errorf(m.key, p.Doc, "module `%s` needs the parameter `%s`", m.name, p.Name)
		}
	}
	for _, set := range t.Spec.OneOf {
		if !slices.ContainsFunc(set, is) {
			ld.errorf(m.key, "", "module `%s` needs one of the parameters `%s`", m.name, strings.Join(set, "`, `"))
		}
	}
	for _, set := range t.Spec.Exclusive {
		var both []string
		for _, name := range set {
			if is(name) {
				both = append(both, name)
			}
		}
		if len(both) > 1 {
			ld.errorf(m.key, "give one of them", "parameters `%s` of module `%s` exclude each other", strings.Join(both, "` and `"), m.name)
		}
	}
}
