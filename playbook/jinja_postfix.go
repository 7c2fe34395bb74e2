package playbook

import (
	"strings"

	"github.com/nikolalohinski/gonja/v2/tokens"
)

// postfix reads what follows a value: .name, [key], [from:to], (arguments).
func (g *grammar) postfix(n node) (node, error) {
	for {
		var err error
		switch {
		case g.accept(tokens.Dot):
			n, err = g.attribute(n)
		case g.accept(tokens.LeftBracket):
			n, err = g.subscript(n)
		case g.peek().Type == tokens.LeftParenthesis:
			n, err = g.call(n)
		default:
			return n, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

func (g *grammar) attribute(of node) (node, error) {
	pos, _ := of.span()
	t := g.peek()
	switch t.Type {
	case tokens.Integer:
		key, err := g.number(t)
		if err != nil {
			return nil, err
		}
		return &item{at{pos, g.endPos()}, of, key}, nil
	case tokens.Name, tokens.In, tokens.Is, tokens.And, tokens.Or, tokens.Not:
		g.i++
		return &attribute{at{pos, g.endPos()}, of, t.Val}, nil
	}
	return nil, g.unexpected("a name")
}

func (g *grammar) subscript(of node) (node, error) {
	pos, _ := of.span()
	var parts [3]node
	colons := 0
	for !g.accept(tokens.RightBracket) {
		if g.accept(tokens.Colon) {
			if colons++; colons < 3 {
				continue
			}
			g.i--
			return nil, g.unexpected("`]`")
		}
		if parts[colons] != nil {
			return nil, g.unexpected("`]`")
		}
		n, err := g.expression()
		if err != nil {
			return nil, err
		}
		parts[colons] = n
	}
	span := at{pos, g.endPos()}
	if colons > 0 {
		return &slice{span, of, parts}, nil
	}
	if parts[0] == nil {
		g.i--
		return nil, g.unexpected("a key")
	}
	return &item{span, of, parts[0]}, nil
}

// call reads the arguments of a method or of one of the few functions.
func (g *grammar) call(of node) (node, error) {
	pos, end := of.span()
	args, err := g.arguments()
	if err != nil {
		return nil, err
	}
	span := at{pos, g.endPos()}
	switch f := of.(type) {
	case *attribute:
		m, ok := methods[f.name]
		if !ok || g.c.calls {
			if !ok && !g.c.calls && f.name != "cycle" && f.name != "changed" {
				return nil, faultAt(end-len(f.name), end, "unknown method `%s`", f.name).
					withHint(didYouMean(f.name, keysOf(methods)))
			}
			return &memberCall{span, f, m, args}, nil
		}
		return &method{span, f.of, f.name, m, args}, nil
	case *name:
		fn, ok := functions[f.name]
		if isLooker := f.name == "lookup" || f.name == "query" || f.name == "q"; isLooker {
			if err := args.checkLookup(span); err != nil {
				return nil, err
			}
			return &function{span, f.name, looker(f.name != "lookup"), args}, nil
		}
		if ok {
			return &function{span, f.name, fn, args}, nil
		}
		if g.c.calls || f.name == "loop" {
			return &macroCall{span, f, args}, nil
		}
		fault := faultAt(pos, end, "unknown function `%s`", f.name)
		return nil, fault.withHint(didYouMean(f.name, keysOf(functions)))
	}
	return nil, faultAt(pos, end, "this can't be called")
}

// arguments reads (a, b, key=c).
func (g *grammar) arguments() (callArgs, error) {
	var a callArgs
	g.i++ // the parenthesis
	for !g.accept(tokens.RightParenthesis) {
		t := g.peek()
		if t.Type == tokens.Multiply || t.Type == tokens.Power {
			return a, faultAt(t.Pos, t.Pos+len(t.Val), "`%s` arguments are not supported", t.Val)
		}
		key := ""
		if t.Type == tokens.Name && g.i+1 < len(g.list) && g.list[g.i+1].Type == tokens.Assign {
			key = t.Val
			g.i += 2
		}
		n, err := g.expression()
		if err != nil {
			return a, err
		}
		switch {
		case key != "":
			a.keys, a.named = append(a.keys, key), append(a.named, n)
		case len(a.named) > 0:
			pos, end := n.span()
			return a, faultAt(pos, end, "an argument without a name follows one with a name")
		default:
			a.list = append(a.list, n)
		}
		if g.accept(tokens.RightParenthesis) {
			break
		}
		if !g.accept(tokens.Comma) {
			return a, g.unexpected("`,` or `)`")
		}
	}
	return a, nil
}

// filters reads `| filter(...)` and `is test`, as often as they follow.
func (g *grammar) filters(n node) (node, error) {
	for {
		var err error
		switch {
		case g.accept(tokens.Pipe):
			n, err = g.filter(n)
		case g.acceptWord("is"):
			n, err = g.test(n)
		default:
			return n, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// dotted reads a filter's or test's name, which may carry its collection.
func (g *grammar) dotted(want string) (string, at, error) {
	t := g.peek()
	if t.Type != tokens.Name && t.Type != tokens.In {
		return "", at{}, g.unexpected(want)
	}
	g.i++
	word := t.Val
	for g.peek().Type == tokens.Dot && g.i+1 < len(g.list) && g.list[g.i+1].Type == tokens.Name {
		word += "." + g.list[g.i+1].Val
		g.i += 2
	}
	short := word
	for _, collection := range []string{"ansible.builtin.", "ansible.legacy."} {
		short = strings.TrimPrefix(short, collection)
	}
	return short, at{t.Pos, g.endPos()}, nil
}

func (g *grammar) filter(of node) (node, error) {
	pos, _ := of.span()
	word, span, err := g.dotted("a filter's name")
	if err != nil {
		return nil, err
	}
	f, ok := filters[word]
	if !ok {
		return nil, faultAt(span.pos, span.end, "unknown filter `%s`", word).
			withHint(didYouMean(word, keysOf(filters)))
	}
	var args callArgs
	if g.peek().Type == tokens.LeftParenthesis {
		if args, err = g.arguments(); err != nil {
			return nil, err
		}
	}
	if err := args.check("filter", word, f.params, span); err != nil {
		return nil, err
	}
	return &filtered{at{pos, g.endPos()}, of, word, f, args}, nil
}

func (g *grammar) test(of node) (node, error) {
	pos, _ := of.span()
	negated := g.acceptWord("not")
	t := g.peek()
	word, span := t.Val, at{t.Pos, t.Pos + len(t.Val)}
	var err error
	switch t.Type {
	case tokens.Equals, tokens.Ne, tokens.LowerThan, tokens.LowerThanOrEqual, tokens.GreaterThan, tokens.GreaterThanOrEqual:
		g.i++
	default:
		if word, span, err = g.dotted("a test's name"); err != nil {
			return nil, err
		}
	}
	test, ok := tests[word]
	if !ok {
		return nil, faultAt(span.pos, span.end, "unknown test `%s`", word).
			withHint(didYouMean(word, keysOf(tests)))
	}
	args, err := g.testArguments()
	if err != nil {
		return nil, err
	}
	if err := args.check("test", word, test.params, span); err != nil {
		return nil, err
	}
	return &tested{at{pos, g.endPos()}, of, word, test, args, negated}, nil
}

// testArguments reads (a, b) or the one value that may follow a test's name
// without parentheses.
func (g *grammar) testArguments() (callArgs, error) {
	t := g.peek()
	if t.Type == tokens.LeftParenthesis {
		return g.arguments()
	}
	switch t.Type {
	case tokens.String, tokens.Integer, tokens.Float, tokens.LeftBracket, tokens.LeftBrace, tokens.Name:
	default:
		return callArgs{}, nil
	}
	if t.Type == tokens.Name {
		switch t.Val {
		case "and", "or", "not", "in", "is", "if", "else":
			return callArgs{}, nil
		}
	}
	n, err := g.primary()
	if err == nil {
		n, err = g.postfix(n)
	}
	return callArgs{list: []node{n}}, err
}
