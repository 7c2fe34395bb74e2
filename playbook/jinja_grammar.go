package playbook

import (
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
	// raw: a backslash in a string is itself, as Ansible has it in {{ }} and
	// Jinja nowhere: '\1' there is a regular expression's first group.
	raw bool
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
