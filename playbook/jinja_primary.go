package playbook

import (
	"strconv"
	"strings"

	"github.com/nikolalohinski/gonja/v2/tokens"
)

func (g *grammar) primary() (node, error) {
	t := g.peek()
	switch t.Type {
	case tokens.String:
		return g.text()
	case tokens.Integer, tokens.Float:
		return g.number(t)
	case tokens.LeftParenthesis:
		return g.parenthesis()
	case tokens.LeftBracket:
		g.i++
		items, err := g.items(tokens.RightBracket, "`]`")
		return &listNode{at{t.Pos, g.endPos()}, items}, err
	case tokens.LeftBrace:
		return g.dict()
	case tokens.Name:
		switch t.Val {
		case "true", "True":
			return g.constant(true)
		case "false", "False":
			return g.constant(false)
		case "none", "None":
			return g.constant(nil)
		}
		if !reserved(t.Val) && !strings.ContainsRune("0123456789", rune(t.Val[0])) {
			g.i++
			g.c.words[t.Val] = true
			return &name{at{t.Pos, g.endPos()}, t.Val}, nil
		}
	}
	return nil, g.unexpected("a value")
}

func (g *grammar) constant(v any) (node, error) {
	g.i++
	t := g.list[g.i-1]
	return &constant{at{t.Pos, g.endPos()}, v}, nil
}

// text reads string literals; neighbours are one string, as in Python.
func (g *grammar) text() (node, error) {
	pos := g.peek().Pos
	var b strings.Builder
	for g.peek().Type == tokens.String {
		t := g.peek()
		lit := g.c.text[t.Pos:stringEnd(g.c.masked, t.Pos)]
		if g.raw {
			b.WriteString(strings.ReplaceAll(lit[1:len(lit)-1], `\`+lit[:1], lit[:1]))
		} else {
			b.WriteString(unquote(lit))
		}
		g.i++
	}
	return &constant{at{pos, g.endPos()}, b.String()}, nil
}

func (g *grammar) number(t *tokens.Token) (node, error) {
	text := strings.ReplaceAll(t.Val, "_", "")
	if t.Type == tokens.Float {
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, g.unexpected("a number")
		}
		return g.constant(f)
	}
	base := 0
	if strings.Trim(text, "0123456789") == "" {
		base = 10 // 010 is ten: only 0o10 is octal
	}
	n, err := strconv.ParseInt(text, base, strconv.IntSize)
	if err != nil {
		return nil, faultAt(t.Pos, t.Pos+len(t.Val), "number `%s` is too large", t.Val)
	}
	return g.constant(int(n))
}

func (g *grammar) parenthesis() (node, error) {
	pos := g.peek().Pos
	g.i++
	if g.accept(tokens.RightParenthesis) {
		return &listNode{at{pos, g.endPos()}, nil}, nil
	}
	n, err := g.expression()
	if err != nil {
		return nil, err
	}
	if g.accept(tokens.RightParenthesis) {
		return n, nil
	}
	if !g.accept(tokens.Comma) {
		return nil, g.unexpected("`)`")
	}
	items, err := g.items(tokens.RightParenthesis, "`)`")
	return &listNode{at{pos, g.endPos()}, append([]node{n}, items...)}, err
}

func (g *grammar) items(end tokens.Type, name string) ([]node, error) {
	var list []node
	for !g.accept(end) {
		n, err := g.expression()
		if err != nil {
			return nil, err
		}
		list = append(list, n)
		if g.accept(end) {
			break
		}
		if !g.accept(tokens.Comma) {
			return nil, g.unexpected("`,` or " + name)
		}
	}
	return list, nil
}

func (g *grammar) dict() (node, error) {
	d := &dictNode{}
	pos := g.peek().Pos
	g.i++
	for !g.accept(tokens.RightBrace) {
		k, err := g.expression()
		if err != nil {
			return nil, err
		}
		if !g.accept(tokens.Colon) {
			return nil, g.unexpected("`:`")
		}
		v, err := g.expression()
		if err != nil {
			return nil, err
		}
		d.keys, d.values = append(d.keys, k), append(d.values, v)
		if g.accept(tokens.RightBrace) {
			break
		}
		if !g.accept(tokens.Comma) {
			return nil, g.unexpected("`,` or `}`")
		}
	}
	d.at = at{pos, g.endPos()}
	return d, nil
}
