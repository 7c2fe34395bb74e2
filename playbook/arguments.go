package playbook

import (
	"strings"

	"thordeploy/action"
)

// EvalFor is Eval for a module's parameter p, nil for set_fact's variables: a
// list or a mapping given where a text is wanted becomes the text that Ansible
// makes of it, Python's spelling or JSON, its keys in their order. What
// set_fact is given remembers whether it is to stay text (`| to_json`) when a
// template uses it.
func (v *Value) EvalFor(p *action.Param, sc Scope) (any, error) {
	if v == nil {
		return nil, nil
	}
	ev := newEvaluation(sc)
	out, err := v.run(ev)
	if err == nil && p != nil {
		out, err = ev.argument(out, p)
	}
	if err != nil {
		return nil, v.evalError(err)
	}
	if kept, ok := out.(keptText); ok && p == nil {
		return kept, nil
	}
	return outside(out), nil
}

func (ev *evaluation) argument(v any, p *action.Param) (any, error) {
	if list, ok := v.([]any); ok && p.Type == action.List {
		out := make([]any, len(list))
		for i, item := range list {
			var err error
			if out[i], err = ev.written(item, false); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	if p.JSON || p.Type == action.String || p.Type == action.Path {
		return ev.written(v, p.JSON)
	}
	return v, nil
}

// written is a list or a mapping as text; anything else stays what it is.
func (ev *evaluation) written(v any, asJSON bool) (any, error) {
	switch v := plain(v).(type) {
	case []any, *dict:
		if asJSON {
			return writeJSON(ev, v, 0, false)
		}
		if err := ev.charge(v); err != nil {
			return nil, err
		}
		var b strings.Builder
		repr(&b, v)
		return b.String(), ev.spend(b.Len())
	default:
		return v, nil
	}
}

// Text is a value as {{ }} prints it: null is empty, a boolean is True or False.
func Text(v any) string { return toText(v) }

// Unmarked is a variable's value for those who aren't templates: without the
// mark of a text that stays one.
func Unmarked(v any) any { return unkept(v) }
