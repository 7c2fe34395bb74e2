package playbook

import (
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"thordeploy/action"
)

// word is a part of key=value text, between white space; quotes, escapes and
// templates hold it together.
type word struct{ start, end int }

// splitWords takes key=value text apart, as Ansible's split_args. rest is
// where an open quote or template begins, or -1.
func splitWords(text string) (words []word, rest int) {
	start := -1
	for i := 0; i < len(text); {
		if strings.IndexByte(" \t\n\r", text[i]) >= 0 {
			if start >= 0 {
				words = append(words, word{start, i})
				start = -1
			}
			i++
			continue
		}
		if start < 0 {
			start = i
		}
		next := skipPart(text, i)
		if next < 0 {
			return append(words, word{start, len(text)}), i
		}
		i = next
	}
	if start >= 0 {
		words = append(words, word{start, len(text)})
	}
	return words, -1
}

// skipPart moves over one character, escape, quoted part or template of a
// word; -1 where a quote or template isn't closed.
func skipPart(text string, i int) int {
	switch {
	case strings.HasPrefix(text[i:], "{{"), strings.HasPrefix(text[i:], "{%"), strings.HasPrefix(text[i:], "{#"):
		return skipTemplate(text, i)
	case text[i] == '\\':
		return min(i+2, len(text))
	case text[i] == '"' || text[i] == '\'':
		quote := text[i]
		for i++; i < len(text) && text[i] != quote; {
			if text[i] == '"' || text[i] == '\'' {
				i++ // the other kind of quote
				continue
			}
			if i = skipPart(text, i); i < 0 {
				return -1
			}
		}
		if i >= len(text) {
			return -1
		}
	}
	return i + 1
}

func skipTemplate(text string, i int) int {
	if text[i+1] == '#' {
		end := strings.Index(text[i:], "#}")
		if end < 0 {
			return -1
		}
		return i + end + 2
	}
	tag := plainSyntax.variable
	if text[i+1] == '%' {
		tag = plainSyntax.block
	}
	end, err := maskTag(text, nil, i, tag)
	if err != nil {
		// What is wrong inside is said when the template is compiled.
		at := strings.Index(text[i:], tag[1])
		if at < 0 {
			return -1
		}
		return i + at + 2
	}
	return end
}

// maxPairs bounds the key=value pairs of one task.
const maxPairs = 1000

// inline reads parameters written as text: key=value, or a command line or
// path with some key=value in it.
func (ld *loader) inline(spec *action.Spec, m use) []given {
	text := m.value.Value[m.base:]
	from := origin{rng: ld.src.rangeOf(m.value), src: ld.src, node: m.value, base: m.base}
	words, open := splitWords(text)
	if open >= 0 && len(spec.RawText) == 0 {
		ld.fault(from, faultAt(open, len(text), "a quote or {{ is not closed in the text of `%s`", m.name).
			withHint("close it, or write the parameters as a mapping"))
		return nil
	}
	var out []given
	taken := make([]bool, len(words))
	kept := 0
	for i, w := range words {
		key, value, ok := keyOf(spec, text[w.start:w.end])
		switch {
		case ok && len(out) == maxPairs:
			ld.fault(from, faultAt(w.start, w.end, "more than %d parameters", maxPairs))
			return nil
		case ok:
			taken[i] = true
			out = append(out, given{key, ld.partNode(m.value, m.base+w.start, key), ld.inlineValue(m.value, value, m.base+w.end-len(value))})
		case spec.FreeForm == "":
			ld.fault(from, faultAt(w.start, w.end, "`%s` is not key=value text for module `%s`", text[w.start:w.end], m.name).
				withHint("write `key=value`, quote values with spaces, or write a mapping below"))
			return nil
		default:
			kept++
		}
	}
	if kept > 0 {
		line, base := keep(text, words, taken)
		out = append(out, given{spec.FreeForm, m.key, ld.textValue(m.value, line, m.base+base)})
	}
	return out
}

// keyValueText is text of which every word is key=value.
var keyValueText = &action.Spec{}

// keyOf takes a word apart, if it is a parameter of the module: any key=value,
// or for a command line only those it lists.
func keyOf(spec *action.Spec, text string) (key, value string, ok bool) {
	key, value, ok = strings.Cut(text, "=")
	if len(spec.RawText) > 0 {
		return key, value, ok && slices.Contains(spec.RawText, key)
	}
	return key, value, ok && identifier.MatchString(key)
}

// keep gives the text without the words that were taken out, the white space
// between the kept ones as it was, and where it begins.
func keep(text string, words []word, taken []bool) (string, int) {
	var b strings.Builder
	last, base := -1, 0
	for i, w := range words {
		if taken[i] {
			last = -1
			continue
		}
		switch {
		case last >= 0:
			b.WriteString(text[words[i-1].end:w.start])
		case b.Len() > 0:
			b.WriteByte(' ')
		default:
			base = w.start
		}
		b.WriteString(text[w.start:w.end])
		last = i
	}
	if strings.HasSuffix(text, "\n") {
		b.WriteByte('\n') // of a block scalar: results tell the command line as it was written
	}
	return b.String(), base
}

// partNode makes a node of the key of one word inside a text, to point at; base
// is its place in the scalar.
func (ld *loader) partNode(n *yaml.Node, base int, key string) *yaml.Node {
	line, column, ok := ld.src.position(n, base)
	if !ok {
		return n
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: key, Line: line, Column: column}
}

// inlineValue compiles the value of one key=value; base is its place in the
// scalar.
func (ld *loader) inlineValue(n *yaml.Node, value string, base int) *Value {
	if inQuotes(value) {
		value, base = value[1:len(value)-1], base+1
	}
	return ld.textValue(n, unescapeOutside(value), base)
}

// textValue makes a Value of a part of a scalar's text.
func (ld *loader) textValue(n *yaml.Node, text string, base int) *Value {
	v := &Value{rng: ld.src.rangeOf(n), text: text, constant: text}
	if line, column, ok := ld.src.position(n, base); ok {
		v.rng.Line, v.rng.Column, v.rng.EndColumn = line, column, 0
		if endLine, end, ok := ld.src.position(n, min(base+len(text), len(n.Value))); ok && endLine == line {
			v.rng.EndColumn = end
		}
	}
	ld.compileInto(v, n, text, base)
	return v
}

// unescapeOutside reads the escapes of key=value text, which leaves templates
// alone (they read their own).
func unescapeOutside(text string) string {
	if !strings.Contains(text, `\`) {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); {
		switch {
		case strings.HasPrefix(text[i:], "{{"), strings.HasPrefix(text[i:], "{%"), strings.HasPrefix(text[i:], "{#"):
			end := skipTemplate(text, i)
			if end < 0 {
				end = len(text)
			}
			b.WriteString(text[i:end])
			i = end
		case text[i] == '\\' && i+1 < len(text):
			i += unescape(text[i:], &b)
		default:
			b.WriteByte(text[i])
			i++
		}
	}
	return b.String()
}
