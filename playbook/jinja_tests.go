package playbook

import (
	"fmt"
	"strings"
)

// test is what stands after `is`. Params and lenient are as a filter's.
type test struct {
	params  []string
	lenient bool
	holds   func(ev *evaluation, in any, a arguments) (bool, error)
}

// tests is the table of all tests: a new one is a line here. None looks at the
// controller's files.
var tests = map[string]test{
	"defined":   {lenient: true, holds: func(_ *evaluation, in any, _ arguments) (bool, error) { return !isUndefined(in), nil }},
	"undefined": {lenient: true, holds: func(_ *evaluation, in any, _ arguments) (bool, error) { return isUndefined(in), nil }},

	// results of tasks
	"succeeded":  {holds: onResult(func(r *dict) bool { return !truth(r.at("failed")) })},
	"success":    {holds: onResult(func(r *dict) bool { return !truth(r.at("failed")) })},
	"successful": {holds: onResult(func(r *dict) bool { return !truth(r.at("failed")) })},
	"failed":     {holds: onResult(func(r *dict) bool { return truth(r.at("failed")) })},
	"failure":    {holds: onResult(func(r *dict) bool { return truth(r.at("failed")) })},
	"changed":    {holds: onResult(hasChanged)},
	"change":     {holds: onResult(hasChanged)},
	"skipped":    {holds: onResult(func(r *dict) bool { return truth(r.at("skipped")) })},
	"skip":       {holds: onResult(func(r *dict) bool { return truth(r.at("skipped")) })},
	"unreachable": {holds: onResult(func(r *dict) bool {
		return truth(r.at("unreachable"))
	})},

	// strings
	"match":   {params: []string{"pattern", "ignorecase?", "multiline?"}, holds: regexTest(`\A(?:`, `)`)},
	"search":  {params: []string{"pattern", "ignorecase?", "multiline?"}, holds: regexTest("", "")},
	"regex":   {params: []string{"pattern", "ignorecase?", "multiline?", "match_type?"}, holds: regexTest("", "")},
	"lower":   {holds: onString(func(s string) bool { return s == strings.ToLower(s) && s != strings.ToUpper(s) })},
	"version": {params: []string{"version", "operator?", "strict?"}, holds: versionTest},
	"upper":   {holds: onString(func(s string) bool { return s == strings.ToUpper(s) && s != strings.ToLower(s) })},

	// kinds of values
	"none":     {holds: onKind("null")},
	"string":   {holds: onKind("a string")},
	"mapping":  {holds: onKind("a mapping")},
	"boolean":  {holds: onKind("a boolean")},
	"integer":  {holds: onKind("a whole number")},
	"float":    {holds: onKind("a number")},
	"number":   {holds: onKind("a whole number", "a number", "a boolean")},
	"sequence": {holds: onKind("a list", "a string", "a mapping")},
	"iterable": {holds: onKind("a list", "a string", "a mapping")},
	"true":     {holds: func(_ *evaluation, in any, _ arguments) (bool, error) { return in == true, nil }},
	"false":    {holds: func(_ *evaluation, in any, _ arguments) (bool, error) { return in == false, nil }},
	"truthy":   {params: []string{"convert_bool?"}, holds: truthyTest(true)},
	"falsy":    {params: []string{"convert_bool?"}, holds: truthyTest(false)},

	// comparisons
	"==":          {params: []string{"other"}, holds: comparing("==")},
	"eq":          {params: []string{"other"}, holds: comparing("==")},
	"equalto":     {params: []string{"other"}, holds: comparing("==")},
	"!=":          {params: []string{"other"}, holds: comparing("!=")},
	"ne":          {params: []string{"other"}, holds: comparing("!=")},
	">":           {params: []string{"other"}, holds: comparing(">")},
	"gt":          {params: []string{"other"}, holds: comparing(">")},
	"greaterthan": {params: []string{"other"}, holds: comparing(">")},
	">=":          {params: []string{"other"}, holds: comparing(">=")},
	"ge":          {params: []string{"other"}, holds: comparing(">=")},
	"<":           {params: []string{"other"}, holds: comparing("<")},
	"lt":          {params: []string{"other"}, holds: comparing("<")},
	"lessthan":    {params: []string{"other"}, holds: comparing("<")},
	"<=":          {params: []string{"other"}, holds: comparing("<=")},
	"le":          {params: []string{"other"}, holds: comparing("<=")},
	"in":          {params: []string{"seq"}, holds: comparing("in")},
	"contains":    {params: []string{"value"}, holds: containsTest},
	"subset":      {params: []string{"b"}, holds: subsetTest(false)},
	"superset":    {params: []string{"b"}, holds: subsetTest(true)},
	"any":         {holds: quantifier(false)},
	"all":         {holds: quantifier(true)},

	// numbers
	"odd":         {holds: onWhole(func(n int) bool { return n%2 != 0 })},
	"even":        {holds: onWhole(func(n int) bool { return n%2 == 0 })},
	"divisibleby": {params: []string{"num"}, holds: divisibleTest},
}

func isUndefined(v any) bool {
	_, ok := v.(*undefined)
	return ok
}

func hasChanged(r *dict) bool {
	if c, ok := r.get("changed"); ok {
		return truth(c)
	}
	results, _ := plain(r.at("results")).([]any)
	for _, item := range results {
		if m, ok := plain(item).(*dict); ok && truth(m.at("changed")) {
			return true
		}
	}
	return false
}

func onResult(f func(*dict) bool) func(*evaluation, any, arguments) (bool, error) {
	return func(_ *evaluation, in any, _ arguments) (bool, error) {
		r, ok := in.(*dict)
		if !ok {
			return false, fmt.Errorf("a registered result is needed, not %s", kindOf(in))
		}
		return f(r), nil
	}
}

func regexTest(before, after string) func(*evaluation, any, arguments) (bool, error) {
	return func(_ *evaluation, in any, a arguments) (bool, error) {
		open := before
		if a.text(3, "") == "match" {
			open = `\A(?:`
		}
		end := after
		if open != "" {
			end = ")"
		}
		re, err := pattern(open+a.text(0, "")+end, a.flag(1, false), a.flag(2, false))
		if err != nil {
			return false, err
		}
		return re.MatchString(toText(in)), nil
	}
}

func onString(f func(string) bool) func(*evaluation, any, arguments) (bool, error) {
	return func(_ *evaluation, in any, _ arguments) (bool, error) { return f(toText(in)), nil }
}

func onKind(kinds ...string) func(*evaluation, any, arguments) (bool, error) {
	return func(_ *evaluation, in any, _ arguments) (bool, error) {
		for _, k := range kinds {
			if kindOf(in) == k {
				return true, nil
			}
		}
		return false, nil
	}
}

func truthyTest(want bool) func(*evaluation, any, arguments) (bool, error) {
	return func(ev *evaluation, in any, a arguments) (bool, error) {
		if a.flag(0, false) {
			v, err := boolFilter(ev, in, arguments{})
			return truth(v) == want, err
		}
		return truth(in) == want, nil
	}
}

func comparing(op string) func(*evaluation, any, arguments) (bool, error) {
	return func(_ *evaluation, in any, a arguments) (bool, error) {
		other, _ := a.get(0)
		return compare(op, in, other)
	}
}

func containsTest(_ *evaluation, in any, a arguments) (bool, error) {
	item, _ := a.get(0)
	return contains(in, item)
}

func subsetTest(flip bool) func(*evaluation, any, arguments) (bool, error) {
	return func(ev *evaluation, in any, a arguments) (bool, error) {
		small, big, err := twoLists(in, a)
		if err != nil {
			return false, err
		}
		if flip {
			small, big = big, small
		}
		for _, v := range small {
			if err := ev.work(len(big)); err != nil {
				return false, err
			}
			if found, err := contains(big, v); !found || err != nil {
				return false, err
			}
		}
		return true, nil
	}
}

func quantifier(all bool) func(*evaluation, any, arguments) (bool, error) {
	return func(_ *evaluation, in any, _ arguments) (bool, error) {
		list, err := elements(in)
		if err != nil {
			return false, err
		}
		for _, v := range list {
			if truth(v) != all {
				return !all, nil
			}
		}
		return all, nil
	}
}

func onWhole(f func(int) bool) func(*evaluation, any, arguments) (bool, error) {
	return func(_ *evaluation, in any, _ arguments) (bool, error) {
		n, ok := in.(int)
		if !ok {
			return false, fmt.Errorf("a whole number is needed, not %s", kindOf(in))
		}
		return f(n), nil
	}
}

func divisibleTest(_ *evaluation, in any, a arguments) (bool, error) {
	by, err := a.number(0, 0)
	if err != nil {
		return false, err
	}
	if by == 0 {
		return false, errByZero
	}
	n, ok := in.(int)
	if !ok {
		return false, fmt.Errorf("a whole number is needed, not %s", kindOf(in))
	}
	return n%by == 0, nil
}
