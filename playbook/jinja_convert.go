package playbook

import (
	"strings"

	pyliteral "thordeploy/internal/literal"
)

// literalValue is what Ansible makes of the text that a template comes to: a
// list, a mapping or a boolean where it is written like one in Python or JSON.
func literalValue(text string) any {
	if text != "True" && text != "False" && !strings.HasPrefix(text, "{") && !strings.HasPrefix(text, "[") {
		return text
	}
	r := pyliteral.Reader{JSON: true, Mapping: func(keys []string, values []any) any {
		d := newDict(len(keys))
		for i, k := range keys {
			d.set(k, values[i])
		}
		return d
	}}
	if v, ok := r.Parse(text); ok {
		return v
	}
	return text
}
