package playbook

import (
	"slices"

	"thordeploy/internal/diag"
)

// Reference is a variable that a template or an expression asks for.
type Reference struct {
	Name  string
	Range diag.Range
	// Optional: the template itself says what happens without it (`x is
	// defined`, `x | default(…)`).
	Optional bool
}

// References lists the variables that the value's templates ask for, in the
// order they stand; those that a template sets itself are not among them.
func (v *Value) References() []Reference {
	if v == nil {
		return nil
	}
	var out []Reference
	if v.tmpl != nil {
		out = v.tmpl.references()
	}
	for _, item := range slices.Concat(v.list, v.values) {
		out = append(out, item.References()...)
	}
	return out
}

// References lists the variables that the expression asks for, as of a Value.
func (e *Expr) References() []Reference {
	if e == nil || e.tmpl == nil {
		return nil
	}
	return e.tmpl.references()
}

// references walks the template's parts.
func (t *template) references() []Reference {
	w := &nameWalk{t: t}
	w.segments(t.body)
	return w.found
}

// nameWalk collects names; own are those that the template binds around where
// the walk is.
type nameWalk struct {
	t     *template
	own   []string
	found []Reference
}

func (w *nameWalk) segments(list []segment) {
	for _, s := range list {
		switch s := s.(type) {
		case *output:
			w.node(s.expr, false)
		case *conditional:
			for _, c := range s.conds {
				w.node(c, false)
			}
			for _, b := range s.branches {
				w.segments(b)
			}
		case *loop:
			w.loop(s)
		case *assignment:
			w.node(s.expr, false)
			w.own = append(w.own, s.names...)
		case *filterBlock:
			w.node(s.expr, false)
		case *with:
			for _, n := range s.values {
				w.node(n, false)
			}
			w.inside(s.names, s.body)
		case *macroNode:
			w.own = append(w.own, s.name)
			w.macro(s)
		case *callBlock:
			w.node(s.expr, false)
			w.macro(s.body)
		}
	}
}

// inside walks a body that sees names besides.
func (w *nameWalk) inside(names []string, body []segment) {
	mark := len(w.own)
	w.own = append(w.own, names...)
	w.segments(body)
	w.own = w.own[:mark]
}

func (w *nameWalk) macro(m *macroNode) {
	for _, n := range m.defaults {
		w.node(n, false)
	}
	w.inside(append([]string{"varargs", "kwargs", "caller"}, m.params...), m.body)
}

func (w *nameWalk) loop(s *loop) {
	w.node(s.over, false)
	mark := len(w.own)
	w.own = append(append(w.own, "loop"), s.names...)
	w.node(s.cond, false)
	w.segments(s.body)
	w.own = w.own[:mark]
	w.segments(s.empty)
}

// node walks an expression; optional says that the innermost name may be
// undefined where it stands.
func (w *nameWalk) node(n node, optional bool) {
	switch n := n.(type) {
	case nil:
	case *name:
		w.name(n, optional)
	case *filtered:
		w.node(n.of, optional || n.lenient)
		w.args(n.args)
	case *tested:
		w.node(n.of, optional || n.lenient)
		w.args(n.args)
	case *attribute:
		w.node(n.of, optional)
	case *item:
		w.node(n.of, optional)
		w.node(n.key, false)
	case *body:
		w.inside(nil, n.segments)
	default:
		for _, c := range parts(n) {
			w.node(c, false)
		}
	}
}

func (w *nameWalk) args(a callArgs) {
	for _, n := range slices.Concat(a.list, a.named) {
		w.node(n, false)
	}
}

func (w *nameWalk) name(n *name, optional bool) {
	if slices.Contains(w.own, n.name) {
		return
	}
	r, _ := w.t.origin.place(n.pos, n.end)
	w.found = append(w.found, Reference{Name: n.name, Range: r, Optional: optional})
}

// parts are the expressions directly inside one that treats all alike.
func parts(n node) []node {
	switch n := n.(type) {
	case *listNode:
		return n.items
	case *dictNode:
		return slices.Concat(n.keys, n.values)
	case *slice:
		return append([]node{n.of}, n.parts[:]...)
	case *choice:
		return []node{n.then, n.cond, n.other}
	case *logic:
		return []node{n.left, n.right}
	case *negation:
		return []node{n.of}
	case *signed:
		return []node{n.of}
	case *binary:
		return []node{n.left, n.right}
	case *comparison:
		return append([]node{n.first}, n.rest...)
	case *method:
		return slices.Concat([]node{n.of}, n.args.list, n.args.named)
	case *macroCall:
		return slices.Concat([]node{n.of}, n.args.list, n.args.named)
	case *memberCall:
		return slices.Concat([]node{n.of.of}, n.args.list, n.args.named)
	case *function:
		return slices.Concat(n.args.list, n.args.named)
	}
	return nil
}

// Text is the value as it is written, where it is a scalar.
func (v *Value) Text() string {
	if v == nil {
		return ""
	}
	return v.text
}

// Scalar is one text, number or boolean inside a value.
type Scalar struct {
	Key      string // the nearest mapping key above it, empty where there is none
	Text     string // as written where it is the whole value, otherwise as it prints
	Template bool   // it holds templates
	Range    diag.Range
}

// Scalars lists what is at the leaves of the value. Inside a list or a mapping
// without templates a leaf's place is that of the whole.
func (v *Value) Scalars() []Scalar { return v.scalars("") }

func (v *Value) scalars(key string) []Scalar {
	switch {
	case v == nil:
		return nil
	case v.tmpl != nil:
		return []Scalar{{key, v.text, true, v.rng}}
	case v.values != nil:
		var out []Scalar
		for i, item := range v.values {
			out = append(out, item.scalars(v.keys[i])...)
		}
		return out
	case v.list != nil:
		var out []Scalar
		for _, item := range v.list {
			out = append(out, item.scalars(key)...)
		}
		return out
	}
	return constantScalars(key, v.constant, v.rng)
}

func constantScalars(key string, x any, r diag.Range) []Scalar {
	var out []Scalar
	switch x := x.(type) {
	case nil:
	case []any:
		for _, item := range x {
			out = append(out, constantScalars(key, item, r)...)
		}
	case map[string]any:
		for _, k := range keysOf(x) {
			out = append(out, constantScalars(k, x[k], r)...)
		}
	default:
		out = append(out, Scalar{key, toText(x), false, r})
	}
	return out
}
