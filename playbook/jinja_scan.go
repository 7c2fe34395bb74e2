package playbook

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/nikolalohinski/gonja/v2/config"
)

// syntax is how a template's tags are written, and what becomes of the white
// space around statements.
type syntax struct {
	variable, block, comment [2]string // what a tag begins and ends with
	trim, lstrip             bool
}

// plainSyntax is that of playbooks: Jinja's tags, with trim_blocks as
// ansible.template's environment has it.
var plainSyntax = syntax{
	variable: [2]string{"{{", "}}"}, block: [2]string{"{%", "%}"}, comment: [2]string{"{#", "#}"}, trim: true,
}

func (sx syntax) config() *config.Config {
	cfg := config.New()
	cfg.KeepTrailingNewline = true
	cfg.TrimBlocks, cfg.LeftStripBlocks = sx.trim, sx.lstrip
	cfg.VariableStartString, cfg.VariableEndString = sx.variable[0], sx.variable[1]
	cfg.BlockStartString, cfg.BlockEndString = sx.block[0], sx.block[1]
	cfg.CommentStartString, cfg.CommentEndString = sx.comment[0], sx.comment[1]
	return cfg
}

// next finds the first tag in text: its offset, or -1, and which it is.
func (sx syntax) next(text string) (offset int, tag [2]string) {
	offset = -1
	for _, t := range [][2]string{sx.comment, sx.variable, sx.block} {
		at := strings.Index(text, t[0])
		if at >= 0 && (offset < 0 || at < offset || at == offset && len(t[0]) > len(tag[0])) {
			offset, tag = at, t
		}
	}
	return offset, tag
}

// mask prepares a template for gonja's lexer, byte for byte of the same
// length: the contents of string literals become x, so that escapes and tags
// inside them can't confuse it (the adapter's grammar reads the real text by
// its place), line breaks inside tags become spaces, and a rune that no
// expression may hold is a fault (gonja would drop it).
func mask(text string, sx syntax) (string, error) {
	out := []byte(text)
	for i := 0; i < len(text); {
		at, tag := sx.next(text[i:])
		if at < 0 {
			break
		}
		i += at
		if tag == sx.comment {
			end := strings.Index(text[i:], tag[1])
			if end < 0 {
				return string(out), nil // gonja's lexer says so, with its place
			}
			i += end + len(tag[1])
			continue
		}
		start := i + len(tag[0])
		var err error
		if i, err = maskTag(text, out, i, tag); err != nil {
			return "", err
		}
		if tag == sx.block && statementName(text[start:]) == "raw" {
			i = endOfRaw(text, i, sx.block[0])
		}
	}
	return string(out), nil
}

// brackets are what may stand in pairs inside a tag.
var brackets = map[byte]byte{'}': '{', ']': '[', ')': '('}

// maskTag masks one tag that begins at start in out, if that isn't nil, and
// returns the offset after it. Where a tag ends in a bracket, such brackets
// inside it are in pairs.
func maskTag(text string, out []byte, start int, tag [2]string) (int, error) {
	depth := 0
	open := brackets[tag[1][0]]
	for i := start + len(tag[0]); i < len(text); {
		if strings.HasPrefix(text[i:], tag[1]) && depth == 0 {
			return i + len(tag[1]), nil
		}
		switch c := text[i]; c {
		case '\n', '\r', '\f', '\v':
			put(out, i, ' ')
		case '"', '\'':
			end, err := maskString(text, out, i)
			if err != nil {
				return 0, err
			}
			i = end
			continue
		case '{', '[', '(':
			if c == open {
				depth++
			}
		case '}', ']', ')':
			if brackets[c] == open {
				depth--
			}
		case '!':
			if !strings.HasPrefix(text[i:], "!=") {
				return 0, faultAt(i, i+1, "unexpected `!` in an expression").withHint("write `not`")
			}
		default:
			r, size := utf8.DecodeRuneInString(text[i:])
			if !allowed(r) {
				return 0, strange(text, i, r, size)
			}
			i += size
			continue
		}
		i++
	}
	return 0, faultAt(start, start+len(tag[0]), "%s is not closed", tag[0]).withHint("close it with " + tag[1])
}

func put(out []byte, i int, c byte) {
	if out != nil {
		out[i] = c
	}
}

func strange(text string, i int, r rune, size int) error {
	f := faultAt(i, i+size, "unexpected `%c` in an expression", r)
	if r == utf8.RuneError {
		f.summary = "an expression is not UTF-8"
	}
	switch {
	case strings.HasPrefix(text[i:], "&&"):
		f.end, f.hint = i+2, "write `and`"
	case r == '“' || r == '”' || r == '‘' || r == '’':
		f.hint = "this is a typographic quote: use ' or \""
	case r == '$':
		f.hint = "variables have no `$` in templates"
	}
	return f
}

// allowed reports runes that tokens are made of.
func allowed(r rune) bool {
	return r == ' ' || r == '\t' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) ||
		r < utf8.RuneSelf && strings.ContainsRune("+-*/%~.,:|<>=", r)
}

// maskString masks the literal that begins at start and returns the offset
// after it.
func maskString(text string, out []byte, start int) (int, error) {
	for i := start + 1; i < len(text); i++ {
		switch text[i] {
		case text[start]:
			return i + 1, nil
		case '\\':
			if i+1 < len(text) {
				put(out, i, 'x')
				i++
			}
		}
		put(out, i, 'x')
	}
	return 0, faultAt(start, len(text), "a string is not closed").withHint("close it with " + text[start:start+1])
}

func statementName(rest string) string {
	rest = strings.TrimLeft(strings.TrimLeft(rest, "-+"), " \t\r\n")
	end := strings.IndexFunc(rest, func(r rune) bool { return r != '_' && !unicode.IsLetter(r) })
	if end < 0 {
		return rest
	}
	return rest[:end]
}

// endOfRaw gives the offset of the {% endraw that ends a raw block.
func endOfRaw(text string, from int, open string) int {
	for i := from; ; i += len(open) {
		at := strings.Index(text[i:], open)
		if at < 0 {
			return len(text)
		}
		i += at
		if statementName(text[i+len(open):]) == "endraw" {
			return i
		}
	}
}

// unquote reads a Python string literal, quotes and all.
func unquote(lit string) string {
	body := lit[1 : len(lit)-1]
	if !strings.Contains(body, `\`) {
		return body
	}
	var b strings.Builder
	for i := 0; i < len(body); i++ {
		if body[i] != '\\' || i+1 == len(body) {
			b.WriteByte(body[i])
			continue
		}
		n := unescape(body[i:], &b)
		i += n - 1
	}
	return b.String()
}

var escapes = map[byte]byte{
	'\\': '\\', '\'': '\'', '"': '"', 'a': '\a', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v',
}

// unescape writes what the escape at the start of s means, and returns its
// length. An unknown escape stays as it is, as in Python.
func unescape(s string, b *strings.Builder) int {
	if c, ok := escapes[s[1]]; ok {
		b.WriteByte(c)
		return 2
	}
	digits, base := 0, 16
	switch s[1] {
	case 'x':
		digits = 2
	case 'u':
		digits = 4
	case 'U':
		digits = 8
	case '\n':
		return 2
	case '0', '1', '2', '3', '4', '5', '6', '7':
		base = 8
	}
	if base == 8 {
		n, v := 1, rune(0)
		for n < len(s) && n < 4 && s[n] >= '0' && s[n] <= '7' {
			v = v*8 + rune(s[n]-'0')
			n++
		}
		b.WriteRune(v)
		return n
	}
	v, n := rune(0), 2
	for n < len(s) && n < 2+digits {
		d := strings.IndexByte("0123456789abcdef", s[n]|0x20)
		if d < 0 || s[n] < '0' {
			break
		}
		v = v*16 + rune(d)
		n++
	}
	if digits == 0 || n != 2+digits || v < 0 || v > unicode.MaxRune {
		b.WriteByte('\\')
		return 1
	}
	b.WriteRune(v)
	return n
}
