package playbook

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"thordeploy/internal/diag"
)

// Value is a YAML value whose strings may hold templates, compiled at load.
// It is safe for concurrent use.
type Value struct {
	rng      diag.Range
	text     string    // a scalar as written, for titles
	constant any       // where nothing of the below is set
	ordered  any       // constant, where mappings in it have an order to keep
	tmpl     *template // a string with templates
	list     []*Value  // a list with templates somewhere in it
	keys     []string  // a mapping with templates somewhere in it
	values   []*Value
	scope    Scope // where it is evaluated, whoever asks; nil: where it is asked for
}

// Bound is v as it is in sc, wherever it is asked for: a variable of another
// host, which doesn't see the variables of the one that looks at it.
func (v *Value) Bound(sc Scope) *Value {
	bound := *v
	bound.scope = sc
	return &bound
}

// Eval gives the value for a scope, with YAML's own types (nil, bool, int,
// float64, string, []any, map[string]any). A string that is one `{{ expr }}`
// and nothing else keeps the expression's type, in the key=value form too, as
// in Ansible. The caller must not change the result. The error is an
// *EvalError.
func (v *Value) Eval(sc Scope) (any, error) {
	if v == nil {
		return nil, nil
	}
	if c, ok := v.Const(); ok {
		return c, nil
	}
	out, err := v.run(newEvaluation(sc))
	if err != nil {
		return nil, v.evalError(err)
	}
	return outside(out), nil
}

// Const gives the value if no template is in it.
func (v *Value) Const() (any, bool) {
	if v == nil {
		return nil, true
	}
	return v.constant, v.tmpl == nil && v.list == nil && v.values == nil
}

// Range is the value's place.
func (v *Value) Range() diag.Range {
	if v == nil {
		return diag.Range{}
	}
	return v.rng
}

// written is the value as it is written, to tell whether two are alike.
func (v *Value) written() string {
	var b strings.Builder
	switch {
	case v == nil:
	case v.tmpl != nil:
		b.WriteString(v.text)
	case v.list != nil:
		for _, item := range v.list {
			fmt.Fprintf(&b, "[%q]", item.written())
		}
	case v.values != nil:
		for i, item := range v.values {
			fmt.Fprintf(&b, "{%q: %q}", v.keys[i], item.written())
		}
	default:
		fmt.Fprintf(&b, "%T %v", v.constant, v.constant)
	}
	return b.String()
}

func (v *Value) run(ev *evaluation) (any, error) {
	switch {
	case v.tmpl != nil:
		return v.tmpl.run(ev)
	case v.list != nil:
		list := make([]any, 0, len(v.list))
		for _, item := range v.list {
			out, err := item.run(ev)
			if err != nil {
				return nil, err
			}
			if _, omitted := out.(Omitted); !omitted {
				list = append(list, out)
			}
		}
		return list, ev.work(len(list))
	case v.values != nil:
		m := newDict(len(v.values))
		for i, item := range v.values {
			out, err := item.run(ev)
			if err != nil {
				return nil, err
			}
			if _, omitted := out.(Omitted); !omitted {
				m.set(v.keys[i], out)
			}
		}
		return m, ev.work(m.size())
	}
	return v.inside(), nil
}

// inside is a constant as templates see it.
func (v *Value) inside() any {
	if v.ordered != nil {
		return v.ordered
	}
	return plain(v.constant)
}

// evalError gives an evaluation's fault the place of the template it is in.
func (v *Value) evalError(err error) *EvalError { return evalError(err, v.rng) }

func evalError(err error, whole diag.Range) *EvalError {
	var f *fault
	if !errors.As(err, &f) {
		return &EvalError{Diagnostic: diag.Diagnostic{Range: whole, Summary: err.Error()}}
	}
	if f.suggest != nil {
		f.hint = f.suggest()
	}
	if f.tmpl == nil {
		return &EvalError{Diagnostic: diag.Diagnostic{Range: whole, Summary: f.summary, Hint: f.hint}, Undefined: f.undefined}
	}
	return &EvalError{Diagnostic: f.tmpl.origin.diagnostic(f), Undefined: f.undefined}
}

// Literal is x as a Value: no text in it is taken for a template.
func Literal(x any) *Value { return &Value{text: toText(x), constant: plain(x)} }

// NewValue compiles a plain Go value (from an inventory, -e), whose strings
// may hold templates. Never give it what a host sent: such values go into a
// scope as they are. The error is a *diag.Diagnostic with the place r.
func NewValue(x any, r diag.Range) (*Value, error) {
	v, err := newValue(x, r, 0)
	var f *fault
	if errors.As(err, &f) {
		return nil, &diag.Diagnostic{Range: r, Summary: f.summary, Hint: f.hint}
	}
	return v, err
}

func newValue(x any, r diag.Range, depth int) (*Value, error) {
	if depth > maxNesting {
		return nil, faultAt(0, 0, "value is nested deeper than %d", maxNesting)
	}
	switch x := plain(x).(type) {
	case *Value:
		return x, nil
	case string:
		v := &Value{rng: r, text: x, constant: x}
		if !hasTemplate(x) {
			return v, nil
		}
		var err error
		if v.tmpl, err = compileTemplate(x, origin{rng: r}); err != nil {
			return nil, fmt.Errorf("%q: %w", x, err)
		}
		return v, nil
	case []any:
		list := make([]*Value, len(x))
		for i := range x {
			var err error
			if list[i], err = newValue(x[i], r, depth+1); err != nil {
				return nil, err
			}
		}
		return listValue(list, r), nil
	case *dict:
		keys := x.order()
		values := make([]*Value, len(keys))
		for i, k := range keys {
			var err error
			if values[i], err = newValue(x.at(k), r, depth+1); err != nil {
				return nil, err
			}
		}
		return mapValue(keys, values, r), nil
	default:
		return &Value{rng: r, text: toText(x), constant: x}, nil
	}
}

// listValue makes a list of values, constant where they all are.
func listValue(list []*Value, r diag.Range) *Value {
	plainList := make([]any, len(list))
	for i, item := range list {
		c, ok := item.Const()
		if !ok {
			return &Value{rng: r, list: list}
		}
		plainList[i] = c
	}
	v := &Value{rng: r, constant: plainList}
	if slices.ContainsFunc(list, func(item *Value) bool { return item.ordered != nil }) {
		ordered := make([]any, len(list))
		for i, item := range list {
			ordered[i] = item.inside()
		}
		v.ordered = ordered
	}
	return v
}

// mapValue makes a mapping of values, constant where they all are.
func mapValue(keys []string, values []*Value, r diag.Range) *Value {
	m := make(map[string]any, len(keys))
	for i, item := range values {
		c, ok := item.Const()
		if !ok {
			return &Value{rng: r, keys: keys, values: values}
		}
		m[keys[i]] = c
	}
	d := &dict{m: m, keys: keys}
	if slices.ContainsFunc(values, func(item *Value) bool { return item.ordered != nil }) {
		d.m = make(map[string]any, len(keys))
		for i, item := range values {
			d.m[keys[i]] = item.inside()
		}
	}
	return &Value{rng: r, constant: m, ordered: d}
}
