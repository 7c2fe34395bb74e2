package playbook

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"
)

// plain gives a value that came from outside (a fact, JSON, an inventory) the
// types that templates know: nil, bool, int, float64, string, []any,
// *dict. Only the top is converted; the rest when it is reached.
func plain(v any) any {
	switch v := v.(type) {
	case nil, bool, int, float64, string, []any, *dict, *Value, *undefined, Omitted, callable, *module, *namespace, moment, span:
		return v
	case map[string]any:
		return &dict{m: v}
	case keptText:
		return string(v)
	case Mapping:
		return &dict{from: v}
	case int64:
		return int(v)
	case int32:
		return int(v)
	case uint:
		return fromUint(uint64(v))
	case uint64:
		return fromUint(v)
	case float32:
		return float64(v)
	case []byte:
		return string(v)
	case []string:
		list := make([]any, len(v))
		for i, s := range v {
			list[i] = s
		}
		return list
	case map[string]string:
		m := make(map[string]any, len(v))
		for k, s := range v {
			m[k] = s
		}
		return &dict{m: m}
	}
	return plainByKind(v)
}

func fromUint(n uint64) any {
	if n > math.MaxInt {
		return float64(n)
	}
	return int(n)
}

// plainByKind converts the rarer types: other lists, maps and named types.
func plainByKind(v any) any {
	r := reflect.ValueOf(v)
	switch r.Kind() {
	case reflect.Slice, reflect.Array:
		list := make([]any, r.Len())
		for i := range list {
			list[i] = r.Index(i).Interface()
		}
		return list
	case reflect.Map:
		m := make(map[string]any, r.Len())
		for _, k := range r.MapKeys() {
			m[fmt.Sprint(k.Interface())] = r.MapIndex(k).Interface()
		}
		return &dict{m: m}
	case reflect.Bool:
		return r.Bool()
	case reflect.String:
		return r.String()
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return int(r.Int())
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint, reflect.Uint64:
		return fromUint(r.Uint())
	}
	return fmt.Sprint(v)
}

// kindOf names a value's type for a person, in YAML's words.
func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case int:
		return "a whole number"
	case float64:
		return "a number"
	case string:
		return "a string"
	case []any:
		return "a list"
	case *dict, map[string]any, Mapping:
		return "a mapping"
	case moment:
		return "a time"
	case span:
		return "a time span"
	case *undefined:
		return "an undefined value"
	case callable:
		return "a macro"
	case *module:
		return "an imported template"
	case *namespace:
		return "a namespace"
	}
	return fmt.Sprintf("%T", v)
}

// truth is Python's: empty things, zero and none are false.
func truth(v any) bool {
	switch v := plain(v).(type) {
	case nil, *undefined:
		return false
	case bool:
		return v
	case int:
		return v != 0
	case float64:
		return v != 0
	case string:
		return v != ""
	case []any:
		return len(v) > 0
	case *dict:
		return v.size() > 0
	}
	return true
}

// toText is what {{ }} prints: none is empty, as in Ansible.
func toText(v any) string {
	switch v := plain(v).(type) {
	case nil:
		return ""
	case string:
		return v
	default:
		var b strings.Builder
		repr(&b, v)
		return b.String()
	}
}

// pythonText is Python's str(): filters and `~` see "None" where {{ }} prints
// nothing.
func pythonText(v any) string {
	if v == nil {
		return "None"
	}
	return toText(v)
}

// repr writes a value as Python does: 'a', True, [1, 2], {'k': 'v'}.
func repr(b *strings.Builder, v any) {
	switch v := plain(v).(type) {
	case nil:
		b.WriteString("None")
	case bool:
		if v {
			b.WriteString("True")
		} else {
			b.WriteString("False")
		}
	case int:
		b.WriteString(strconv.Itoa(v))
	case float64:
		b.WriteString(floatText(v))
	case string:
		quoteText(b, v)
	case moment:
		b.WriteString(v.text())
	case span:
		b.WriteString(v.text())
	case []any:
		b.WriteByte('[')
		for i, item := range v {
			if i > 0 {
				b.WriteString(", ")
			}
			repr(b, item)
		}
		b.WriteByte(']')
	case *dict:
		b.WriteByte('{')
		for i, k := range v.order() {
			if i > 0 {
				b.WriteString(", ")
			}
			quoteText(b, k)
			b.WriteString(": ")
			repr(b, v.at(k))
		}
		b.WriteByte('}')
	}
}

func floatText(f float64) string {
	switch {
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	case math.IsNaN(f):
		return "nan"
	}
	if a := math.Abs(f); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

func quoteText(b *strings.Builder, s string) {
	q := byte('\'')
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		q = '"'
	}
	b.WriteByte(q)
	for _, r := range s {
		switch {
		case r == rune(q) || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < 0x20 || r == 0x7f:
			fmt.Fprintf(b, `\x%02x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte(q)
}

// number gives the numeric value of a number or a boolean.
func number(v any) (i int, f float64, isFloat, ok bool) {
	switch v := v.(type) {
	case bool:
		if v {
			return 1, 1, false, true
		}
		return 0, 0, false, true
	case int:
		return v, float64(v), false, true
	case float64:
		return 0, v, true, true
	}
	return 0, 0, false, false
}

// wholeNumber gives an int from what reads as one.
func wholeNumber(v any) (int, bool) {
	switch v := plain(v).(type) {
	case int:
		return v, true
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return int(v), true
		}
	case string:
		n, err := strconv.Atoi(strings.TrimSpace(v))
		return n, err == nil
	}
	return 0, false
}

// elements gives what a for loop walks over.
func elements(v any) ([]any, error) {
	switch v := plain(v).(type) {
	case []any:
		return v, nil
	case *dict:
		list := make([]any, 0, v.size())
		for _, k := range v.order() {
			list = append(list, k)
		}
		return list, nil
	case string:
		if len(v) > maxSteps {
			return nil, fmt.Errorf("a string of %d bytes is too long to walk over", len(v))
		}
		list := make([]any, 0, len(v))
		for _, r := range v {
			list = append(list, string(r))
		}
		return list, nil
	}
	return nil, fmt.Errorf("a list is needed, not %s", kindOf(v))
}

// memberOf gives v[key]; ok is false where there is none.
func memberOf(v, key any) (out any, ok bool, err error) {
	switch v := plain(v).(type) {
	case *dict:
		out, ok = v.get(toText(key))
		return out, ok, nil
	case *namespace:
		out, ok = v.values[toText(key)]
		return out, ok, nil
	case moment:
		out, ok = v.member(toText(key))
		return out, ok, nil
	case span:
		out, ok = v.member(toText(key))
		return out, ok, nil
	case *module:
		out, ok = v.values[toText(key)]
		return out, ok, nil
	case *recursion:
		out, ok = v.state[toText(key)]
		return out, ok, nil
	case []any:
		i, isInt := indexIn(key, len(v))
		if isInt && i >= 0 && i < len(v) {
			return v[i], true, nil
		}
		return nil, false, nil
	case string:
		if i, isInt := key.(int); isInt {
			out, ok = character(v, i)
			return out, ok, nil
		}
	}
	return nil, false, nil
}

// character gives the character of s at i, counted from the end where i is
// negative. It walks no further than to there.
func character(s string, i int) (string, bool) {
	for ; i < -1; i++ {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	if i == -1 {
		r, size := utf8.DecodeLastRuneInString(s)
		return string(r), size > 0
	}
	for _, r := range s {
		if i == 0 {
			return string(r), true
		}
		i--
	}
	return "", false
}

func indexIn(key any, n int) (int, bool) {
	i, ok := key.(int)
	if ok && i < 0 {
		i += n
	}
	return i, ok
}

// sliced gives v[from:to:step] with Python's bounds.
func sliced(v any, parts [3]*int) (any, error) {
	switch v := plain(v).(type) {
	case string:
		runes, err := pick([]rune(v), parts)
		return string(runes), err
	case []any:
		return pick(v, parts)
	}
	return nil, fmt.Errorf("%s has no slices", kindOf(v))
}

// pick gives the items of list[from:to:step].
func pick[T any](list []T, parts [3]*int) ([]T, error) {
	step, n := 1, len(list)
	if parts[2] != nil {
		step = *parts[2]
	}
	if step == 0 {
		return nil, fmt.Errorf("a slice's step can't be 0")
	}
	from, to := sliceBounds(n, step, parts)
	out := []T{}
	for i := from; step > 0 && i < to || step < 0 && i > to; {
		out = append(out, list[i])
		if step > n || step < -n {
			break // and i+step can't overflow
		}
		i += step
	}
	return out, nil
}

// sliceBounds cuts the ends of a slice to those of a list of n items.
func sliceBounds(n, step int, parts [3]*int) (from, to int) {
	low, high := 0, n
	from, to = low, high
	if step < 0 {
		low, high = -1, n-1
		from, to = high, low
	}
	bound := func(p *int, def int) int {
		if p == nil {
			return def
		}
		i := *p
		if i < 0 {
			i += n
		}
		return max(low, min(i, high))
	}
	return bound(parts[0], from), bound(parts[1], to)
}
