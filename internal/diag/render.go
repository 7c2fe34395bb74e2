package diag

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	indent   = "  "
	tabStop  = 8
	maxWidth = 120 // terminal cells of a source line that are shown
	before   = 60  // of these, cells left of the place when a line is cut
)

// String draws the problem for a person:
//
//	thor.yml:4:3: error: unknown module `comand`
//	  - comand: mount
//	    ^~~~~~
//	  hint: did you mean `command`?
//
// There is no newline at its end. Control characters of every part are
// escaped, tabs of the source line are drawn as spaces.
func (d Diagnostic) String() string {
	var b strings.Builder
	if where := d.Range.String(); where != "" {
		b.WriteString(where)
		b.WriteString(": ")
	}
	fmt.Fprintf(&b, "%s: %s", d.Severity, Escape(d.Summary))
	if d.Range.Line > 0 && strings.TrimSpace(d.Source) != "" {
		text, mark := snippet(d.Source, d.Range.Column, d.Range.EndColumn)
		b.WriteString("\n" + indent + text)
		if mark != "" {
			b.WriteString("\n" + indent + mark)
		}
	}
	if d.Hint != "" {
		b.WriteString("\n" + indent + "hint: " + Escape(d.Hint))
	}
	return b.String()
}

// cell is one rune of a source line as it is drawn.
type cell struct {
	text  string
	width int
}

// snippet draws a source line and the underline of the runes [col, end),
// counted from 1. A long line is cut around the place.
func snippet(line string, col, end int) (text, mark string) {
	cells := draw(strings.TrimRight(line, "\r\n"))
	if col < 1 {
		text, _ = cut(cells, 0, 0)
		return strings.TrimRight(text, " "), ""
	}
	from := min(col-1, len(cells))
	to := min(max(end-1, from+1), len(cells))
	text, skipped := cut(cells, from, before)
	at := skipped.lead
	for _, c := range cells[skipped.cells:from] {
		at += c.width
	}
	width := 0
	for i := from; i < to; i++ {
		width += cells[i].width
	}
	width = max(1, min(width, maxWidth-at+skipped.lead))
	return strings.TrimRight(text, " "), strings.Repeat(" ", at) + "^" + strings.Repeat("~", width-1)
}

// lead says what was cut off at the left: so many cells, drawn as a mark that
// is lead wide.
type lead struct{ cells, lead int }

// cut joins the cells, at most maxWidth wide, so that the cell at from is
// seen with up to keep columns before it.
func cut(cells []cell, from, keep int) (string, lead) {
	start, left := from, 0
	for start > 0 && left+cells[start-1].width <= keep {
		start--
		left += cells[start].width
	}
	if width(cells[:from]) < maxWidth-keep/2 {
		start = 0
	}
	var b strings.Builder
	var skipped lead
	if start > 0 {
		b.WriteString("…")
		skipped = lead{start, 1}
	}
	shown := 0
	for _, c := range cells[start:] {
		if shown+c.width > maxWidth {
			b.WriteString("…")
			break
		}
		b.WriteString(c.text)
		shown += c.width
	}
	return b.String(), skipped
}

func width(cells []cell) int {
	n := 0
	for _, c := range cells {
		n += c.width
	}
	return n
}

// draw turns a line into one cell a rune: tabs to spaces up to the next stop,
// control characters and broken UTF-8 to visible escapes.
func draw(line string) []cell {
	cells := make([]cell, 0, len(line))
	column := 0
	for i := 0; i < len(line); {
		r, size := utf8.DecodeRuneInString(line[i:])
		c := cell{text: line[i : i+size], width: runeWidth(r)}
		switch {
		case r == '\t':
			c.width = tabStop - column%tabStop
			c.text = strings.Repeat(" ", c.width)
		case r == utf8.RuneError && size == 1:
			c.text = fmt.Sprintf(`\x%02x`, line[i])
			c.width = len(c.text)
		case hostile(r):
			c.text = escapeRune(r)
			c.width = len(c.text)
		}
		column += c.width
		cells = append(cells, c)
		i += size
	}
	return cells
}

// Escape makes text safe to write to a terminal: control characters (tabs and
// newlines too), characters that reorder text, and broken UTF-8 become visible
// escapes such as \x1b.
func Escape(s string) string {
	clean := true
	for _, r := range s {
		if r == utf8.RuneError || hostile(r) {
			clean = false
			break
		}
	}
	if clean {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case hostile(r):
			b.WriteString(escapeRune(r))
		default:
			b.WriteString(s[i : i+size])
		}
		i += size
	}
	return b.String()
}

// hostile reports runes that steer a terminal (C0, C1, delete), start new
// lines, or reorder what a person reads (bidirectional controls).
func hostile(r rune) bool {
	switch {
	case unicode.IsControl(r), r == '\u2028', r == '\u2029':
		return true
	case r == '\u061c', r >= '\u200e' && r <= '\u200f', r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069':
		return true
	}
	return false
}

func escapeRune(r rune) string {
	switch r {
	case '\n':
		return `\n`
	case '\r':
		return `\r`
	case '\t':
		return `\t`
	}
	if r < 0x100 {
		return fmt.Sprintf(`\x%02x`, r)
	}
	return fmt.Sprintf(`\u%04x`, r)
}

// Width is how many terminal cells a clean text takes.
func Width(text string) int {
	n := 0
	for _, r := range text {
		n += runeWidth(r)
	}
	return n
}

// runeWidth is the number of terminal cells a rune takes: 0 for combining
// marks and invisible format characters, 2 for East Asian wide forms and
// emoji, else 1.
func runeWidth(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf), r >= 0x1160 && r <= 0x11ff:
		return 0
	}
	for _, w := range wide {
		if r < w[0] {
			break
		}
		if r <= w[1] {
			return 2
		}
	}
	return 1
}

// wide lists the blocks that terminals draw two cells wide (Unicode's
// EastAsianWidth.txt, classes W and F, joined where gaps are unassigned).
var wide = [...][2]rune{
	{0x1100, 0x115f}, {0x231a, 0x231b}, {0x2329, 0x232a}, {0x23e9, 0x23ec},
	{0x23f0, 0x23f0}, {0x23f3, 0x23f3}, {0x25fd, 0x25fe}, {0x2614, 0x2615},
	{0x2648, 0x2653}, {0x267f, 0x267f}, {0x2693, 0x2693}, {0x26a1, 0x26a1},
	{0x26aa, 0x26ab}, {0x26bd, 0x26be}, {0x26c4, 0x26c5}, {0x26ce, 0x26ce},
	{0x26d4, 0x26d4}, {0x26ea, 0x26ea}, {0x26f2, 0x26f3}, {0x26f5, 0x26f5},
	{0x26fa, 0x26fa}, {0x26fd, 0x26fd}, {0x2705, 0x2705}, {0x270a, 0x270b},
	{0x2728, 0x2728}, {0x274c, 0x274c}, {0x274e, 0x274e}, {0x2753, 0x2755},
	{0x2757, 0x2757}, {0x2795, 0x2797}, {0x27b0, 0x27b0}, {0x27bf, 0x27bf},
	{0x2b1b, 0x2b1c}, {0x2b50, 0x2b50}, {0x2b55, 0x2b55}, {0x2e80, 0x303e},
	{0x3041, 0x33ff}, {0x3400, 0x4dbf}, {0x4e00, 0x9fff}, {0xa000, 0xa4cf},
	{0xa960, 0xa97f}, {0xac00, 0xd7a3}, {0xf900, 0xfaff}, {0xfe10, 0xfe19},
	{0xfe30, 0xfe6f}, {0xff00, 0xff60}, {0xffe0, 0xffe6}, {0x16fe0, 0x18cff},
	{0x1aff0, 0x1b2ff}, {0x1f004, 0x1f004}, {0x1f0cf, 0x1f0cf}, {0x1f18e, 0x1f18e},
	{0x1f191, 0x1f19a}, {0x1f200, 0x1f320}, {0x1f32d, 0x1f335}, {0x1f337, 0x1f37c},
	{0x1f37e, 0x1f393}, {0x1f3a0, 0x1f3ca}, {0x1f3cf, 0x1f3d3}, {0x1f3e0, 0x1f3f0},
	{0x1f3f4, 0x1f3f4}, {0x1f3f8, 0x1f43e}, {0x1f440, 0x1f440}, {0x1f442, 0x1f4fc},
	{0x1f4ff, 0x1f53d}, {0x1f54b, 0x1f54e}, {0x1f550, 0x1f567}, {0x1f57a, 0x1f57a},
	{0x1f595, 0x1f596}, {0x1f5a4, 0x1f5a4}, {0x1f5fb, 0x1f64f}, {0x1f680, 0x1f6c5},
	{0x1f6cc, 0x1f6cc}, {0x1f6d0, 0x1f6d2}, {0x1f6d5, 0x1f6df}, {0x1f6eb, 0x1f6ec},
	{0x1f6f4, 0x1f6fc}, {0x1f7e0, 0x1f7f0}, {0x1f90c, 0x1f93a}, {0x1f93c, 0x1f945},
	{0x1f947, 0x1f9ff}, {0x1fa70, 0x1faff}, {0x20000, 0x3fffd},
}
