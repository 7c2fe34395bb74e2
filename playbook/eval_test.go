package playbook

// vars is a scope for tests.
type vars map[string]any

func (v vars) Lookup(name string) (any, bool) { x, ok := v[name]; return x, ok }
func (v vars) Names() []string                { return keysOf(v) }
