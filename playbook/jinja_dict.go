package playbook

import "maps"

// Mapping is a mapping whose values are made when they are asked for, such as
// hostvars: a scope may give one as a variable. It is safe for concurrent use.
type Mapping interface {
	Get(key string) (v any, ok bool)
	Keys() []string // in the order that a loop walks over; the caller doesn't change it
	Len() int
}

// dict is a mapping as templates see it: as in Ansible its keys have an order,
// that in which they were written. It isn't changed once it is in use. Outside
// of templates a mapping is a map[string]any.
type dict struct {
	m    map[string]any
	keys []string // nil: not written down anywhere, sorted when somebody asks
	from Mapping  // nil: m holds the values
}

func newDict(n int) *dict { return &dict{m: make(map[string]any, n), keys: make([]string, 0, n)} }

// set adds a key at the end, or gives one that is there another value.
func (d *dict) set(key string, v any) {
	if _, have := d.m[key]; !have {
		d.keys = append(d.order(), key)
	}
	d.m[key] = v
}

func (d *dict) get(key string) (any, bool) {
	if d.from != nil {
		return d.from.Get(key)
	}
	v, ok := d.m[key]
	return v, ok
}

// at is get for a key that is there, or nil.
func (d *dict) at(key string) any {
	v, _ := d.get(key)
	return v
}

func (d *dict) size() int {
	if d.from != nil {
		return d.from.Len()
	}
	return len(d.m)
}

func (d *dict) order() []string {
	switch {
	case d.from != nil:
		return d.from.Keys()
	case d.keys == nil:
		return keysOf(d.m)
	}
	return d.keys
}

// clone is a dict that may be changed.
func (d *dict) clone() *dict {
	out := newDict(d.size())
	if d.from == nil {
		out.m, out.keys = maps.Clone(d.m), append(out.keys, d.order()...)
		return out
	}
	for _, k := range d.order() {
		out.set(k, d.at(k))
	}
	return out
}

// outside gives a finished value the types it has outside of templates.
func outside(v any) any {
	switch v := v.(type) {
	case []any:
		for i, item := range v {
			switch item.(type) {
			case *dict, []any, keptText:
			default:
				continue
			}
			v = append([]any(nil), v...)
			for ; i < len(v); i++ {
				v[i] = outside(v[i])
			}
			break
		}
		return v
	case *dict:
		out := make(map[string]any, len(v.m))
		for k, item := range v.m {
			out[k] = outside(item)
		}
		return out
	}
	return unkept(v)
}
