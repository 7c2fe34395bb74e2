package playbook

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Bounds of one evaluation, so that no playbook and nothing a host sent can
// eat the controller's memory or time.
const (
	maxOutput = 64 << 20 // bytes of text made, over all variables it needs
	maxSteps  = 1 << 20  // loop rounds, list items and operations
	maxVars   = 64       // variables that need each other, in a row
)

// evaluation is one run of a template against a scope. It belongs to one
// goroutine.
type evaluation struct {
	scope        Scope
	locals       []local // what for and set define, innermost last
	level        int     // scopes around: at 0, what is defined is the file's own
	depth        int     // loops, macros and files inside each other
	file         *module // what the template file defines at its top; nil: not a file
	home         *template
	files        []*template // that include each other
	loaded       map[string]*template
	load         func(name string) (text, file string, err error)
	templates    *Templates // compiles what load gives; set where load is
	busy         []busyVar
	known        map[*Value]any // variables already evaluated
	bytes, steps int
	filters      map[string]filter // for map('upper') and its like
	tests        map[string]test
}

// busyVar is a variable that is being evaluated. A scope may make a new Value
// at each look-up, so the name counts too; a value inside a variable has none.
type busyVar struct {
	name  string
	value *Value
}

type local struct {
	name  string
	value any
}

// undefined stands for a variable, attribute or item that isn't there. Only
// what asks for it (default, `is defined`) may meet one.
type undefined struct {
	fault *fault
	blank bool // prints as nothing: an `if` without its `else`
}

func newEvaluation(sc Scope) *evaluation {
	return &evaluation{scope: sc, filters: filters, tests: tests}
}

// spend counts bytes of text that are about to be made.
func (ev *evaluation) spend(n int) error {
	if n < 0 || n > maxOutput-ev.bytes {
		return faultAt(0, 0, "template makes more than %d MiB of text", maxOutput>>20)
	}
	ev.bytes += n
	return ev.step()
}

// step counts work.
func (ev *evaluation) step() error { return ev.work(1) }

// work counts n items that are about to be made or walked.
func (ev *evaluation) work(n int) error {
	if n < 0 || n > maxSteps-ev.steps {
		return faultAt(0, 0, "template takes more than %d steps", maxSteps)
	}
	ev.steps += n
	return nil
}

// nodesPerStep is how many items, or times 64 bytes of text, cost as much as one
// step.
const nodesPerStep = 16

// charge counts what an operation may walk: values can be large, and can hold
// one list many times over.
func (ev *evaluation) charge(values ...any) error {
	n, most := 0, (maxSteps-ev.steps+1)*nodesPerStep
	for _, v := range values {
		n = walked(v, n, most)
	}
	return ev.work(n / nodesPerStep)
}

// walked adds v's items to n, all the way down, until there are more than most.
func walked(v any, n, most int) int {
	n++
	switch v := v.(type) {
	case string:
		n += len(v) / 64
	case []any:
		for i := 0; i < len(v) && n <= most; i++ {
			n = walked(v[i], n, most)
		}
	case map[string]any:
		return walkedMap(v, n, most)
	case *dict:
		if v.from != nil {
			return n + v.size() // its values are made one by one, as they are used
		}
		return walkedMap(v.m, n, most)
	}
	return n
}

func walkedMap(m map[string]any, n, most int) int {
	for _, item := range m {
		if n = walked(item, n, most); n > most {
			break
		}
	}
	return n
}

// place gives an error of an operation its place.
func (ev *evaluation) place(err error, a at) error { return ev.placeIn(err, a, "") }

func (ev *evaluation) placeIn(err error, a at, prefix string) error {
	if err == nil {
		return nil
	}
	var f *fault
	if !errors.As(err, &f) {
		return faultAt(a.pos, a.end, "%s%s", prefix, err)
	}
	if f.tmpl == nil && f.end == 0 {
		f.pos, f.end = a.pos, a.end
	}
	return f
}

// defined evaluates an expression whose value has to be there.
func (ev *evaluation) defined(n node) (any, error) {
	v, err := n.eval(ev)
	if err != nil {
		return nil, err
	}
	if u, ok := v.(*undefined); ok {
		return u.value()
	}
	return v, nil
}

// value is what using it as a value gives: a fault, but for a blank.
func (u *undefined) value() (any, error) {
	if u.blank {
		return "", nil
	}
	return nil, u.fault
}

func (ev *evaluation) input(n node, lenient bool) (any, error) {
	var v any
	var err error
	if lenient {
		v, err = n.eval(ev)
	} else {
		v, err = ev.defined(n)
	}
	return plain(v), err
}

// arguments are a call's evaluated arguments, by place and by name.
type arguments struct {
	list   []any
	named  map[string]any
	order  []string // of named
	params []string
}

func (ev *evaluation) args(a callArgs, params []string, lenient bool) (arguments, error) {
	out := arguments{params: params}
	for _, n := range a.list {
		v, err := ev.input(n, lenient)
		if err != nil {
			return out, err
		}
		out.list = append(out.list, v)
	}
	for i, n := range a.named {
		v, err := ev.input(n, lenient)
		if err != nil {
			return out, err
		}
		if out.named == nil {
			out.named = make(map[string]any, len(a.named))
		}
		if _, twice := out.named[a.keys[i]]; !twice {
			out.order = append(out.order, a.keys[i])
		}
		out.named[a.keys[i]] = v
	}
	return out, ev.chargeArgs(out)
}

func (ev *evaluation) chargeArgs(a arguments) error {
	for _, v := range a.named {
		if err := ev.charge(v); err != nil {
			return err
		}
	}
	return ev.charge(a.list...)
}

// get gives the parameter at place i, written by place or by name.
func (a arguments) get(i int) (any, bool) {
	if i < len(a.list) {
		return a.list[i], true
	}
	if i < len(a.params) {
		v, ok := a.named[strings.TrimRight(a.params[i], "?*")]
		return v, ok
	}
	return nil, false
}

// text, number and flag give the parameter at place i or its default.
func (a arguments) text(i int, def string) string {
	if v, ok := a.get(i); ok {
		return toText(v)
	}
	return def
}

func (a arguments) number(i, def int) (int, error) {
	v, ok := a.get(i)
	if !ok || v == nil {
		return def, nil
	}
	if n, ok := wholeNumber(v); ok {
		return n, nil
	}
	return 0, fmt.Errorf("a whole number is needed, not %s", kindOf(v))
}

func (a arguments) flag(i int, def bool) bool {
	if v, ok := a.get(i); ok {
		return truth(v)
	}
	return def
}

// variable looks a name up: what the template defined, then the scope.
func (ev *evaluation) variable(word string, a at) (any, error) {
	v, err := ev.variableAsIs(word, a)
	return unkept(v), err
}

func (ev *evaluation) variableAsIs(word string, a at) (any, error) {
	for _, l := range slices.Backward(ev.locals) {
		if l.name == word {
			return l.value, nil
		}
	}
	if ev.file != nil {
		if v, ok := ev.file.values[word]; ok {
			return v, nil
		}
	}
	if ev.scope != nil {
		if v, ok := ev.scope.Lookup(word); ok {
			return ev.variableValue(word, v, a)
		}
	}
	if word == "omit" {
		return Omitted{}, nil
	}
	f := faultAt(a.pos, a.end, "variable `%s` is undefined", word)
	f.undefined = word
	f.suggest = ev.suggestion(word)
	return &undefined{fault: f}, nil
}

// maxScopes bounds how deep loops and macros may be inside each other when they
// run.
const maxScopes = 200

// enter opens a scope of loop, macro or with: what is defined in it is gone
// after leave.
func (ev *evaluation) enter() (leave func(), err error) {
	if ev.depth >= maxScopes {
		return nil, faultAt(0, 0, "loops and macros are more than %d deep inside each other", maxScopes)
	}
	mark := len(ev.locals)
	ev.level++
	ev.depth++
	return func() {
		ev.level--
		ev.depth--
		ev.locals = ev.locals[:mark]
	}, nil
}

// define makes a variable in the innermost scope.
func (ev *evaluation) define(name string, v any) {
	if ev.level == 0 && ev.file != nil {
		ev.file.values[name] = v
		return
	}
	ev.locals = append(ev.locals, local{name, v})
}

// suggestion makes the hint for an undefined variable, when somebody wants to
// read it: most are asked for by default() and `is defined`.
func (ev *evaluation) suggestion(word string) func() string {
	scope, locals := ev.scope, slices.Clone(ev.locals)
	return func() string {
		var names []string
		if scope != nil {
			names = scope.Names()
		}
		for _, l := range locals {
			names = append(names, l.name)
		}
		if h := didYouMean(word, names); h != "" {
			return h
		}
		return "define it in vars, in the inventory or with -e, or give it a value with `| default(…)`"
	}
}

// variableValue evaluates a variable that holds templates itself. One that
// fails for want of another variable is undefined in turn, so that default()
// works on it.
func (ev *evaluation) variableValue(word string, v any, a at) (any, error) {
	val, ok := v.(*Value)
	if !ok {
		if kept, ok := v.(keptText); ok {
			return kept, nil
		}
		return plain(v), nil
	}
	if _, ok := val.Const(); ok {
		return val.inside(), nil
	}
	if out, ok := ev.known[val]; ok {
		return out, nil
	}
	if chain := ev.cycle(word, val); chain != "" {
		return nil, faultAt(a.pos, a.end, "variable `%s` needs itself (%s)", word, chain)
	}
	if len(ev.busy) >= maxVars {
		return nil, faultAt(a.pos, a.end, "more than %d variables need each other", maxVars)
	}
	ev.busy = append(ev.busy, busyVar{word, val})
	locals, file, scope := ev.locals, ev.file, ev.scope
	ev.locals, ev.file = nil, nil // a variable doesn't see what the template that uses it defines
	if val.scope != nil {
		ev.scope = val.scope
	}
	out, err := val.run(ev)
	ev.locals, ev.file, ev.scope = locals, file, scope
	ev.busy = ev.busy[:len(ev.busy)-1]
	var f *fault
	if errors.As(err, &f) && f.undefined != "" {
		return &undefined{fault: f}, nil
	}
	if err != nil {
		return nil, err
	}
	if ev.known == nil {
		ev.known = make(map[*Value]any)
	}
	ev.known[val] = out
	return out, nil
}

// cycle names the variables that lead from one back to itself, if it is being
// evaluated already.
func (ev *evaluation) cycle(word string, val *Value) string {
	i := slices.IndexFunc(ev.busy, func(b busyVar) bool { return b.value == val || word != "" && b.name == word })
	if i < 0 {
		return ""
	}
	var names []string
	for _, b := range ev.busy[i:] {
		names = append(names, b.name)
	}
	return strings.Join(append(names, word), " -> ")
}

// member gives v.key or v[key].
func (ev *evaluation) member(v, key any, a at) (any, error) {
	out, err := ev.memberAsIs(v, key, a)
	return unkept(out), err
}

func (ev *evaluation) memberAsIs(v, key any, a at) (any, error) {
	if u, ok := v.(*undefined); ok {
		return u, nil // as Ansible: undefined.anything is undefined
	}
	if s, ok := v.(string); ok {
		if err := ev.charge(s); err != nil {
			return nil, err
		}
	}
	out, ok, err := memberOf(v, key)
	if err != nil {
		return nil, faultAt(a.pos, a.end, "%s", err)
	}
	if ok {
		return ev.forceAsIs(out, a)
	}
	f := faultAt(a.pos, a.end, "%s has no `%s`", kindOf(v), toText(key))
	f.undefined = toText(key)
	if m, ok := plain(v).(*dict); ok {
		f.suggest = func() string { return didYouMean(toText(key), m.order()) }
	}
	return &undefined{fault: f}, nil
}

// force evaluates a *Value that sits inside a variable.
func (ev *evaluation) force(v any, a at) (any, error) {
	out, err := ev.forceAsIs(v, a)
	return unkept(out), err
}

func (ev *evaluation) forceAsIs(v any, a at) (any, error) {
	switch v := v.(type) {
	case *Value:
		return ev.variableValue("", v, a)
	case keptText:
		return v, nil
	}
	return plain(v), nil
}

// finish makes a result that may leave the evaluation: nothing undefined in
// it, values inside it evaluated, omitted entries gone.
func (ev *evaluation) finish(v any) (any, error) {
	switch v := plain(v).(type) {
	case *undefined:
		return v.value()
	case *Value:
		out, err := ev.force(v, at{})
		if err != nil {
			return nil, err
		}
		return ev.finish(out)
	case []any:
		return ev.finishList(v)
	case *dict:
		return ev.finishMap(v)
	case moment:
		return v.text(), nil
	case span:
		return v.text(), nil
	default:
		return v, nil
	}
}

func (ev *evaluation) finishList(list []any) (any, error) {
	if err := ev.work(len(list)); err != nil {
		return nil, err
	}
	out := make([]any, 0, len(list))
	for _, item := range list {
		item, err := ev.finish(item)
		if err != nil {
			return nil, err
		}
		if _, omitted := item.(Omitted); !omitted {
			out = append(out, item)
		}
	}
	return out, nil
}

func (ev *evaluation) finishMap(m *dict) (any, error) {
	if err := ev.work(m.size()); err != nil {
		return nil, err
	}
	out := newDict(m.size())
	for _, k := range m.order() {
		item, err := ev.finish(m.at(k))
		if err != nil {
			return nil, err
		}
		if _, omitted := item.(Omitted); !omitted {
			out.set(k, item)
		}
	}
	return out, nil
}
