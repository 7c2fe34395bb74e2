package playbook

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// methodFunc is a method of a value: 'a,b'.split(',').
type methodFunc func(ev *evaluation, in any, a arguments) (any, error)

// functionFunc is a function: range(3).
type functionFunc func(ev *evaluation, a arguments) (any, error)

// methods is the table of all methods, by name; each looks at the kind of
// value it is called on. None changes its value: a template can't write to
// variables that other hosts read.
var methods = map[string]methodFunc{
	"split":      splitMethod,
	"rsplit":     rsplitMethod,
	"splitlines": ofText(func(s string, _ arguments) any { return plain(lines(s)) }),
	"startswith": ofText(func(s string, a arguments) any {
		return anyOf(a, func(p string) bool { return strings.HasPrefix(s, p) })
	}),
	"endswith": ofText(func(s string, a arguments) any {
		return anyOf(a, func(p string) bool { return strings.HasSuffix(s, p) })
	}),
	"strip":      ofText(func(s string, a arguments) any { return strip(s, a, true, true) }),
	"lstrip":     ofText(func(s string, a arguments) any { return strip(s, a, true, false) }),
	"rstrip":     ofText(func(s string, a arguments) any { return strip(s, a, false, true) }),
	"upper":      ofText(func(s string, _ arguments) any { return strings.ToUpper(s) }),
	"lower":      ofText(func(s string, _ arguments) any { return strings.ToLower(s) }),
	"capitalize": ofText(func(s string, _ arguments) any { return capitalize(s) }),
	"title":      ofText(func(s string, _ arguments) any { return title(s) }),
	"isdigit":    ofText(func(s string, _ arguments) any { return all(s, unicode.IsDigit) }),
	"isalpha":    ofText(func(s string, _ arguments) any { return all(s, unicode.IsLetter) }),
	"isalnum": ofText(func(s string, _ arguments) any {
		return all(s, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) })
	}),
	"find":          ofText(func(s string, a arguments) any { return runeIndex(s, strings.Index(s, a.text(0, ""))) }),
	"rfind":         ofText(func(s string, a arguments) any { return runeIndex(s, strings.LastIndex(s, a.text(0, ""))) }),
	"replace":       replaceMethod,
	"join":          joinMethod,
	"format":        formatMethod,
	"zfill":         zfillMethod,
	"count":         countMethod,
	"index":         indexMethod,
	"strftime":      strftimeMethod,
	"isoformat":     onMoment(func(m moment) any { return m.Format("2006-01-02T15:04:05") }),
	"timestamp":     onMoment(func(m moment) any { return float64(m.UnixMicro()) / 1e6 }),
	"date":          onMoment(func(m moment) any { return m.Format("2006-01-02") }),
	"weekday":       onMoment(func(m moment) any { return (int(m.Weekday()) + 6) % 7 }),
	"total_seconds": totalSeconds,
	"items":         itemsMethod,
	"keys":          keysMethod,
	"values":        valuesMethod,
	"get":           getMethod,
	"removeprefix":  ofText(func(s string, a arguments) any { return strings.TrimPrefix(s, a.text(0, "")) }),
	"removesuffix":  ofText(func(s string, a arguments) any { return strings.TrimSuffix(s, a.text(0, "")) }),
}

// functions is the table of all functions.
var functions = map[string]functionFunc{
	"namespace": namespaceFunction,
	"range":     rangeFunction,
	"dict":      dictFunction,
	"now":       nowFunction,
	"undef":     undefFunction,
}

// dictFunction is dict(a=1), dict(mapping) and dict(list of pairs).
func dictFunction(ev *evaluation, a arguments) (any, error) {
	m := newDict(len(a.named))
	if len(a.list) > 1 {
		return nil, fmt.Errorf("one mapping or list of pairs can be given, not %d", len(a.list))
	}
	for _, from := range a.list {
		if given, ok := from.(*dict); ok {
			for _, k := range given.order() {
				m.set(k, given.at(k))
			}
			continue
		}
		pairs, err := elements(from)
		if err != nil {
			return nil, err
		}
		for _, p := range pairs {
			kv, err := elements(p)
			if err != nil || len(kv) != 2 {
				return nil, fmt.Errorf("a list of pairs is needed")
			}
			m.set(toText(kv[0]), kv[1])
		}
	}
	for _, k := range a.order {
		m.set(k, a.named[k])
	}
	return m, ev.work(m.size())
}

func rangeFunction(ev *evaluation, a arguments) (any, error) {
	var p [3]int
	for i := range a.list {
		if i == len(p) {
			return nil, fmt.Errorf("at most three numbers can be given")
		}
		n, ok := plain(a.list[i]).(int)
		if !ok {
			return nil, fmt.Errorf("whole numbers are needed, not %s", kindOf(a.list[i]))
		}
		p[i] = n
	}
	from, to, step := p[0], p[1], p[2]
	switch len(a.list) {
	case 0:
		return nil, fmt.Errorf("a number is needed")
	case 1:
		from, to, step = 0, p[0], 1
	case 2:
		step = 1
	}
	if step == 0 {
		return nil, fmt.Errorf("the step can't be 0")
	}
	out := []any{}
	for i := from; step > 0 && i < to || step < 0 && i > to; {
		if err := ev.step(); err != nil {
			return nil, err
		}
		out = append(out, i)
		next := i + step
		if (next > i) != (step > 0) {
			break
		}
		i = next
	}
	return out, nil
}

func needText(in any) (string, error) {
	s, ok := in.(string)
	if !ok {
		return "", fmt.Errorf("%s has no such method", kindOf(in))
	}
	return s, nil
}

func ofText(f func(string, arguments) any) methodFunc {
	return func(ev *evaluation, in any, a arguments) (any, error) {
		s, err := needText(in)
		if err != nil {
			return nil, err
		}
		return f(s, a), ev.spend(len(s))
	}
}

func lines(s string) []string {
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	if s == "" {
		return []string{}
	}
	return strings.Split(strings.TrimSuffix(s, "\n"), "\n")
}

func anyOf(a arguments, f func(string) bool) bool {
	v, _ := a.get(0)
	list, ok := plain(v).([]any)
	if !ok {
		list = []any{v}
	}
	for _, p := range list {
		if f(toText(p)) {
			return true
		}
	}
	return false
}

func strip(s string, a arguments, left, right bool) string {
	cut := unicode.IsSpace
	if v, ok := a.get(0); ok && v != nil {
		chars := toText(v)
		cut = func(r rune) bool { return strings.ContainsRune(chars, r) }
	}
	if left {
		s = strings.TrimLeftFunc(s, cut)
	}
	if right {
		s = strings.TrimRightFunc(s, cut)
	}
	return s
}

func all(s string, f func(rune) bool) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool { return !f(r) }) < 0
}

func runeIndex(s string, i int) int {
	if i < 0 {
		return -1
	}
	return utf8.RuneCountInString(s[:i])
}

func splitMethod(ev *evaluation, in any, a arguments) (any, error) {
	if _, err := needText(in); err != nil {
		return nil, err
	}
	return splitFilter(ev, in, arguments{list: a.list, named: a.named, params: []string{"sep?", "maxsplit?"}})
}

func rsplitMethod(ev *evaluation, in any, a arguments) (any, error) {
	s, err := needText(in)
	if err != nil {
		return nil, err
	}
	a.params = []string{"sep?", "maxsplit?"}
	limit, err := a.number(1, -1)
	sep := a.text(0, "")
	if err != nil || limit < 0 || sep == "" {
		return splitMethod(ev, in, a)
	}
	if err := ev.work(strings.Count(s, sep) + 1); err != nil {
		return nil, err
	}
	parts := strings.Split(s, sep)
	if extra := len(parts) - limit - 1; extra > 0 {
		parts = append([]string{strings.Join(parts[:extra+1], sep)}, parts[extra+1:]...)
	}
	return plain(parts), nil
}

func replaceMethod(ev *evaluation, in any, a arguments) (any, error) {
	s, err := needText(in)
	if err != nil {
		return nil, err
	}
	count, err := a.number(2, -1)
	if err != nil {
		return nil, err
	}
	if len(a.list) < 2 {
		return nil, fmt.Errorf("needs what to replace and what with")
	}
	return replaced(ev, s, a.text(0, ""), a.text(1, ""), count)
}

func joinMethod(ev *evaluation, in any, a arguments) (any, error) {
	sep, err := needText(in)
	if err != nil {
		return nil, err
	}
	list, _ := a.get(0)
	return joinFilter(ev, list, arguments{list: []any{sep}})
}

// formatMethod is '{} {0} {name}'.format(…), without format specifications.
func formatMethod(ev *evaluation, in any, a arguments) (any, error) {
	s, err := needText(in)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	next := 0
	for i := 0; i < len(s); i++ {
		switch {
		case strings.HasPrefix(s[i:], "{{"), strings.HasPrefix(s[i:], "}}"):
			b.WriteByte(s[i])
			i++
		case s[i] == '{':
			end := strings.IndexByte(s[i:], '}')
			if end < 0 {
				return nil, fmt.Errorf("a { is not closed")
			}
			v, err := a.field(s[i+1:i+end], &next)
			if err != nil {
				return nil, err
			}
			if err := ev.spend(len(v)); err != nil {
				return nil, err
			}
			b.WriteString(v)
			i += end
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String(), ev.spend(len(s))
}

func (a arguments) field(key string, next *int) (string, error) {
	if v, ok := a.named[key]; ok {
		return toText(v), nil
	}
	i := *next
	if key == "" {
		*next++
	} else if n, ok := wholeNumber(key); ok {
		i = n
	} else {
		return "", fmt.Errorf("no value is given for {%s}", key)
	}
	if i < 0 || i >= len(a.list) {
		return "", fmt.Errorf("the format needs more values than the %d given", len(a.list))
	}
	return toText(a.list[i]), nil
}

func zfillMethod(ev *evaluation, in any, a arguments) (any, error) {
	s, err := needText(in)
	if err != nil {
		return nil, err
	}
	n, err := a.number(0, 0)
	if err != nil {
		return nil, err
	}
	pad := max(0, n-utf8.RuneCountInString(s))
	if err := ev.spend(pad + len(s)); err != nil {
		return nil, err
	}
	mark := ""
	if s != "" && (s[0] == '-' || s[0] == '+') {
		mark, s = s[:1], s[1:]
	}
	return mark + strings.Repeat("0", pad) + s, nil
}

func countMethod(ev *evaluation, in any, a arguments) (any, error) {
	want, _ := a.get(0)
	if s, ok := in.(string); ok {
		return strings.Count(s, toText(want)), ev.step()
	}
	list, ok := in.([]any)
	if !ok {
		return nil, fmt.Errorf("%s has no such method", kindOf(in))
	}
	n := 0
	for _, v := range list {
		if equal(v, want) {
			n++
		}
	}
	return n, ev.work(len(list))
}

func indexMethod(ev *evaluation, in any, a arguments) (any, error) {
	want, _ := a.get(0)
	if s, ok := in.(string); ok {
		if i := strings.Index(s, toText(want)); i >= 0 {
			return runeIndex(s, i), nil
		}
		return nil, fmt.Errorf("%q is not in the string", toText(want))
	}
	list, ok := in.([]any)
	if !ok {
		return nil, fmt.Errorf("%s has no such method", kindOf(in))
	}
	for i, v := range list {
		if equal(v, want) {
			return i, nil
		}
	}
	return nil, fmt.Errorf("%q is not in the list", toText(want))
}

func needMap(in any) (*dict, error) {
	m, ok := in.(*dict)
	if !ok {
		return nil, fmt.Errorf("%s has no such method", kindOf(in))
	}
	return m, nil
}

func itemsMethod(ev *evaluation, in any, _ arguments) (any, error) {
	m, err := needMap(in)
	if err != nil {
		return nil, err
	}
	out := make([]any, 0, m.size())
	for _, k := range m.order() {
		out = append(out, []any{k, m.at(k)})
	}
	return out, ev.work(m.size())
}

func keysMethod(ev *evaluation, in any, _ arguments) (any, error) {
	m, err := needMap(in)
	if err != nil {
		return nil, err
	}
	return plain(m.order()), ev.work(m.size())
}

func valuesMethod(ev *evaluation, in any, _ arguments) (any, error) {
	m, err := needMap(in)
	if err != nil {
		return nil, err
	}
	out := make([]any, 0, m.size())
	for _, k := range m.order() {
		out = append(out, m.at(k))
	}
	return out, ev.work(m.size())
}

func getMethod(ev *evaluation, in any, a arguments) (any, error) {
	m, err := needMap(in)
	if err != nil {
		return nil, err
	}
	k, ok := a.get(0)
	if !ok {
		return nil, fmt.Errorf("a key is needed")
	}
	if v, ok := m.get(toText(k)); ok {
		return ev.force(v, at{})
	}
	v, _ := a.get(1)
	return v, nil
}

// undefFunction is undef(hint): a value that whoever uses it must define.
func undefFunction(_ *evaluation, a arguments) (any, error) {
	a.params = []string{"hint?"}
	return &undefined{fault: faultAt(0, 0, "%s", firstOf(a.text(0, ""), "this must be defined"))}, nil
}

func onMoment(f func(moment) any) methodFunc {
	return func(_ *evaluation, in any, _ arguments) (any, error) {
		m, ok := in.(moment)
		if !ok {
			return nil, fmt.Errorf("%s has no such method", kindOf(in))
		}
		return f(m), nil
	}
}

func strftimeMethod(_ *evaluation, in any, a arguments) (any, error) {
	m, ok := in.(moment)
	if !ok {
		return nil, fmt.Errorf("%s has no such method", kindOf(in))
	}
	return strftime(a.text(0, ""), m.Time), nil
}

func totalSeconds(_ *evaluation, in any, _ arguments) (any, error) {
	s, ok := in.(span)
	if !ok {
		return nil, fmt.Errorf("%s has no such method", kindOf(in))
	}
	return s.Seconds(), nil
}
