package playbook

import (
	"strings"

	"github.com/nikolalohinski/gonja/v2/nodes"
	"github.com/nikolalohinski/gonja/v2/parser"
	"github.com/nikolalohinski/gonja/v2/tokens"
)

// located is what gonja wants of a statement's node besides its own meaning.
type located struct{ at *tokens.Token }

func (l located) Position() *tokens.Token { return l.at }
func (l located) String() string          { return "statement" }

func locate(list []*tokens.Token) located {
	if len(list) > 0 {
		return located{list[0]}
	}
	return located{&tokens.Token{}}
}

// literal is text outside tags.
type literal string

func (l literal) render(ev *evaluation, out *strings.Builder) error {
	if err := ev.spend(len(l)); err != nil {
		return err
	}
	out.WriteString(string(l))
	return nil
}

// output is {{ expr }}.
type output struct {
	located
	expr node
}

func (c *compiler) parseOutput(_ *parser.Parser, list []*tokens.Token) (nodes.ControlStructure, error) {
	g := c.grammar(list)
	g.raw = !c.bare && !c.file
	if len(list) == 0 {
		return nil, faultAt(0, len(c.text), "{{ }} without an expression")
	}
	expr, err := g.whole()
	if err != nil {
		return nil, err
	}
	return &output{locate(list), expr}, nil
}

func (o *output) render(ev *evaluation, out *strings.Builder) error {
	v, err := ev.defined(o.expr)
	if err != nil {
		return err
	}
	if v, err = ev.finish(v); err != nil {
		return err
	}
	s := toText(v)
	if err := ev.spend(len(s)); err != nil {
		return err
	}
	out.WriteString(s)
	return nil
}

// conditional is {% if %} with its branches.
type conditional struct {
	located
	conds    []node
	branches [][]segment // one more than conds where there is an else
}

func (c *compiler) parseIf(p *parser.Parser, list []*tokens.Token) (nodes.ControlStructure, error) {
	s := &conditional{located: locate(list)}
	for end := "elif"; end != "endif"; {
		if end == "elif" {
			cond, err := c.grammar(list).whole()
			if err != nil {
				return nil, err
			}
			s.conds = append(s.conds, cond)
		}
		ends := []string{"elif", "else", "endif"}
		if end == "else" {
			ends = ends[2:]
		}
		var body []segment
		var err error
		if body, end, list, err = c.wrap(p, ends...); err != nil {
			return nil, err
		}
		s.branches = append(s.branches, body)
	}
	return s, nil
}

func (s *conditional) render(ev *evaluation, out *strings.Builder) error {
	for i, c := range s.conds {
		v, err := ev.defined(c)
		if err != nil {
			return err
		}
		if truth(v) {
			return renderAll(ev, s.branches[i], out)
		}
	}
	if len(s.branches) > len(s.conds) {
		return renderAll(ev, s.branches[len(s.branches)-1], out)
	}
	return nil
}

func renderAll(ev *evaluation, body []segment, out *strings.Builder) error {
	for _, s := range body {
		if err := s.render(ev, out); err != nil {
			return err
		}
	}
	return nil
}

// loop is {% for names in list if cond %} with its {% else %}.
type loop struct {
	located
	names       []string
	over, cond  node
	recursive   bool
	body, empty []segment
}

func (c *compiler) parseFor(p *parser.Parser, list []*tokens.Token) (nodes.ControlStructure, error) {
	g := c.grammar(list)
	s := &loop{located: locate(list)}
	var err error
	if s.names, err = g.targets(); err != nil {
		return nil, err
	}
	if !g.acceptWord("in") {
		return nil, g.unexpected("`in`")
	}
	if s.over, err = g.or(); err != nil {
		return nil, err
	}
	if g.acceptWord("if") {
		if s.cond, err = g.expression(); err != nil {
			return nil, err
		}
	}
	s.recursive = g.acceptWord("recursive")
	if !g.done() {
		return nil, g.unexpected("the end of the statement")
	}
	var end string
	if s.body, end, _, err = c.wrap(p, "else", "endfor"); err != nil {
		return nil, err
	}
	if end == "else" {
		if s.empty, _, _, err = c.wrap(p, "endfor"); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *loop) render(ev *evaluation, out *strings.Builder) error {
	v, err := ev.defined(s.over)
	if err != nil {
		return err
	}
	return s.through(ev, v, out, 1)
}

// through renders the body for each item of v; depth counts a recursive
// loop's calls of itself.
func (s *loop) through(ev *evaluation, v any, out *strings.Builder, depth int) error {
	items, err := elements(v)
	if err != nil {
		pos, end := s.over.span()
		return faultAt(pos, end, "%s", err)
	}
	leave, err := ev.enter()
	if err != nil {
		return err
	}
	defer leave()
	if s.cond != nil {
		if items, err = s.filter(ev, items); err != nil {
			return err
		}
	}
	if len(items) == 0 {
		return renderAll(ev, s.empty, out)
	}
	mark := len(ev.locals)
	var memory loopMemory
	for i, item := range items {
		if err := ev.step(); err != nil {
			return err
		}
		state := loopState(items, i, depth)
		state["cycle"], state["changed"] = cycling(i), &memory
		var self any = state
		if s.recursive {
			self = &recursion{state, s, depth}
		}
		ev.locals = append(ev.locals[:mark], local{"loop", self})
		if err := s.bind(ev, item); err != nil {
			return err
		}
		if err := renderAll(ev, s.body, out); err != nil {
			return err
		}
	}
	return nil
}

func (s *loop) filter(ev *evaluation, items []any) ([]any, error) {
	mark := len(ev.locals)
	var kept []any
	for _, item := range items {
		ev.locals = ev.locals[:mark]
		if err := s.bind(ev, item); err != nil {
			return nil, err
		}
		v, err := ev.defined(s.cond)
		if err != nil {
			return nil, err
		}
		if truth(v) {
			kept = append(kept, item)
		}
	}
	ev.locals = ev.locals[:mark]
	return kept, nil
}

func (s *loop) bind(ev *evaluation, item any) error {
	if len(s.names) == 1 {
		ev.locals = append(ev.locals, local{s.names[0], item})
		return nil
	}
	parts, err := elements(item)
	if err != nil || len(parts) != len(s.names) {
		return faultAt(s.at.Pos, s.at.Pos+len(s.at.Val), "can't unpack %s into %d names", kindOf(item), len(s.names))
	}
	for i, n := range s.names {
		ev.locals = append(ev.locals, local{n, parts[i]})
	}
	return nil
}
