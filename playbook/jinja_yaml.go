package playbook

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// toYAML writes YAML, keys sorted. leaves says that lists and mappings of
// scalars alone stand on one line, as Ansible's to_yaml has them; to_nice_yaml
// spreads everything out.
func toYAML(leaves bool) func(*evaluation, any, arguments) (any, error) {
	return func(ev *evaluation, in any, _ arguments) (any, error) {
		v, err := ev.finish(in)
		if err != nil {
			return nil, err
		}
		text, err := yaml.Marshal(yamlNode(v, leaves))
		if err != nil {
			return nil, fmt.Errorf("this has no YAML form: %w", err)
		}
		return string(text), ev.spend(len(text))
	}
}

// yamlNode is by hand because yaml.v3 itself writes 2.0 as 2.
func yamlNode(v any, leaves bool) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode}
	switch v := plain(v).(type) {
	case nil:
		n.Tag, n.Value = "!!null", "null"
	case bool:
		n.Tag, n.Value = "!!bool", strconv.FormatBool(v)
	case int:
		n.Tag, n.Value = "!!int", strconv.Itoa(v)
	case float64:
		n.Tag, n.Value = "!!float", floatText(v)
		if math.IsInf(v, 0) || math.IsNaN(v) {
			n.Value = strings.Replace("."+n.Value, ".-", "-.", 1)
		}
	case []any:
		n.Kind = yaml.SequenceNode
		for _, item := range v {
			n.Content = append(n.Content, yamlNode(item, leaves))
		}
	case *dict:
		n.Kind = yaml.MappingNode
		for _, k := range slices.Sorted(slices.Values(v.order())) {
			n.Content = append(n.Content, yamlNode(k, leaves), yamlNode(v.at(k), leaves))
		}
	default:
		n.SetString(toText(v))
		if _, ok := yamlBool(n); ok { // no and off are text here
			n.Style = yaml.SingleQuotedStyle
		}
	}
	if n.Kind != yaml.ScalarNode && leaves && !slices.ContainsFunc(n.Content, func(c *yaml.Node) bool { return c.Kind != yaml.ScalarNode }) {
		n.Style = yaml.FlowStyle
	}
	return n
}

// maxYAMLDepth bounds the nesting of a text that from_yaml reads.
const maxYAMLDepth = 100

// fromYAML reads the first document of a text. Its strings are data: none is
// taken for a template.
func fromYAML(ev *evaluation, in any, _ arguments) (any, error) {
	text, ok := in.(string)
	if !ok {
		return in, nil // as Ansible: it is read already
	}
	docs, err := decode([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("this is not YAML: %w", err)
	}
	if len(docs) == 0 || len(docs[0].Content) == 0 {
		return nil, nil
	}
	return yamlData(ev, docs[0].Content[0], 0)
}

func yamlData(ev *evaluation, n *yaml.Node, depth int) (any, error) {
	if err := ev.step(); err != nil {
		return nil, err
	}
	if depth > maxYAMLDepth {
		return nil, fmt.Errorf("the YAML is nested deeper than %d", maxYAMLDepth)
	}
	switch n.Kind {
	case yaml.AliasNode:
		return yamlData(ev, n.Alias, depth+1)
	case yaml.SequenceNode:
		list := make([]any, len(n.Content))
		for i, c := range n.Content {
			var err error
			if list[i], err = yamlData(ev, c, depth+1); err != nil {
				return nil, err
			}
		}
		return list, nil
	case yaml.MappingNode:
		m := newDict(len(n.Content) / 2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Kind != yaml.ScalarNode {
				return nil, fmt.Errorf("a key must be a word, not %s", nodeKind(n.Content[i]))
			}
			v, err := yamlData(ev, n.Content[i+1], depth+1)
			if err != nil {
				return nil, err
			}
			m.set(n.Content[i].Value, v)
		}
		return m, nil
	}
	if b, ok := yamlBool(n); ok {
		return b, nil
	}
	switch n.ShortTag() {
	case "!!null", "!!bool", "!!int", "!!float":
		var v any
		err := n.Decode(&v)
		return plain(v), err
	}
	return n.Value, nil
}
