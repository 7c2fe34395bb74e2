package playbook

import (
	"fmt"
	"slices"
	"strings"
)

func (ev *evaluation) listsOf(in any, others []any) ([][]any, error) {
	var lists [][]any
	for _, v := range append([]any{in}, others...) {
		l, err := elements(v)
		if err != nil {
			return nil, err
		}
		if err := ev.work(len(l)); err != nil {
			return nil, err
		}
		lists = append(lists, l)
	}
	return lists, nil
}

func zipLongestFilter(ev *evaluation, in any, a arguments) (any, error) {
	lists, err := ev.listsOf(in, a.list)
	if err != nil {
		return nil, err
	}
	return zipped(lists, true, a.named["fillvalue"]), nil
}

func productFilter(ev *evaluation, in any, a arguments) (any, error) {
	lists, err := ev.listsOf(in, a.list)
	if err != nil {
		return nil, err
	}
	if r, ok := a.named["repeat"]; ok {
		n, isInt := wholeNumber(r)
		if !isInt || n < 0 || n > maxNesting {
			return nil, fmt.Errorf("repeat must be a whole number up to %d", maxNesting)
		}
		lists = slices.Repeat(lists, n)
	}
	return combos(ev, lists)
}

// permutationsFilter is every order of r of the items.
func permutationsFilter(ev *evaluation, in any, a arguments) (any, error) {
	return chosen(ev, in, a, func(taken []int, i int) bool { return !slices.Contains(taken, i) })
}

// combinationsFilter is every choice of r of the items, in their order.
func combinationsFilter(ev *evaluation, in any, a arguments) (any, error) {
	return chosen(ev, in, a, func(taken []int, i int) bool { return len(taken) == 0 || i > taken[len(taken)-1] })
}

// chosen is every way to take r items, the next of which may says.
func chosen(ev *evaluation, in any, a arguments, may func(taken []int, i int) bool) (any, error) {
	list, err := elements(in)
	if err != nil {
		return nil, err
	}
	r, err := a.number(0, len(list))
	if err != nil {
		return nil, err
	}
	out := []any{}
	var take func(taken []int) error
	take = func(taken []int) error {
		if err := ev.work(1 + len(taken)); err != nil {
			return err
		}
		if len(taken) == r {
			row := make([]any, r)
			for i, at := range taken {
				row[i] = list[at]
			}
			out = append(out, row)
			return nil
		}
		for i := range list {
			if may(taken, i) {
				if err := take(append(taken[:len(taken):len(taken)], i)); err != nil {
					return err
				}
			}
		}
		return nil
	}
	if r < 0 || r > len(list) {
		return out, nil
	}
	return out, take(nil)
}

// batchFilter cuts a list into rows of n items.
func batchFilter(ev *evaluation, in any, a arguments) (any, error) {
	list, n, err := listAndCount(ev, in, a)
	if err != nil {
		return nil, err
	}
	fill, hasFill := a.get(1)
	out := []any{}
	for row := range slices.Chunk(list, n) {
		row = slices.Clone(row)
		for hasFill && fill != nil && len(row) < n {
			row = append(row, fill)
		}
		out = append(out, row)
	}
	return out, ev.work(len(out) * min(n, maxSteps))
}

// sliceFilter cuts a list into n columns.
func sliceFilter(ev *evaluation, in any, a arguments) (any, error) {
	list, n, err := listAndCount(ev, in, a)
	if err != nil {
		return nil, err
	}
	if err := ev.work(n); err != nil {
		return nil, err
	}
	fill, hasFill := a.get(1)
	each, extra := len(list)/n, len(list)%n
	out := make([]any, n)
	from := 0
	for i := range out {
		size := each
		if i < extra {
			size++
		}
		column := slices.Clone(list[from : from+size])
		if hasFill && fill != nil && i >= extra {
			column = append(column, fill)
		}
		from += size
		out[i] = column
	}
	return out, nil
}

func listAndCount(ev *evaluation, in any, a arguments) ([]any, int, error) {
	list, err := elements(in)
	if err != nil {
		return nil, 0, err
	}
	n, err := a.number(0, 0)
	if err == nil && n < 1 {
		err = fmt.Errorf("a number of at least 1 is needed, not %d", n)
	}
	if err == nil {
		err = ev.work(len(list))
	}
	return list, n, err
}

// groupbyFilter is [key, items] for each value of an attribute, sorted.
func groupbyFilter(ev *evaluation, in any, a arguments) (any, error) {
	list, err := elements(in)
	if err != nil {
		return nil, err
	}
	def, hasDefault := a.get(1)
	type group struct {
		key, shown any
		items      []any
	}
	var groups []*group
	for _, item := range list {
		key, err := attributeOf(ev, item, a.text(0, ""))
		if err != nil {
			return nil, err
		}
		if u, missing := key.(*undefined); missing {
			if !hasDefault {
				return nil, u.fault
			}
			key = def
		}
		shown := key
		if s, ok := key.(string); ok && !a.flag(2, false) {
			key = strings.ToLower(s)
		}
		if err := ev.work(1 + len(groups)); err != nil {
			return nil, err
		}
		at := slices.IndexFunc(groups, func(g *group) bool { return equal(g.key, key) })
		if at < 0 {
			at = len(groups)
			groups = append(groups, &group{key: key, shown: shown})
		}
		groups[at].items = append(groups[at].items, item)
	}
	slices.SortStableFunc(groups, func(x, y *group) int {
		c, e := order(x.key, y.key)
		if e != nil && err == nil {
			err = e
		}
		return c
	})
	out := make([]any, len(groups))
	for i, g := range groups {
		out[i] = []any{g.shown, g.items}
	}
	return out, err
}

func attributeOf(ev *evaluation, item any, key string) (any, error) {
	v, err := ev.force(item, at{})
	for _, k := range strings.Split(key, ".") {
		if err != nil {
			return nil, err
		}
		var by any = k
		if n, isNumber := wholeNumber(k); isNumber {
			if _, isList := v.([]any); isList {
				by = n
			}
		}
		v, err = ev.member(v, by, at{})
	}
	return v, err
}

func subelementsFilter(ev *evaluation, in any, a arguments) (any, error) {
	key, _ := a.get(0)
	text := toText(key)
	if list, ok := key.([]any); ok {
		text = strings.Join(words(list), ".")
	}
	return subelements(ev, in, text, a.flag(1, false))
}

// dictsortFilter is a mapping's pairs, sorted by key or by value.
func dictsortFilter(ev *evaluation, in any, a arguments) (any, error) {
	pairs, err := itemsMethod(ev, in, a)
	if err != nil {
		return nil, err
	}
	place := 0
	switch by := a.text(1, "key"); by {
	case "key":
	case "value":
		place = 1
	default:
		return nil, fmt.Errorf("by must be key or value, not `%s`", by)
	}
	list := pairs.([]any) // itemsMethod makes nothing else
	of := func(pair any) any {
		v := pair.([]any)[place]
		if s, ok := v.(string); ok && !a.flag(0, false) {
			return strings.ToLower(s)
		}
		return v
	}
	slices.SortStableFunc(list, func(x, y any) int {
		c, e := order(of(x), of(y))
		if e != nil && err == nil {
			err = e
		}
		if a.flag(2, false) {
			return -c
		}
		return c
	})
	return list, err
}

// rekeyFilter makes a mapping of mappings whose keys are one of their values.
func rekeyFilter(ev *evaluation, in any, a arguments) (any, error) {
	items := in
	if m, ok := in.(*dict); ok {
		var list []any
		for _, k := range m.order() {
			list = append(list, m.at(k))
		}
		items = list
	}
	list, err := elements(items)
	if err != nil {
		return nil, err
	}
	out := newDict(len(list))
	for _, item := range list {
		m, ok := plain(item).(*dict)
		if !ok {
			return nil, fmt.Errorf("a list of mappings is needed")
		}
		key, has := m.get(a.text(0, ""))
		if !has {
			return nil, fmt.Errorf("an item has no `%s`", a.text(0, ""))
		}
		if _, twice := out.get(toText(key)); twice && a.text(1, "error") != "overwrite" {
			return nil, fmt.Errorf("two items have the %s `%s`", a.text(0, ""), toText(key))
		}
		out.set(toText(key), m)
	}
	return out, ev.work(len(list))
}
