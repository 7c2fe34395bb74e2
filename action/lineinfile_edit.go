package action

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// lineEdit is what a task wants of a file's lines, as ansible.builtin.lineinfile
// has it.
type lineEdit struct {
	absent, backrefs, firstMatch bool
	line                         string
	hasLine                      bool
	search                       func(line []byte) []string // the groups of regexp or search_string, nil: no match; nil: neither is given
	names                        []string                   // of regexp's groups
	after, before                string                     // EOF, BOF or an expression, empty: not given
	insert                       *lineExpr                  // of after or before, where it is an expression
	// What came of it.
	msg   string
	found int // lines removed
}

// lineExpr is a regular expression for one line. Python's $ is before the
// newline as well as after it, RE2's is not, hence both are tried.
type lineExpr struct{ e *regexp.Regexp }

func newLineExpr(which, text string) (*lineExpr, error) {
	e, err := regexp.Compile(text)
	if err != nil {
		return nil, &typeError{text: fmt.Sprintf("%s: %q can't be used: %v", which, shorten(text), err), hint: "regular expressions are RE2's: no look-around, no back-references"}
	}
	return &lineExpr{e}, nil
}

// groups are what the expression matched, as a whole and by group; nil: nothing.
func (x *lineExpr) groups(line []byte) []string {
	m := x.e.FindSubmatch(bytes.TrimSuffix(line, []byte("\n")))
	if m == nil {
		m = x.e.FindSubmatch(line)
	}
	if m == nil {
		return nil
	}
	list := make([]string, len(m))
	for i, g := range m {
		list[i] = string(g)
	}
	return list
}

func newLineEdit(a Args) (*lineEdit, error) {
	e := &lineEdit{
		absent: a.Str("state") == "absent", backrefs: a.Bool("backrefs"), firstMatch: a.Bool("firstmatch"),
		line: a.Str("line"), hasLine: a.Has("line"), after: a.Str("insertafter"), before: a.Str("insertbefore"),
	}
	switch {
	case a.Has("regexp"):
		x, err := newLineExpr("regexp", a.Str("regexp"))
		if err != nil {
			return nil, err
		}
		e.search, e.names = x.groups, x.e.SubexpNames()
	case a.Has("search_string"):
		text := []byte(a.Str("search_string"))
		e.search = func(line []byte) []string {
			if bytes.Contains(line, text) {
				return []string{string(text)}
			}
			return nil
		}
	}
	switch {
	case e.absent && e.search == nil && !e.hasLine:
		return nil, errors.New("one of line, search_string, or regexp is required with state=absent")
	case !e.absent && e.backrefs && !a.Has("regexp"):
		return nil, errors.New("regexp is required with backrefs=true")
	case !e.absent && !e.hasLine:
		return nil, errors.New("line is required with state=present")
	}
	if !a.Has("insertafter") && !a.Has("insertbefore") {
		e.after = "EOF"
	}
	var err error
	switch {
	case e.after != "" && e.after != "EOF" && e.after != "BOF":
		e.insert, err = newLineExpr("insertafter", e.after)
	case e.before != "" && e.before != "BOF":
		e.insert, err = newLineExpr("insertbefore", e.before)
	}
	return e, err
}

// apply gives the file as it is to be, or nil where it is so already.
func (e *lineEdit) apply(content []byte) ([]byte, error) {
	lines := bytes.SplitAfter(content, []byte("\n"))
	if n := len(lines) - 1; len(lines[n]) == 0 {
		lines = lines[:n]
	}
	if e.absent {
		return e.remove(lines), nil
	}
	lines, err := e.put(lines)
	if lines == nil || err != nil {
		return nil, err
	}
	return bytes.Join(lines, nil), nil
}

func (e *lineEdit) remove(lines [][]byte) []byte {
	kept := []byte{}
	for _, l := range lines {
		if e.search != nil && e.search(l) != nil || e.search == nil && e.same(l) {
			e.found++
			continue
		}
		kept = append(kept, l...)
	}
	if e.found == 0 {
		return nil
	}
	e.msg = fmt.Sprintf("%d line(s) removed", e.found)
	return kept
}

// same reports whether a line is the one wanted, whatever ends it.
func (e *lineEdit) same(l []byte) bool { return string(bytes.TrimRight(l, "\r\n")) == e.line }

// put gives the lines with the wanted one among them, or nil.
func (e *lineEdit) put(lines [][]byte) ([][]byte, error) {
	at, where, groups := e.places(lines)
	if at >= 0 {
		wanted := e.line
		if e.backrefs && groups != nil {
			var err error
			if wanted, err = expandGroups(e.line, groups, e.names); err != nil {
				return nil, err
			}
		}
		if !strings.HasSuffix(wanted, "\n") {
			wanted += "\n"
		}
		if string(lines[at]) == wanted {
			return nil, nil
		}
		e.msg = "line replaced"
		lines[at] = []byte(wanted)
		return lines, nil
	}
	switch {
	case e.backrefs:
		return nil, nil
	case e.before == "BOF" || e.after == "BOF":
		where = 0
	case e.after == "EOF" || where < 0:
		where = len(lines)
	case e.after != "" && (where < len(lines) && e.same(lines[where]) || where == len(lines) && e.same(lines[where-1])):
		return nil, nil
	}
	e.msg = "line added"
	if n := len(lines); where == n && n > 0 && !bytes.HasSuffix(lines[n-1], []byte("\n")) && !bytes.HasSuffix(lines[n-1], []byte("\r")) {
		lines[n-1] = append(bytes.Clone(lines[n-1]), '\n')
	}
	added := append(append([][]byte{}, lines[:where]...), []byte(e.line+"\n"))
	return append(added, lines[where:]...), nil
}

// places looks for the line to replace (at, with what regexp's groups matched)
// and for the place of a new one (where); -1: none.
func (e *lineEdit) places(lines [][]byte) (at, where int, groups []string) {
	at, where = -1, -1
	if e.search != nil {
		for i, l := range lines {
			if g := e.search(l); g != nil {
				at, groups = i, g
				if e.firstMatch {
					break
				}
			}
		}
	}
	if groups != nil {
		return at, where, groups
	}
	for i, l := range lines {
		switch {
		case e.same(l):
			at = i
		case e.insert != nil && e.insert.groups(l) != nil:
			where = i
			if e.after != "" {
				where++
			}
			if e.firstMatch {
				return at, where, nil
			}
		}
	}
	return at, where, nil
}

// expandGroups replaces \1, \g<1> and \g<name> in text, and the escapes \n, \t,
// \r and \\, as Python's Match.expand does.
func expandGroups(text string, groups, names []string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' || i+1 == len(text) {
			b.WriteByte(text[i])
			continue
		}
		i++
		c := text[i]
		plain := strings.IndexByte("ntr\\", c)
		switch {
		case plain >= 0:
			b.WriteByte("\n\t\r\\"[plain])
		case c >= '1' && c <= '9':
			end := i + 1
			if end < len(text) && text[end] >= '0' && text[end] <= '9' {
				end++
			}
			n, _ := strconv.Atoi(text[i:end]) // digits
			if n >= len(groups) {
				return "", fmt.Errorf("invalid group reference %d: regexp has %d groups", n, len(groups)-1)
			}
			b.WriteString(groups[n])
			i = end - 1
		case strings.HasPrefix(text[i:], "g<") && strings.Contains(text[i:], ">"):
			name, _, _ := strings.Cut(text[i+2:], ">")
			g, err := groupNamed(name, groups, names)
			if err != nil {
				return "", err
			}
			b.WriteString(g)
			i += len("g<" + name)
		case c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			return "", &typeError{text: fmt.Sprintf("bad escape \\%c in line", c), hint: `with backrefs, \\ is a backslash`}
		default:
			b.WriteString(text[i-1 : i+1])
		}
	}
	return b.String(), nil
}

func groupNamed(name string, groups, names []string) (string, error) {
	for i, n := range names {
		if i < len(groups) && (n == name && name != "" || strconv.Itoa(i) == name) {
			return groups[i], nil
		}
	}
	return "", fmt.Errorf("regexp has no group %q", shorten(name))
}
