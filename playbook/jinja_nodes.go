package playbook

import (
	"sort"
	"strings"

	"github.com/nikolalohinski/gonja/v2/tokens"

	"thordeploy/internal/diag"
)

// node is an expression of a template.
type node interface {
	// eval may give an *undefined: whoever uses a value that must be there
	// asks evaluation.defined instead.
	eval(ev *evaluation) (any, error)
	span() (pos, end int)
}

// at is a node's place in the template's text, in bytes.
type at struct{ pos, end int }

func (a at) span() (int, int) { return a.pos, a.end }

// callArgs are the arguments of a filter, test, method or function.
type callArgs struct {
	list  []node
	keys  []string
	named []node
}

// check holds the arguments against the names of the parameters: "name?" may
// be left out, "names*" takes any number.
func (a callArgs) check(kind, word string, params []string, span at) error {
	needed, most := 0, len(params)
	for _, p := range params {
		switch {
		case strings.HasSuffix(p, "*"):
			most = len(a.list)
		case !strings.HasSuffix(p, "?"):
			needed++
		}
	}
	if len(a.list) > most {
		return faultAt(span.pos, span.end, "%s `%s` takes at most %d arguments, not %d", kind, word, most, len(a.list))
	}
	if len(a.list)+len(a.keys) < needed {
		return faultAt(span.pos, span.end, "%s `%s` needs `%s`", kind, word, params[len(a.list)+len(a.keys)])
	}
	for i, k := range a.keys {
		found := false
		for _, p := range params {
			found = found || strings.TrimRight(p, "?*") == k
		}
		if !found {
			pos, _ := a.named[i].span()
			var names []string
			for _, p := range params {
				names = append(names, strings.TrimRight(p, "?*"))
			}
			return faultAt(pos, pos+1, "%s `%s` has no argument `%s`", kind, word, k).withHint(didYouMean(k, names))
		}
	}
	return nil
}

type constant struct {
	at
	value any
}

func (n *constant) eval(*evaluation) (any, error) { return n.value, nil }

type name struct {
	at
	name string
}

func (n *name) eval(ev *evaluation) (any, error) { return ev.variable(n.name, n.at) }

type listNode struct {
	at
	items []node
}

func (n *listNode) eval(ev *evaluation) (any, error) {
	list := make([]any, 0, len(n.items))
	for _, i := range n.items {
		v, err := i.eval(ev)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, ev.step()
}

type dictNode struct {
	at
	keys, values []node
}

func (n *dictNode) eval(ev *evaluation) (any, error) {
	m := newDict(len(n.keys))
	for i := range n.keys {
		k, err := ev.defined(n.keys[i])
		if err != nil {
			return nil, err
		}
		v, err := n.values[i].eval(ev)
		if err != nil {
			return nil, err
		}
		if err := ev.charge(k); err != nil {
			return nil, err
		}
		m.set(toText(k), v)
	}
	return m, ev.step()
}

type attribute struct {
	at
	of   node
	name string
}

func (n *attribute) eval(ev *evaluation) (any, error) {
	v, err := n.of.eval(ev)
	if err != nil {
		return nil, err
	}
	return ev.member(v, n.name, n.at)
}

type item struct {
	at
	of, key node
}

func (n *item) eval(ev *evaluation) (any, error) {
	v, k, err := n.operands(ev)
	if err != nil {
		return nil, err
	}
	return ev.member(v, k, n.at)
}

func (n *item) operands(ev *evaluation) (of, key any, err error) {
	if of, err = n.of.eval(ev); err == nil {
		key, err = ev.defined(n.key)
	}
	return of, key, err
}

type slice struct {
	at
	of    node
	parts [3]node
}

func (n *slice) eval(ev *evaluation) (any, error) {
	v, err := ev.defined(n.of)
	if err != nil {
		return nil, err
	}
	var parts [3]*int
	for i, p := range n.parts {
		if p == nil {
			continue
		}
		k, err := ev.defined(p)
		if err != nil {
			return nil, err
		}
		num, ok := k.(int)
		if !ok && k != nil {
			return nil, faultAt(n.pos, n.end, "a slice needs whole numbers, not %s", kindOf(k))
		}
		if ok {
			parts[i] = &num
		}
	}
	if err := ev.charge(v); err != nil {
		return nil, err
	}
	out, err := sliced(v, parts)
	if err != nil {
		return nil, faultAt(n.pos, n.end, "%s", err)
	}
	return out, ev.step()
}

type choice struct {
	at
	then, cond, other node
}

func (n *choice) eval(ev *evaluation) (any, error) {
	return n.choose(ev, func(n node) (any, error) { return n.eval(ev) })
}

func (n *choice) choose(ev *evaluation, eval func(node) (any, error)) (any, error) {
	c, err := ev.defined(n.cond)
	if err != nil {
		return nil, err
	}
	if truth(c) {
		return eval(n.then)
	}
	if n.other == nil {
		return &undefined{faultAt(n.pos, n.end, "the condition is false and there is no `else`"), true}, nil
	}
	return eval(n.other)
}

type logic struct {
	at
	or          bool
	left, right node
}

func (n *logic) eval(ev *evaluation) (any, error) {
	v, err := ev.defined(n.left)
	if err != nil || truth(v) == n.or {
		return v, err
	}
	return n.right.eval(ev)
}

type negation struct {
	at
	of  node
	odd bool
}

func (n *negation) eval(ev *evaluation) (any, error) {
	v, err := ev.defined(n.of)
	if err != nil {
		return nil, err
	}
	return truth(v) != n.odd, nil
}

type signed struct {
	at
	of       node
	negative bool
}

func (n *signed) eval(ev *evaluation) (any, error) {
	v, err := ev.defined(n.of)
	if err != nil {
		return nil, err
	}
	out, err := signOf(v, n.negative)
	if err != nil {
		return nil, faultAt(n.pos, n.end, "%s", err)
	}
	return out, nil
}

type binary struct {
	at
	op          tokens.Type
	left, right node
}

func (n *binary) eval(ev *evaluation) (any, error) {
	l, err := ev.defined(n.left)
	if err != nil {
		return nil, err
	}
	r, err := ev.defined(n.right)
	if err != nil {
		return nil, err
	}
	if err := ev.charge(l, r); err != nil {
		return nil, err
	}
	v, err := operate(ev, n.op, l, r)
	return v, ev.place(err, n.at)
}

// comparison is a chain: a < b <= c compares each pair.
type comparison struct {
	at
	first node
	ops   []string
	rest  []node
}

func (n *comparison) eval(ev *evaluation) (any, error) {
	left, err := ev.defined(n.first)
	if err != nil {
		return nil, err
	}
	for i, op := range n.ops {
		right, err := ev.defined(n.rest[i])
		if err != nil {
			return nil, err
		}
		if err := ev.charge(left, right); err != nil {
			return nil, err
		}
		ok, err := compare(op, left, right)
		if err != nil {
			return nil, faultAt(n.pos, n.end, "%s", err)
		}
		if !ok {
			return false, nil
		}
		left = right
	}
	return true, ev.step()
}

type filtered struct {
	at
	of   node
	word string
	filter
	args callArgs
}

func (n *filtered) eval(ev *evaluation) (any, error) {
	in, err := ev.input(n.of, n.lenient)
	if err != nil {
		return nil, err
	}
	args, err := ev.args(n.args, n.params, n.lenient)
	if err != nil {
		return nil, err
	}
	if err := ev.charge(in); err != nil {
		return nil, err
	}
	v, err := n.apply(ev, in, args)
	if u, ok := v.(*undefined); ok && u.fault.end == 0 {
		u.fault.pos, u.fault.end = n.pos, n.end
	}
	return v, ev.placeIn(err, n.at, "filter `"+n.word+"`: ")
}

type tested struct {
	at
	of   node
	word string
	test
	args    callArgs
	negated bool
}

func (n *tested) eval(ev *evaluation) (any, error) {
	in, err := ev.input(n.of, n.lenient)
	if err != nil {
		return nil, err
	}
	args, err := ev.args(n.args, n.params, false)
	if err != nil {
		return nil, err
	}
	if err := ev.charge(in); err != nil {
		return nil, err
	}
	ok, err := n.holds(ev, in, args)
	return ok != n.negated, ev.placeIn(err, n.at, "test `"+n.word+"`: ")
}

type method struct {
	at
	of   node
	name string
	run  methodFunc
	args callArgs
}

func (n *method) eval(ev *evaluation) (any, error) {
	in, err := ev.defined(n.of)
	if err != nil {
		return nil, err
	}
	args, err := ev.args(n.args, nil, false)
	if err != nil {
		return nil, err
	}
	if err := ev.charge(in); err != nil {
		return nil, err
	}
	v, err := n.run(ev, in, args)
	return v, ev.placeIn(err, n.at, "method `"+n.name+"`: ")
}

type function struct {
	at
	name string
	run  functionFunc
	args callArgs
}

func (n *function) eval(ev *evaluation) (any, error) {
	args, err := ev.args(n.args, nil, false)
	if err != nil {
		return nil, err
	}
	v, err := n.run(ev, args)
	return v, ev.placeIn(err, n.at, "function `"+n.name+"`: ")
}

// keysOf lists a table's names, sorted.
func keysOf[V any](m map[string]V) []string {
	list := make([]string, 0, len(m))
	for k := range m {
		list = append(list, k)
	}
	sort.Strings(list)
	return list
}

func didYouMean(word string, names []string) string { return diag.DidYouMean(word, names) }
