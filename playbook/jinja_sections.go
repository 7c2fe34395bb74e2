package playbook

import (
	"strings"

	"github.com/nikolalohinski/gonja/v2/nodes"
	"github.com/nikolalohinski/gonja/v2/parser"
	"github.com/nikolalohinski/gonja/v2/tokens"
)

// Statements whose body is rendered to a text, or in a scope of its own.

// body is rendered text as a value: what set and filter blocks work on.
type body struct {
	at
	segments []segment
}

func (b *body) eval(ev *evaluation) (any, error) {
	leave, err := ev.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	var out strings.Builder
	if err = renderAll(ev, b.segments, &out); err != nil {
		return nil, err
	}
	return ev.made(out.String())
}

func (c *compiler) parseSet(p *parser.Parser, list []*tokens.Token) (nodes.ControlStructure, error) {
	g := c.grammar(list)
	s := &assignment{located: locate(list)}
	if len(list) > 3 && list[1].Type == tokens.Dot && list[0].Type == tokens.Name && list[2].Type == tokens.Name {
		s.of, s.names = list[0].Val, []string{list[2].Val}
		g.i = 3
	} else {
		var err error
		if s.names, err = g.targets(); err != nil {
			return nil, err
		}
	}
	if !g.accept(tokens.Assign) {
		return s, c.parseSetBlock(p, g, s)
	}
	var err error
	s.expr, err = g.whole()
	return s, err
}

// parseSetBlock reads {% set name | filter %}…{% endset %}.
func (c *compiler) parseSetBlock(p *parser.Parser, g *grammar, s *assignment) error {
	if !g.done() && g.peek().Type != tokens.Pipe || len(s.names) != 1 {
		return g.unexpected("`=`")
	}
	b := &body{at: at{s.at.Pos, g.endPos()}}
	var err error
	if s.expr, err = g.filters(b); err != nil {
		return err
	}
	if !g.done() {
		return g.unexpected("the end of the statement")
	}
	b.segments, _, _, err = c.wrap(p, "endset")
	return err
}

// filterBlock is {% filter upper %}: expr is its body, filtered.
type filterBlock struct {
	located
	expr node
}

func (s *filterBlock) render(ev *evaluation, out *strings.Builder) error {
	return (&output{s.located, s.expr}).render(ev, out)
}

// parseFilterBlock reads {% filter upper %}…{% endfilter %}.
func (c *compiler) parseFilterBlock(p *parser.Parser, list []*tokens.Token) (nodes.ControlStructure, error) {
	g := c.grammar(list)
	b := &body{at: at{locate(list).at.Pos, g.endPos()}}
	n, err := g.filter(b)
	if err == nil {
		n, err = g.filters(n)
	}
	if err != nil {
		return nil, err
	}
	if !g.done() {
		return nil, g.unexpected("the end of the statement")
	}
	b.segments, _, _, err = c.wrap(p, "endfilter")
	return &filterBlock{locate(list), n}, err
}

// with is {% with a = 1, b = 2 %}.
type with struct {
	located
	names  []string
	values []node
	body   []segment
}

func (c *compiler) parseWith(p *parser.Parser, list []*tokens.Token) (nodes.ControlStructure, error) {
	g := c.grammar(list)
	s := &with{located: locate(list)}
	for !g.done() {
		t := g.peek()
		if t.Type != tokens.Name || reserved(t.Val) {
			return nil, g.unexpected("a name")
		}
		g.i++
		if !g.accept(tokens.Assign) {
			return nil, g.unexpected("`=`")
		}
		n, err := g.expression()
		if err != nil {
			return nil, err
		}
		s.names, s.values = append(s.names, t.Val), append(s.values, n)
		if !g.done() && !g.accept(tokens.Comma) {
			return nil, g.unexpected("`,` or the end of the statement")
		}
	}
	var err error
	s.body, _, _, err = c.wrap(p, "endwith")
	return s, err
}

func (s *with) render(ev *evaluation, out *strings.Builder) error {
	values := make([]any, len(s.values))
	for i, n := range s.values {
		var err error
		if values[i], err = n.eval(ev); err != nil {
			return err
		}
	}
	leave, err := ev.enter()
	if err != nil {
		return err
	}
	defer leave()
	for i, n := range s.names {
		ev.define(n, values[i])
	}
	return renderAll(ev, s.body, out)
}

// verbatim is {% raw %}.
type verbatim struct {
	located
	body []segment
}

func (c *compiler) parseRaw(p *parser.Parser, list []*tokens.Token) (nodes.ControlStructure, error) {
	if len(list) > 0 {
		return nil, c.grammar(list).unexpected("the end of the statement")
	}
	begin := p.Current()
	body, _, _, err := c.wrap(p, "endraw")
	if err != nil {
		return nil, err
	}
	return &verbatim{locate(list), c.rawText(begin, body)}, nil
}

// rawText mends what gonja makes of white space in raw blocks: the newline
// after {% raw %} stays whatever trim_blocks says, and lstrip_blocks is about
// {% endraw %} too.
func (c *compiler) rawText(begin *tokens.Token, body []segment) []segment {
	if len(body) != 1 || begin == nil || begin.Type != tokens.Data {
		return body
	}
	text, ok := body[0].(literal)
	if !ok {
		return body
	}
	if at := begin.Pos; !begin.Trim && c.syntax.trim && at > 0 && strings.HasSuffix(c.masked[:at], c.syntax.block[1]+"\n") {
		text = "\n" + text
	}
	end := c.masked[min(begin.Pos+len(begin.Val), len(c.masked)):]
	last := strings.LastIndexByte(string(text), '\n') + 1
	if c.syntax.lstrip && !strings.HasPrefix(strings.TrimLeft(end, " \t"), c.syntax.block[0]+"+") && strings.Trim(string(text[last:]), " \t") == "" {
		text = text[:last]
	}
	return []segment{text}
}

func (v *verbatim) render(ev *evaluation, out *strings.Builder) error {
	return renderAll(ev, v.body, out)
}
