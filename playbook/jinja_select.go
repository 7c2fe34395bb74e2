package playbook

import (
	"fmt"
	"strings"
)

// mapFilter is map('upper') and map(attribute='name', default=x).
func mapFilter(ev *evaluation, in any, a arguments) (any, error) {
	list, err := elements(in)
	if err != nil {
		return nil, err
	}
	each := func(v any) (any, error) { return v, nil }
	// With a filter's name the other arguments are that filter's.
	if attr, ok := a.named["attribute"]; ok && len(a.list) == 0 {
		each = func(v any) (any, error) {
			out, err := dig(ev, v, toText(attr))
			if _, missing := out.(*undefined); missing {
				if def, ok := a.named["default"]; ok {
					return def, nil
				}
			}
			return out, err
		}
	} else if len(a.list) > 0 {
		f, ok := ev.filters[toText(a.list[0])]
		if !ok {
			return nil, fmt.Errorf("unknown filter `%s`", toText(a.list[0]))
		}
		rest := arguments{list: a.list[1:], named: a.named, params: f.params}
		if err := enough(rest); err != nil {
			return nil, err
		}
		each = func(v any) (any, error) {
			v = plain(v)
			if err := ev.charge(v); err != nil {
				return nil, err
			}
			if err := ev.chargeArgs(rest); err != nil {
				return nil, err
			}
			return f.apply(ev, v, rest)
		}
	}
	out := make([]any, len(list))
	for i, v := range list {
		if err := ev.step(); err != nil {
			return nil, err
		}
		if out[i], err = each(v); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// enough holds evaluated arguments against what a filter or test needs.
func enough(a arguments) error {
	for i, p := range a.params {
		if strings.HasSuffix(p, "?") || strings.HasSuffix(p, "*") {
			continue
		}
		if _, ok := a.get(i); !ok {
			return fmt.Errorf("`%s` is needed", p)
		}
	}
	return nil
}

// selecting makes select, reject and their …attr forms: the items whose value
// (or attribute) passes a test, or is true where none is named.
func selecting(keep, byAttribute bool) func(*evaluation, any, arguments) (any, error) {
	return func(ev *evaluation, in any, a arguments) (any, error) {
		if u, missing := in.(*undefined); missing {
			return nil, u.fault
		}
		list, err := elements(in)
		if err != nil {
			return nil, err
		}
		args, attr := a.list, ""
		if byAttribute {
			v, _ := a.get(0)
			attr, args = toText(v), args[min(1, len(args)):]
		}
		holds, err := predicate(ev, args)
		if err != nil {
			return nil, err
		}
		out := []any{}
		for _, item := range list {
			v := plain(item)
			if byAttribute {
				if v, err = dig(ev, item, attr); err != nil {
					return nil, err
				}
			}
			ok, err := holds(v)
			if err != nil {
				return nil, err
			}
			if ok == keep {
				out = append(out, item)
			}
		}
		return out, nil
	}
}

func predicate(ev *evaluation, args []any) (func(any) (bool, error), error) {
	if len(args) == 0 {
		return func(v any) (bool, error) {
			if u, missing := v.(*undefined); missing {
				return false, u.fault
			}
			return truth(v), ev.step()
		}, nil
	}
	t, ok := ev.tests[toText(args[0])]
	if !ok {
		return nil, fmt.Errorf("unknown test `%s`", toText(args[0]))
	}
	rest := arguments{list: args[1:], params: t.params}
	if err := enough(rest); err != nil {
		return nil, err
	}
	return func(v any) (bool, error) {
		if u, missing := v.(*undefined); missing && !t.lenient {
			return false, u.fault
		}
		if err := ev.charge(v); err != nil {
			return false, err
		}
		if err := ev.chargeArgs(rest); err != nil {
			return false, err
		}
		return t.holds(ev, v, rest)
	}, nil
}
