package playbook

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// filter is what stands after a `|`. Params names its arguments ("name?" may
// be left out, "name*" takes any number). A lenient one may be given undefined
// values.
type filter struct {
	params  []string
	lenient bool
	apply   func(ev *evaluation, in any, a arguments) (any, error)
}

// filters is the table of all filters: a new one is a line here. Jinja's and
// Ansible's, with their meaning; none reads files or the environment.
var filters = map[string]filter{
	// any value
	"default":    {params: []string{"default_value?", "boolean?"}, lenient: true, apply: defaultFilter},
	"d":          {params: []string{"default_value?", "boolean?"}, lenient: true, apply: defaultFilter},
	"mandatory":  {params: []string{"msg?"}, lenient: true, apply: mandatoryFilter},
	"ternary":    {params: []string{"true_val", "false_val", "none_val?"}, apply: ternaryFilter},
	"type_debug": {apply: typeFilter},
	"string":     {apply: onText(func(s string) string { return s })},
	"bool":       {apply: boolFilter},
	"int":        {params: []string{"default?", "base?"}, apply: intFilter},
	"float":      {params: []string{"default?"}, apply: floatFilter},
	"abs":        {apply: absFilter},
	"round":      {params: []string{"precision?", "method?"}, apply: roundFilter},
	"length":     {apply: lengthFilter},
	"count":      {apply: lengthFilter},

	// strings
	"lower":         {apply: onText(strings.ToLower)},
	"upper":         {apply: onText(strings.ToUpper)},
	"capitalize":    {apply: onText(capitalize)},
	"title":         {apply: onText(title)},
	"trim":          {params: []string{"chars?"}, apply: trimFilter},
	"basename":      {apply: onText(baseName)},
	"dirname":       {apply: onText(dirName)},
	"splitext":      {apply: splitextFilter},
	"quote":         {apply: onText(shellQuote)},
	"replace":       {params: []string{"old", "new", "count?"}, apply: replaceFilter},
	"regex_replace": {params: []string{"pattern", "replacement?", "ignorecase?", "multiline?"}, apply: regexReplace},
	"regex_search":  {params: []string{"pattern", "groups*", "ignorecase?", "multiline?"}, apply: regexSearch},
	"regex_findall": {params: []string{"pattern", "multiline?", "ignorecase?"}, apply: regexFindall},
	"regex_escape":  {params: []string{"re_type?"}, apply: onText(regexEscape)},
	"split":         {params: []string{"sep?", "maxsplit?"}, apply: splitFilter},
	"format":        {params: []string{"values*"}, apply: formatFilter},
	"b64encode":     {apply: onText(func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) })},
	"b64decode":     {apply: b64decode},
	"to_json":       {apply: toJSON},
	"to_nice_json":  {params: []string{"indent?"}, apply: toNiceJSON},
	"from_json":     {apply: fromJSON},

	// lists
	"list":       {apply: listFilter},
	"first":      {apply: endFilter(func(l []any) any { return l[0] })},
	"last":       {apply: endFilter(func(l []any) any { return l[len(l)-1] })},
	"join":       {params: []string{"d?", "attribute?"}, apply: joinFilter},
	"sort":       {params: []string{"reverse?", "case_sensitive?", "attribute?"}, apply: sortFilter},
	"unique":     {apply: uniqueFilter},
	"reverse":    {apply: reverseFilter},
	"min":        {apply: extremeFilter(-1)},
	"max":        {apply: extremeFilter(1)},
	"sum":        {params: []string{"attribute?", "start?"}, apply: sumFilter},
	"flatten":    {params: []string{"levels?", "skip_nulls?"}, apply: flattenFilter},
	"zip":        {params: []string{"lists*"}, apply: zipFilter},
	"union":      {params: []string{"b"}, apply: unionFilter},
	"difference": {params: []string{"b"}, apply: differenceFilter},
	"intersect":  {params: []string{"b"}, apply: intersectFilter},
	"map":        {params: []string{"filter?", "arguments*", "attribute?", "default?"}, apply: mapFilter},
	"select":     {params: []string{"test?", "arguments*"}, lenient: true, apply: selecting(true, false)},
	"reject":     {params: []string{"test?", "arguments*"}, lenient: true, apply: selecting(false, false)},
	"selectattr": {params: []string{"attribute", "test?", "arguments*"}, apply: selecting(true, true)},
	"rejectattr": {params: []string{"attribute", "test?", "arguments*"}, apply: selecting(false, true)},

	// mappings
	"combine":    {params: []string{"others*", "recursive?", "list_merge?"}, apply: combineFilter},
	"dict2items": {params: []string{"key_name?", "value_name?"}, apply: dict2items},
	"items2dict": {params: []string{"key_name?", "value_name?"}, apply: items2dict},
}

// onText makes a filter of a function on strings; other values are printed
// first, as Jinja does.
func onText(f func(string) string) func(*evaluation, any, arguments) (any, error) {
	return func(ev *evaluation, in any, _ arguments) (any, error) {
		out := f(toText(in))
		return out, ev.spend(len(out))
	}
}

func defaultFilter(_ *evaluation, in any, a arguments) (any, error) {
	_, missing := in.(*undefined)
	if !missing && !(a.flag(1, false) && !truth(in)) {
		return in, nil
	}
	if v, ok := a.get(0); ok {
		return v, nil
	}
	return "", nil
}

func mandatoryFilter(_ *evaluation, in any, a arguments) (any, error) {
	if u, missing := in.(*undefined); missing {
		if msg := a.text(0, ""); msg != "" {
			u.fault.summary += ": " + msg
		}
		return nil, u.fault
	}
	return in, nil
}

func ternaryFilter(_ *evaluation, in any, a arguments) (any, error) {
	if v, ok := a.get(2); ok && in == nil {
		return v, nil
	}
	i := 1
	if truth(in) {
		i = 0
	}
	v, _ := a.get(i)
	return v, nil
}

func typeFilter(_ *evaluation, in any, _ arguments) (any, error) {
	switch in.(type) {
	case nil:
		return "NoneType", nil
	case bool:
		return "bool", nil
	case int:
		return "int", nil
	case float64:
		return "float", nil
	case string:
		return "str", nil
	case []any:
		return "list", nil
	}
	return "dict", nil
}

func boolFilter(_ *evaluation, in any, _ arguments) (any, error) {
	switch v := in.(type) {
	case nil, bool:
		return v, nil
	case string:
		switch strings.ToLower(v) {
		case "yes", "on", "1", "true":
			return true, nil
		}
		return false, nil
	case int:
		return v == 1, nil
	case float64:
		return v == 1, nil
	}
	return false, nil
}

func intFilter(_ *evaluation, in any, a arguments) (any, error) {
	base, err := a.number(1, 10)
	if err != nil {
		return nil, err
	}
	switch v := in.(type) {
	case float64:
		if math.Abs(v) < 1<<62 {
			return int(v), nil
		}
	case string:
		s := strings.TrimSpace(strings.ReplaceAll(v, "_", ""))
		if base != 10 {
			s = strings.ToLower(s)
			s = strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(s, "0x"), "0o"), "0b")
		}
		if base < 2 || base > 36 {
			return nil, fmt.Errorf("there is no base %d", base)
		}
		if n, err := strconv.ParseInt(s, base, strconv.IntSize); err == nil {
			return int(n), nil
		}
		if f, err := strconv.ParseFloat(s, 64); err == nil && base == 10 && math.Abs(f) < 1<<62 {
			return int(f), nil
		}
	default:
		if n, ok := wholeNumber(v); ok {
			return n, nil
		}
	}
	if v, ok := a.get(0); ok {
		return v, nil
	}
	return 0, nil
}

func floatFilter(_ *evaluation, in any, a arguments) (any, error) {
	if _, f, _, ok := number(in); ok {
		return f, nil
	}
	if s, ok := in.(string); ok {
		if f, err := strconv.ParseFloat(strings.TrimSpace(s), 64); err == nil {
			return f, nil
		}
	}
	if v, ok := a.get(0); ok {
		return v, nil
	}
	return 0.0, nil
}

func absFilter(_ *evaluation, in any, _ arguments) (any, error) {
	i, f, isFloat, ok := number(in)
	switch {
	case !ok:
		return nil, fmt.Errorf("a number is needed, not %s", kindOf(in))
	case isFloat:
		return math.Abs(f), nil
	case i < 0:
		return signOf(i, true)
	}
	return i, nil
}

func roundFilter(_ *evaluation, in any, a arguments) (any, error) {
	_, f, _, ok := number(in)
	if !ok {
		return nil, fmt.Errorf("a number is needed, not %s", kindOf(in))
	}
	places, err := a.number(0, 0)
	if err != nil {
		return nil, err
	}
	scale := math.Pow(10, float64(places))
	switch how := a.text(1, "common"); how {
	case "common":
		return math.RoundToEven(f*scale) / scale, nil
	case "ceil":
		return math.Ceil(f*scale) / scale, nil
	case "floor":
		return math.Floor(f*scale) / scale, nil
	default:
		return nil, fmt.Errorf("method must be common, ceil or floor, not %s", how)
	}
}

func lengthFilter(_ *evaluation, in any, _ arguments) (any, error) { return length(in) }

func capitalize(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	if n == 0 {
		return s
	}
	return string(unicode.ToUpper(r)) + strings.ToLower(s[n:])
}

func title(s string) string {
	start := true
	return strings.Map(func(r rune) rune {
		was := start
		start = !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '\''
		if was {
			return unicode.ToUpper(r)
		}
		return unicode.ToLower(r)
	}, s)
}

func trimFilter(_ *evaluation, in any, a arguments) (any, error) {
	if chars := a.text(0, ""); chars != "" {
		return strings.Trim(toText(in), chars), nil
	}
	return strings.TrimSpace(toText(in)), nil
}

// baseName and dirName are Python's os.path: of "a/b/" they give "" and "a/b".
func baseName(s string) string { return s[strings.LastIndexByte(s, '/')+1:] }

func dirName(s string) string {
	head := s[:strings.LastIndexByte(s, '/')+1]
	if strings.Trim(head, "/") == "" {
		return head
	}
	return strings.TrimRight(head, "/")
}

func splitextFilter(_ *evaluation, in any, _ arguments) (any, error) {
	s := toText(in)
	start := strings.LastIndexByte(s, '/') + 1
	base := strings.TrimLeft(s[start:], ".")
	if dot := strings.LastIndexByte(base, '.'); dot >= 0 {
		dot += len(s) - len(base)
		return []any{s[:dot], s[dot:]}, nil
	}
	return []any{s, ""}, nil
}

// shellQuote is Python's shlex.quote.
func shellQuote(s string) string {
	safe := strings.IndexFunc(s, func(r rune) bool {
		return !(r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r)) || strings.ContainsRune("_@%+=:,./-", r))
	}) < 0
	if s != "" && safe {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'"'"'`) + "'"
}

func replaceFilter(ev *evaluation, in any, a arguments) (any, error) {
	count, err := a.number(2, -1)
	if err != nil {
		return nil, err
	}
	return replaced(ev, toText(in), a.text(0, ""), a.text(1, ""), count)
}

func replaced(ev *evaluation, s, from, to string, count int) (any, error) {
	hits := strings.Count(s, from)
	if count >= 0 {
		hits = min(hits, count)
	}
	if len(to) > 0 && hits > maxOutput/len(to) {
		return nil, ev.spend(maxOutput + 1)
	}
	if err := ev.spend(len(s) + hits*len(to)); err != nil {
		return nil, err
	}
	return strings.Replace(s, from, to, count), nil
}

func splitFilter(ev *evaluation, in any, a arguments) (any, error) {
	s, ok := in.(string)
	if !ok {
		return nil, fmt.Errorf("a string is needed, not %s", kindOf(in))
	}
	limit, err := a.number(1, -1)
	if err != nil {
		return nil, err
	}
	sep, given := a.get(0)
	var parts []string
	switch {
	case !given || sep == nil:
		parts = fieldsN(s, limit)
	case toText(sep) == "":
		return nil, fmt.Errorf("the separator is empty")
	case limit < 0:
		parts = strings.Split(s, toText(sep))
	default:
		parts = strings.SplitN(s, toText(sep), limit+1)
	}
	return plain(parts), ev.work(len(parts))
}

// fieldsN splits at white space, at most n times where n isn't negative.
func fieldsN(s string, n int) []string {
	if n < 0 {
		return strings.Fields(s)
	}
	var out []string
	for s = strings.TrimLeftFunc(s, unicode.IsSpace); s != ""; s = strings.TrimLeftFunc(s, unicode.IsSpace) {
		end := strings.IndexFunc(s, unicode.IsSpace)
		if end < 0 || len(out) == n {
			return append(out, s)
		}
		out, s = append(out, s[:end]), s[end:]
	}
	return out
}

func formatFilter(ev *evaluation, in any, a arguments) (any, error) {
	return printf(ev, toText(in), a.list)
}

func b64decode(_ *evaluation, in any, _ arguments) (any, error) {
	s := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, toText(in))
	out, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return nil, fmt.Errorf("this is not base64: %w", err)
	}
	return string(out), nil
}

func toJSON(ev *evaluation, in any, _ arguments) (any, error) { return writeJSON(ev, in, 0) }

func toNiceJSON(ev *evaluation, in any, a arguments) (any, error) {
	indent, err := a.number(0, 4)
	if err != nil {
		return nil, err
	}
	return writeJSON(ev, in, max(1, min(indent, 16)))
}

func fromJSON(ev *evaluation, in any, _ arguments) (any, error) {
	s := toText(in)
	if err := ev.spend(len(s)); err != nil {
		return nil, err
	}
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, fmt.Errorf("this is not JSON: %w", err)
	}
	if d.More() {
		return nil, fmt.Errorf("this is not JSON: something follows the first value")
	}
	return fromNumbers(v), nil
}

// fromNumbers turns json.Number into int or float64.
func fromNumbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := strconv.Atoi(v.String()); err == nil {
			return n
		}
		f, _ := v.Float64()
		return f
	case []any:
		for i := range v {
			v[i] = fromNumbers(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = fromNumbers(v[k])
		}
	}
	return v
}

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
