package playbook

import (
	"encoding/base64"
	"fmt"
	"math"
	"strconv"
	"strings"
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
	"log":        {params: []string{"base?"}, apply: logFilter},
	"pow":        {params: []string{"y"}, apply: powFilter},
	"root":       {params: []string{"base?"}, apply: rootFilter},
	"random":     {params: []string{"start?", "step?", "seed?"}, apply: randomFilter},
	"checksum":   {apply: digestFilter("sha1")},
	"md5":        {apply: digestFilter("md5")},
	"sha1":       {apply: digestFilter("sha1")},
	"to_uuid":    {params: []string{"namespace?"}, apply: uuidFilter},
	"length":     {apply: lengthFilter},
	"count":      {apply: lengthFilter},

	// strings
	"lower":          {apply: onText(strings.ToLower)},
	"upper":          {apply: onText(strings.ToUpper)},
	"capitalize":     {apply: onText(capitalize)},
	"title":          {apply: onText(title)},
	"trim":           {params: []string{"chars?"}, apply: trimFilter},
	"basename":       {apply: onText(baseName)},
	"dirname":        {apply: onText(dirName)},
	"splitext":       {apply: splitextFilter},
	"expanduser":     {apply: expanduserFilter},
	"expandvars":     {apply: expandvarsFilter},
	"realpath":       {apply: realpathFilter},
	"relpath":        {params: []string{"start"}, apply: relpathFilter},
	"fileglob":       {apply: fileGlobFilter},
	"path_join":      {apply: pathJoinFilter},
	"commonpath":     {apply: commonPathFilter},
	"normpath":       {apply: onText(normPath)},
	"indent":         {params: []string{"width?", "first?", "blank?"}, apply: indentFilter},
	"center":         {params: []string{"width?"}, apply: centerFilter},
	"wordcount":      {apply: wordcountFilter},
	"wordwrap":       {params: []string{"width?", "break_long_words?", "wrapstring?", "break_on_hyphens?"}, apply: wordwrapFilter},
	"truncate":       {params: []string{"length?", "killwords?", "end?", "leeway?"}, apply: truncateFilter},
	"comment":        {params: []string{"style?", "decoration?", "prefix?", "prefix_count?", "postfix?", "postfix_count?"}, apply: commentFilter},
	"striptags":      {apply: onText(stripTags)},
	"escape":         {apply: onText(escapeHTML)},
	"e":              {apply: onText(escapeHTML)},
	"safe":           {apply: onText(func(s string) string { return s })},
	"urlencode":      {apply: urlencodeFilter},
	"urldecode":      {apply: urldecodeFilter},
	"urlsplit":       {params: []string{"query?"}, apply: urlsplitFilter},
	"strftime":       {params: []string{"second?", "utc?"}, apply: strftimeFilter},
	"to_datetime":    {params: []string{"format?"}, apply: toDatetime},
	"human_to_bytes": {params: []string{"default_unit?", "isbits?"}, apply: humanToBytes},
	"tojson":         {apply: toJSON},
	"from_yaml_all":  {apply: fromYAMLAll},
	"pprint":         {apply: pprintFilter},
	"quote":          {apply: onText(shellQuote)},
	"replace":        {params: []string{"old", "new", "count?"}, apply: replaceFilter},
	"regex_replace":  {params: []string{"pattern", "replacement?", "ignorecase?", "multiline?"}, apply: regexReplace},
	"regex_search":   {params: []string{"pattern", "groups*", "ignorecase?", "multiline?"}, apply: regexSearch},
	"regex_findall":  {params: []string{"pattern", "multiline?", "ignorecase?"}, apply: regexFindall},
	"regex_escape":   {params: []string{"re_type?"}, apply: onText(regexEscape)},
	"split":          {params: []string{"sep?", "maxsplit?"}, apply: splitFilter},
	"format":         {params: []string{"values*"}, apply: formatFilter},
	"b64encode":      {apply: onText(func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) })},
	"b64decode":      {apply: b64decode},
	"to_json":        {apply: toJSON},
	"to_nice_json":   {params: []string{"indent?"}, apply: toNiceJSON},
	"from_json":      {apply: fromJSON},
	"to_yaml":        {apply: toYAML(true)},
	"to_nice_yaml":   {apply: toYAML(false)},
	"from_yaml":      {apply: fromYAML},
	"hash":           {params: []string{"hashtype?"}, apply: hashFilter},
	"human_readable": {params: []string{"isbits?", "unit?"}, apply: humanReadable},

	// lists
	"list":                 {apply: listFilter},
	"first":                {apply: endFilter(func(l []any) any { return l[0] })},
	"last":                 {apply: endFilter(func(l []any) any { return l[len(l)-1] })},
	"join":                 {params: []string{"d?", "attribute?"}, apply: joinFilter},
	"sort":                 {params: []string{"reverse?", "case_sensitive?", "attribute?"}, apply: sortFilter},
	"unique":               {params: []string{"case_sensitive?"}, apply: uniqueFilter},
	"reverse":              {apply: reverseFilter},
	"min":                  {params: []string{"case_sensitive?", "attribute?"}, apply: extremeFilter(-1)},
	"max":                  {params: []string{"case_sensitive?", "attribute?"}, apply: extremeFilter(1)},
	"sum":                  {params: []string{"attribute?", "start?"}, apply: sumFilter},
	"flatten":              {params: []string{"levels?", "skip_nulls?"}, apply: flattenFilter},
	"zip_longest":          {params: []string{"lists*", "fillvalue?"}, apply: zipLongestFilter},
	"product":              {params: []string{"lists*", "repeat?"}, apply: productFilter},
	"permutations":         {params: []string{"r?"}, apply: permutationsFilter},
	"combinations":         {params: []string{"r"}, apply: combinationsFilter},
	"batch":                {params: []string{"linecount", "fill_with?"}, apply: batchFilter},
	"slice":                {params: []string{"slices", "fill_with?"}, apply: sliceFilter},
	"groupby":              {params: []string{"attribute", "default?", "case_sensitive?"}, apply: groupbyFilter},
	"subelements":          {params: []string{"subelements", "skip_missing?"}, apply: subelementsFilter},
	"shuffle":              {params: []string{"seed?"}, apply: shuffleFilter},
	"zip":                  {params: []string{"lists*"}, apply: zipFilter},
	"union":                {params: []string{"b"}, apply: unionFilter},
	"difference":           {params: []string{"b"}, apply: differenceFilter},
	"intersect":            {params: []string{"b"}, apply: intersectFilter},
	"symmetric_difference": {params: []string{"b"}, apply: symmetricFilter},
	"map":                  {params: []string{"filter?", "arguments*", "attribute?", "default?"}, apply: mapFilter},
	"select":               {params: []string{"test?", "arguments*"}, lenient: true, apply: selecting(true, false)},
	"reject":               {params: []string{"test?", "arguments*"}, lenient: true, apply: selecting(false, false)},
	"selectattr":           {params: []string{"attribute", "test?", "arguments*"}, apply: selecting(true, true)},
	"rejectattr":           {params: []string{"attribute", "test?", "arguments*"}, apply: selecting(false, true)},

	// mappings
	"combine":         {params: []string{"others*", "recursive?", "list_merge?"}, apply: combineFilter},
	"dict2items":      {params: []string{"key_name?", "value_name?"}, apply: dict2items},
	"dictsort":        {params: []string{"case_sensitive?", "by?", "reverse?"}, apply: dictsortFilter},
	"items":           {apply: itemsMethod},
	"rekey_on_member": {params: []string{"key", "duplicates?"}, apply: rekeyFilter},
	"extract":         {params: []string{"container", "morekeys?"}, apply: extractFilter},
	"items2dict":      {params: []string{"key_name?", "value_name?"}, apply: items2dict},
}

// onText makes a filter of a function on strings; other values are printed
// first, as Jinja does.
func onText(f func(string) string) func(*evaluation, any, arguments) (any, error) {
	return func(ev *evaluation, in any, _ arguments) (any, error) {
		out := f(pythonText(in))
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
	i, f, isFloat, ok := number(in)
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
		return rounded(i, f, isFloat, places), nil
	case "ceil":
		return math.Ceil(f*scale) / scale, nil
	case "floor":
		return math.Floor(f*scale) / scale, nil
	default:
		return nil, fmt.Errorf("method must be common, ceil or floor, not %s", how)
	}
}

// rounded is Python's round: halves go to the even neighbour, of the number as
// it is stored (2.675 is a little less), and a whole number stays one.
func rounded(i int, f float64, isFloat bool, places int) any {
	const most = 400 // digits of any number on either side of its point
	switch {
	case places >= most || places >= 0 && !isFloat:
		if isFloat {
			return f
		}
		return i
	case places >= 0:
		out, _ := strconv.ParseFloat(strconv.FormatFloat(f, 'f', places, 64), 64)
		return out
	}
	scale := math.Pow(10, float64(-places))
	out := 0.0
	if places > -most {
		out = math.RoundToEven(f/scale) * scale
	}
	if isFloat {
		return out
	}
	return int(out)
}

func lengthFilter(_ *evaluation, in any, _ arguments) (any, error) { return length(in) }
