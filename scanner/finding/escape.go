package finding

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// PathText returns a name of any bytes as valid UTF-8: bytes that are not part
// of a character become \xNN, everything else stays as it is.
func PathText(name string) string {
	if utf8.ValidString(name) {
		return name
	}
	var out strings.Builder
	for i := 0; i < len(name); {
		r, size := utf8.DecodeRuneInString(name[i:])
		if r == utf8.RuneError && size == 1 {
			fmt.Fprintf(&out, `\x%02x`, name[i])
		} else {
			out.WriteString(name[i : i+size])
		}
		i += size
	}
	return out.String()
}

// Printable returns s with everything that could move a cursor, end a line,
// colour a terminal, hide or reorder text written as an escape (\n, \x1b,
// \u202e, \xff), so that a hostile name stays within its line and looks like
// what it is.
func Printable(s string) string {
	plain := true
	for i := 0; i < len(s) && plain; i++ {
		plain = s[i] >= 0x20 && s[i] < 0x7f
	}
	if plain {
		return s
	}
	var out strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&out, `\x%02x`, s[i])
		case r == '\n':
			out.WriteString(`\n`)
		case r == '\r':
			out.WriteString(`\r`)
		case r == '\t':
			out.WriteString(`\t`)
		case r < 0x100 && unsafeRune(r):
			fmt.Fprintf(&out, `\x%02x`, r)
		case unsafeRune(r) && r > 0xffff:
			fmt.Fprintf(&out, `\U%08x`, r)
		case unsafeRune(r):
			fmt.Fprintf(&out, `\u%04x`, r)
		default:
			out.WriteString(s[i : i+size])
		}
		i += size
	}
	return out.String()
}

// unsafeRune tells characters that act instead of showing: controls (C0, DEL,
// C1), format characters such as bidirectional overrides, line and paragraph
// separators, private use, and spaces that aren't the space.
func unsafeRune(r rune) bool {
	return r != ' ' && !unicode.IsPrint(r)
}
