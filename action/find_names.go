package action

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// nameFilter is find's patterns or excludes.
type nameFilter struct {
	tests []*regexp.Regexp
	globs []string // that they were made from; nil: regular expressions
}

func newNameFilter(a Args, which string) (nameFilter, error) {
	var f nameFilter
	for _, p := range a.List(which) {
		text := `\A(?:` + p + `)`
		if !a.Bool("use_regex") {
			text = globExpr(p)
			f.globs = append(f.globs, p)
		}
		e, err := regexp.Compile(text)
		if err != nil {
			return f, &typeError{text: fmt.Sprintf("%s: %q can't be used: %v", which, shorten(p), err), hint: "regular expressions are RE2's: no look-around, no back-references"}
		}
		f.tests = append(f.tests, e)
	}
	return f, nil
}

func (f nameFilter) matches(name string) bool {
	for _, e := range f.tests {
		if e.MatchString(name) {
			return true
		}
	}
	return false
}

// plainGlob are the characters that mean the same to every find(1).
const plainGlob = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-*"

// narrow is what find(1) can be told of the globs, so that little travels that
// isn't meant. All else becomes *: the host may send too much, never too little.
func (f nameFilter) narrow() []string {
	var words []string
	for _, g := range f.globs {
		if i := strings.IndexByte(g, '['); i >= 0 { // a set may hold a * that is none
			g = g[:i] + "*"
		}
		g = strings.Map(func(r rune) rune {
			if strings.ContainsRune(plainGlob, r) {
				return r
			}
			return '*'
		}, g)
		if len(words) > 0 {
			words = append(words, "-o")
		}
		words = append(words, "-name", g)
	}
	if len(words) == 0 {
		return nil
	}
	return append(append([]string{"("}, words...), ")")
}

// globExpr is a glob as Python's fnmatch has it, as a regular expression: *, ?,
// [set] and [!set]; a backslash is a character like any other.
func globExpr(glob string) string {
	var b strings.Builder
	b.WriteString(`(?s)\A`)
	for i := 0; i < len(glob); i++ {
		switch c := glob[i]; c {
		case '*':
			b.WriteString(".*")
		case '?':
			b.WriteByte('.')
		case '[':
			end := setEnd(glob, i+1)
			if end < 0 {
				b.WriteString(`\[`)
				continue
			}
			set := glob[i+1 : end]
			b.WriteByte('[')
			if rest, not := strings.CutPrefix(set, "!"); not {
				b.WriteByte('^')
				set = rest
			}
			b.WriteString(strings.NewReplacer(`\`, `\\`, `[`, `\[`, `]`, `\]`, `^`, `\^`).Replace(set) + "]")
			i = end
		default:
			b.WriteString(regexp.QuoteMeta(glob[i : i+1]))
		}
	}
	return b.String() + `\z`
}

// setEnd is where the set that begins at i ends, or -1. A ] that comes first is
// one of the set.
func setEnd(glob string, i int) int {
	j := i
	if j < len(glob) && glob[j] == '!' {
		j++
	}
	if j < len(glob) && glob[j] == ']' {
		j++
	}
	if j > len(glob) {
		return -1
	}
	if n := strings.IndexByte(glob[j:], ']'); n >= 0 {
		return j + n
	}
	return -1
}

// eachRecord hands over records one by one, without the // that each begins
// with and the newline at its end. What is between may hold newlines.
func eachRecord(r io.Reader, take func(string) error) error {
	in := bufio.NewScanner(r)
	in.Buffer(make([]byte, 16<<10), 64<<10) // a path has 4 KiB at most
	in.Split(func(data []byte, atEnd bool) (int, []byte, error) {
		if i := bytes.Index(data, []byte("\n//")); i >= 0 {
			return i + 1, data[:i], nil
		}
		if !atEnd || len(data) == 0 {
			return 0, nil, nil
		}
		return len(data), bytes.TrimSuffix(data, []byte("\n")), nil
	})
	for in.Scan() {
		record, ok := strings.CutPrefix(in.Text(), "//")
		if !ok {
			return fmt.Errorf("the host sent what is no record: %q", shorten(text8(in.Text())))
		}
		if err := take(record); err != nil {
			return err
		}
	}
	return in.Err()
}
