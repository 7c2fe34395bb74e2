package playbook

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// equal is Python's ==: numbers by value, lists and mappings by their items.
func equal(a, b any) bool {
	a, b = plain(a), plain(b)
	ai, af, aFloat, aNum := number(a)
	bi, bf, bFloat, bNum := number(b)
	if aNum || bNum {
		if aNum && bNum && !aFloat && !bFloat {
			return ai == bi
		}
		return aNum && bNum && af == bf
	}
	switch a := a.(type) {
	case nil:
		return b == nil
	case string:
		s, ok := b.(string)
		return ok && a == s
	case []any:
		l, ok := b.([]any)
		if !ok || len(l) != len(a) {
			return false
		}
		for i := range a {
			if !equal(a[i], l[i]) {
				return false
			}
		}
		return true
	case *dict:
		m, ok := b.(*dict)
		if !ok || m.size() != a.size() {
			return false
		}
		for _, k := range a.order() {
			other, ok := m.get(k)
			if !ok || !equal(a.at(k), other) {
				return false
			}
		}
		return true
	case moment:
		other, ok := b.(moment)
		return ok && a.Equal(other.Time)
	case span:
		other, ok := b.(span)
		return ok && a.Duration == other.Duration
	case Omitted:
		_, ok := b.(Omitted)
		return ok
	}
	return false
}

// order compares two values of a kind: -1, 0 or 1.
func order(a, b any) (int, error) {
	a, b = plain(a), plain(b)
	ai, af, aFloat, aNum := number(a)
	bi, bf, bFloat, bNum := number(b)
	switch {
	case aNum && bNum && !aFloat && !bFloat:
		return sign(ai < bi, ai > bi), nil
	case aNum && bNum:
		return sign(af < bf, af > bf), nil
	}
	switch a := a.(type) {
	case string:
		if s, ok := b.(string); ok {
			return strings.Compare(a, s), nil
		}
	case moment:
		if other, ok := b.(moment); ok {
			return a.Compare(other.Time), nil
		}
	case span:
		if other, ok := b.(span); ok {
			return sign(a.Duration < other.Duration, a.Duration > other.Duration), nil
		}
	case []any:
		if l, ok := b.([]any); ok {
			for i := 0; i < len(a) && i < len(l); i++ {
				if c, err := order(a[i], l[i]); c != 0 || err != nil {
					return c, err
				}
			}
			return sign(len(a) < len(l), len(a) > len(l)), nil
		}
	}
	return 0, fmt.Errorf("can't compare %s with %s", kindOf(a), kindOf(b))
}

func sign(less, more bool) int {
	switch {
	case less:
		return -1
	case more:
		return 1
	}
	return 0
}

// length counts a string's runes, a list's items, a mapping's keys.
func length(v any) (int, error) {
	switch v := plain(v).(type) {
	case string:
		return utf8.RuneCountInString(v), nil
	case []any:
		return len(v), nil
	case *dict:
		return v.size(), nil
	}
	return 0, fmt.Errorf("%s has no length", kindOf(v))
}
