package playbook

import (
	"fmt"
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
	out := newDict(0)
	for _, other := range all {
		from, ok := plain(other).(*dict)
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

func (m merger) merge(into, from *dict) error {
	if err := m.ev.work(from.size()); err != nil {
		return err
	}
	for _, k := range from.order() {
		v := from.at(k)
		switch old := plain(into.at(k)).(type) {
		case *dict:
			if now, ok := plain(v).(*dict); ok && m.deep {
				old = old.clone()
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
		into.set(k, v)
	}
	return nil
}

func dict2items(ev *evaluation, in any, a arguments) (any, error) {
	m, ok := in.(*dict)
	if !ok {
		return nil, fmt.Errorf("a mapping is needed, not %s", kindOf(in))
	}
	list := make([]any, 0, m.size())
	for _, k := range m.order() {
		item := newDict(2)
		item.set(a.text(0, "key"), k)
		item.set(a.text(1, "value"), m.at(k))
		list = append(list, item)
	}
	return list, ev.work(m.size())
}

func items2dict(ev *evaluation, in any, a arguments) (any, error) {
	list, ok := in.([]any)
	if !ok {
		return nil, fmt.Errorf("a list is needed, not %s", kindOf(in))
	}
	out := newDict(len(list))
	for _, item := range list {
		m, ok := plain(item).(*dict)
		if !ok {
			return nil, fmt.Errorf("a list of mappings is needed")
		}
		k, has := m.get(a.text(0, "key"))
		v, hasValue := m.get(a.text(1, "value"))
		if !has || !hasValue {
			return nil, fmt.Errorf("an item has no `%s` or no `%s`", a.text(0, "key"), a.text(1, "value"))
		}
		out.set(toText(k), v)
	}
	return out, ev.work(len(list))
}

// extractFilter is key | extract(container, morekeys): an item of a container,
// and what is further inside it.
func extractFilter(ev *evaluation, in any, a arguments) (any, error) {
	of, _ := a.get(0)
	keys := []any{in}
	if more, ok := a.get(1); ok && more != nil {
		if list, isList := more.([]any); isList {
			keys = append(keys, list...)
		} else {
			keys = append(keys, more)
		}
	}
	for _, k := range keys {
		var err error
		if of, err = ev.member(of, k, at{}); err != nil {
			return nil, err
		}
	}
	return of, nil
}
