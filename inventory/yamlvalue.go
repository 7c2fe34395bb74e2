package inventory

import (
	"strings"

	"gopkg.in/yaml.v3"
)

// value turns a node into nil, bool, int, float64, string, []any or
// map[string]any, typed as YAML 1.1 types it, which Ansible's users write:
// yes and off are booleans. It is false where a problem was reported.
func (r *yamlReader) value(n *yaml.Node, depth int) (any, bool) {
	n = resolved(n)
	if !r.enter(n, depth) {
		return nil, false
	}
	switch n.Kind {
	case yaml.SequenceNode:
		items := make([]any, 0, len(n.Content))
		for _, c := range n.Content {
			v, ok := r.value(c, depth+1)
			if !ok {
				return nil, false
			}
			items = append(items, v)
		}
		return items, true
	case yaml.MappingNode:
		if special := r.special(n); special != nil {
			return special()
		}
		m := make(map[string]any, len(n.Content)/2)
		for _, e := range r.pairs(n, depth) {
			v, ok := r.value(e.value, depth+1)
			if !ok {
				return nil, false
			}
			m[resolved(e.key).Value] = v
		}
		return m, true
	}
	return r.scalar(n)
}

func (r *yamlReader) scalar(n *yaml.Node) (any, bool) {
	switch tag := n.ShortTag(); tag {
	case "!!null":
		return nil, true
	case "!!str", "!!timestamp":
		if b, ok := oldBools[n.Value]; ok && n.Style == 0 {
			return b, true
		}
		return n.Value, true
	case "!!bool", "!!int", "!!float":
		return r.typed(n, tag)
	case "!vault", "!vault-encrypted":
		return r.vaultValue(n, n.Value)
	case "!unsafe":
		return r.verbatim(unsafeKey, n.Value), true
	default:
		r.node(n).error(r.draft, "the tag "+tag+" is not known here", "take the tag out")
	}
	return nil, false
}

func (r *yamlReader) typed(n *yaml.Node, tag string) (any, bool) {
	if mantissa, exp, ok := strings.Cut(strings.ToLower(n.Value), "e"); ok && tag == "!!float" {
		if !strings.Contains(mantissa, ".") || !strings.HasPrefix(exp, "+") && !strings.HasPrefix(exp, "-") {
			return n.Value, true // 12e3, a commit id perhaps, is text in YAML 1.1
		}
	}
	if tag == "!!float" && strings.Trim(n.Value, "+-_0123456789") == "" {
		return n.Value, true // a whole number too large for an int
	}
	if strings.HasPrefix(strings.TrimLeft(n.Value, "+-"), "0o") {
		return n.Value, true // octal in YAML 1.2 alone
	}
	var v any
	if err := n.Decode(&v); err != nil {
		r.node(n).error(r.draft, "this is not a value of type "+strings.TrimLeft(tag, "!"), "put it in quotes")
		return nil, false
	}
	switch v := v.(type) {
	case int, float64, bool:
		return v, true
	}
	return n.Value, true // a number of another size
}

// oldBools are YAML 1.1's further spellings of true and false.
var oldBools = map[string]bool{
	"yes": true, "Yes": true, "YES": true, "on": true, "On": true, "ON": true,
	"no": false, "No": false, "NO": false, "off": false, "Off": false, "OFF": false,
}
