package playbook

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"thordeploy/action"
	"thordeploy/internal/diag"
)

// valueScope is what the values of testdata/values.txt were recorded with.
func valueScope(t testing.TB) Scope {
	return reaching{vars{
		"n": 5, "f": 1.5, "b": true, "nul": nil, "s": "text",
		"l": []any{1, "a", nil, true, 1.0}, "d": map[string]any{"k": "v", "n": map[string]any{"x": 1}},
		"js": "[1, 2]", "jd": `{"a": [true, null]}`, "tb": "True",
		"cn": newTemplate(t, "{{ n }}"), "cx": newTemplate(t, "{{ n + 1 }}"), "cjs": newTemplate(t, "{{ js }}"),
		"cjson": newTemplate(t, "{{ d | to_json }}"),
		"m":     newTemplate(t, map[string]any{"j": "{{ d | to_json }}", "s": "{{ js }}"}),
		"host":  map[string]any{"stdout": `["{{ n }}", {"a": 1}]`, "marked": "{{ n }}"},
	}, &machine{}}
}

// native is what an expression gives before a value's text is made of it.
func native(v *Value, sc Scope) (any, error) {
	if v.tmpl == nil {
		return v.Eval(sc)
	}
	out, err := v.tmpl.native(newEvaluation(sc))
	if err != nil {
		return nil, v.evalError(err)
	}
	return outside(out), nil
}

func typed(v any) string { return fmt.Sprintf("%T %v", v, v) }

// TestValuesAgainstAnsible holds what a value comes to against what Ansible
// itself made of it.
func TestValuesAgainstAnsible(t *testing.T) {
	data, err := os.ReadFile("testdata/values.txt")
	if err != nil {
		t.Fatal(err)
	}
	shown := newTemplate(t, "x{{ [v] | to_json }}")
	seen := 0
	for line := range strings.Lines(string(data)) {
		text, want, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if !ok {
			continue
		}
		seen++
		got, err := shown.Eval(layered{map[string]any{"v": newTemplate(t, text)}, valueScope(t)})
		if err != nil || got != "x"+want {
			t.Errorf("%s\n gives %v, %v\n want  x%s", text, got, err, want)
		}
	}
	if seen < 80 {
		t.Errorf("%d values were read", seen)
	}
}

func TestEvalFor(t *testing.T) {
	text, path, list := &action.Param{Type: action.String}, &action.Param{Type: action.Path}, &action.Param{Type: action.List}
	for _, tt := range []struct {
		text string
		p    *action.Param
		want string // with its type
	}{
		{`{{ '{"b": 1, "a": [null, "x"]}' }}`, text, `string {'b': 1, 'a': [None, 'x']}`},
		{`{{ '{"b": 1, "a": [null, "é"]}' }}`, &action.Param{Type: action.Raw, JSON: true}, `string {"b": 1, "a": [null, "\u00e9"]}`},
		{"{{ [1] }}", path, "string [1]"},
		{"{{ [1, [2], {'z': 1, 'a': true}] }}", list, "[]interface {} [1 [2] {'z': 1, 'a': True}]"},
		{"{{ [1] }}", &action.Param{Type: action.Raw}, "[]interface {} [1]"},
		{"{{ b }}", text, "bool true"},
		{"{{ d | to_json }}", text, `string {"k": "v", "n": {"x": 1}}`},
	} {
		got, err := newTemplate(t, tt.text).EvalFor(tt.p, valueScope(t))
		if said := typed(got); err != nil || said != tt.want {
			t.Errorf("%s gives %s, %v, want %s", tt.text, said, err, tt.want)
		}
	}
	// set_fact's variable stays the text it is.
	v, err := newTemplate(t, "{{ d | to_json }}").EvalFor(nil, valueScope(t))
	if err != nil {
		t.Fatal(err)
	}
	again, err := newTemplate(t, "{{ v }}").Eval(vars{"v": v})
	if said := typed(again); err != nil || said != `string {"k": "v", "n": {"x": 1}}` {
		t.Errorf("a variable of set_fact comes to %s, %v", said, err)
	}
	if said := typed(Unmarked(v)); said != typed(again) {
		t.Errorf("unmarked it is %s", said)
	}
}

// hostileTexts begin as lists or mappings do and are none.
var hostileTexts = []string{
	strings.Repeat("[", 1<<20), strings.Repeat("[", 60) + strings.Repeat("]", 60), strings.Repeat(`{"a":`, 1<<18),
	"[__import__('os').system('id')]", "{{{{{{", "[lambda: 1]", "{'a': [x for x in y]}", "[1, 2", "[\"a\nb\"]", "[\x00]", "['\n']", "[f'{1}']",
	`{"a" 1}`, "[,]", "[1 2]", "{1: {2: }}", "[-]",
}

// TestHostileLiterals: text of a host that looks like a list is data or text,
// bounded, and never a template.
func TestHostileLiterals(t *testing.T) {
	v := newTemplate(t, "{{ r }}")
	for _, text := range hostileTexts {
		if got, err := v.Eval(vars{"r": text}); err != nil || got != text {
			t.Errorf("%.40q comes to %.60v, %v", text, got, err)
		}
	}
	if _, err := v.Eval(vars{"r": "[" + strings.Repeat("1,", 2<<20) + "1]"}); err == nil || !strings.Contains(err.Error(), "steps") {
		t.Errorf("a list of two million items: error %v", err)
	}
	got, err := newTemplate(t, "{{ r[0] }}").Eval(vars{"r": newTemplate(t, "{{ said }}"), "said": `["{{ secret }}"]`, "secret": "s"})
	if err != nil || got != "{{ secret }}" {
		t.Errorf("a host's template comes to %v, %v", got, err)
	}
	got, err = v.Eval(vars{"r": `["\ud83d\ude00", 18446744073709551615]`})
	if said := typed(got); err != nil || said != "[]interface {} [😀 1.8446744073709552e+19]" {
		t.Errorf("got %s, %v", said, err)
	}
}

func FuzzLiteral(f *testing.F) {
	for _, s := range hostileTexts[3:] {
		f.Add(s)
	}
	f.Add(`{"a": [1, 2.5e3, null, 'x'], 'b': (1,)}`)
	v, err := NewValue("{{ r }}", diag.Range{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := v.Eval(vars{"r": text})
		if err != nil && !strings.Contains(err.Error(), "steps") {
			t.Errorf("%v", err)
		}
		if s, isText := got.(string); isText && s != text {
			t.Errorf("text %q became the text %q", text, s)
		}
	})
}
