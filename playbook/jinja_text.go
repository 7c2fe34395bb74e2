package playbook

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/nikolalohinski/gonja/v2/tokens"
)

const additionOp = tokens.Addition

// pattern compiles a regular expression. Go's are RE2: linear in time, without
// back-references and look-around.
func pattern(expr string, ignoreCase, multiline bool) (*regexp.Regexp, error) {
	flags := ""
	if ignoreCase {
		flags += "i"
	}
	if multiline {
		flags += "m"
	}
	if flags != "" {
		expr = "(?" + flags + ")" + expr
	}
	re, err := regexp.Compile(strings.ReplaceAll(expr, `\Z`, `\z`))
	if err != nil {
		return nil, fmt.Errorf("%w (look-around and back-references are not supported)", err)
	}
	return re, nil
}

func regexReplace(ev *evaluation, in any, a arguments) (any, error) {
	re, err := pattern(a.text(0, ""), a.flag(2, false), a.flag(3, false))
	if err != nil {
		return nil, err
	}
	s := pythonText(in)
	template := goTemplate(a.text(1, ""))
	var out []byte
	last := 0
	for _, m := range re.FindAllStringSubmatchIndex(s, -1) {
		out = append(out, s[last:m[0]]...)
		before := len(out)
		out = re.ExpandString(out, template, s, m)
		last = m[1]
		if err := ev.spend(len(out) - before); err != nil {
			return nil, err
		}
	}
	out = append(out, s[last:]...)
	return string(out), ev.spend(len(s))
}

var groupRef = regexp.MustCompile(`\\(\d{1,2}|g<\w+>|.)|\$`)

// goTemplate turns Python's \1 and \g<name> into Go's ${1} and ${name}.
func goTemplate(s string) string {
	if !strings.ContainsAny(s, `\$`) {
		return s
	}
	return groupRef.ReplaceAllStringFunc(s, func(m string) string {
		switch {
		case m == "$":
			return "$$"
		case m[1] >= '0' && m[1] <= '9':
			return "${" + m[1:] + "}"
		case strings.HasPrefix(m, `\g<`):
			return "${" + m[3:len(m)-1] + "}"
		case m == `\n`:
			return "\n"
		case m == `\t`:
			return "\t"
		case m == `\\`:
			return `\`
		}
		return strings.ReplaceAll(m, "$", "$$")
	})
}

// regexSearch gives the match, none where nothing matches, or the list of
// groups where groups are named ('\\1').
func regexSearch(_ *evaluation, in any, a arguments) (any, error) {
	expr, _ := a.get(0)
	re, err := pattern(toText(expr), truth(a.named["ignorecase"]), truth(a.named["multiline"]))
	if err != nil {
		return nil, err
	}
	m := re.FindStringSubmatch(pythonText(in))
	if m == nil {
		return nil, nil
	}
	if len(a.list) < 2 {
		return m[0], nil
	}
	groups := []any{}
	for _, g := range a.list[1:] {
		ref := strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(toText(g), `\`), "g<"), ">")
		n, err := strconv.Atoi(ref)
		if err != nil {
			n = re.SubexpIndex(ref)
		}
		if n < 0 || n >= len(m) {
			return nil, fmt.Errorf("the pattern has no group `%s`", toText(g))
		}
		groups = append(groups, m[n])
	}
	return groups, nil
}

func regexFindall(ev *evaluation, in any, a arguments) (any, error) {
	re, err := pattern(a.text(0, ""), a.flag(2, false), a.flag(1, false))
	if err != nil {
		return nil, err
	}
	out := []any{}
	for _, m := range re.FindAllStringSubmatch(pythonText(in), maxSteps) {
		switch len(m) {
		case 1:
			out = append(out, m[0])
		case 2:
			out = append(out, m[1])
		default:
			out = append(out, plain(m[1:]))
		}
	}
	return out, ev.work(len(out))
}

// regexEscape is Python's re.escape.
func regexEscape(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r < utf8.RuneSelf && strings.ContainsRune("()[]{}?*+-|^$\\.&~# \t\n\r\v\f", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// writeJSON writes as Python's json.dumps: ", " and ": " between, letters
// beyond ASCII escaped; indent 0 is one line.
func writeJSON(ev *evaluation, v any, indent int, sorted bool) (any, error) {
	v, err := ev.finish(v)
	if err != nil {
		return nil, err
	}
	w := jsonWriter{ev: ev, indent: indent, sorted: sorted}
	if err := w.value(v, 0); err != nil {
		return nil, err
	}
	return w.String(), nil
}

type jsonWriter struct {
	strings.Builder
	ev     *evaluation
	indent int
	sorted bool
}

func (w *jsonWriter) value(v any, depth int) error {
	if err := w.ev.spend(8); err != nil {
		return err
	}
	switch v := plain(v).(type) {
	case nil:
		w.WriteString("null")
	case bool:
		w.WriteString(strconv.FormatBool(v))
	case int:
		w.WriteString(strconv.Itoa(v))
	case float64:
		w.WriteString(floatText(v))
	case string:
		return w.text(v)
	case []any:
		return w.items(len(v), depth, "[", "]", func(i int) error { return w.value(v[i], depth+1) })
	case *dict:
		keys := v.order()
		if w.sorted {
			keys = slices.Sorted(slices.Values(keys))
		}
		return w.items(len(keys), depth, "{", "}", func(i int) error {
			if err := w.text(keys[i]); err != nil {
				return err
			}
			w.WriteString(": ")
			return w.value(v.at(keys[i]), depth+1)
		})
	default:
		return fmt.Errorf("%s has no JSON form", kindOf(v))
	}
	return nil
}

func (w *jsonWriter) items(n, depth int, open, shut string, item func(int) error) error {
	w.WriteString(open)
	for i := range n {
		switch {
		case w.indent > 0 && i > 0:
			w.WriteString(",")
		case i > 0:
			w.WriteString(", ")
		}
		w.newline(depth + 1)
		if err := item(i); err != nil {
			return err
		}
	}
	if n > 0 {
		w.newline(depth)
	}
	w.WriteString(shut)
	return nil
}

func (w *jsonWriter) newline(depth int) {
	if w.indent > 0 {
		w.WriteString("\n" + strings.Repeat(" ", min(depth*w.indent, 4096)))
	}
}

func (w *jsonWriter) text(s string) error {
	if err := w.ev.spend(len(s)); err != nil {
		return err
	}
	w.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			w.WriteByte('\\')
			w.WriteRune(r)
		case r == '\n':
			w.WriteString(`\n`)
		case r == '\r':
			w.WriteString(`\r`)
		case r == '\t':
			w.WriteString(`\t`)
		case r < 0x20 || r >= 0x7f && r <= 0xffff:
			fmt.Fprintf(w, `\u%04x`, r)
		case r > 0xffff:
			fmt.Fprintf(w, `\u%04x\u%04x`, 0xd800+(r-0x10000)>>10, 0xdc00+(r-0x10000)&0x3ff)
		default:
			w.WriteRune(r)
		}
	}
	w.WriteByte('"')
	return nil
}
