// Package literal reads Python's literals: numbers, strings, booleans, None,
// lists, tuples and mappings, and nothing that would have to be evaluated. INI
// inventories type their values so, and Ansible what a template comes to.
package literal

import (
	"regexp"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Parse reads a whole text: 42, 0x2a, 1.5, True, None, 'text', [1, 2],
// {'a': 1}. A tuple is a list, a mapping a map[string]any. It is false for
// what is no literal, and for a whole number too large for an int.
func Parse(text string) (any, bool) { return Reader{}.Parse(text) }

// Reader says what is read besides, and how.
type Reader struct {
	JSON bool // true, false and null too, and line ends between the parts
	// Mapping makes a mapping of its keys, in their order, and values; nil: a
	// map[string]any.
	Mapping func(keys []string, values []any) any
	// Most is how many values may be read, lists and mappings among them; each
	// counts it down, and below 0 the text is no literal. nil: no bound.
	Most *int
}

// Parse is Parse as r says.
func (r Reader) Parse(text string) (any, bool) {
	p := literalParser{Reader: r, rest: text}
	p.skip()
	v, ok := p.value(0)
	p.skip()
	return v, ok && p.rest == ""
}

// maxLiteralDepth is how deep lists and mappings may nest in a literal.
const maxLiteralDepth = 50

type literalParser struct {
	Reader
	rest string
}

func (p *literalParser) skip() {
	blanks := " \t"
	if p.JSON {
		blanks = " \t\r\n"
	}
	p.rest = strings.TrimLeft(p.rest, blanks)
}

// take drops c from the front, blanks before and after it too.
func (p *literalParser) take(c byte) bool {
	p.skip()
	if p.rest == "" || p.rest[0] != c {
		return false
	}
	p.rest = p.rest[1:]
	p.skip()
	return true
}

func (p *literalParser) value(depth int) (any, bool) {
	if p.rest == "" || depth > maxLiteralDepth {
		return nil, false
	}
	if p.Most != nil {
		if *p.Most--; *p.Most < 0 {
			return nil, false
		}
	}
	switch p.rest[0] {
	case '\'', '"':
		return p.str()
	case '[':
		return p.list('[', ']', depth)
	case '(':
		return p.list('(', ')', depth)
	case '{':
		return p.dict(depth)
	}
	end := strings.IndexAny(p.rest, " \t\r\n,:]})'\"")
	if end < 0 {
		end = len(p.rest)
	}
	w := p.rest[:end]
	p.rest = p.rest[end:]
	v, known := words[w]
	if known && (p.JSON || w[0] < 'a') {
		return v, true
	}
	v, ok := number(w)
	if !ok && p.JSON && wholeDigits.MatchString(w) {
		f, err := strconv.ParseFloat(w, 64)
		return f, err == nil
	}
	return v, ok
}

// wholeDigits is a whole number, also one that is too large for an int.
var wholeDigits = regexp.MustCompile(`^[+-]?[1-9][0-9]*$`)

var words = map[string]any{"True": true, "False": false, "None": nil, "true": true, "false": false, "null": nil}

// number reads an int or float as Python writes it. A leading zero (0123) is
// no number there, nor is inf or nan.
func number(w string) (any, bool) {
	digits := strings.TrimLeft(w, "+-")
	if len(w)-len(digits) > 1 || digits == "" || (digits[0] < '0' || digits[0] > '9') && digits[0] != '.' {
		return nil, false
	}
	if digits[0] == '0' && len(digits) > 1 && digits[1] >= '0' && digits[1] <= '9' && !strings.ContainsAny(digits, ".eE") {
		if strings.Trim(digits, "0") != "" {
			return nil, false
		}
		return 0, true
	}
	if n, err := strconv.ParseInt(w, 0, 0); err == nil {
		return int(n), true
	}
	if strings.ContainsAny(digits, "xXpP") {
		return nil, false
	}
	if strings.ContainsAny(digits, ".eE") {
		if f, err := strconv.ParseFloat(strings.ReplaceAll(w, "_", ""), 64); err == nil {
			return f, true
		}
	}
	return nil, false
}

func (p *literalParser) str() (any, bool) {
	quote := p.rest[0]
	var b strings.Builder
	for i := 1; i < len(p.rest); i++ {
		switch c := p.rest[i]; {
		case c == quote:
			p.rest = p.rest[i+1:]
			return b.String(), true
		case c == '\\' && i+1 < len(p.rest):
			i++
			r, n := codedPair(p.rest[i:])
			if n > 0 {
				b.WriteRune(r)
				i += n - 1
				continue
			}
			b.WriteString(unescape(p.rest[i]))
		case c == '\n' || c == '\r' || c == 0:
			return nil, false // no string goes on in the next line
		default:
			b.WriteByte(c)
		}
	}
	return nil, false
}

// codedPair is coded, for the two halves of a surrogate pair too, as JSON in
// ASCII writes what is beyond the first plane.
func codedPair(s string) (r rune, n int) {
	r, n = coded(s)
	if n == 0 || !utf16.IsSurrogate(r) || len(s) < n+2 || s[n] != '\\' {
		return r, n
	}
	low, more := coded(s[n+1:])
	if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
		return pair, n + 1 + more
	}
	return r, n
}

// coded reads x41, u0041 or U00000041, of n bytes; 0 where it is none.
func coded(s string) (r rune, n int) {
	n = map[byte]int{'x': 3, 'u': 5, 'U': 9}[s[0]]
	if n == 0 || len(s) < n {
		return 0, 0
	}
	code, err := strconv.ParseUint(s[1:n], 16, 32)
	if err != nil {
		return 0, 0
	}
	return rune(code), n
}

func unescape(c byte) string {
	switch c {
	case 'b':
		return "\b"
	case 'f':
		return "\f"
	case '\n':
		return ""
	case 'n':
		return "\n"
	case 't':
		return "\t"
	case 'r':
		return "\r"
	case '\\', '\'', '"':
		return string(c)
	}
	return `\` + string(rune(c))
}

// list reads [a, b] and (a, b); both are lists here. (a) is a itself.
func (p *literalParser) list(opening, closing byte, depth int) (any, bool) {
	p.take(opening)
	items := []any{}
	comma := true
	for !p.take(closing) {
		if !comma {
			return nil, false
		}
		v, ok := p.value(depth + 1)
		if !ok {
			return nil, false
		}
		items = append(items, v)
		comma = p.take(',')
	}
	if opening == '(' && len(items) == 1 && !comma {
		return items[0], true
	}
	return items, true
}

// dict reads {'a': 1}. Keys are strings; a number as key is written as one.
func (p *literalParser) dict(depth int) (any, bool) {
	p.take('{')
	var keys []string
	var values []any
	comma := true
	for !p.take('}') {
		if !comma {
			return nil, false
		}
		k, ok := p.value(depth + 1)
		if !ok || !p.take(':') {
			return nil, false
		}
		name, ok := keyText(k)
		if !ok {
			return nil, false
		}
		v, ok := p.value(depth + 1)
		if !ok {
			return nil, false
		}
		keys, values = append(keys, name), append(values, v)
		comma = p.take(',')
	}
	if p.Mapping != nil {
		return p.Mapping(keys, values), true
	}
	m := make(map[string]any, len(keys))
	for i, k := range keys {
		m[k] = values[i]
	}
	return m, true
}

func keyText(k any) (string, bool) {
	switch k := k.(type) {
	case string:
		return k, true
	case int:
		return strconv.Itoa(k), true
	}
	return "", false
}
