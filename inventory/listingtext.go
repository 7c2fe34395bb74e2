package inventory

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// JSON writes a value of a [Listing] as ansible-inventory does: keys sorted,
// four blanks a level, letters as they are.
func JSON(v any) string {
	w := &textWriter{indent: 4}
	w.value(v, 0)
	return w.String()
}

// pythonText is Python's str() of a value.
func pythonText(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	w := &textWriter{python: true}
	w.value(v, 0)
	return w.String()
}

// textWriter writes a value in JSON or as Python's repr.
type textWriter struct {
	strings.Builder
	python bool
	indent int // 0: all in one line
}

func (w *textWriter) value(v any, depth int) {
	switch v := v.(type) {
	case nil:
		w.word("null", "None")
	case bool:
		if v {
			w.word("true", "True")
		} else {
			w.word("false", "False")
		}
	case int:
		w.WriteString(strconv.Itoa(v))
	case float64:
		w.WriteString(w.float(v))
	case string:
		w.text(v)
	case []any:
		w.items(len(v), depth, "[]", func(i int) { w.value(v[i], depth+1) })
	case map[string]any:
		keys := slices.Sorted(maps.Keys(v))
		w.items(len(keys), depth, "{}", func(i int) {
			w.text(keys[i])
			w.WriteString(": ")
			w.value(v[keys[i]], depth+1)
		})
	default:
		w.text(fmt.Sprint(v))
	}
}

func (w *textWriter) word(json, python string) {
	if w.python {
		json = python
	}
	w.WriteString(json)
}

func (w *textWriter) items(n, depth int, brackets string, item func(int)) {
	w.WriteString(brackets[:1])
	for i := range n {
		switch {
		case i > 0 && w.indent > 0:
			w.WriteByte(',')
		case i > 0:
			w.WriteString(", ")
		}
		w.newline(depth + 1)
		item(i)
	}
	if n > 0 {
		w.newline(depth)
	}
	w.WriteString(brackets[1:])
}

func (w *textWriter) newline(depth int) {
	if w.indent > 0 {
		w.WriteString("\n" + strings.Repeat(" ", depth*w.indent))
	}
}

// float is Python's repr of a float; JSON has other words for what is no number.
func (w *textWriter) float(f float64) string {
	switch {
	case math.IsInf(f, 0) && w.python:
		return strings.ToLower(strings.TrimPrefix(fmt.Sprint(f), "+"))
	case math.IsInf(f, 0):
		return strings.Replace(strings.TrimPrefix(fmt.Sprint(f), "+"), "Inf", "Infinity", 1)
	case math.IsNaN(f) && w.python:
		return "nan"
	case math.IsNaN(f):
		return "NaN"
	}
	if a := math.Abs(f); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

func (w *textWriter) text(s string) {
	quote := byte('"')
	if w.python && (!strings.Contains(s, "'") || strings.Contains(s, `"`)) {
		quote = '\''
	}
	w.WriteByte(quote)
	for _, r := range s {
		switch {
		case r == rune(quote) || r == '\\':
			w.WriteByte('\\')
			w.WriteRune(r)
		case r == '\n':
			w.WriteString(`\n`)
		case r == '\r':
			w.WriteString(`\r`)
		case r == '\t':
			w.WriteString(`\t`)
		case r == '\b' && !w.python:
			w.WriteString(`\b`)
		case r == '\f' && !w.python:
			w.WriteString(`\f`)
		case r < 0x20 && !w.python:
			fmt.Fprintf(w, `\u%04x`, r)
		case (r < 0x20 || r == 0x7f) && w.python:
			fmt.Fprintf(w, `\x%02x`, r)
		default:
			w.WriteRune(r)
		}
	}
	w.WriteByte(quote)
}

// YAML writes a value of a [Listing] as YAML, keys sorted.
func YAML(v any) (string, error) {
	var b strings.Builder
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(yamlNode(v)); err != nil {
		return "", fmt.Errorf("write the inventory as YAML: %w", err)
	}
	return b.String(), enc.Close()
}

// yamlNode is by hand because yaml.v3 itself writes 2.0 as 2, and has no tag
// for what is encrypted.
func yamlNode(v any) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode}
	switch v := v.(type) {
	case nil:
		n.Tag, n.Value = "!!null", "null"
	case bool:
		n.Tag, n.Value = "!!bool", strconv.FormatBool(v)
	case int:
		n.Tag, n.Value = "!!int", strconv.Itoa(v)
	case float64:
		n.Tag, n.Value = "!!float", (&textWriter{python: true}).float(v)
		if math.IsInf(v, 0) || math.IsNaN(v) {
			n.Value = strings.Replace("."+n.Value, ".-", "-.", 1)
		}
	case []any:
		n.Kind = yaml.SequenceNode
		for _, item := range v {
			n.Content = append(n.Content, yamlNode(item))
		}
	case map[string]any:
		if text, ok := v[vaultKey].(string); ok && len(v) == 1 {
			n.Tag, n.Value, n.Style = "!vault", text, yaml.LiteralStyle
			return n
		}
		if text, ok := v[unsafeKey].(string); ok && len(v) == 1 {
			return yamlNode(text)
		}
		n.Kind = yaml.MappingNode
		for _, k := range slices.Sorted(maps.Keys(v)) {
			n.Content = append(n.Content, yamlNode(k), yamlNode(v[k]))
		}
	default:
		n.SetString(fmt.Sprint(v))
		if _, isBool := oldBools[n.Value]; isBool {
			n.Style = yaml.SingleQuotedStyle
		}
	}
	return n
}
