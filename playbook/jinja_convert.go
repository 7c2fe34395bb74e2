package playbook

import (
	"strings"

	pyliteral "thordeploy/internal/literal"
)

// textFilters are those whose text stays one where it is a template's whole
// result (ansible-core's STRING_TYPE_FILTERS).
var textFilters = []string{"string", "to_json", "to_nice_json", "to_yaml", "to_nice_yaml"}

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
