package playbook

import (
	"fmt"
	"slices"
	"strings"
)

func listFilter(ev *evaluation, in any, _ arguments) (any, error) {
	list, err := elements(in)
	if err != nil {
		return nil, err
	}
	return slices.Clone(list), ev.work(len(list))
}

func endFilter(pick func([]any) any) func(*evaluation, any, arguments) (any, error) {
	return func(ev *evaluation, in any, _ arguments) (any, error) {
		list, err := elements(in)
		if err != nil {
			return nil, err
		}
		if len(list) == 0 {
			f := faultAt(0, 0, "the list is empty")
			f.undefined = "first item"
			return &undefined{fault: f}, nil
		}
		return ev.force(pick(list), at{})
	}
}

func joinFilter(ev *evaluation, in any, a arguments) (any, error) {
	list, err := elements(in)
	if err != nil {
		return nil, err
	}
	sep := a.text(0, "")
	var b strings.Builder
	for i, item := range list {
		if attr, ok := a.get(1); ok {
			if item, err = dig(ev, item, toText(attr)); err != nil {
				return nil, err
			}
		}
		if item, err = ev.finish(item); err != nil {
			return nil, err
		}
		s := pythonText(item)
		if err := ev.spend(len(s) + len(sep)); err != nil {
			return nil, err
		}
		if i > 0 {
			b.WriteString(sep)
		}
		b.WriteString(s)
	}
	return b.String(), nil
}

// dig follows a dotted attribute: "stat.size".
func dig(ev *evaluation, v any, path string) (any, error) {
	for _, part := range strings.Split(path, ".") {
		var key any = part
		if n, ok := wholeNumber(part); ok {
			if _, isList := plain(v).([]any); isList {
				key = n
			}
		}
		var err error
		if v, err = ev.member(v, key, at{}); err != nil {
			return nil, err
		}
	}
	return plain(v), nil
}

func sortFilter(ev *evaluation, in any, a arguments) (any, error) {
	list, err := elements(in)
	if err != nil {
		return nil, err
	}
	type entry struct{ key, value any }
	entries := make([]entry, len(list))
	for i, v := range list {
		key := plain(v)
		if attr, ok := a.get(2); ok {
			if key, err = dig(ev, v, toText(attr)); err != nil {
				return nil, err
			}
		}
		if !a.flag(1, false) {
			key = folded(key)
		}
		entries[i] = entry{key, v}
	}
	if err := ev.work(len(list)); err != nil {
		return nil, err
	}
	var failed error
	slices.SortStableFunc(entries, func(x, y entry) int {
		c, err := order(x.key, y.key)
		if err != nil {
			failed = err
		}
		if a.flag(0, false) {
			return -c
		}
		return c
	})
	out := make([]any, len(entries))
	for i, e := range entries {
		out[i] = e.value
	}
	return out, failed
}

// uniqueFilter takes 'a' and 'A' for the same unless told otherwise, as Jinja.
func uniqueFilter(ev *evaluation, in any, a arguments) (any, error) {
	list, err := elements(in)
	if err != nil || a.flag(0, false) {
		return distinctBy(ev, list, plain)
	}
	return distinctBy(ev, list, folded)
}

// folded is what sorting and telling apart without case look at.
func folded(v any) any {
	v = plain(v)
	if s, ok := v.(string); ok {
		return strings.ToLower(s)
	}
	return v
}

// distinct keeps the first of equal items. Strings go by a set, so that a long
// list of names stays cheap.
func distinct(ev *evaluation, list []any) ([]any, error) { return distinctBy(ev, list, plain) }

// distinctBy goes by what key makes of an item.
func distinctBy(ev *evaluation, list []any, key func(any) any) ([]any, error) {
	out, keys := []any{}, []any{}
	seen := make(map[string]bool)
	for _, v := range list {
		k := key(v)
		known, err := within(ev, keys, seen, k)
		if err != nil {
			return nil, err
		}
		if known {
			continue
		}
		if s, ok := k.(string); ok {
			seen[s] = true
		} else {
			keys = append(keys, k)
		}
		out = append(out, v)
	}
	return out, nil
}

func within(ev *evaluation, list []any, words map[string]bool, v any) (bool, error) {
	if s, ok := plain(v).(string); ok {
		return words[s], ev.step()
	}
	if err := ev.work(len(list) + 1); err != nil {
		return false, err
	}
	return slices.ContainsFunc(list, func(o any) bool { return equal(o, v) }), nil
}

func unionFilter(ev *evaluation, in any, a arguments) (any, error) {
	x, y, err := twoLists(in, a)
	if err != nil {
		return nil, err
	}
	return distinct(ev, slices.Concat(x, y))
}

func differenceFilter(ev *evaluation, in any, a arguments) (any, error) {
	return among(ev, in, a, false)
}

func intersectFilter(ev *evaluation, in any, a arguments) (any, error) { return among(ev, in, a, true) }

func symmetricFilter(ev *evaluation, in any, a arguments) (any, error) {
	other, _ := a.get(0)
	left, err := among(ev, in, a, false)
	if err != nil {
		return nil, err
	}
	right, err := among(ev, other, arguments{list: []any{in}}, false)
	if err != nil {
		return nil, err
	}
	return slices.Concat(left, right), nil
}

func among(ev *evaluation, in any, a arguments, want bool) ([]any, error) {
	x, y, err := twoLists(in, a)
	if err != nil {
		return nil, err
	}
	words := make(map[string]bool)
	for _, v := range y {
		if s, ok := plain(v).(string); ok {
			words[s] = true
		}
	}
	out := []any{}
	for _, v := range x {
		found, err := within(ev, y, words, v)
		if err != nil {
			return nil, err
		}
		if found == want {
			out = append(out, v)
		}
	}
	return distinct(ev, out)
}

func twoLists(in any, a arguments) (x, y []any, err error) {
	if x, err = elements(in); err != nil {
		return nil, nil, err
	}
	other, _ := a.get(0)
	y, err = elements(other)
	return x, y, err
}

func reverseFilter(ev *evaluation, in any, _ arguments) (any, error) {
	list, err := elements(in)
	if err != nil {
		return nil, err
	}
	list = slices.Clone(list)
	slices.Reverse(list)
	if _, ok := in.(string); ok {
		var b strings.Builder
		for _, r := range list {
			b.WriteString(r.(string))
		}
		return b.String(), ev.work(len(list))
	}
	return list, ev.work(len(list))
}

func extremeFilter(want int) func(*evaluation, any, arguments) (any, error) {
	return func(ev *evaluation, in any, a arguments) (any, error) {
		list, err := elements(in)
		if err != nil {
			return nil, err
		}
		if len(list) == 0 {
			f := faultAt(0, 0, "the list is empty")
			f.undefined = "item"
			return &undefined{fault: f}, nil
		}
		key := func(v any) (any, error) {
			var err error
			if name := a.text(1, ""); name != "" {
				v, err = attributeOf(ev, v, name)
			}
			if a.flag(0, false) {
				return v, err
			}
			return folded(v), err
		}
		best := list[0]
		most, err := key(best)
		for _, v := range list[1:] {
			var k any
			if err == nil {
				k, err = key(v)
			}
			if err != nil {
				return nil, err
			}
			c, err := order(k, most)
			if err != nil {
				return nil, err
			}
			if c == want {
				best, most = v, k
			}
		}
		return plain(best), ev.work(len(list))
	}
}

func sumFilter(ev *evaluation, in any, a arguments) (any, error) {
	list, err := elements(in)
	if err != nil {
		return nil, err
	}
	var total any = 0
	if start, ok := a.get(1); ok {
		total = start
	}
	for _, v := range list {
		if attr, ok := a.get(0); ok && attr != nil {
			if v, err = dig(ev, v, toText(attr)); err != nil {
				return nil, err
			}
		}
		if total, err = operate(ev, additionOp, total, v); err != nil {
			return nil, err
		}
	}
	return total, nil
}

func flattenFilter(ev *evaluation, in any, a arguments) (any, error) {
	list, ok := in.([]any)
	if !ok {
		return nil, fmt.Errorf("a list is needed, not %s", kindOf(in))
	}
	levels, err := a.number(0, -1)
	if err != nil {
		return nil, err
	}
	return flatten(ev, []any{}, list, levels, a.flag(1, true))
}

func flatten(ev *evaluation, out, list []any, levels int, skip bool) ([]any, error) {
	for _, v := range list {
		if err := ev.step(); err != nil {
			return nil, err
		}
		inner, ok := plain(v).([]any)
		switch {
		case v == nil && skip:
		case ok && levels != 0:
			var err error
			if out, err = flatten(ev, out, inner, levels-1, skip); err != nil {
				return nil, err
			}
		default:
			out = append(out, v)
		}
	}
	return out, nil
}

func zipFilter(ev *evaluation, in any, a arguments) (any, error) {
	first, err := elements(in)
	if err != nil {
		return nil, err
	}
	lists, n := [][]any{first}, len(first)
	for _, l := range a.list {
		other, err := elements(l)
		if err != nil {
			return nil, err
		}
		lists, n = append(lists, other), min(n, len(other))
	}
	out := make([]any, n)
	for i := range out {
		row := make([]any, len(lists))
		for j := range lists {
			row[j] = lists[j][i]
		}
		out[i] = row
	}
	return out, ev.work(n * len(lists))
}
