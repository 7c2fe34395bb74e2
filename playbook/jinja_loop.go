package playbook

import (
	"fmt"
	"reflect"
	"strings"
)

// callable is a value that a template may call: a macro, loop.cycle.
type callable interface {
	call(ev *evaluation, a arguments) (any, error)
}

// loopState is the variable `loop` for item i. previtem and nextitem are
// missing where there is none.
func loopState(items []any, i, depth int) map[string]any {
	n := len(items)
	state := map[string]any{
		"index": i + 1, "index0": i, "revindex": n - i, "revindex0": n - i - 1,
		"first": i == 0, "last": i == n-1, "length": n, "depth": depth, "depth0": depth - 1,
	}
	if i > 0 {
		state["previtem"] = items[i-1]
	}
	if i < n-1 {
		state["nextitem"] = items[i+1]
	}
	return state
}

// cycling is loop.cycle(…) in the round that it counts.
type cycling int

func (c cycling) call(_ *evaluation, a arguments) (any, error) {
	if len(a.list) == 0 {
		return nil, fmt.Errorf("loop.cycle needs values to take turns")
	}
	return a.list[int(c)%len(a.list)], nil
}

// loopMemory is loop.changed(…): whether its arguments are others than at its
// last call.
type loopMemory struct {
	last []any
	some bool
}

func (m *loopMemory) call(_ *evaluation, a arguments) (any, error) {
	changed := !m.some || !reflect.DeepEqual(m.last, a.list)
	m.last, m.some = a.list, true
	return changed, nil
}

// recursion is the variable `loop` of a recursive loop, which can be called
// for the items below.
type recursion struct {
	state map[string]any
	loop  *loop
	depth int
}

func (r *recursion) call(ev *evaluation, a arguments) (any, error) {
	if len(a.list) != 1 {
		return nil, fmt.Errorf("loop takes the one list to go through")
	}
	var out strings.Builder
	err := r.loop.through(ev, a.list[0], &out, r.depth+1)
	return out.String(), err
}

// assignment is {% set name = expr %}, with several names, or with an
// attribute of a namespace.
type assignment struct {
	located
	names []string
	of    string // the namespace whose attribute names[0] is
	expr  node
}

func (s *assignment) render(ev *evaluation, _ *strings.Builder) error {
	v, err := s.expr.eval(ev)
	if err != nil {
		return err
	}
	if s.of != "" {
		return s.setAttribute(ev, v)
	}
	if len(s.names) == 1 {
		ev.define(s.names[0], v)
		return ev.step()
	}
	parts, err := elements(v)
	if err != nil || len(parts) != len(s.names) {
		pos, end := s.expr.span()
		return faultAt(pos, end, "can't unpack %s into %d names", kindOf(v), len(s.names))
	}
	for i, n := range s.names {
		ev.define(n, parts[i])
	}
	return ev.step()
}

func (s *assignment) setAttribute(ev *evaluation, v any) error {
	here := at{s.at.Pos, s.at.Pos + len(s.of)}
	of, err := ev.variable(s.of, here)
	if err != nil {
		return err
	}
	ns, ok := of.(*namespace)
	if !ok {
		return faultAt(here.pos, here.end, "only a namespace() has attributes that can be set").withHint("{% set " + s.of + " = namespace(" + s.names[0] + "=…) %}")
	}
	ns.values[s.names[0]] = v
	return ev.step()
}

// namespace is namespace(a=1): the one value that a template can change, to
// bring something out of a loop.
type namespace struct{ values map[string]any }

func namespaceFunction(ev *evaluation, a arguments) (any, error) {
	m, err := dictFunction(ev, a)
	if err != nil {
		return nil, err
	}
	values, _ := m.(*dict) // dictFunction makes nothing else
	return &namespace{values.m}, nil
}
