package playbook

import (
	"errors"
	"strings"

	pyliteral "thordeploy/internal/literal"
)

// What the text of a value comes to, as Ansible has it without jinja2_native:
// a template makes text, a number too; text that reads as a list, a mapping or
// a boolean becomes one. `{{ name }}` of a variable that is a number, a boolean
// or null is that variable, and some filters make text that stays text. In
// conditions and template files nothing is converted, but for the variables
// they use.

// keptText is text that one of the filters keepsText has made. It stays text
// where a template comes to it, and is a string to everything else.
type keptText string

// keepsText are the filters whose text Ansible doesn't convert.
var keepsText = map[string]bool{
	"string": true, "to_json": true, "to_nice_json": true, "to_yaml": true, "to_nice_yaml": true,
}

// unkept is v as everything but a template's end sees it.
func unkept(v any) any {
	if s, ok := v.(keptText); ok {
		return string(s)
	}
	return v
}

// run evaluates a template to what Ansible makes of a value's text.
func (t *template) run(ev *evaluation) (any, error) { return t.guarded(ev, t.converted) }

// native evaluates a template: the expression's own type for a lone {{ }},
// otherwise text.
func (t *template) native(ev *evaluation) (any, error) { return t.guarded(ev, t.plainly) }

// guarded gives an evaluation's fault its template, and contains panics.
func (t *template) guarded(ev *evaluation, run func(*evaluation) (any, error)) (v any, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = faultAt(0, 0, "template can't be evaluated: %v", r)
		}
		var f *fault
		if errors.As(err, &f) && f.tmpl == nil {
			f.tmpl = t
		}
	}()
	return run(ev)
}

func (t *template) plainly(ev *evaluation) (any, error) {
	if t.lone == nil {
		return t.text(ev)
	}
	v, err := ev.defined(t.lone)
	if err != nil {
		return nil, err
	}
	return ev.finish(v)
}

func (t *template) text(ev *evaluation) (string, error) {
	var out strings.Builder
	mark := len(ev.locals)
	err := renderAll(ev, t.body, &out)
	ev.locals = ev.locals[:mark]
	return out.String(), err
}

func (t *template) converted(ev *evaluation) (any, error) {
	if t.single != "" {
		if v, ok := ev.scalar(t.single); ok {
			return v, nil
		}
	}
	if t.lone == nil {
		out, err := t.text(ev)
		if err != nil {
			return nil, err
		}
		return ev.literalLine(out)
	}
	v, err := ev.asIs(t.lone)
	if err != nil {
		return nil, err
	}
	switch v := v.(type) {
	case keptText:
		return v, nil
	case *undefined:
		return v.value()
	}
	if v, err = ev.finish(v); err != nil {
		return nil, err
	}
	switch v := v.(type) {
	case nil, int, float64:
		return toText(v), nil
	case string:
		return ev.literal(v)
	}
	return v, nil
}

// scalar gives a variable that is no template: a number, a boolean or null.
func (ev *evaluation) scalar(word string) (any, bool) {
	if ev.scope == nil {
		return nil, false
	}
	v, ok := ev.scope.Lookup(word)
	if !ok {
		return nil, false
	}
	if val, isValue := v.(*Value); isValue {
		if v, ok = val.Const(); !ok {
			return nil, false
		}
	}
	switch v := plain(v).(type) {
	case nil, bool, int, float64:
		return v, true
	}
	return nil, false
}

// asIs evaluates an expression that a template ends in, so that text that is to
// stay text is told from other text.
func (ev *evaluation) asIs(n node) (any, error) {
	switch n := n.(type) {
	case *name:
		return ev.variableAsIs(n.name, n.at)
	case *attribute:
		of, err := n.of.eval(ev)
		if err != nil {
			return nil, err
		}
		return ev.memberAsIs(of, n.name, n.at)
	case *item:
		of, key, err := n.operands(ev)
		if err != nil {
			return nil, err
		}
		return ev.memberAsIs(of, key, n.at)
	case *choice:
		return n.choose(ev, ev.asIs)
	case *filtered:
		return ev.filteredAsIs(n)
	}
	return n.eval(ev)
}

func (ev *evaluation) filteredAsIs(n *filtered) (any, error) {
	if (n.word == "default" || n.word == "d") && mayKeep(n.of) {
		v, err := ev.asIs(n.of)
		if kept, ok := v.(keptText); ok && err == nil && kept != "" {
			return kept, nil
		}
		if isUndefined(v) && err == nil && len(n.args.list) > 0 && mayKeep(n.args.list[0]) {
			return ev.asIs(n.args.list[0])
		}
	}
	v, err := n.eval(ev)
	if s, ok := v.(string); ok && keepsText[n.word] {
		return keptText(s), err
	}
	return v, err
}

// mayKeep reports whether an expression can come to a keptText, at no more than
// the cost of a look.
func mayKeep(n node) bool {
	switch n := n.(type) {
	case *name, *attribute:
		return true
	case *filtered:
		return keepsText[n.word]
	}
	return false
}

// literalLine is literal for text whose last line end is the template's own,
// which Jinja drops before Ansible looks at the text.
func (ev *evaluation) literalLine(text string) (any, error) {
	v, err := ev.literal(strings.TrimSuffix(text, "\n"))
	if _, isText := v.(string); isText {
		return text, err
	}
	return v, err
}

// made is what the text of a macro or a block is to the template it is in:
// converted in a value, text in a file.
func (ev *evaluation) made(text string) (any, error) {
	if ev.file != nil {
		return text, nil
	}
	return ev.literal(text)
}

// literal is literalValue, bounded by what an evaluation may cost.
func (ev *evaluation) literal(text string) (any, error) {
	if !maybeLiteral(text) {
		return text, nil
	}
	if err := ev.charge(text); err != nil {
		return nil, err
	}
	left := maxSteps - ev.steps
	most := left
	v := readLiteral(text, &left)
	return v, ev.work(most - left)
}

// literalValue is what Ansible makes of the text that a template comes to: a
// list, a mapping or a boolean where it is written like one in Python or JSON.
// It is data: names and calls in it make it text.
func literalValue(text string) any {
	if !maybeLiteral(text) {
		return text
	}
	return readLiteral(text, nil)
}

func maybeLiteral(text string) bool {
	return text == "True" || text == "False" || strings.HasPrefix(text, "{") || strings.HasPrefix(text, "[")
}

// readLiteral reads no more than *most values, where it isn't nil, and counts
// them off; it is below 0 where there were more.
func readLiteral(text string, most *int) any {
	r := pyliteral.Reader{JSON: true, Most: most, Mapping: func(keys []string, values []any) any {
		d := newDict(len(keys))
		for i, k := range keys {
			d.set(k, values[i])
		}
		return d
	}}
	if v, ok := r.Parse(text); ok {
		return v
	}
	return text
}
