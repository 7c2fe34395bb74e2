package playbook

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

func lookVars(l *looking, terms []any) ([]any, error) {
	return eachText(terms, func(name string) (any, error) {
		v, err := l.ev.variable(name, at{})
		if err != nil {
			return nil, err
		}
		u, missing := v.(*undefined)
		if !missing {
			return l.ev.force(v, at{})
		}
		if def, ok := l.options["default"]; ok {
			return def, nil
		}
		return u.value()
	})
}

// lookVarNames lists the variables whose names match every term.
func lookVarNames(l *looking, terms []any) ([]any, error) {
	if l.ev.scope == nil {
		return nil, nil
	}
	names := l.ev.scope.Names()
	slices.Sort(names)
	names = slices.Compact(names)
	out := []any{}
	for _, t := range terms {
		re, err := regexp.Compile(toText(t))
		if err != nil {
			return nil, fmt.Errorf("%q is no pattern: %w", toText(t), err)
		}
		for _, n := range names {
			if re.MatchString(n) {
				out = append(out, n)
			}
		}
	}
	return out, l.ev.work(len(names))
}

// lookHosts lists the hosts that patterns name. The scope knows them.
func lookHosts(l *looking, terms []any) ([]any, error) {
	inventory, ok := bottom(l.ev.scope).(interface {
		HostsOf(pattern string) ([]string, error)
	})
	if !ok {
		return nil, errors.New("the inventory can't be reached from here")
	}
	out := []any{}
	for _, t := range terms {
		hosts, err := inventory.HostsOf(strings.Join(words(t), ","))
		if err != nil {
			return nil, err
		}
		for _, h := range hosts {
			out = append(out, h)
		}
	}
	return out, l.ev.work(len(out))
}

// lookItems is one level flatter.
func lookItems(l *looking, terms []any) ([]any, error) { return flatten(l.ev, nil, terms, 1, false) }

func lookFlattened(l *looking, terms []any) ([]any, error) {
	return flatten(l.ev, nil, terms, -1, false)
}

func lookIndexed(l *looking, terms []any) ([]any, error) {
	list, err := lookItems(l, terms)
	if err != nil {
		return nil, err
	}
	out := make([]any, len(list))
	for i, v := range list {
		out[i] = []any{i, v}
	}
	return out, nil
}

func lookDict(l *looking, terms []any) ([]any, error) {
	out := []any{}
	for _, t := range terms {
		if list, ok := plain(t).([]any); ok {
			more, err := lookDict(l, list)
			if err != nil {
				return nil, err
			}
			out = append(out, more...)
			continue
		}
		items, err := dict2items(l.ev, plain(t), arguments{})
		if err != nil {
			return nil, err
		}
		out = append(out, items.([]any)...) // dict2items makes nothing else
	}
	return out, nil
}

func lookRandom(_ *looking, terms []any) ([]any, error) {
	if len(terms) == 0 {
		return terms, nil
	}
	return []any{terms[rand.IntN(len(terms))]}, nil //nolint:gosec // for a choice, no secret
}

// lookNested is every combination of an item of each list.
func lookNested(l *looking, terms []any) ([]any, error) {
	lists, err := l.lists(terms)
	if err != nil || len(lists) == 0 {
		if err == nil && l.name == "nested" {
			err = errors.New("at least one list is needed")
		}
		return nil, err
	}
	return combos(l.ev, lists)
}

// combos is every combination of an item of each list, the last one changing
// fastest.
func combos(ev *evaluation, lists [][]any) ([]any, error) {
	out := [][]any{{}}
	for _, list := range lists {
		if err := ev.work(len(out) * len(list)); err != nil {
			return nil, err
		}
		next := make([][]any, 0, len(out)*len(list))
		for _, head := range out {
			for _, item := range list {
				next = append(next, append(head[:len(head):len(head)], item))
			}
		}
		out = next
	}
	flat := make([]any, len(out))
	for i := range out {
		flat[i] = out[i]
	}
	return flat, nil
}

// lists are the terms, each a list.
func (l *looking) lists(terms []any) ([][]any, error) {
	out := make([][]any, len(terms))
	for i, t := range terms {
		if list, ok := plain(t).([]any); ok {
			flat, err := flatten(l.ev, nil, list, 0, false)
			if err != nil {
				return nil, err
			}
			out[i] = flat
			continue
		}
		out[i] = []any{t}
	}
	return out, nil
}

// lookTogether is the first items, the second items and so on, none where a
// list is shorter.
func lookTogether(l *looking, terms []any) ([]any, error) {
	lists, err := l.lists(terms)
	if err != nil {
		return nil, err
	}
	if len(lists) == 0 {
		return nil, errors.New("at least one list is needed")
	}
	return zipped(lists, true, nil), l.ev.work(len(lists))
}

// zipped pairs items by their places: up to the end of the longest list, with
// fill where one is shorter, or of the shortest.
func zipped(lists [][]any, longest bool, fill any) []any {
	n := 0
	for i, l := range lists {
		if i == 0 || longest && len(l) > n || !longest && len(l) < n {
			n = len(l)
		}
	}
	out := make([]any, n)
	for i := range out {
		row := make([]any, len(lists))
		for j, l := range lists {
			row[j] = fill
			if i < len(l) {
				row[j] = l[i]
			}
		}
		out[i] = row
	}
	return out
}

// lookSubelements is lookup('subelements', list, 'a.b', {'skip_missing': True}).
func lookSubelements(l *looking, terms []any) ([]any, error) {
	if len(terms) < 2 || len(terms) > 3 {
		return nil, errors.New("a list, a key and perhaps {'skip_missing': true} are needed")
	}
	skip := false
	if len(terms) == 3 {
		switch flags := plain(terms[2]).(type) {
		case *dict:
			v := flags.at("skip_missing")
			if s, isText := v.(string); isText {
				v, _ = wordTruth(s)
			}
			skip = truth(v)
		default:
			return nil, errors.New("the third term is a mapping: {'skip_missing': true}")
		}
	}
	pairs, err := subelements(l.ev, plain(terms[0]), toText(terms[1]), skip)
	if err != nil {
		return nil, err
	}
	path := strings.Split(toText(terms[1]), ".")
	for _, p := range pairs { // the filter leaves the list in its item, the lookup doesn't
		pair := p.([]any) // subelements makes nothing else
		pair[0] = withoutKey(pair[0], path)
	}
	return pairs, l.ev.work(len(pairs))
}

// subelements pairs each item with each item of the list that it has under a
// key with dots in it.
func subelements(ev *evaluation, in any, key string, skip bool) ([]any, error) {
	var items []any
	switch v := in.(type) {
	case []any:
		items = v
	case *dict:
		for _, k := range v.order() {
			items = append(items, v.at(k))
		}
	default:
		return nil, fmt.Errorf("a list or a mapping is needed, not %s", kindOf(in))
	}
	out := []any{}
	for _, item := range items {
		below, err := subelement(ev, item, key)
		if err != nil {
			return nil, err
		}
		if isUndefined(below) {
			if skip {
				continue
			}
			return nil, fmt.Errorf("an item has no `%s`", key)
		}
		list, ok := below.([]any)
		if !ok {
			return nil, fmt.Errorf("`%s` of an item is %s, not a list", key, kindOf(below))
		}
		for _, b := range list {
			out = append(out, []any{item, b})
		}
	}
	return out, ev.work(len(out))
}

func subelement(ev *evaluation, item any, key string) (any, error) {
	v, err := ev.force(item, at{})
	for _, k := range strings.Split(key, ".") {
		if err != nil || isUndefined(v) {
			break
		}
		v, err = ev.member(v, k, at{})
	}
	return v, err
}

// lookSequence counts: start=1 end=5 stride=2 format=%02x, 5, 2-8, 2-8/2,
// 4:host%02d, as one text or as options.
func lookSequence(l *looking, terms []any) ([]any, error) {
	if len(terms) == 0 {
		terms = []any{""}
	}
	out := []any{}
	for _, t := range terms {
		s := sequence{start: 1, stride: 1, format: "%d"}
		if err := s.read(toText(t)); err != nil {
			return nil, err
		}
		for _, name := range []string{"start", "end", "count", "stride", "format"} {
			if v, ok := l.options[name]; ok {
				if err := s.set(name, toText(v)); err != nil {
					return nil, err
				}
			}
		}
		list, err := s.items(l.ev)
		if err != nil {
			return nil, err
		}
		out = append(out, list...)
	}
	return out, nil
}

type sequence struct {
	start, stride, end int
	count              *int
	hasEnd, hasStride  bool
	format             string
}

// shortSequence is [start-]end[/stride][:format].
var shortSequence = regexp.MustCompile(`^(?:(0x[0-9a-fA-F]+|0[0-7]*|\d+)-)?(0x[0-9a-fA-F]+|0[0-7]*|\d+)(?:/(\d+))?(?::(.+))?$`)

func (s *sequence) read(term string) error {
	term = strings.TrimSpace(term)
	if m := shortSequence.FindStringSubmatch(term); m != nil {
		for i, name := range []string{"start", "end", "stride", "format"} {
			if m[i+1] != "" {
				if err := s.set(name, m[i+1]); err != nil {
					return err
				}
			}
		}
		return nil
	}
	for _, word := range strings.Fields(term) {
		name, value, ok := strings.Cut(word, "=")
		if !ok {
			return fmt.Errorf("%q is no sequence: write start=1 end=5, or 1-5", term)
		}
		if err := s.set(name, value); err != nil {
			return err
		}
	}
	return nil
}

func (s *sequence) set(name, value string) error {
	if name == "format" {
		s.format = value
		return nil
	}
	n, err := strconv.ParseInt(value, 0, 32)
	if err != nil {
		return fmt.Errorf("%s must be a whole number, not %q", name, value)
	}
	switch v := int(n); name {
	case "start":
		s.start = v
	case "end":
		s.end, s.hasEnd = v, true
	case "count":
		s.count = &v
	case "stride":
		s.stride, s.hasStride = v, true
	default:
		return fmt.Errorf("a sequence has no %q: it has start, end, count, stride and format", name)
	}
	return nil
}

func (s *sequence) items(ev *evaluation) ([]any, error) {
	switch {
	case s.count != nil && s.hasEnd:
		return nil, errors.New("a sequence has either a count or an end")
	case s.count == nil && !s.hasEnd:
		return nil, errors.New("a sequence needs a count or an end")
	case s.count != nil && *s.count == 0:
		return []any{}, nil
	case s.count != nil:
		s.end = s.start + (*s.count-1)*s.stride
	}
	switch {
	case s.stride > 0 && s.end < s.start:
		return nil, errors.New("to count backwards, make stride negative")
	case s.stride < 0 && s.end > s.start:
		return nil, errors.New("to count forwards, make stride positive")
	case s.stride == 0:
		return []any{}, nil
	case strings.Count(s.format, "%") != 1:
		return nil, fmt.Errorf("the format %q must have one %%", s.format)
	}
	out := []any{}
	for i := s.start; s.stride > 0 && i <= s.end || s.stride < 0 && i >= s.end; i += s.stride {
		text, err := printf(ev, s.format, []any{i})
		if err != nil {
			return nil, err
		}
		out = append(out, text)
	}
	return out, nil
}

// withoutKey is a mapping without what lies at the path of keys.
func withoutKey(v any, path []string) any {
	d, ok := plain(v).(*dict)
	if !ok {
		return v
	}
	out := newDict(d.size())
	for _, k := range d.order() {
		switch {
		case k != path[0]:
			out.set(k, d.at(k))
		case len(path) > 1:
			out.set(k, withoutKey(d.at(k), path[1:]))
		}
	}
	return out
}
