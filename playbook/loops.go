package playbook

import (
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"thordeploy/internal/diag"
)

// withLookups are the lookups whose terms `with_NAME` takes as a task's loop:
// all of them.
func withLookups() []string { return keysOf(lookups()) }

// loopField reads `loop` or `with_` and a lookup.
func (ld *loader) loopField(t *Task, f pair) {
	if t.Loop != nil {
		ld.errorf(f.key, "split it into two tasks, or nest the lists with `product`", "the task has two loops")
		return
	}
	name, with := strings.CutPrefix(f.name, "with_")
	switch {
	case !with:
		t.Loop = ld.loop(f)
	case slices.Contains(withLookups(), name):
		t.Loop, t.With = ld.terms(f, name), name
	default:
		defer ld.as(RuleKeyword)()
		if hint := lookupsNotDone[name]; hint != "" {
			ld.errorf(f.key, hint, "`%s` is not supported: there is no lookup `%s` here", f.name, name)
			return
		}
		ld.errorf(f.key, diag.DidYouMean(name, withLookups()), "`%s` is not supported: there is no lookup `%s` here", f.name, name)
	}
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

// termKinds say what a lookup's terms must be where that is not a template;
// the others take whatever they are given.
var termKinds = map[string]struct {
	kinds []yaml.Kind
	want  string
}{
	"dict":        {[]yaml.Kind{yaml.MappingNode}, "a mapping"},
	"nested":      {[]yaml.Kind{yaml.SequenceNode}, "a list of lists"},
	"cartesian":   {[]yaml.Kind{yaml.SequenceNode}, "a list of lists"},
	"together":    {[]yaml.Kind{yaml.SequenceNode}, "a list of lists"},
	"subelements": {[]yaml.Kind{yaml.SequenceNode}, "a list of a list and a key"},
}

// terms reads what a lookup is given.
func (ld *loader) terms(f pair, lookup string) *Value {
	v := ld.value(f.value)
	c, ok := v.Const()
	if ok && c == nil {
		ld.errorf(f.value, "", "`%s` is empty", f.name)
		return nil
	}
	if need, any := termKinds[lookup]; any && v.tmpl == nil && !slices.Contains(need.kinds, f.value.Kind) {
		hint := ""
		if f.value.Kind == yaml.ScalarNode && identifier.MatchString(f.value.Value) {
			hint = "for a variable write: " + f.name + ": \"{{ " + f.value.Value + " }}\""
		}
		ld.errorf(f.value, hint, "`%s` needs %s, not %s", f.name, need.want, nodeKind(f.value))
		return nil
	}
	return v
}

// loopControl reads how a loop is run and shown.
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
		case "index_var":
			t.LoopIndex = ld.variableName(c)
		case "label":
			t.LoopLabel = ld.value(c.value)
		case "pause":
			t.LoopPause = ld.seconds(c)
		case "extended":
			t.LoopExtended = ld.boolean(c)
		case "extended_allitems":
			t.LoopAllItems = ld.boolean(c)
		default:
			ld.unknownKeyword(c, "loop_control", loopKeywords, loopLater)
		}
	}
}
