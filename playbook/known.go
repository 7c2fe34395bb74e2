package playbook

import "slices"

// known is what templates can use that are evaluated while a playbook is
// loaded, before there is a host: -e, then the `vars` around the place, the
// inner ones first.
type known struct {
	extra  Scope // may be nil
	layers [][]Var
}

var _ Scope = known{}

// Lookup finds a variable of -e or of the vars around.
func (k known) Lookup(name string) (any, bool) {
	if k.extra != nil {
		if v, ok := k.extra.Lookup(name); ok {
			return v, true
		}
	}
	for _, layer := range slices.Backward(k.layers) {
		for _, v := range slices.Backward(layer) {
			if v.Name == name {
				return v.Value, true
			}
		}
	}
	return nil, false
}

// Names lists what Lookup finds.
func (k known) Names() []string {
	var out []string
	if k.extra != nil {
		out = k.extra.Names()
	}
	for _, layer := range k.layers {
		for _, v := range layer {
			out = append(out, v.Name)
		}
	}
	return out
}

// known is the scope of what is being read now.
func (ld *loader) known() Scope { return known{ld.given, ld.layers} }

// within makes vars known to what is read until the returned function is
// called.
func (ld *loader) within(vars []Var) (leave func()) {
	before := ld.layers
	ld.layers = append(slices.Clip(before), vars)
	return func() { ld.layers = before }
}

// inOrder puts some keys before the others, so that these can use what they
// define whatever the order they are written in.
func inOrder(fields []pair, first ...string) []pair {
	out := make([]pair, 0, len(fields))
	for _, name := range first {
		for _, f := range fields {
			if f.name == name {
				out = append(out, f)
			}
		}
	}
	for _, f := range fields {
		if !slices.Contains(first, f.name) {
			out = append(out, f)
		}
	}
	return out
}
