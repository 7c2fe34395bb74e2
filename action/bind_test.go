package action

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// everyType is a module with a parameter of each type.
func everyType() *Spec {
	return &Spec{
		Name: "every",
		Params: []Param{
			{Name: "s", Aliases: []string{"str", "text"}, Type: String},
			{Name: "b", Type: Bool},
			{Name: "i", Type: Int, Default: 7},
			{Name: "f", Type: Float},
			{Name: "p", Type: Path},
			{Name: "m", Type: Mode, Choices: []string{"preserve"}},
			{Name: "l", Type: List},
			{Name: "d", Type: Dict},
			{Name: "r", Type: Raw},
			{Name: "c", Type: String, Choices: []string{"directory", "absent", "touch"}},
			{Name: "lc", Type: List, Choices: []string{"one", "two"}},
		},
		Exclusive: [][]string{{"s", "p"}},
	}
}

func TestBindTypes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		param string
		give  any
		want  any
	}{
		{"s", "text", "text"},
		{"s", 12, "12"},
		{"s", 1.5, "1.5"},
		{"s", 2.0, "2.0"},
		{"s", true, "True"},
		{"s", "", ""},
		{"b", true, true},
		{"b", "yes", true}, {"b", "On", true}, {"b", "1", true}, {"b", "TRUE", true}, {"b", "y", true}, {"b", "t", true}, {"b", 1, true}, {"b", 1.0, true},
		{"b", "no", false}, {"b", "Off", false}, {"b", "0", false}, {"b", "false", false}, {"b", "n", false}, {"b", "f", false}, {"b", 0, false},
		{"i", 5, 5}, {"i", "5", 5}, {"i", " -5 ", -5}, {"i", 5.0, 5}, {"i", int64(5), 5},
		{"f", 5, 5.0}, {"f", "0.5", 0.5}, {"f", 2.5, 2.5},
		{"p", "/tmp/x y", "/tmp/x y"},
		{"m", "0755", "0755"}, {"m", "755", "0755"}, {"m", "00644", "0644"}, {"m", "0o644", "0644"}, {"m", "4755", "4755"}, {"m", "0", "0000"},
		{"m", "u+x", "u+x"}, {"m", "u=rwX,go=rX", "u=rwX,go=rX"}, {"m", "+x", "+x"}, {"m", "a-st", "a-st"}, {"m", "g=u", "g=u"}, {"m", "preserve", "preserve"},
		{"m", 0o755, "0755"}, {"m", 0o644, "0644"}, {"m", 0o1777, "1777"},
		{"l", []any{"a", 1, true}, []string{"a", "1", "True"}},
		{"l", "a, b,c", []string{"a", "b", "c"}},
		{"l", 5, []string{"5"}},
		{"d", map[string]any{"k": 1}, map[string]any{"k": 1}},
		{"d", "a=1, b=x", map[string]any{"a": "1", "b": "x"}},
		{"d", `{"a": [1]}`, map[string]any{"a": []any{1.0}}},
		{"r", []any{1, nil}, []any{1, nil}},
		{"c", "absent", "absent"},
		{"lc", "one,two", []string{"one", "two"}},
	} {
		args, err := everyType().Bind(map[string]any{test.param: test.give})
		if err != nil {
			t.Errorf("%s: %#v: %v", test.param, test.give, err)
			continue
		}
		if diff := cmp.Diff(test.want, args.Raw(test.param)); diff != "" {
			t.Errorf("%s: %#v (-want +got):\n%s", test.param, test.give, diff)
		}
		p, _ := everyType().Param(test.param)
		if err := p.Check(test.give); err != nil {
			t.Errorf("Check of %s: %#v: %v", test.param, test.give, err)
		}
	}
}

func TestBindRefuses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		give map[string]any
		want string // in the error
		hint string // in the hint
	}{
		{map[string]any{"b": "maybe"}, "parameter `b` of every must be yes or no: \"maybe\"", ""},
		{map[string]any{"b": 2}, "must be yes or no: 2", ""},
		{map[string]any{"i": "1.5"}, "must be a whole number", ""},
		{map[string]any{"i": 1.5}, "must be a whole number", ""},
		{map[string]any{"f": "x"}, "must be a number", ""},
		{map[string]any{"s": []any{"x"}}, "must be a string, not a list", ""},
		{map[string]any{"s": map[string]any{}}, "must be a string, not a mapping", ""},
		{map[string]any{"p": "a\x00b"}, "NUL", ""},
		{map[string]any{"l": []any{[]any{}}}, "must be a list of strings", ""},
		{map[string]any{"l": map[string]any{}}, "must be a list, not a mapping", ""},
		{map[string]any{"d": "abc"}, "must be a mapping", ""},
		{map[string]any{"d": "{broken"}, "must be a mapping", ""},
		{map[string]any{"d": []any{}}, "must be a mapping, not a list", ""},
		{map[string]any{"m": 755}, "YAML read the number 755 as decimal, which is octal 01363", `"0755"`},
		{map[string]any{"m": 644}, "octal 01204", `"0644"`},
		{map[string]any{"m": 1777}, "1777", `"1777"`},
		{map[string]any{"m": 9}, "number 9", "quoted octal"},
		{map[string]any{"m": "0789"}, "must be a mode", "octal digits"},
		{map[string]any{"m": "rwxr-xr-x"}, "must be a mode", "symbolic"},
		{map[string]any{"m": ""}, "must be a mode", ""},
		{map[string]any{"m": 1.5}, "must be a mode", ""},
		{map[string]any{"c": "directry"}, "must be one of directory, absent, touch: \"directry\"", "did you mean `directory`?"},
		{map[string]any{"lc": []any{"one", "three"}}, "must be one of one, two", ""},
		{map[string]any{"txet": 1}, "parameter `txet` of every is unknown", "did you mean `text`?"},
		{map[string]any{"zzzzzz": 1}, "is unknown", ""},
		{map[string]any{"s": "1", "text": "2"}, "means the same as `s`", ""},
		{map[string]any{"s": "1", "p": "2"}, "parameter `s` of every excludes `p`", ""},
	} {
		_, err := everyType().Bind(test.give)
		var pe *ParamError
		if !errors.As(err, &pe) {
			t.Errorf("%v: %v, want a ParamError", test.give, err)
			continue
		}
		if !strings.Contains(err.Error(), test.want) || !strings.Contains(pe.Hint, test.hint) || test.hint == "" && pe.Hint != "" && strings.Contains(pe.Hint, "did you mean") {
			t.Errorf("%v: %q (hint %q), want %q (hint %q)", test.give, err, pe.Hint, test.want, test.hint)
		}
	}
}

// TestCheckKeepsTheHintApart: a value may hold whatever words and hints are
// joined with.
func TestCheckKeepsTheHintApart(t *testing.T) {
	t.Parallel()
	for value, hint := range map[string]string{"touch; absent": "", "tuch": "did you mean `touch`?"} {
		p, _ := everyType().Param("c")
		var pe *ParamError
		if err := p.Check(value); !errors.As(err, &pe) || pe.Hint != hint ||
			err.Error() != fmt.Sprintf("parameter `c` must be one of directory, absent, touch: %q", value) {
			t.Errorf("Check of %q: %v (%+v)", value, err, pe)
		}
	}
}

func TestBindDefaultsAndMissing(t *testing.T) {
	t.Parallel()
	args, err := everyType().Bind(map[string]any{"b": nil, "text": "by alias", "ignore_warnings": true})
	if err != nil {
		t.Fatal(err)
	}
	if args.Int("i") != 7 || args.Has("b") || args.Bool("b") || args.Str("s") != "by alias" || args.Has("text") || args.Has("ignore_warnings") {
		t.Errorf("bound %v", args.values)
	}
	s := &Spec{Name: "x", Params: []Param{{Name: "need", Type: String, Required: true}, {Name: "a"}, {Name: "b"}}, OneOf: [][]string{{"a", "b"}}}
	for give, want := range map[string]string{
		"a":    "parameter `need` of x is required",
		"need": "parameter `a` of x or `b` is required",
	} {
		if _, err := s.Bind(map[string]any{give: "v"}); err == nil || err.Error() != want {
			t.Errorf("only %s: %v, want %s", give, err, want)
		}
	}
	if _, err := s.Bind(map[string]any{"need": nil, "a": "v"}); err == nil {
		t.Error("a null counts as given")
	}
}

// TestUsualModesAreNoMistakes: no number that is taken as a mode is what the
// digits of a usual mode give when they are read as decimal.
func TestUsualModesAreNoMistakes(t *testing.T) {
	t.Parallel()
	p := Param{Name: "mode", Type: Mode}
	taken := 0
	for special := int64(0); special < 8; special++ {
		for mode := int64(0); mode < 0o1000; mode++ {
			n := special<<9 | mode
			if !usualMode(n) {
				continue
			}
			taken++
			var asDecimal int
			if _, err := fmt.Sscanf(fmt.Sprintf("%o", n), "%d", &asDecimal); err != nil {
				t.Fatal(err)
			}
			if err := p.Check(asDecimal); err == nil {
				t.Errorf("mode: %d, written without quotes, is taken for %04o", asDecimal, asDecimal)
			}
			if err := p.Check(int(n)); err != nil {
				t.Errorf("mode: 0%o: %v", n, err)
			}
		}
	}
	if taken < 100 {
		t.Errorf("only %d modes looked at", taken)
	}
}

func FuzzBind(f *testing.F) {
	for _, s := range []string{"0755", "u+x", "a,b", "k=v", `{"a":1}`, "yes", "1e3", "\x00", "=", "u+,", "0o", "-9223372036854775808"} {
		f.Add(s)
	}
	names := []string{"s", "b", "i", "f", "p", "m", "l", "d", "r", "c", "lc"}
	f.Fuzz(func(t *testing.T, s string) {
		for _, n := range names {
			args, err := everyType().Bind(map[string]any{n: s})
			if err == nil && !args.Has(n) {
				t.Errorf("%s=%q: neither bound nor refused", n, s)
			}
			p, _ := everyType().Param(n)
			if (p.Check(s) == nil) != (err == nil) {
				t.Errorf("%s=%q: Check and Bind disagree: %v", n, s, err)
			}
			if m := args.Str("m"); n == "m" && err == nil && m != "preserve" && !octalMode.MatchString(m) && !symbolicMode.MatchString(m) {
				t.Errorf("mode %q became %q", s, m)
			}
		}
	})
}
