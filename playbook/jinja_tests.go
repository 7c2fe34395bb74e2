package playbook

import (
	"fmt"
	"io/fs"
	"math"
	"net/url"
	"path"
	"slices"
	"strings"
)

// test is what stands after `is`. Params and lenient are as a filter's.
type test struct {
	params  []string
	lenient bool
	holds   func(ev *evaluation, in any, a arguments) (bool, error)
}

// tests is the table of all tests: a new one is a line here.
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
	"reachable":  {holds: onResult(func(r *dict) bool { return !truth(r.at("unreachable")) })},
	"started":    {holds: onAsync("started")},
	"finished":   {holds: onAsync("finished")},
	"timedout":   {holds: onResult(timedOut)},
	"unreachable": {holds: onResult(func(r *dict) bool {
		return truth(r.at("unreachable"))
	})},

	// strings
	"match":   {params: []string{"pattern", "ignorecase?", "multiline?"}, holds: regexTest(`\A(?:`, `)`)},
	"search":  {params: []string{"pattern", "ignorecase?", "multiline?"}, holds: regexTest("", "")},
	"regex":   {params: []string{"pattern", "ignorecase?", "multiline?", "match_type?"}, holds: regexTest("", "")},
	"url":     {params: []string{"schemes?"}, holds: uriTest("url")},
	"uri":     {params: []string{"schemes?"}, holds: uriTest("uri")},
	"urn":     {holds: uriTest("urn")},
	"nan":     {holds: nanTest},
	"lower":   {holds: onString(func(s string) bool { return s == strings.ToLower(s) && s != strings.ToUpper(s) })},
	"version": {params: []string{"version", "operator?", "strict?", "version_type?"}, holds: versionTest},
	"upper":   {holds: onString(func(s string) bool { return s == strings.ToUpper(s) && s != strings.ToLower(s) })},

	// files of the controller
	"file":         {holds: onFile(false, func(i fs.FileInfo) bool { return i.Mode().IsRegular() })},
	"is_file":      {holds: onFile(false, func(i fs.FileInfo) bool { return i.Mode().IsRegular() })},
	"directory":    {holds: onFile(false, fs.FileInfo.IsDir)},
	"is_dir":       {holds: onFile(false, fs.FileInfo.IsDir)},
	"exists":       {holds: onFile(false, func(fs.FileInfo) bool { return true })},
	"link_exists":  {holds: onFile(true, func(fs.FileInfo) bool { return true })},
	"link":         {holds: onFile(true, func(i fs.FileInfo) bool { return i.Mode()&fs.ModeSymlink != 0 })},
	"is_link":      {holds: onFile(true, func(i fs.FileInfo) bool { return i.Mode()&fs.ModeSymlink != 0 })},
	"abs":          {holds: onString(path.IsAbs)},
	"is_abs":       {holds: onString(path.IsAbs)},
	"same_file":    {params: []string{"other"}, holds: sameFileTest},
	"is_same_file": {params: []string{"other"}, holds: sameFileTest},
	"mount":        {holds: mountTest},
	"is_mount":     {holds: mountTest},

	// kinds of values
	"none":     {holds: onKind("null")},
	"string":   {holds: onKind("a string")},
	"mapping":  {holds: onKind("a mapping")},
	"boolean":  {holds: onKind("a boolean")},
	"integer":  {holds: onKind("a whole number")},
	"float":    {holds: onKind("a number")},
	"number":   {holds: onKind("a whole number", "a number", "a boolean")},
	"sequence": {holds: onKind("a list", "a string", "a mapping")},
	"callable": {holds: func(_ *evaluation, in any, _ arguments) (bool, error) { _, ok := in.(callable); return ok, nil }},
	"sameas":   {params: []string{"other"}, holds: sameAsTest},
	"filter": {holds: func(ev *evaluation, in any, _ arguments) (bool, error) {
		_, ok := ev.filters[shortName(toText(in))]
		return ok, nil
	}},
	"test": {holds: func(ev *evaluation, in any, _ arguments) (bool, error) {
		_, ok := ev.tests[shortName(toText(in))]
		return ok, nil
	}},
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

// onAsync tests what async_status reported: 1 or true.
func onAsync(key string) func(*evaluation, any, arguments) (bool, error) {
	return func(_ *evaluation, in any, _ arguments) (bool, error) {
		r, ok := in.(*dict)
		if !ok {
			return false, fmt.Errorf("a registered result is needed, not %s", kindOf(in))
		}
		v, has := r.get(key)
		return !has || truth(v), nil // a task that isn't asynchronous is both
	}
}

func timedOut(r *dict) bool {
	t, _ := plain(r.at("timedout")).(*dict)
	return t != nil && truth(t.at("period"))
}

// uriTest tells an address; any text is a uri, as with Ansible, a url has a
// scheme and a host.
func uriTest(kind string) func(*evaluation, any, arguments) (bool, error) {
	return func(_ *evaluation, in any, a arguments) (bool, error) {
		s, ok := in.(string)
		if !ok {
			return false, nil
		}
		u, err := url.Parse(s)
		if err != nil {
			return false, nil
		}
		if schemes, given := a.get(0); given {
			list, _ := elements(schemes)
			if !slices.ContainsFunc(list, func(v any) bool { return toText(v) == u.Scheme }) {
				return false, nil
			}
		}
		switch kind {
		case "url":
			return u.Scheme != "" && u.Host != "", nil
		case "urn":
			return u.Scheme == "urn", nil
		}
		return true, nil
	}
}

func nanTest(_ *evaluation, in any, _ arguments) (bool, error) {
	f, ok := in.(float64)
	return ok && math.IsNaN(f), nil
}

// sameAsTest is Python's `is`, as far as templates have it: none, true and
// false are one each.
func sameAsTest(_ *evaluation, in any, a arguments) (bool, error) {
	other, _ := a.get(0)
	switch in.(type) {
	case nil, bool:
		return in == other, nil
	}
	return kindOf(in) == kindOf(other) && equal(in, other), nil
}
