package playbook

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// combineFilter merges mappings, and lists of them, the later over the earlier.
func combineFilter(ev *evaluation, in any, a arguments) (any, error) {
	all, err := flatten(ev, nil, append([]any{in}, a.list...), -1, false)
	if err != nil {
		return nil, err
	}
	m := merger{ev: ev, deep: truth(a.named["recursive"]), lists: "replace"}
	if how, ok := a.named["list_merge"]; ok {
		m.lists = toText(how)
	}
	if _, known := listMerges[m.lists]; !known {
		return nil, fmt.Errorf("list_merge must be one of %s, not `%s`", strings.Join(keysOf(listMerges), ", "), m.lists)
	}
	out := map[string]any{}
	for _, other := range all {
		from, ok := plain(other).(map[string]any)
		if !ok {
			return nil, fmt.Errorf("a mapping is needed, not %s", kindOf(other))
		}
		if err := m.merge(out, from); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// merger is how combine merges what two mappings have under the same key.
type merger struct {
	ev    *evaluation
	deep  bool   // mappings into one another
	lists string // a key of listMerges
}

// listMerges say what becomes of an old and a new list.
var listMerges = map[string]func(old, now []any) []any{
	"replace":    func(_, now []any) []any { return now },
	"keep":       func(old, _ []any) []any { return old },
	"append":     func(old, now []any) []any { return slices.Concat(old, now) },
	"prepend":    func(old, now []any) []any { return slices.Concat(now, old) },
	"append_rp":  func(old, now []any) []any { return slices.Concat(without(old, now), now) },
	"prepend_rp": func(old, now []any) []any { return slices.Concat(now, without(old, now)) },
}

func without(list, items []any) []any {
	return slices.DeleteFunc(slices.Clone(list), func(v any) bool {
		return slices.ContainsFunc(items, func(i any) bool { return equal(i, v) })
	})
}

func (m merger) merge(into, from map[string]any) error {
	if err := m.ev.work(len(from)); err != nil {
		return err
	}
	for k, v := range from {
		switch old := plain(into[k]).(type) {
		case map[string]any:
			if now, ok := plain(v).(map[string]any); ok && m.deep {
				old = maps.Clone(old)
				if err := m.merge(old, now); err != nil {
					return err
				}
				v = old
			}
		case []any:
			if now, ok := plain(v).([]any); ok {
				if err := m.ev.work(len(old) * len(now)); err != nil {
					return err
				}
				v = listMerges[m.lists](old, now)
			}
		}
		into[k] = v
	}
	return nil
}

func dict2items(ev *evaluation, in any, a arguments) (any, error) {
	m, ok := in.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("a mapping is needed, not %s", kindOf(in))
	}
	list := make([]any, 0, len(m))
	for _, k := range keysOf(m) {
		list = append(list, map[string]any{a.text(0, "key"): k, a.text(1, "value"): m[k]})
	}
	return list, ev.work(len(m))
}

func items2dict(ev *evaluation, in any, a arguments) (any, error) {
	list, ok := in.([]any)
	if !ok {
		return nil, fmt.Errorf("a list is needed, not %s", kindOf(in))
	}
	out := make(map[string]any, len(list))
	for _, item := range list {
		m, ok := plain(item).(map[string]any)
		if !ok {
			return nil, fmt.Errorf("a list of mappings is needed")
		}
		k, has := m[a.text(0, "key")]
		v, hasValue := m[a.text(1, "value")]
		if !has || !hasValue {
			return nil, fmt.Errorf("an item has no `%s` or no `%s`", a.text(0, "key"), a.text(1, "value"))
		}
		out[toText(k)] = v
	}
	return out, ev.work(len(list))
}
