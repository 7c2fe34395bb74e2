package playbook

import (
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"thordeploy/internal/diag"
)

// source is a file's text by lines, to quote in diagnostics.
type source struct {
	file  string
	lines []string
}

func newSource(file string, data []byte) *source {
	lines := strings.Split(string(data), "\n")
	for i := range lines {
		lines[i] = strings.TrimSuffix(lines[i], "\r")
	}
	return &source{file: file, lines: lines}
}

// line gives a line by its number from 1; "" beyond the file.
func (s *source) line(n int) string {
	if s == nil || n < 1 || n > len(s.lines) {
		return ""
	}
	return s.lines[n-1]
}

// rangeOf is a node's place; a scalar on one line is covered whole.
func (s *source) rangeOf(n *yaml.Node) diag.Range {
	r := diag.Range{File: s.file, Line: n.Line, Column: n.Column}
	if n.Kind != yaml.ScalarNode || n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		return r
	}
	line, column, ok := s.position(n, len(n.Value))
	if !ok || line != n.Line {
		return r
	}
	if n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0 {
		column++
	}
	r.EndColumn = column
	return r
}

// maxLine is how long a line may be, in bytes, for places inside it to be
// worked out: a walk for each scalar of a huge line would take all day.
const maxLine = 4096

// cursor walks over the source text that a scalar was read from.
type cursor struct {
	src  *source
	line int    // from 0
	text string // of the line
	at   int    // bytes
}

func (c *cursor) newline() bool {
	if c.line+1 >= len(c.src.lines) || len(c.src.lines[c.line+1]) > maxLine {
		return false
	}
	c.line, c.at = c.line+1, 0
	c.text = c.src.lines[c.line]
	return true
}

func (c *cursor) atEnd() bool { return c.at >= len(c.text) }

func (c *cursor) atSpace() bool {
	return !c.atEnd() && (c.text[c.at] == ' ' || c.text[c.at] == '\t')
}

// skip moves over n runes of the line.
func (c *cursor) skip(n int) {
	for ; n > 0 && !c.atEnd(); n-- {
		_, size := utf8.DecodeRuneInString(c.text[c.at:])
		c.at += size
	}
}

// skipSpace moves over white space, line ends included.
func (c *cursor) skipSpace() {
	for {
		switch {
		case c.atSpace():
			c.at++
		case !c.atEnd() || !c.newline():
			return
		}
	}
}

// position gives the line and column, from 1, of the byte at offset of a
// scalar's value, by walking value and source text together: folding, escapes
// and indentation are what they differ in. ok is false where they don't meet.
func (s *source) position(n *yaml.Node, offset int) (line, column int, ok bool) {
	if n.Line < 1 || n.Line > len(s.lines) || len(s.lines[n.Line-1]) > maxLine {
		return 0, 0, false
	}
	c := &cursor{src: s, line: n.Line - 1, text: s.lines[n.Line-1]}
	c.skip(n.Column - 1)
	block := n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0
	switch {
	case block:
		if !c.newline() {
			return 0, 0, false
		}
	case n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0:
		c.at++
	}
	for _, r := range n.Value[:min(offset, len(n.Value))] {
		if !c.match(n.Style, r) {
			return 0, 0, false
		}
	}
	if offset < len(n.Value) && n.Value[offset] != ' ' && n.Value[offset] != '\n' && (c.atEnd() || block && c.at == 0) {
		c.skipSpace()
	}
	return c.line + 1, utf8.RuneCountInString(c.text[:min(c.at, len(c.text))]) + 1, true
}

// match moves over the source text of one rune of a value.
func (c *cursor) match(style yaml.Style, r rune) bool {
	for {
		next, size := utf8.DecodeRuneInString(c.text[min(c.at, len(c.text)):])
		switch {
		case c.atEnd():
			if !c.newline() {
				return false
			}
			if r == '\n' || r == ' ' {
				if style&yaml.LiteralStyle == 0 {
					c.skipSpace()
				}
				return true
			}
		case style&yaml.DoubleQuotedStyle != 0 && next == '\\':
			kind, _ := utf8.DecodeRuneInString(c.text[c.at+1:])
			if kind == utf8.RuneError { // the line goes on below
				if !c.newline() {
					return false
				}
				c.skipSpace()
				continue
			}
			c.skip(escapeLength(kind))
			return true
		case style&yaml.SingleQuotedStyle != 0 && r == '\'' && strings.HasPrefix(c.text[c.at:], "''"):
			c.at += 2
			return true
		case next == r:
			c.at += size
			return true
		case c.atSpace():
			c.at++
		default:
			return false
		}
	}
}

func escapeLength(kind rune) int {
	switch kind {
	case 'x':
		return 4
	case 'u':
		return 6
	case 'U':
		return 10
	}
	return 2
}

// origin is where a template's text comes from.
type origin struct {
	rng   diag.Range // the whole value
	src   *source    // nil: not from a file
	node  *yaml.Node // the scalar that holds the text; nil: not from a file
	base  int        // the text's offset in the scalar's value
	shift int        // added to a fault's place: a bare expression is compiled inside {{ }}
	text  string     // of a template file, whole; empty: not one
	first int        // lines of the file before text
}

// place gives the range and the source line of the bytes [pos, end) of the
// template's text.
func (o origin) place(pos, end int) (diag.Range, string) {
	if o.text != "" {
		return o.placeInFile(pos, end)
	}
	if o.src == nil || o.node == nil {
		return o.rng, o.src.line(o.rng.Line)
	}
	pos, end = o.base+max(0, pos+o.shift), o.base+max(0, end+o.shift)
	line, column, ok := o.src.position(o.node, pos)
	if !ok {
		return o.rng, o.src.line(o.rng.Line)
	}
	r := diag.Range{File: o.src.file, Line: line, Column: column}
	text := o.src.line(line)
	if endLine, endColumn, ok := o.src.position(o.node, min(end, len(o.node.Value))); ok && endLine == line {
		r.EndColumn = endColumn
	} else {
		r.EndColumn = utf8.RuneCountInString(text) + 1
	}
	return r, text
}

// diagnostic makes a fault of this text a diagnostic.
func (o origin) diagnostic(f *fault) diag.Diagnostic {
	d := diag.Diagnostic{Summary: f.summary, Hint: f.hint}
	d.Range, d.Source = o.place(f.pos, f.end)
	return d
}

// placeInFile is place for a template file.
func (o origin) placeInFile(pos, end int) (diag.Range, string) {
	pos = min(max(pos, 0), len(o.text))
	begin := strings.LastIndexByte(o.text[:pos], '\n') + 1
	line, _, _ := strings.Cut(o.text[begin:], "\n")
	r := o.rng
	r.Line = o.first + strings.Count(o.text[:pos], "\n") + 1
	r.Column = utf8.RuneCountInString(o.text[begin:pos]) + 1
	end = min(max(end, pos), begin+len(line))
	r.EndColumn = r.Column + utf8.RuneCountInString(o.text[pos:max(end, pos)])
	return r, line
}
