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

// The jinja*.go files are the one adapter to gonja. gonja takes a template
// apart (text, tags, comments, raw blocks, whitespace control, nested
// statements); the grammar inside the tags and the evaluation are done here,
// because what gonja makes of `'a' in x | default([])`, `('a' if b else c)`,
// `-7 // 2`, `i % 0`, a test with keywords or a multi-line expression is not
// what Jinja makes of it, and because its values can't say which variable was
// undefined and where. A template reaches nothing but its scope and, where it
// is a file, what its caller loads for it (jinja_file.go).

const (
	maxTemplate = 1 << 20 // bytes of one template's text
	maxNesting  = 64      // parentheses, statements, lists in one template
	outputTag   = "{{"    // the statement that {{ }} becomes: no template can spell it
)

// template is a compiled text. It doesn't change and is safe for concurrent
// use.
type template struct {
	origin origin
	syntax syntax
	body   []segment
	lone   node   // the expression, where the text is one {{ }} and nothing else
	single string // the variable, where the text is {{ name }}
}

// singleVariable is what Ansible takes for a reference to a variable.
var singleVariable = regexp.MustCompile(`^\{\{\s*([A-Za-z_]\w*)\s*\}\}\n?$`)

// segment is a part of a template: text, an expression or a statement.
type segment interface {
	render(ev *evaluation, out *strings.Builder) error
}

// fault is what is wrong with a template, at compile or evaluation.
type fault struct {
	pos, end  int // bytes in the template's text
	summary   string
	hint      string
	suggest   func() string // makes the hint, where that takes work
	undefined string        // the variable's name, where that is the reason
	tmpl      *template     // set where the fault left its template
}

func (f *fault) Error() string { return f.summary }

func faultAt(pos, end int, format string, args ...any) *fault {
	return &fault{pos: pos, end: end, summary: fmt.Sprintf(format, args...)}
}

func (f *fault) withHint(hint string) *fault {
	f.hint = hint
	return f
}

// hasTemplate reports whether text holds any tag.
func hasTemplate(text string) bool {
	return strings.Contains(text, "{{") || strings.Contains(text, "{%") || strings.Contains(text, "{#")
}

// compileTemplate compiles a text with tags.
func compileTemplate(text string, from origin) (*template, error) {
	return compile(text, from, plainSyntax, false)
}

// compile compiles a text with tags, or a bare expression that was put into
// {{ }} for it.
func compile(text string, from origin, sx syntax, bare bool) (t *template, err error) {
	// gonja's parser indexes token streams without looking; a panic there is
	// a template it can't parse.
	defer func() {
		if r := recover(); r != nil {
			t, err = nil, faultAt(0, len(text), "template can't be parsed: %v", r)
		}
	}()
	if len(text) > maxTemplate {
		return nil, faultAt(0, 0, "template is longer than %d bytes", maxTemplate)
	}
	masked, err := mask(text, sx)
	if err != nil {
		return nil, err
	}
	cfg := sx.config()
	stream, err := retag(tokens.LexAll(masked, cfg))
	if err != nil {
		return nil, err
	}
	c := &compiler{text: text, masked: masked, syntax: sx, bare: bare, file: from.text != "", words: map[string]bool{}}
	c.calls = definesMacros.MatchString(masked)
	root, err := parser.NewParser("", stream, cfg, nil, c).Parse()
	if err != nil {
		return nil, c.explain(err)
	}
	if !stream.EOF() {
		return nil, c.lexical(stream.Current())
	}
	t = &template{origin: from, syntax: sx}
	if t.body, err = c.segments(root.Nodes); err != nil {
		return nil, err
	}
	if len(t.body) == 1 {
		if out, ok := t.body[0].(*output); ok {
			t.lone = out.expr
		}
	}
	if m := singleVariable.FindStringSubmatch(text); m != nil {
		t.single = m[1]
	}
	return t, nil
}

// compileExpr compiles a bare expression: what would stand in {{ }}.
func compileExpr(text string, from origin) (*template, error) {
	const open, shut = "{{ ", " }}"
	t, err := compile(open+text+shut, from, plainSyntax, true)
	var f *fault
	if errors.As(err, &f) {
		f.pos, f.end = max(0, f.pos-len(open)), max(0, min(f.end-len(open), len(text)))
		return nil, f
	}
	if err != nil {
		return nil, err
	}
	if t.lone == nil {
		return nil, faultAt(0, len(text), "not one expression").withHint("an expression stands without {{ }} here")
	}
	t.origin.shift -= len(open)
	return t, nil
}

// compiler turns gonja's nodes into segments; it is the set of statements that
// gonja's parser asks for.
type compiler struct {
	text, masked string
	syntax       syntax
	bare         bool // the text is a bare expression in {{ }}
	file         bool // the text is a template file
	calls        bool // it has macros or imports: what can be called is known when it runs
	depth        int
	words        map[string]bool // variables that were read so far
}

// Get implements gonja's lookup of statements.
func (c *compiler) Get(name string) (parser.ControlStructureParser, bool) {
	parse, ok := statementParsers()[name]
	return func(p, args *parser.Parser) (nodes.ControlStructure, error) {
		if c.depth++; c.depth > maxNesting {
			return nil, faultAt(0, 0, "template is nested deeper than %d", maxNesting)
		}
		defer func() { c.depth-- }()
		list, err := c.drain(args)
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, c.unknownStatement(name, p)
		}
		return parse(c, p, list)
	}, true
}

// statementParser compiles what follows a statement's name, and its body.
type statementParser func(c *compiler, p *parser.Parser, list []*tokens.Token) (nodes.ControlStructure, error)

// statementParsers is the table of all statements. (A function, since
// statements hold others.)
func statementParsers() map[string]statementParser {
	return map[string]statementParser{
		outputTag: (*compiler).parseOutput,
		"if":      (*compiler).parseIf,
		"for":     (*compiler).parseFor,
		"set":     (*compiler).parseSet,
		"raw":     (*compiler).parseRaw,
		"with":    (*compiler).parseWith,
		"filter":  (*compiler).parseFilterBlock,
		"macro":   (*compiler).parseMacro,
		"call":    (*compiler).parseCallBlock,
		"include": (*compiler).parseInclude,
		"import":  (*compiler).parseImport,
		"from":    (*compiler).parseFrom,
	}
}

// inner are the words that only stand inside another statement.
var inner = []string{
	"elif", "else", "endif", "endfor", "endraw", "endset", "endwith", "endfilter", "endmacro", "endcall",
}

func (c *compiler) unknownStatement(name string, p *parser.Parser) error {
	pos := len(c.text)
	if t := p.Current(); t != nil {
		pos = t.Pos
	}
	at := max(0, strings.LastIndex(c.masked[:min(pos, len(c.masked))], name))
	f := faultAt(at, at+len(name), "unknown statement `%s` in a template", name)
	switch {
	case name == "extends" || name == "block" || name == "do":
		f.summary = fmt.Sprintf("statement `%s` is not supported in a template", name)
		if name == "do" {
			return f.withHint("use set")
		}
		return f.withHint("use include, or import macros")
	case slices.Contains(inner, name):
		f.summary = fmt.Sprintf("`%s` without its beginning in a template", name)
		return f
	}
	return f.withHint(didYouMean(name, append(keysOf(statementParsers())[1:], inner...)))
}

// drain takes the tokens between a statement's name and its end.
func (c *compiler) drain(args *parser.Parser) ([]*tokens.Token, error) {
	var list []*tokens.Token
	for !args.Stream().EOF() {
		t := args.Next()
		if t.Type == tokens.Error {
			return nil, c.lexical(t)
		}
		list = append(list, t)
	}
	return list, nil
}

func (c *compiler) lexical(t *tokens.Token) error {
	if strings.Contains(t.Val, "unclosed comment") {
		return c.openComment()
	}
	return faultAt(min(t.Pos, len(c.text)), len(c.text), "template can't be parsed: %s", firstLower(t.Val))
}

func (c *compiler) openComment() error {
	open, shut := c.syntax.comment[0], c.syntax.comment[1]
	at := max(0, strings.LastIndex(c.masked, open))
	f := faultAt(at, at+len(open), "comment %s is not closed", open).withHint("close it with " + shut)
	if open == "{#" && strings.HasSuffix(c.masked[:at], "$") {
		f.hint = "{# begins a comment in a template: write a shell's ${#name} as {{ '${#' }}name}"
	}
	return f
}

// explain turns gonja's error into a fault.
func (c *compiler) explain(err error) error {
	var f *fault
	if errors.As(err, &f) {
		return f
	}
	var syntax *parser.SyntaxError
	if !errors.As(err, &syntax) {
		return faultAt(0, len(c.text), "template can't be parsed: %s", firstLower(err.Error()))
	}
	pos := offsetOf(c.masked, syntax.Line, syntax.Column)
	summary := firstLower(strings.TrimSuffix(syntax.Message, "."))
	switch {
	case strings.Contains(summary, "unclosed comment"):
		return c.openComment()
	case strings.Contains(summary, "expected end of block"):
		tag, open := c.syntax.variable, strings.LastIndex(c.masked[:pos], c.syntax.variable[0])
		if at := strings.LastIndex(c.masked[:pos], c.syntax.block[0]); at > open {
			tag, open = c.syntax.block, at
		}
		open = max(0, open)
		return faultAt(open, open+len(tag[0]), "%s is not closed", tag[0]).withHint("close it with " + tag[1])
	case strings.Contains(summary, "expected tag"):
		_, want, _ := strings.Cut(summary, "expected tag ")
		return faultAt(pos, len(c.text), "a statement is not ended: %s is missing", want)
	}
	return faultAt(pos, pos+max(1, len(syntax.Raw)), "template can't be parsed: %s", summary)
}

// offsetOf turns gonja's line and column (bytes, from 1) into an offset.
func offsetOf(text string, line, column int) int {
	pos := 0
	for ; line > 1; line-- {
		i := strings.IndexByte(text[pos:], '\n')
		if i < 0 {
			break
		}
		pos += i + 1
	}
	return max(0, min(pos+column-1, len(text)))
}

func firstLower(s string) string {
	if s == "" || len(s) > 1 && s[1] >= 'A' && s[1] <= 'Z' {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}

// retag lets {{ }} pass as a statement, so that its expression comes to this
// adapter's grammar, and cuts what gonja leaves in front of a token.
func retag(stream *tokens.Stream) (*tokens.Stream, error) {
	var list []*tokens.Token
	for {
		t := stream.Current()
		switch t.Type {
		case tokens.VariableBegin:
			begin := *t
			begin.Type = tokens.BlockBegin
			list = append(list, &begin, &tokens.Token{
				Type: tokens.Name, Val: outputTag, Pos: t.Pos, Line: t.Line, Col: t.Col,
			})
		case tokens.VariableEnd:
			end := *t
			end.Type = tokens.BlockEnd
			list = append(list, &end)
		default:
			list = append(list, t)
		}
		if stream.End() {
			break
		}
		stream.Next()
	}
	return tokens.NewStream(list), nil
}

// segments turns gonja's document nodes into this adapter's.
func (c *compiler) segments(list []nodes.Node) ([]segment, error) {
	var out []segment
	for _, n := range list {
		switch n := n.(type) {
		case *nodes.Data:
			text := n.Data.Val
			if n.Trim.Left {
				text = strings.TrimLeft(text, " \r\n\t")
			}
			if n.Trim.Right {
				text = strings.TrimRight(text, " \r\n\t")
			}
			if text != "" {
				out = append(out, literal(text))
			}
		case *nodes.ControlStructureBlock:
			s, ok := n.ControlStructure.(segment)
			if !ok {
				return nil, fmt.Errorf("statement %s has no segment", n.Name)
			}
			out = append(out, s)
		case *nodes.Comment, nil:
		default:
			return nil, fmt.Errorf("unexpected %T in a template", n)
		}
	}
	return out, nil
}

// wrap compiles what stands between a statement and one of its ends. It
// returns the end's name and arguments.
func (c *compiler) wrap(p *parser.Parser, ends ...string) ([]segment, string, []*tokens.Token, error) {
	w, args, err := p.WrapUntil(ends...)
	if err != nil {
		return nil, "", nil, c.explain(err)
	}
	list, err := c.drain(args)
	if err != nil {
		return nil, "", nil, err
	}
	body, err := c.segments(w.Nodes)
	return body, w.EndTag, list, err
}
