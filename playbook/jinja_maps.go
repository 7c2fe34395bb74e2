package playbook

import (
	"fmt"
	"maps"
)

func combineFilter(ev *evaluation, in any, a arguments) (any, error) {
	out, ok := in.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("a mapping is needed, not %s", kindOf(in))
	}
	deep := truth(a.named["recursive"])
	if lm, ok := a.named["list_merge"]; ok && toText(lm) != "replace" {
		return nil, fmt.Errorf("list_merge `%s` is not supported yet", toText(lm))
	}
	out = maps.Clone(out)
	for _, other := range a.list {
		m, ok := plain(other).(map[string]any)
		if !ok {
			return nil, fmt.Errorf("a mapping is needed, not %s", kindOf(other))
		}
		if err := ev.work(len(m) + len(out)); err != nil {
			return nil, err
		}
		merge(out, m, deep)
	}
	return out, nil
}

func merge(into, from map[string]any, deep bool) {
	for k, v := range from {
		a, isMap := plain(into[k]).(map[string]any)
		b, both := plain(v).(map[string]any)
		if deep && isMap && both {
			a = maps.Clone(a)
			merge(a, b, true)
			into[k] = a
			continue
		}
		into[k] = v
	}
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
