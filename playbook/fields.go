package playbook

import (
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"
)

// value compiles any YAML value.
func (ld *loader) value(n *yaml.Node) *Value {
	r := ld.src.rangeOf(n)
	switch n.Kind {
	case yaml.ScalarNode:
		return ld.scalar(n)
	case yaml.SequenceNode:
		leave, ok := ld.enter(n)
		defer leave()
		if !ok {
			return &Value{rng: r}
		}
		list := make([]*Value, 0, len(n.Content))
		for _, item := range n.Content {
			if item = ld.resolve(item); item != nil {
				list = append(list, ld.value(item))
			}
		}
		return listValue(list, r)
	case yaml.MappingNode:
		leave, ok := ld.enter(n)
		defer leave()
		if !ok {
			return &Value{rng: r}
		}
		keys, values := []string{}, []*Value{}
		for _, p := range ld.pairs(n) {
			keys, values = append(keys, p.name), append(values, ld.value(p.value))
		}
		return mapValue(keys, values, r)
	}
	return &Value{rng: r}
}

// scalar compiles a scalar: YAML's types, with Ansible's YAML 1.1 booleans.
func (ld *loader) scalar(n *yaml.Node) *Value {
	v := &Value{rng: ld.src.rangeOf(n), text: n.Value}
	switch tag := n.ShortTag(); tag {
	case "!!str", "!!timestamp", "!!merge":
		if b, ok := yamlBool(n); ok {
			v.constant = b
			return v
		}
		v.constant = n.Value
		ld.compileInto(v, n, n.Value, 0)
	case "!!null", "!!bool", "!!int", "!!float", "!!binary":
		var x any
		if err := n.Decode(&x); err != nil {
			ld.errorf(n, "", "`%s` can't be read: %s", n.Value, strings.TrimPrefix(err.Error(), "yaml: "))
			return v
		}
		v.constant = plain(x)
		if onlyTextInOldYAML(n.Value, tag, x) {
			v.constant = n.Value
		}
	case "!unsafe":
		v.constant = n.Value
	case "!vault", "!vault-encrypted":
		ld.vaultValue(v, n)
	default:
		ld.errorf(n, "", "unknown YAML tag `%s`", tag)
	}
	return v
}

// onlyTextInOldYAML reports what is a number in YAML 1.2 and text in 1.1, which
// Ansible reads: 0o17, and 12e3 (a commit's id, perhaps). A whole number that
// is too large for an int stays the text it was too.
func onlyTextInOldYAML(text, tag string, x any) bool {
	mantissa, exponent, hasExponent := strings.Cut(strings.ToLower(text), "e")
	switch tag {
	case "!!int":
		_, fits := x.(int)
		return !fits || strings.HasPrefix(strings.TrimLeft(text, "+-"), "0o")
	case "!!float":
		return strings.Trim(text, "+-_0123456789") == "" ||
			hasExponent && (!strings.Contains(mantissa, ".") || !strings.HasPrefix(exponent, "+") && !strings.HasPrefix(exponent, "-"))
	}
	return false
}

// compileInto makes v a template where text has tags; base is the text's place
// in the scalar.
func (ld *loader) compileInto(v *Value, n *yaml.Node, text string, base int) {
	if !hasTemplate(text) {
		return
	}
	from := origin{rng: v.rng, src: ld.src, node: n, base: base}
	t, err := compileTemplate(text, from)
	if err != nil {
		ld.fault(from, err)
		return
	}
	v.tmpl = t
}

// yamlBool reads the unquoted yes, no, on and off of YAML 1.1.
func yamlBool(n *yaml.Node) (value, ok bool) {
	if n.Style != 0 {
		return false, false
	}
	switch n.Value {
	case "yes", "Yes", "YES", "on", "On", "ON":
		return true, true
	case "no", "No", "NO", "off", "Off", "OFF":
		return false, true
	}
	return false, false
}

// text reads a field that is one string; nil where it is empty.
func (ld *loader) text(p pair) *Value {
	if p.value.Kind != yaml.ScalarNode {
		ld.errorf(p.value, "", "`%s` must be a string, not %s", p.name, nodeKind(p.value))
		return nil
	}
	if p.value.ShortTag() == "!!null" {
		return nil
	}
	v := ld.scalar(p.value)
	if c, ok := v.Const(); ok {
		if _, isText := c.(string); !isText {
			v.constant = p.value.Value // name: 5 is the text 5
		}
	}
	return v
}

// constText reads a field that is a string without templates.
func (ld *loader) constText(p pair) (string, bool) {
	v := ld.text(p)
	if v == nil {
		return "", false
	}
	c, ok := v.Const()
	if !ok {
		ld.errorf(p.value, "", "`%s` can't hold a template", p.name)
		return "", false
	}
	s, _ := c.(string)
	return s, true
}

var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// variableName reads a field that names a variable.
func (ld *loader) variableName(p pair) string {
	s, ok := ld.constText(p)
	if ok && !ld.isVariable(p.value, s) {
		return ""
	}
	return s
}

func (ld *loader) isVariable(n *yaml.Node, s string) bool {
	if identifier.MatchString(s) && !reserved(s) {
		return true
	}
	ld.errorf(n, "a name has letters, digits and _, and no digit first", "`%s` can't be the name of a variable", s)
	return false
}

// conditions reads when and its kin: a bare expression, a boolean, or a list of
// these, which all have to hold.
func (ld *loader) conditions(p pair) []*Expr {
	if p.value.Kind == yaml.SequenceNode {
		var out []*Expr
		for _, n := range p.value.Content {
			if n = ld.resolve(n); n != nil {
				out = append(out, ld.condition(p, n)...)
			}
		}
		return out
	}
	return ld.condition(p, p.value)
}

func (ld *loader) condition(p pair, n *yaml.Node) []*Expr {
	if n.Kind != yaml.ScalarNode {
		ld.errorf(n, "", "`%s` must be an expression, a boolean or a list of them, not %s", p.name, nodeKind(n))
		return nil
	}
	e := &Expr{rng: ld.src.rangeOf(n), text: n.Value}
	if b, ok := yamlBool(n); ok {
		e.constant = b
		return []*Expr{e}
	}
	if n.ShortTag() != "!!str" {
		e.constant = ld.scalar(n).constant
		if e.constant == nil {
			return nil
		}
		return []*Expr{e}
	}
	if strings.TrimSpace(n.Value) == "" {
		return nil // as Ansible: nothing to ask for
	}
	if hasTemplate(n.Value) {
		return ld.wrapped(p, n, e)
	}
	from := origin{rng: e.rng, src: ld.src, node: n}
	t, err := compileExpr(n.Value, from)
	if err != nil {
		ld.fault(from, err)
		return nil
	}
	e.tmpl = t
	return []*Expr{e}
}

// wrapped reads a condition that stands in {{ }}, as Ansible does with the
// same warning. Text around it would be evaluated twice and is refused.
func (ld *loader) wrapped(p pair, n *yaml.Node, e *Expr) []*Expr {
	from := origin{rng: e.rng, src: ld.src, node: n}
	t, err := compileTemplate(n.Value, from)
	if err != nil {
		ld.fault(from, err)
		return nil
	}
	if t.lone == nil {
		ld.errorf(n, "leave the {{ }} out: names in an expression are variables, text is quoted",
			"`%s` is an expression, not a text with templates", p.name)
		return nil
	}
	defer ld.as(RuleWrappedExpression)()
	ld.warnf(n, "leave the {{ }} out", "`%s` is an expression already", p.name)
	e.tmpl, e.word = t, true
	return []*Expr{e}
}

// boolean reads a keyword that is a boolean or a template for one.
func (ld *loader) boolean(p pair) *Expr {
	e := &Expr{rng: ld.src.rangeOf(p.value), text: p.value.Value, word: true}
	if p.value.Kind != yaml.ScalarNode {
		ld.errorf(p.value, "", "`%s` must be a boolean, not %s", p.name, nodeKind(p.value))
		return nil
	}
	v := ld.scalar(p.value)
	if v.tmpl != nil {
		e.tmpl = v.tmpl
		return e
	}
	switch c := v.constant.(type) {
	case nil:
		return nil
	case bool:
		e.constant = c
		return e
	case string, int:
		if b, ok := wordTruth(toText(c)); ok && toText(c) != "" {
			e.constant = b
			return e
		}
	}
	ld.errorf(p.value, "yes or no", "`%s` must be a boolean: `%s`", p.name, p.value.Value)
	return nil
}

// vars reads a mapping of variables.
func (ld *loader) vars(p pair) []Var {
	if p.value.Kind == yaml.ScalarNode && p.value.ShortTag() == "!!null" {
		return nil
	}
	if p.value.Kind != yaml.MappingNode && p.value.Kind != yaml.SequenceNode {
		ld.errorf(p.value, "", "`%s` must be a mapping of names to values, not %s", p.name, nodeKind(p.value))
		return nil
	}
	leave, ok := ld.enter(p.value)
	defer leave()
	if !ok {
		return nil
	}
	var out []Var
	if p.value.Kind == yaml.SequenceNode { // of mappings, as in old playbooks
		for _, n := range p.value.Content {
			if n = ld.resolve(n); n != nil {
				out = append(out, ld.vars(pair{p.name, p.key, n})...)
			}
		}
		return out
	}
	for _, v := range ld.pairs(p.value) {
		if ld.isVariable(v.key, v.name) {
			out = append(out, Var{Name: v.name, Value: ld.value(v.value), Range: ld.src.rangeOf(v.key)})
		}
	}
	return out
}

// environment reads a mapping, a list of mappings (the later wins), or a
// template for a mapping.
func (ld *loader) environment(p pair) *Value {
	switch p.value.Kind {
	case yaml.MappingNode:
		return ld.value(p.value)
	case yaml.ScalarNode:
		v := ld.scalar(p.value)
		if v.tmpl != nil && v.tmpl.lone != nil {
			return v
		}
		if c, ok := v.Const(); ok && c == nil {
			return nil
		}
	case yaml.SequenceNode:
		return ld.environments(p)
	}
	ld.errorf(p.value, "", "`%s` must be a mapping of names to values", p.name)
	return nil
}

// lone reads a scalar that is one template and nothing else; nil for any other
// node.
func (ld *loader) lone(n *yaml.Node) *Value {
	if n.Kind != yaml.ScalarNode {
		return nil
	}
	if v := ld.scalar(n); v.tmpl != nil && v.tmpl.lone != nil {
		return v
	}
	return nil
}

func (ld *loader) environments(p pair) *Value {
	keys, values := []string{}, []*Value{}
	at := make(map[string]int)
	for _, n := range p.value.Content {
		if n = ld.resolve(n); n == nil {
			continue
		}
		if v := ld.lone(n); v != nil {
			return ld.value(p.value) // what it is shows when it is evaluated
		}
		if n.Kind != yaml.MappingNode {
			ld.errorf(n, "", "`%s` must be a mapping or a list of mappings", p.name)
			continue
		}
		for _, e := range ld.pairs(n) {
			if i, ok := at[e.name]; ok {
				values[i] = ld.value(e.value)
				continue
			}
			at[e.name] = len(keys)
			keys, values = append(keys, e.name), append(values, ld.value(e.value))
		}
	}
	return mapValue(keys, values, ld.src.rangeOf(p.value))
}
