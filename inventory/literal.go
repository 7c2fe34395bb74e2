package inventory

import (
	"strconv"
	"strings"
)

// literal types an INI value as Python types it: 42, 0x2a, 1.5, True, None,
// 'text', [1, 2], {'a': 1}, and 80,443 as a list too. What is no Python literal
// is the string as it is written. A whole number too large for an int stays a
// string.
func literal(text string) any {
	p := literalParser{rest: strings.TrimRight(text, " \t")}
	v, ok := p.value(0)
	if ok && strings.HasPrefix(strings.TrimLeft(p.rest, " \t"), ",") { // a tuple needs no parentheses
		p = literalParser{rest: "(" + text + ")"}
		v, ok = p.value(0)
	}
	if !ok || p.rest != "" || strings.HasPrefix(text, " ") || strings.HasPrefix(text, "\t") {
		return text
	}
	return v
}

// maxLiteralDepth is how deep lists and mappings may nest in a literal.
const maxLiteralDepth = 50

type literalParser struct{ rest string }

func (p *literalParser) skip() { p.rest = strings.TrimLeft(p.rest, " \t") }

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
	end := strings.IndexAny(p.rest, " \t,:]})'\"")
	if end < 0 {
		end = len(p.rest)
	}
	w := p.rest[:end]
	p.rest = p.rest[end:]
	switch w {
	case "True":
		return true, true
	case "False":
		return false, true
	case "None":
		return nil, true
	}
	return number(w)
}

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
			b.WriteString(unescape(p.rest[i]))
		default:
			b.WriteByte(c)
		}
	}
	return nil, false
}

func unescape(c byte) string {
	switch c {
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
	m := map[string]any{}
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
		m[name] = v
		comma = p.take(',')
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
