package playbook

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/nikolalohinski/gonja/v2/nodes"
	"github.com/nikolalohinski/gonja/v2/parser"
	"github.com/nikolalohinski/gonja/v2/tokens"
)

// definesMacros finds what makes names that can be called.
var definesMacros = regexp.MustCompile(`\b(macro|import|call)\b`)

// signature is what a macro takes.
type signature struct {
	params   []string
	defaults []node // of the last params
	// varargs, kwargs and caller: the body asks for it.
	varargs, kwargs, caller bool
}

// macroNode is {% macro name(a, b=1) %}…{% endmacro %}.
type macroNode struct {
	located
	name string
	signature
	body []segment
}

// macro is a macro as a value. Its body sees its arguments, what its file
// defines at the top, and the scope; one that was defined further in sees what
// was there (closure).
type macro struct {
	*macroNode
	closure []local
	file    *module
	home    *template
	scope   Scope
}

// module is what a template file defines at its top.
type module struct{ values map[string]any }

func (c *compiler) parseMacro(p *parser.Parser, list []*tokens.Token) (nodes.ControlStructure, error) {
	g := c.grammar(list)
	t := g.peek()
	if t.Type != tokens.Name || reserved(t.Val) {
		return nil, g.unexpected("the macro's name")
	}
	g.i++
	m := &macroNode{located: locate(list), name: t.Val}
	if g.peek().Type != tokens.LeftParenthesis {
		return nil, g.unexpected("`(`")
	}
	return m, c.finishMacro(p, g, m, "endmacro")
}

// finishMacro reads a macro's parameters and its body.
func (c *compiler) finishMacro(p *parser.Parser, g *grammar, m *macroNode, end string) error {
	if g.peek().Type == tokens.LeftParenthesis {
		if err := g.parameters(&m.signature); err != nil {
			return err
		}
	}
	if end == "endmacro" && !g.done() {
		return g.unexpected("the end of the statement")
	}
	outside := c.words
	c.words = map[string]bool{}
	body, _, _, err := c.wrap(p, end)
	m.body = body
	m.varargs, m.kwargs, m.caller = c.words["varargs"], c.words["kwargs"], c.words["caller"]
	for w := range c.words {
		outside[w] = true
	}
	c.words = outside
	return err
}

// parameters reads (a, b=1).
func (g *grammar) parameters(s *signature) error {
	g.i++ // the parenthesis
	for !g.accept(tokens.RightParenthesis) {
		t := g.peek()
		if t.Type != tokens.Name || reserved(t.Val) {
			return g.unexpected("a parameter's name")
		}
		g.i++
		s.params = append(s.params, t.Val)
		if g.accept(tokens.Assign) {
			n, err := g.expression()
			if err != nil {
				return err
			}
			s.defaults = append(s.defaults, n)
		} else if len(s.defaults) > 0 {
			return faultAt(t.Pos, t.Pos+len(t.Val), "parameter `%s` needs a default, since the one before has one", t.Val)
		}
		if g.accept(tokens.RightParenthesis) {
			break
		}
		if !g.accept(tokens.Comma) {
			return g.unexpected("`,` or `)`")
		}
	}
	return nil
}

func (m *macroNode) value(ev *evaluation) *macro {
	v := &macro{macroNode: m, file: ev.file, home: ev.home, scope: ev.scope}
	if ev.level > 0 {
		v.closure = slices.Clone(ev.locals)
	}
	return v
}

func (m *macroNode) render(ev *evaluation, _ *strings.Builder) error {
	ev.define(m.name, m.value(ev))
	return ev.step()
}

// call renders the macro. The evaluation's own place and variables are put
// aside meanwhile.
func (m *macro) call(ev *evaluation, a arguments) (any, error) {
	leave, err := ev.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	before := *ev
	defer func() { ev.locals, ev.file, ev.home, ev.scope = before.locals, before.file, before.home, before.scope }()
	ev.locals, ev.file, ev.home, ev.scope = slices.Clone(m.closure), m.file, m.home, m.scope
	if err := m.bindArguments(ev, a); err != nil {
		return nil, err
	}
	var out strings.Builder
	err = renderAll(ev, m.body, &out)
	var f *fault
	if errors.As(err, &f) && f.tmpl == nil {
		f.tmpl = m.home
	}
	if err != nil {
		return nil, err
	}
	return ev.made(out.String())
}

func (m *macro) bindArguments(ev *evaluation, a arguments) error {
	named := map[string]any{}
	for k, v := range a.named {
		named[k] = v
	}
	for i, p := range m.params {
		v, err := m.argument(ev, i, p, a.list, named)
		if err != nil {
			return err
		}
		ev.locals = append(ev.locals, local{p, v})
	}
	rest := a.list[min(len(m.params), len(a.list)):]
	if caller, given := named["caller"]; given {
		if !m.caller {
			return fmt.Errorf("macro `%s` doesn't use a caller, so it can't be used with `call`", m.name)
		}
		delete(named, "caller")
		ev.locals = append(ev.locals, local{"caller", caller})
	}
	switch {
	case m.varargs:
		ev.locals = append(ev.locals, local{"varargs", slices.Clone(rest)})
	case len(rest) > 0:
		return fmt.Errorf("macro `%s` takes at most %d arguments, not %d", m.name, len(m.params), len(a.list))
	}
	switch {
	case m.kwargs:
		ev.locals = append(ev.locals, local{"kwargs", named})
	case len(named) > 0:
		k := keysOf(named)[0]
		return fmt.Errorf("macro `%s` has no parameter `%s`", m.name, k)
	}
	return nil
}

// argument is parameter i's value, taken out of named.
func (m *macro) argument(ev *evaluation, i int, param string, list []any, named map[string]any) (any, error) {
	v, byName := named[param]
	delete(named, param)
	switch d := i - (len(m.params) - len(m.defaults)); {
	case i < len(list) && byName:
		return nil, fmt.Errorf("macro `%s` is given `%s` twice", m.name, param)
	case i < len(list):
		return list[i], nil
	case byName:
		return v, nil
	case d >= 0:
		return m.defaults[d].eval(ev)
	}
	f := faultAt(0, 0, "parameter `%s` of macro `%s` is not given", param, m.name)
	f.undefined = param
	return &undefined{fault: f}, nil
}

// macroCall is name(…), where name is a variable when it runs.
type macroCall struct {
	at
	of   node
	args callArgs
}

func (n *macroCall) eval(ev *evaluation) (any, error) {
	of, err := ev.defined(n.of)
	if err != nil {
		return nil, err
	}
	f, ok := of.(callable)
	if !ok {
		return nil, faultAt(n.pos, n.end, "%s can't be called", kindOf(of))
	}
	return callIt(ev, f, n.args, n.at)
}

func callIt(ev *evaluation, f callable, list callArgs, where at) (any, error) {
	args, err := ev.args(list, nil, false)
	if err != nil {
		return nil, err
	}
	v, err := f.call(ev, args)
	return v, ev.place(err, where)
}

// memberCall is x.name(…): something of a module or of loop, or a method of
// x's value.
type memberCall struct {
	at
	of   *attribute
	run  methodFunc // nil: no method of that name
	args callArgs
}

func (n *memberCall) eval(ev *evaluation) (any, error) {
	in, err := ev.defined(n.of.of)
	if err != nil {
		return nil, err
	}
	if v, ok, _ := memberOf(in, n.of.name); ok {
		if f, ok := v.(callable); ok {
			return callIt(ev, f, n.args, n.at)
		}
	}
	if n.run != nil {
		return (&method{n.at, n.of.of, n.of.name, n.run, n.args}).eval(ev)
	}
	if m, ok := in.(*module); ok {
		return nil, faultAt(n.pos, n.end, "the imported template has no macro `%s`", n.of.name).
			withHint(didYouMean(n.of.name, keysOf(m.values)))
	}
	return nil, faultAt(n.pos, n.end, "unknown method `%s`", n.of.name).withHint(didYouMean(n.of.name, keysOf(methods)))
}

// callBlock is {% call(x) macro(…) %}…{% endcall %}: its body is the macro's
// `caller`.
type callBlock struct {
	located
	body *macroNode
	expr node
}

func (c *compiler) parseCallBlock(p *parser.Parser, list []*tokens.Token) (nodes.ControlStructure, error) {
	g := c.grammar(list)
	s := &callBlock{located: locate(list), body: &macroNode{located: locate(list), name: "caller"}}
	if g.peek().Type == tokens.LeftParenthesis {
		if err := g.parameters(&s.body.signature); err != nil {
			return nil, err
		}
	}
	var err error
	if s.expr, err = g.whole(); err != nil {
		return nil, err
	}
	switch s.expr.(type) {
	case *macroCall, *memberCall:
	default:
		pos, end := s.expr.span()
		return nil, faultAt(pos, end, "`call` needs a call of a macro")
	}
	return s, c.finishMacro(p, c.grammar(nil), s.body, "endcall")
}

func (s *callBlock) render(ev *evaluation, out *strings.Builder) error {
	caller := &constant{value: s.body.value(ev)}
	var expr node
	switch e := s.expr.(type) {
	case *macroCall:
		expr = &macroCall{e.at, e.of, e.args.with("caller", caller)}
	case *memberCall:
		expr = &memberCall{e.at, e.of, nil, e.args.with("caller", caller)}
	}
	return (&output{s.located, expr}).render(ev, out)
}

// with is the arguments and one more by name.
func (a callArgs) with(key string, n node) callArgs {
	a.keys, a.named = append(slices.Clone(a.keys), key), append(slices.Clone(a.named), n)
	return a
}
