package inventory

import (
	"strings"

	"gopkg.in/yaml.v3"
)

// The keys under which ansible-core writes `!vault` and `!unsafe` values as
// JSON (ansible.parsing.ajson).
const (
	vaultKey  = "__ansible_vault"
	unsafeKey = "__ansible_unsafe"
)

// vaultValue opens a vault text that stands at n.
func (r *yamlReader) vaultValue(n *yaml.Node, text string) (any, bool) {
	v, line, summary, hint := r.openValue(text)
	if summary == "" {
		return v, true
	}
	p := r.node(n)
	if line > 0 && n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		p = r.at(n.Line+line, 1, 0)
	}
	p.error(r.draft, summary, hint)
	return nil, false
}

// openValue decrypts a vault text, or says what is wrong with it and, unless
// that is 0, in which of its lines.
func (d *draft) openValue(text string) (v any, line int, summary, hint string) {
	if d.loader.Sealed {
		return d.verbatim(vaultKey, text), 0, "", ""
	}
	plain, err := d.loader.Vault.Value(text)
	if err != nil {
		line, summary, hint = vaultProblem(err)
		return nil, line, summary, hint
	}
	return d.verbatim(vaultKey, plain), 0, "", ""
}

// verbatim is a text that is no template, whatever it looks like. Since the
// values of an inventory may hold templates, one that looks like a template is
// written as the template that gives it.
func (d *draft) verbatim(key, text string) any {
	switch {
	case d.loader.Sealed:
		return map[string]any{key: text}
	case strings.Contains(text, "{{") || strings.Contains(text, "{%") || strings.Contains(text, "{#"):
		return "{{ '" + strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\n", `\n`, "\r", `\r`).Replace(text) + "' }}"
	}
	return text
}

// special is how to read a mapping in which ansible-inventory writes a value
// that JSON has no type for; nil for any other mapping.
func (r *yamlReader) special(n *yaml.Node) func() (any, bool) {
	if n.Style&yaml.FlowStyle == 0 || len(n.Content) != 2 || n.Content[1].Kind != yaml.ScalarNode {
		return nil
	}
	text := n.Content[1]
	switch n.Content[0].Value {
	case vaultKey:
		return func() (any, bool) { return r.vaultValue(text, text.Value) }
	case unsafeKey:
		return func() (any, bool) { return r.verbatim(unsafeKey, text.Value), true }
	}
	return nil
}

// unsealed is v with the values opened that a Loader with Sealed left as they
// were.
func (d *draft) unsealed(v any) (any, error) {
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i := range v {
			var err error
			if out[i], err = d.unsealed(v[i]); err != nil {
				return nil, err
			}
		}
		return out, nil
	case map[string]any:
		if text, ok := v[vaultKey].(string); ok && len(v) == 1 {
			return d.loader.Vault.Value(text)
		}
		if text, ok := v[unsafeKey].(string); ok && len(v) == 1 {
			return text, nil
		}
		out := make(map[string]any, len(v))
		for k := range v {
			var err error
			if out[k], err = d.unsealed(v[k]); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	return v, nil
}
