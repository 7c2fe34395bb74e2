package playbook

import (
	"strconv"
	"strings"

	"github.com/nikolalohinski/gonja/v2/tokens"
)

// grammar reads Jinja's expressions from gonja's tokens, in the precedence of
// Jinja's own parser (jinja2.parser): condition, or, and, not, comparison,
// sum, concatenation, product, power, sign, filter and test.
type grammar struct {
	c     *compiler
	list  []*tokens.Token
	i     int
	depth int
}

func (c *compiler) grammar(list []*tokens.Token) *grammar { return &grammar{c: c, list: list} }

func (g *grammar) done() bool { return g.i >= len(g.list) }

func (g *grammar) peek() *tokens.Token {
	if g.done() {
		return &tokens.Token{Type: tokens.EOF, Pos: g.endPos()}
	}
	return g.list[g.i]
}

// endPos is the byte after the token that was read last.
func (g *grammar) endPos() int {
	if g.i == 0 {
		return 0
	}
	t := g.list[g.i-1]
	if t.Type == tokens.String {
		return stringEnd(g.c.masked, t.Pos)
	}
	return t.Pos + len(t.Val)
}

func stringEnd(masked string, pos int) int {
	if pos >= len(masked) {
		return len(masked)
	}
	end := strings.IndexByte(masked[pos+1:], masked[pos])
	if end < 0 {
		return len(masked)
	}
	return pos + 1 + end + 1
}

func (g *grammar) accept(types ...tokens.Type) bool {
	for _, t := range types {
		if !g.done() && g.list[g.i].Type == t {
			g.i++
			return true
		}
	}
	return false
}

// isWord reports whether the next token is the keyword. gonja knows keywords
// only before a space, so they are told by their text.
func (g *grammar) isWord(word string) bool {
	t := g.peek()
	return t.Val == word && t.Type != tokens.String && t.Type != tokens.EOF
}

func (g *grammar) acceptWord(word string) bool {
	if g.isWord(word) {
		g.i++
		return true
	}
	return false
}

func (g *grammar) unexpected(want string) error {
	t := g.peek()
	if t.Type == tokens.EOF {
		return faultAt(max(0, t.Pos-1), t.Pos, "expression ends where %s is expected", want)
	}
	end := t.Pos + len(t.Val)
	text := t.Val
	if t.Type == tokens.String {
		end = stringEnd(g.c.masked, t.Pos)
		text = g.c.text[t.Pos:end]
	}
	f := faultAt(t.Pos, end, "unexpected `%s` in an expression, where %s is expected", text, want)
	switch {
	case t.Type == tokens.Assign:
		f.hint = "compare with =="
	case text == "||" || text == "|" && g.i > 0 && g.list[g.i-1].Val == "|":
		f.hint = "write `or`"
	case g.i > 0 && g.list[g.i-1].Type == tokens.String && t.Type == tokens.Name:
		f.hint = "a quote inside a string has to be the other kind of quote, or escaped"
	}
	return f
}

// whole reads an expression that takes up all the tokens.
func (g *grammar) whole() (node, error) {
	n, err := g.expression()
	if err != nil {
		return nil, err
	}
	if g.peek().Type == tokens.Comma { // a tuple needs no parentheses
		return g.tuple(n)
	}
	if !g.done() {
		return nil, g.unexpected("an operator or the end")
	}
	return n, nil
}

func (g *grammar) tuple(first node) (node, error) {
	pos, _ := first.span()
	items := []node{first}
	for g.accept(tokens.Comma) && !g.done() {
		n, err := g.expression()
		if err != nil {
			return nil, err
		}
		items = append(items, n)
	}
	if !g.done() {
		return nil, g.unexpected("a comma or the end")
	}
	return &listNode{at{pos, g.endPos()}, items}, nil
}

// targets reads the names that a for or set statement assigns to.
func (g *grammar) targets() ([]string, error) {
	var names []string
	paren := g.accept(tokens.LeftParenthesis)
	for {
		t := g.peek()
		if t.Type != tokens.Name || reserved(t.Val) {
			return nil, g.unexpected("a name")
		}
		g.i++
		names = append(names, t.Val)
		if !g.accept(tokens.Comma) {
			break
		}
	}
	if paren && !g.accept(tokens.RightParenthesis) {
		return nil, g.unexpected("`)`")
	}
	return names, nil
}

func reserved(name string) bool {
	switch name {
	case "and", "or", "not", "in", "is", "if", "else", "true", "false", "none", "True", "False", "None":
		return true
	}
	return false
}

// expression reads `a if b else c`.
func (g *grammar) expression() (node, error) {
	if g.depth++; g.depth > maxNesting {
		return nil, faultAt(g.peek().Pos, g.peek().Pos+1, "expression is nested deeper than %d", maxNesting)
	}
	defer func() { g.depth-- }()
	n, err := g.or()
	if err != nil {
		return nil, err
	}
	for g.acceptWord("if") {
		pos, _ := n.span()
		cond, err := g.or()
		if err != nil {
			return nil, err
		}
		var other node
		if g.acceptWord("else") {
			if other, err = g.expression(); err != nil {
				return nil, err
			}
		}
		n = &choice{at{pos, g.endPos()}, n, cond, other}
	}
	return n, nil
}

func (g *grammar) or() (node, error) { return g.logic("or", g.and) }

func (g *grammar) and() (node, error) { return g.logic("and", g.not) }

func (g *grammar) logic(word string, operand func() (node, error)) (node, error) {
	left, err := operand()
	for err == nil && g.acceptWord(word) {
		pos, _ := left.span()
		var right node
		if right, err = operand(); err == nil {
			left = &logic{at{pos, g.endPos()}, word == "or", left, right}
		}
	}
	return left, err
}

func (g *grammar) not() (node, error) {
	pos, count := g.peek().Pos, 0
	for g.acceptWord("not") {
		count++
	}
	n, err := g.comparison()
	if err == nil && count > 0 {
		n = &negation{at{pos, g.endPos()}, n, count%2 == 1}
	}
	return n, err
}

var comparisons = []tokens.Type{
	tokens.Equals, tokens.Ne, tokens.LowerThan, tokens.LowerThanOrEqual,
	tokens.GreaterThan, tokens.GreaterThanOrEqual,
}

func (g *grammar) comparison() (node, error) {
	first, err := g.sum()
	if err != nil {
		return nil, err
	}
	pos, _ := first.span()
	c := &comparison{first: first}
	for {
		op := g.peek().Val
		switch {
		case g.accept(comparisons...), g.acceptWord("in"):
		case g.isWord("not") && g.i+1 < len(g.list) && g.list[g.i+1].Val == "in":
			g.i += 2
			op = "not in"
		default:
			if len(c.ops) == 0 {
				return first, nil
			}
			c.at = at{pos, g.endPos()}
			return c, nil
		}
		right, err := g.sum()
		if err != nil {
			return nil, err
		}
		c.ops, c.rest = append(c.ops, op), append(c.rest, right)
	}
}

func (g *grammar) sum() (node, error) {
	return g.binary(g.concatenation, tokens.Addition, tokens.Subtraction)
}

func (g *grammar) concatenation() (node, error) { return g.binary(g.product, tokens.Tilde) }

func (g *grammar) product() (node, error) {
	return g.binary(g.power, tokens.Multiply, tokens.Division, tokens.FloorDivision, tokens.Modulo)
}

func (g *grammar) power() (node, error) {
	return g.binary(func() (node, error) { return g.sign(true) }, tokens.Power)
}

func (g *grammar) binary(operand func() (node, error), ops ...tokens.Type) (node, error) {
	left, err := operand()
	for err == nil {
		op := g.peek().Type
		if !g.accept(ops...) {
			break
		}
		pos, _ := left.span()
		var right node
		if right, err = operand(); err == nil {
			left = &binary{at{pos, g.endPos()}, op, left, right}
		}
	}
	return left, err
}

func (g *grammar) sign(filters bool) (node, error) {
	var n node
	var err error
	pos := g.peek().Pos
	switch {
	case g.accept(tokens.Subtraction):
		n, err = g.signed(pos, true)
	case g.accept(tokens.Addition):
		n, err = g.signed(pos, false)
	default:
		n, err = g.primary()
	}
	if err != nil {
		return nil, err
	}
	if n, err = g.postfix(n); err != nil || !filters {
		return n, err
	}
	return g.filters(n)
}

func (g *grammar) signed(pos int, negative bool) (node, error) {
	if g.depth++; g.depth > maxNesting {
		return nil, faultAt(pos, pos+1, "expression is nested deeper than %d", maxNesting)
	}
	defer func() { g.depth-- }()
	x, err := g.sign(false)
	if err != nil {
		return nil, err
	}
	return &signed{at{pos, g.endPos()}, x, negative}, nil
}

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
		b.WriteString(unquote(g.c.text[t.Pos:stringEnd(g.c.masked, t.Pos)]))
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
