package playbook

import (
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"thordeploy/internal/diag"
)

// FileVars reads variables that stand outside a playbook: a mapping in YAML or
// JSON, perhaps encrypted. file is its name in messages. Values are YAML's own
// types; texts that hold templates stay the texts they are, and those that
// look so but are none (`!unsafe`, `!vault`) are *Value.
func (l *Loader) FileVars(file string, data []byte) (map[string]any, *diag.List) {
	ld := l.loader(file, "/")
	ld.place, ld.variables = place{src: newSource(file, data), dir: "/"}, true
	out := make(map[string]any)
	plain, ok := ld.decrypted(data)
	if !ok {
		return nil, &ld.list
	}
	root, ok := ld.yaml(plain)
	switch {
	case !ok || root == nil:
	case root.Kind != yaml.MappingNode:
		ld.errorf(root, "", "variables must be a mapping of names to values, not %s", nodeKind(root))
	default:
		for _, v := range ld.varsIn(root) {
			if !identifier.MatchString(v.Name) {
				ld.report(diag.Diagnostic{Range: v.Range, Summary: "`" + v.Name + "` can't be the name of a variable",
					Hint: "a name has letters, digits and _, and no digit first", Source: ld.src.line(v.Range.Line)})
			}
			out[v.Name] = v.Value.raw()
		}
	}
	if ld.src.lines == nil {
		ld.vault.Conceal(out)
	}
	ld.list.Sort()
	return out, &ld.list
}

// raw is the value as it was written, its templates not evaluated.
func (v *Value) raw() any {
	switch {
	case v == nil:
		return nil
	case v.tmpl != nil:
		return v.text
	case v.list != nil:
		out := make([]any, len(v.list))
		for i, item := range v.list {
			out[i] = item.raw()
		}
		return out
	case v.values != nil:
		out := make(map[string]any, len(v.values))
		for i, item := range v.values {
			out[v.keys[i]] = item.raw()
		}
		return out
	}
	if s, ok := v.constant.(string); ok && hasTemplate(s) {
		return v
	}
	return v.constant
}

// KeyValues reads `key=value` words as Ansible does: quotes, escapes and
// templates hold a word together, and every value is text.
func KeyValues(text string) (map[string]any, error) {
	words, open := splitWords(text)
	if open >= 0 {
		return nil, fmt.Errorf("a quote or {{ is not closed in %q", text[open:])
	}
	out := make(map[string]any)
	for _, w := range words {
		key, value, ok := keyOf(keyValueText, text[w.start:w.end])
		if !ok {
			return nil, fmt.Errorf("%q is not key=value", text[w.start:w.end])
		}
		out[key] = unquoted(value)
	}
	return out, nil
}

// unquoted is the text of one value. Escapes are read in its templates too,
// since nothing else will.
func unquoted(value string) string {
	if inQuotes(value) {
		value = value[1 : len(value)-1]
	}
	var b strings.Builder
	for i := 0; i < len(value); {
		if value[i] == '\\' && i+1 < len(value) {
			i += unescape(value[i:], &b)
			continue
		}
		b.WriteByte(value[i])
		i++
	}
	return b.String()
}

func inQuotes(value string) bool {
	return len(value) >= 2 && slices.Contains([]byte(`"'`), value[0]) && skipPart(value, 0) == len(value)
}
