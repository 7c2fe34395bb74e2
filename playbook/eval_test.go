package playbook

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"thordeploy/internal/diag"
)

// vars is a scope for tests.
type vars map[string]any

func (v vars) Lookup(name string) (any, bool) { x, ok := v[name]; return x, ok }
func (v vars) Names() []string                { return keysOf(v) }

// newTemplate compiles a text for a scope's variable.
func newTemplate(t testing.TB, text any) *Value {
	t.Helper()
	v, err := NewValue(text, diag.Range{File: "vars.yml", Line: 1})
	if err != nil {
		t.Fatalf("%v: %v", text, err)
	}
	return v
}

func scope(t testing.TB) vars {
	return vars{
		"n": 7, "f": 1.5, "s": "hello", "empty": "", "none": nil, "yes": true, "no": false,
		"list": []any{3, 1, 2}, "words": []string{"b", "a"}, "dict": map[string]any{"k": "v", "n": map[string]any{"x": 1}},
		"big": int64(5), "env": map[string]string{"A": "1"},
		"ok":      map[string]any{"failed": false, "changed": true, "rc": 0, "stdout": "all good"},
		"bad":     map[string]any{"failed": true, "rc": 2},
		"skip":    map[string]any{"skipped": true, "changed": false},
		"users":   []any{map[string]any{"name": "a", "uid": 1}, map[string]any{"name": "b", "uid": 2}},
		"raw":     "{{ s }}",
		"greet":   newTemplate(t, "{{ s }} {{ n }}"),
		"number":  newTemplate(t, "{{ n + 1 }}"),
		"nested":  newTemplate(t, map[string]any{"a": "{{ greet }}!", "b": []any{"{{ n }}", 2}}),
		"lacking": newTemplate(t, "{{ nowhere }}"),
		"loop1":   newTemplate(t, "{{ loop2 }}"), "loop2": newTemplate(t, "{{ loop1 }}"),
		"lazy": map[string]any{"v": newTemplate(t, "{{ n }}")},
	}
}

// TestTemplates holds values and errors against what Jinja and Ansible give.
func TestTemplates(t *testing.T) {
	const fails = "error: "
	tests := []struct {
		text string
		want any // fails + text for an error
	}{
		// literals and native types
		{"plain", "plain"}, {"{{ 1 }}", 1}, {"{{ 1.50 }}", 1.5}, {"{{ 'a' }}", "a"}, {"{{ true }}", true}, {"{{ None }}", nil},
		{"{{ [1, 'a', [2]] }}", []any{1, "a", []any{2}}}, {"{{ {'a': {'b': 1}} }}", map[string]any{"a": map[string]any{"b": 1}}},
		{"{{ (1, 2) }}", []any{1, 2}}, {"{{ (1,) }}", []any{1}}, {"{{ 0x1f }} {{ 1_000 }} {{ 0o17 }}", "31 1000 15"},
		{`{{ 'a\n\'b\'' }}`, `a\n'b'`}, {`{{ 'a\\' }}`, `a\\`}, {`{{ '\d\x41\u00e9' }}`, `\d\x41\u00e9`},
		{`{% set x = 'a\n\'b\'' %}{{ x }}`, "a\n'b'"}, {`{% set x = '\d\x41\u00e9\\' %}{{ x }}`, `\dAé\`}, // escapes are Jinja's outside {{ }} {"{{ 'a' 'b' }}", "ab"},
		{"{{ '}}' }}", "}}"}, {"{{ '{% x %}' }}", "{% x %}"},
		{" {{ n }}", " 7"}, {"{{ n }}{{ n }}", "77"}, {"a{{ none }}b", "ab"}, {"x{{ yes }}", "xTrue"},
		{"x{{ list }}", "x[3, 1, 2]"}, {"x{{ dict }}", "x{'k': 'v', 'n': {'x': 1}}"}, {"x{{ [\"it's\", 1.0, none, no] }}", `x["it's", 1.0, None, False]`},
		{"line\n", "line\n"}, {"{{ s }}\n", "hello\n"},
		// arithmetic, with Python's meaning
		{"{{ -7 // 2 }}", -4}, {"{{ -7 % 3 }}", 2}, {"{{ 7 % -3 }}", -2}, {"{{ 7 // -2 }}", -4}, {"{{ 2 ** 3 }}", 8}, {"{{ 2 ** -1 }}", 0.5},
		{"{{ 3 * 'x' }}", "xxx"}, {"{{ 'x' * 3 }}", "xxx"}, {"{{ [1] * 2 }}", []any{1, 1}}, {"{{ 4 / 2 }}", 2.0}, {"{{ 7.5 // 2 }}", 3.0},
		{"{{ -7.5 % 2 }}", 0.5}, {"{{ 1 + 2 * 3 }}", 7}, {"{{ (1 + 2) * 3 }}", 9}, {"{{ 1 - -1 }}", 2}, {"{{ -n | abs }}", 7},
		{"{{ 'a' + 'b' }}", "ab"}, {"{{ [1] + [2] }}", []any{1, 2}}, {"{{ 1 ~ 2 }}", "12"}, {"{{ yes + 1 }}", 2}, {"{{ big + 1 }}", 6},
		{"{{ n % 0 }}", fails + "division by zero"}, {"{{ n // 0 }}", fails + "division by zero"}, {"{{ 1 / 0 }}", fails + "division by zero"},
		{"{{ 2 ** 80 }}", fails + "too large"}, {"{{ 9223372036854775807 + 1 }}", fails + "too large"},
		{"{{ (-9223372036854775807 - 1) // -1 }}", fails + "too large"}, {"{{ 4611686018427387904 * 2 }}", fails + "too large"},
		{"{{ 's' + 1 }}", fails + "`+` can't be used on a string and a whole number"},
		{"{{ '%s is %d' % ('a', 5) }}", "a is 5"}, {"{{ '%05.1f%%' % f }}", "001.5%"}, {"{{ '%s' % list[0] }}", "3"},
		{"{{ '%s %s' % ('a',) }}", fails + "more values"}, {"{{ '%d' % 'x' }}", fails + "needs a number"},
		// comparison, logic, conditions
		{"{{ 1 == 1.0 }}", true}, {"{{ 1 < 2 < 3 }}", true}, {"{{ 1 < 2 > 3 }}", false}, {"{{ 'a' < 'b' }}", true}, {"{{ [1, 2] < [1, 3] }}", true},
		{"{{ 'a' < 1 }}", fails + "can't compare"}, {"{{ '1' == 1 }}", false}, {"{{ dict == {'k': 'v', 'n': {'x': 1}} }}", true},
		{"{{ '' or 'b' }}", "b"}, {"{{ 'a' and 'b' }}", "b"}, {"{{ not not 1 }}", true}, {"{{ not yes == no }}", true},
		{"{{ yes or nowhere }}", true}, {"{{ no and nowhere }}", false}, {"{{ 'a' if yes else nowhere }}", "a"},
		{"{{ ('a' if no else 'b') ~ 'c' }}", "bc"}, {"{{ 'a' if no else 'b' if no else 'c' }}", "c"}, {"{{ 'a' if yes }}", "a"},
		{"{{ 'a' if no }}", ""}, {"x{{ 'a' if no }}y", "xy"}, {"{{ ('a' if no) | default('d') }}", "d"}, {"{{ ('a' if no) is defined }}", false},
		{"{{ {'a': 1} | dict2items | from_yaml }}", []any{map[string]any{"key": "a", "value": 1}}},
		{"{% set t = 'a: {{ s }}' %}{{ t | from_yaml }}", fails + "a key must be a word"}, {"{% set t = 'a: &x [1, no]\nb: *x' %}{{ (t | from_yaml).b }}", "[1, False]"},
		{"{% set t = '&a [*a]' %}{{ t | from_yaml }}", fails + "YAML"}, {"{{ '1.x' is version('1.2') }}", fails + "a number meets a word"},
		{"{{ 'x' | hash('crc') }}", fails + "unknown digest `crc`: one of md5"}, {"{{ [1.0, 'yes', {'k': none}] | to_yaml }}", "- 1.0\n- 'yes'\n- {k: null}\n"},
		{"{{ {'a': [1]} | combine({'a': [2]}, list_merge='mix') }}", fails + "list_merge must be one of append"},
		{"{{ 'ell' in s }}", true}, {"{{ 'x' not in s }}", true}, {"{{ 3 in list and 4 not in list }}", true}, {"{{ 'k' in dict }}", true},
		{"{{ 'a' in nowhere | default([]) }}", false}, {"{{ not 'a' in words }}", false}, {"{{ 1 in s }}", fails + "needs a string"},
		{"{{ 1 in 5 }}", fails + "needs a list"},
		{"{{ s\n  | upper\n  ~ 'x' }}", "HELLOx"},
		// members
		{"{{ dict.k }}{{ dict['k'] }}{{ dict.n.x }}", "vv1"}, {"{{ list[0] }}", 3}, {"{{ list[-1] }}", 2}, {"{{ list.0 }}", 3}, {"{{ s[1] }}", "e"},
		{"{{ list[1:] }}", []any{1, 2}}, {"{{ list[::-1] }}", []any{2, 1, 3}}, {"{{ s[1:-1] }}", "ell"}, {"{{ s[::2] }}", "hlo"},
		{"{{ list[5] | default('x') }}", "x"}, {"{{ dict.nope.deeper | default('x') }}", "x"}, {"{{ env.A }}", "1"}, {"{{ lazy.v }}", 7},
		{"{{ list['a'] }}", fails + "a list has no `a`"}, {"{{ dict.kk }}", fails + "a mapping has no `kk`"}, {"{{ none.x }}", fails + "null has no `x`"},
		// variables that hold templates; strings that look like templates
		{"{{ greet }}", "hello 7"}, {"{{ number }}", "8"}, {"{{ nested.a }} {{ nested.b }}", "hello 7! [7, 2]"}, {"{{ raw }}", "{{ s }}"},
		{"{{ lacking | default('x') }}", "x"}, {"{{ lacking is defined }}", false}, {"{{ lacking }}", fails + "variable `nowhere` is undefined"},
		{"{{ loop1 }}", fails + "needs itself (loop1 -> loop2 -> loop1)"},
		// undefined
		{"{{ nowhere }}", fails + "variable `nowhere` is undefined"}, {"{{ nowhere is defined }}", false}, {"{{ nowhere is not defined }}", true},
		{"{{ [nowhere] }}", fails + "variable `nowhere` is undefined"}, {"{{ [n, nowhere] | length }}", 2}, {"x{{ [nowhere] }}", fails + "`nowhere`"},
		{"{{ {'a': nowhere} }}", fails + "`nowhere`"}, {"{{ nowhere.a.b is undefined }}", true}, {"{{ not nowhere }}", fails + "`nowhere`"},
		{"{{ nowhere == 1 }}", fails + "`nowhere`"}, {"{{ nowhere | upper }}", fails + "`nowhere`"}, {"{{ [n, nowhere] | select('defined') | list }}", []any{7}},
		// default and other filters of values
		{"{{ nowhere | default }}", ""}, {"{{ empty | default('x') }}", ""}, {"{{ empty | default('x', true) }}", "x"}, {"{{ none | d('x', boolean=True) }}", "x"},
		{"{{ nowhere | default(none) }}", nil}, {"{{ nowhere | mandatory }}", fails + "`nowhere`"}, {"{{ yes | ternary('a', 'b') }}", "a"}, {"{{ none | ternary(1, 2, 3) }}", 3},
		{"{{ 'YES' | bool }}", true}, {"{{ 'nope' | bool }}", false}, {"{{ 1 | bool }}", true}, {"{{ '12x' | int }}", 0}, {"{{ ' 12 ' | int + 1 }}", 13},
		{"{{ 'ff' | int(base=16) }}", 255}, {"{{ 'x' | int(5) }}", 5}, {"{{ 3.9 | int }}", 3}, {"{{ '1.5' | float }}", 1.5}, {"{{ 2.5 | round }}", 2.0}, {"{{ 1.25 | round(1, 'ceil') }}", 1.3},
		{"{{ n | string ~ '!' }}", "7!"}, {"{{ n | type_debug }}", "int"}, {"{{ s | length }}", 5}, {"{{ 'é' | length }}", 1}, {"{{ n | length }}", fails + "has no length"},
		// filters of strings
		{"{{ s | upper }} {{ 'ABC' | lower }} {{ s | capitalize }} {{ 'a b' | title }}", "HELLO abc Hello A B"}, {"{{ ' a ' | trim }}", "a"},
		{"{{ '/a/b.c' | basename }} {{ '/a/b/' | dirname }} {{ '/a' | dirname }} {{ 'a' | dirname }}|{{ 'a/' | basename }}|", "b.c /a/b / ||"},
		{"{{ '/x/a.tar.gz' | splitext }}", []any{"/x/a.tar", ".gz"}}, {"{{ \"it's\" | quote }}", `'it'"'"'s'`}, {"{{ 'a/b.c' | quote }}{{ '' | quote }}", "a/b.c''"},
		{"{{ 'aXbX' | replace('X', '-', 1) }}", "a-bX"}, {`{{ 'a1b22' | regex_replace('([a-z])(\d+)', '\2\1$') }}`, "1a$22b$"}, {`{{ 'ab' | regex_replace('(?P<x>a)', '<\g<x>>') }}`, "<a>b"},
		{"{{ 'ab12' | regex_search('[0-9]+') }}", "12"}, {"{{ 'ab' | regex_search('[0-9]+') }}", nil}, {`{{ 'a=1' | regex_search('(\w)=(\w)', '\1', '\2') }}`, []any{"a", "1"}},
		{"{{ 'a1b2' | regex_findall('[0-9]') }}", []any{"1", "2"}}, {"{{ 'a.b' | regex_escape }}", `a\.b`}, {"{{ 'a' | regex_search('(') }}", fails + "missing closing"},
		{"{{ 'a,b' | split(',') }}", []any{"a", "b"}}, {"{{ ' a  b ' | split }}", []any{"a", "b"}}, {"{{ '%s-%s' | format('a', 1) }}", "a-1"},
		{"{{ 'hi' | b64encode }} {{ 'aGk=' | b64decode }}", "aGk= hi"}, {"{{ '!' | b64decode }}", fails + "not base64"},
		{"{{ {'a': [1, 1.0, none, yes, 'é\"']} | to_json }}", `{"a": [1, 1.0, null, true, "\u00e9\""]}`}, {"{{ {'a': [1]} | to_nice_json(2) }}", "{\n  \"a\": [\n    1\n  ]\n}"},
		{`{{ '{"a": [1, 2.5, null]}' | from_json }}`, map[string]any{"a": []any{1, 2.5, nil}}}, {"{{ 'x' | from_json }}", fails + "not JSON"},
		// filters of lists and mappings
		{"{{ list | sort }} {{ list | sort(reverse=true) }}", "[1, 2, 3] [3, 2, 1]"}, {"{{ words | join(', ') }}", "b, a"}, {"{{ words | first }}{{ words | last }}", "ba"},
		{"{{ [] | first }}", fails + "the list is empty"}, {"{{ [] | first | default('x') }}", "x"}, {"{{ [1, 1, 'a', 'a'] | unique }}", []any{1, "a"}},
		{"{{ 'abc' | list }} {{ 'abc' | reverse }}", "['a', 'b', 'c'] cba"}, {"{{ list | min }}{{ list | max }}{{ list | sum }}", "136"}, {"{{ [1, [2, [3]]] | flatten }} {{ [1, [2, [3]]] | flatten(1) }}", "[1, 2, 3] [1, 2, [3]]"},
		{"{{ [1, 2] | zip(['a', 'b']) | list }}", []any{[]any{1, "a"}, []any{2, "b"}}}, {"{{ [1, 2] | difference([2]) }}{{ [1, 2] | intersect([2]) }}{{ [1] | union([2]) }}", "[1][2][1, 2]"},
		{"{{ users | map(attribute='name') | list }}", []any{"a", "b"}}, {"{{ words | map('upper') | join }}", "BA"}, {"{{ list | map('replace') }}", fails + "`old` is needed"},
		{"{{ users | selectattr('uid', 'gt', 1) | map(attribute='name') | first }}", "b"}, {"{{ list | select('odd') | list }} {{ list | reject('odd') | list }}", "[3, 1] [2]"},
		{"{{ [0, 1] | select | list }}", []any{1}}, {"{{ list | select('nope') }}", fails + "unknown test"}, {"{{ users | sort(attribute='uid', reverse=true) | map(attribute='uid') | list }}", []any{2, 1}},
		{"{{ {'a': 1} | combine({'b': 2}, {'a': 3}) }}", map[string]any{"a": 3, "b": 2}}, {"{{ dict | combine({'n': {'y': 2}}, recursive=true) }}", map[string]any{"k": "v", "n": map[string]any{"x": 1, "y": 2}}},
		{"{{ {'a': 1} | dict2items }}", []any{map[string]any{"key": "a", "value": 1}}}, {"{{ [{'key': 'a', 'value': 1}] | items2dict }}", map[string]any{"a": 1}},
		// tests
		{"{{ ok is succeeded and ok is changed and bad is failed and skip is skipped }}", true}, {"{{ bad is success or ok is failed or skip is not skipped }}", false},
		{"{{ s is failed }}", fails + "registered result"}, {"{{ s is match('hel') }}{{ s is match('ell') }}{{ s is search('ell') }}{{ s is regex('^h') }}", "TrueFalseTrueTrue"},
		{"{{ s is match('HEL', ignorecase=true) }}", true}, {"{{ none is none }}{{ s is string }}{{ n is number }}{{ dict is mapping }}{{ list is iterable }}", "TrueTrueTrueTrueTrue"},
		{"{{ n is divisibleby 7 and n is odd and n is eq 7 and n is in [7] }}", true}, {"{{ n is divisibleby 0 }}", fails + "division by zero"}, {"{{ s is defined and s == 'hello' if yes else no }}", true},
		{"{{ [1] is subset([1, 2]) }}{{ [1, 2] is superset([1]) }}{{ words is contains('a') }}", "TrueTrueTrue"},
		// methods and functions
		{"{{ 'a,b'.split(',') }}", []any{"a", "b"}}, {"{{ s.startswith('he') }}{{ s.endswith('x') }}", "TrueFalse"}, {"{{ ' a '.strip() }}{{ s.upper() }}{{ s.replace('l', 'L') }}{{ s.find('l') }}", "aHELLOheLLo2"},
		{"{{ '{} {1} {a}'.format('x', 'y', a=1) }}", "x y 1"}, {"{{ '7'.zfill(3) }}", "007"}, {"{{ ','.join(['a', 'b']) }}", "a,b"}, {"{{ dict.keys() | list }}", []any{"k", "n"}}, {"{{ dict.get('x', 1) }}", 1},
		{"{{ {'a': 1}.items() }}", []any{[]any{"a", 1}}}, {"{{ n.upper() }}", fails + "has no such method"}, {"{{ range(3) | list }}{{ range(5, 1, -2) }}", "[0, 1, 2][5, 3]"},
		// statements
		{"{% if n > 5 %}big{% elif n %}small{% else %}zero{% endif %}", "big"}, {"{% if none %}a{% else %}b{% endif %}", "b"},
		{"{% for x in list if x > 1 %}{{ loop.index }}:{{ x }}{% if not loop.last %},{% endif %}{% endfor %}", "1:3,2:2"}, {"{% for x in [] %}a{% else %}none{% endfor %}", "none"},
		{"{% for k, v in dict.items() %}{{ k }}{% endfor %}", "kn"}, {"{% set x = 5 %}{{ x + n }}", "12"}, {"{% for i in [1] %}{% set x = i %}{% endfor %}{{ x is defined }}", "False"},
		{"{% raw %}{{ x }} {% if %}{% endraw %}", "{{ x }} {% if %}"}, {"a{# {{ nowhere }} #}b", "ab"}, {"a {{- n -}} b", "a7b"}, {"{% if yes %}\nx\n{% endif %}\ny", "x\ny"},
		{"{% set s = 'other' %}{{ greet }}", "hello 7"}, // a variable doesn't see what its user sets
		{"{{ omit }}", Omitted{}}, {"{{ [1, omit] }}", []any{1}}, {"{{ nowhere | default(omit) }}", Omitted{}},
		// bounds
		{"{{ 'x' * 100000000 }}", fails + "more than 64 MiB"}, {"{{ range(10000000000) }}", fails + "steps"}, {"{{ [1] * 100000000 }}", fails + "steps"},
		{"{% for i in range(5000) %}{% for j in range(5000) %}x{% endfor %}{% endfor %}", fails + "steps"}, {"{{ '7'.zfill(1000000000) }}", fails + "64 MiB"},
		{"{% for i in range(20) %}{{ 'x' * 5000000 }}{% endfor %}", fails + "64 MiB"}, {"{{ '%999999999s' % s }}", fails + "too wide"}, {"{{ ('a' * 10000).replace('a', 'b' * 100000) }}", fails + "64 MiB"},
		{"{{ ('a' * 100) | regex_replace('a', 'b' * 10000000) }}", fails + "64 MiB"},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			v, err := NewValue(tt.text, diag.Range{File: "f", Line: 3})
			if err != nil {
				t.Fatal(err)
			}
			got, err := native(v, scope(t))
			if err != nil {
				var e *EvalError
				if !errors.As(err, &e) {
					t.Errorf("%T is no *EvalError", err)
				}
				got = fails + err.Error()
			}
			if want, ok := tt.want.(string); ok && strings.HasPrefix(want, fails) {
				text, _ := got.(string)
				if !strings.HasPrefix(text, fails) || !strings.Contains(text, strings.TrimPrefix(want, fails)) {
					t.Errorf("got %#v, want an error with %q", got, strings.TrimPrefix(want, fails))
				}
				return
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestCompileErrors(t *testing.T) {
	for text, want := range map[string]string{
		"{{ }}": "without an expression", "{{ a": "not closed", "{% if a": "not closed", "{{ 'a }}": "string is not closed",
		"{% if a %}x": "endif is missing", "{% endif %}": "without its beginning", "{% for x in y %}": "is missing",
		"{{ a | nope }}": "unknown filter `nope`", "{{ a is nope }}": "unknown test `nope`", "{{ a.append(1) }}": "unknown method",
		"{% include 'x' %}": "can't read other files", "{% import 'x' as y %}": "can't read other files", "{% extends 'x' %}": "`extends` is not supported",
		"{{ lookup('fil', '/etc/passwd') }}": "lookup", "{{ a b }}": "unexpected `b`", "{{ (a }}": "ends where `)`",
		"{{ a ! b }}": "unexpected `!`", "{{ $a }}": "unexpected `$`", "{{ a; b }}": "unexpected `;`", "{{ [1, }}": "ends where a value",
		"{{ 99999999999999999999 }}": "too large", "{{ a || b }}": "unexpected `|`", "{{ “a” }}": "unexpected `“`", "{{ f(*a) }}": "not supported",
		"{{ a[1:2:3:4] }}": "unexpected `:`", "{{ a[] }}": "unexpected `]`", "{% set x %}": "endset is missing", "{% set x 1 %}": "`=`", "{% for 1 in x %}{% endfor %}": "a name",
		"{{ a | default(1, 2, 3) }}": "at most 2", "{# open": "comment {# is not closed", "{{ if }}": "unexpected `if`", "{{ 1() }}": "can't be called",
	} {
		_, err := NewValue(text, diag.Range{File: "f", Line: 3, Column: 1})
		var d *diag.Diagnostic
		if !errors.As(err, &d) || !strings.Contains(d.Summary, want) || d.Range.Line != 3 {
			t.Errorf("%s gives %v, want an error with %q", text, err, want)
		}
	}
}

// TestErrorPlaces holds that an evaluation's error points into the YAML.
func TestErrorPlaces(t *testing.T) {
	pb, list := Load("p.yml", "", []byte(`- hosts: all
  vars:
    greeting: "hello {{ nmae }}"
  tasks:
  - debug:
      msg: "tab\t{{ 'x' }} {{ greeting }}"
  - command: echo a b={{ n % 0 }}
  - shell: |
      echo
        {{ naem.first }}
    when: item.count > 3
`))
	if err := list.Err(); err != nil {
		t.Fatal(err)
	}
	sc := vars{"name": "x", "n": 1, "item": map[string]any{"cuont": 1}, "greeting": pb.Plays[0].Vars[0].Value}
	tasks := pb.Plays[0].Tasks
	_, inner := tasks[0].Args["msg"].Eval(sc)
	_, zero := tasks[1].Args["cmd"].Eval(sc)
	_, block := tasks[2].Args["cmd"].Eval(sc)
	_, when := tasks[2].When[0].Bool(sc)
	tests := []struct {
		err             error
		want, undefined string
	}{
		{inner, "p.yml:3:25: error: variable `nmae` is undefined\n      greeting: \"hello {{ nmae }}\"\n                          ^~~~\n  hint: did you mean `name`?", "nmae"},
		{zero, "p.yml:7:26: error: division by zero\n    - command: echo a b={{ n % 0 }}\n                           ^~~~~", ""},
		{block, "p.yml:10:12: error: variable `naem` is undefined\n          {{ naem.first }}\n             ^~~~\n  hint: did you mean `name`?", "naem"},
		{when, "p.yml:11:11: error: a mapping has no `count`\n      when: item.count > 3\n            ^~~~~~~~~~\n  hint: did you mean `cuont`?", "count"},
	}
	for _, tt := range tests {
		var e *EvalError
		if !errors.As(tt.err, &e) {
			t.Errorf("%v is no *EvalError", tt.err)
			continue
		}
		if diff := cmp.Diff(tt.want, e.Diagnostic.String()); diff != "" || e.Undefined != tt.undefined {
			t.Errorf("undefined %q, (-want +got)\n%s", e.Undefined, diff)
		}
	}
}

func TestConditions(t *testing.T) {
	tests := map[string]string{
		"when: yes": "true", "when: no": "false", "when: ''": "", "when:": "", "when: n == 7 and s is defined": "true",
		"when: empty": "false", "when: s": "true", "when: \"'no'\"": "true", "when: nowhere": "error", "when: nowhere is not defined": "true",
		"when: ['n > 1', 'n > 8']": "true false", "when: [true, n]": "true true", "when: 0": "false", "when: \"{{ no }}\"": "false", "when: \"{{ off }}\"": "false",
		"when: \"{{ s }}\"": "error", "when: ok.rc == 0\n    changed_when: no": "true",
		"when: >\n      n ==\n      7": "true", "when: |\n      n == 7 and\n      s == 'hello'": "true",
	}
	for field, want := range tests {
		pb, list := Load("p.yml", "", []byte("- hosts: all\n  tasks:\n  - ping:\n    "+field+"\n"))
		if err := list.Err(); err != nil {
			t.Errorf("%s: %v", field, err)
			continue
		}
		sc := scope(t)
		sc["off"] = "off"
		var got []string
		for _, e := range pb.Plays[0].Tasks[0].When {
			b, err := e.Bool(sc)
			if err != nil {
				got = append(got, "error")
			} else {
				got = append(got, fmt.Sprint(b))
			}
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%s gives %q, want %q", field, s, want)
		}
	}
}

// TestKeywordBooleans holds that keywords read words, unlike conditions.
func TestKeywordBooleans(t *testing.T) {
	for written, want := range map[string]string{
		"yes": "true", `"no"`: "false", `"{{ t }}"`: "true", `"{{ w }}"`: "false", "1": "true", `"{{ bad }}"`: "error",
	} {
		pb, list := Load("p.yml", "", []byte("- hosts: all\n  become: "+written+"\n  tasks: []\n"))
		if err := list.Err(); err != nil {
			t.Errorf("%s: %v", written, err)
			continue
		}
		b, err := pb.Plays[0].Become.Enabled.Bool(vars{"t": true, "w": "no", "bad": "maybe"})
		got := fmt.Sprint(b)
		if err != nil {
			got = "error"
		}
		if got != want {
			t.Errorf("become: %s is %s, want %s", written, got, want)
		}
	}
}

func TestNewExpr(t *testing.T) {
	e, err := NewExpr("n + 1", diag.Range{File: "f", Line: 1})
	if err != nil {
		t.Fatal(err)
	}
	if v, err := e.Eval(vars{"n": 1}); v != 2 || err != nil || e.String() != "n + 1" {
		t.Errorf("%v, %v", v, err)
	}
	for _, bad := range []string{"n +", "a }} b {{ c", "a }}", "{{ a }}", ""} {
		if e, err := NewExpr(bad, diag.Range{}); err == nil {
			t.Errorf("%q compiles to %v", bad, e)
		}
	}
}

func TestNilValues(t *testing.T) {
	var v *Value
	var e *Expr
	if x, err := v.Eval(nil); x != nil || err != nil {
		t.Errorf("nil Value gives %v, %v", x, err)
	}
	if b, err := e.Bool(nil); b || err != nil {
		t.Errorf("nil Expr gives %v, %v", b, err)
	}
}

// TestVariableBomb holds that variables which double each other are stopped.
func TestVariableBomb(t *testing.T) {
	sc := vars{"v0": strings.Repeat("x", 1000)}
	for i := 1; i < 60; i++ {
		sc[fmt.Sprintf("v%d", i)] = newTemplate(t, fmt.Sprintf("{{ v%d }}{{ v%d }}", i-1, i-1))
	}
	start := time.Now()
	_, err := newTemplate(t, "{{ v59 }}").Eval(sc)
	if err == nil || !strings.Contains(err.Error(), "64 MiB") {
		t.Errorf("error %v", err)
	}
	if d := time.Since(start); d > 10*time.Second {
		t.Errorf("took %v", d)
	}
}

// TestConcurrentEval is for the race detector: hosts share values and scopes.
// TestExpressionsAgainstAnsible holds expressions against what Ansible itself
// made of them.
func TestExpressionsAgainstAnsible(t *testing.T) {
	data, err := os.ReadFile("testdata/expressions.txt")
	if err != nil {
		t.Fatal(err)
	}
	sc := reaching{vars{
		"d": map[string]any{"a": map[string]any{"b": 1}}, "lst": []any{"a", "b", "cc"},
		"ld":  []any{map[string]any{"n": 2, "s": "two"}, map[string]any{"n": 1, "s": "one"}},
		"res": map[string]any{"changed": true, "failed": false, "rc": 0},
	}, &machine{}}
	seen := 0
	for line := range strings.Lines(string(data)) {
		expr, want, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if !ok {
			continue
		}
		seen++
		v, err := NewValue("x{{ ["+expr+"] | to_json }}", diag.Range{})
		if err != nil {
			t.Errorf("%s: %v", expr, err)
			continue
		}
		got, err := v.Eval(sc)
		if err != nil || got != "x"+want {
			t.Errorf("%s\n gives %v, %v\n want  x%s", expr, got, err, want)
		}
	}
	if seen < 500 {
		t.Errorf("%d expressions were read", seen)
	}
}

// TestHostileTemplates: whatever a template does, it ends soon and in little
// memory, with a value or an error.
func TestHostileTemplates(t *testing.T) {
	t.Parallel()
	twice := "{% set a = [1, 1] %}" + strings.Repeat("{% set a = [a, a] %}", 30)
	dicts := "{% set a = {'x': 1} %}" + strings.Repeat("{% set a = {'x': a, 'y': a} %}", 30)
	rounds := func(before, body string) string {
		return before + "{% for i in range(100000) %}{{ " + body + " }}{% endfor %}"
	}
	for _, text := range []string{
		twice + "{{ a | string | length }}", twice + "{{ (a ~ 'b') | length }}", twice + "{{ ('%s' % (a,)) | length }}",
		twice + "{{ a == [a] }}", twice + "{{ [a, a] | sort }}", twice + "{{ [a, a] | unique }}", twice + "{{ {a: 1} }}", twice + "{{ [a] | map('string') }}",
		dicts + "{{ a | combine(a, recursive=true) }}", dicts + "{{ [a] | select('equalto', a) }}", dicts + "{{ a | lower | length }}",
		"{{ ('a' * 60000000).split('a') | length }}", "{{ ('a ' * 30000000) | split | length }}", "{{ ('a' * 60000000).rsplit('a', 1) | length }}", "{{ ('a' * 60000000) | list }}",
		rounds("{% set s = 'a' * 10000000 %}", "'b' in s"), rounds("{% set s = range(100000) | list %}", "s == s"), rounds("{% set s = 'é' * 1000000 %}", "s[1]"),
		"{% set s = range(90000) | list %}{{ {'a': s} | combine({'a': s}, list_merge='append_rp') }}",
	} {
		v, err := NewValue(text, diag.Range{})
		if err != nil {
			t.Errorf("%.40s…: %v", text, err)
			continue
		}
		start := time.Now()
		_, err = v.Eval(vars{})
		if err == nil {
			t.Errorf("…%s: no error", text[max(0, len(text)-60):])
		}
		if took := time.Since(start); took > 20*time.Second { // about one on a quiet machine
			t.Errorf("…%s took %v", text[max(0, len(text)-60):], took)
		}
	}
}

func TestConcurrentEval(t *testing.T) {
	pb, list := Load("ok.yml", "", []byte(`
- hosts: all
  tasks:
  - debug: {msg: ["{{ greet }} {{ users | map(attribute='name') | list }}", {a: "{{ dict | combine({'x': 1}) }}"}]}
    when: "'a' in words | sort"
    loop: "{{ list | sort }}"
`))
	if err := list.Err(); err != nil {
		t.Fatal(err)
	}
	k, sc := pb.Plays[0].Tasks[0], scope(t)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range 50 {
				v, err := k.Args["msg"].Eval(sc)
				want := []any{"hello 7 ['a', 'b']", map[string]any{"a": map[string]any{"k": "v", "n": map[string]any{"x": 1}, "x": 1}}}
				if diff := cmp.Diff(any(want), v); diff != "" || err != nil {
					t.Errorf("%v, %s", err, diff)
				}
				if b, err := k.When[0].Bool(sc); !b || err != nil {
					t.Errorf("when: %v, %v", b, err)
				}
				if _, err := k.Loop.Eval(sc); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkEval(b *testing.B) {
	sc := scope(b)
	for name, text := range map[string]string{
		"const": "/mnt/temp_ram", "name": "{{ s }}", "path": "../output/{{ s }}/thor.txt", "filters": "{{ nowhere | default(greet) | upper }}",
	} {
		v := newTemplate(b, text)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := v.Eval(sc); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func FuzzTemplate(f *testing.F) {
	for _, s := range []string{
		"{{ a }}", "{{ n % 0 }}", "{{ '%s' % (1, 2) }}", "{% for x in list %}{{ x }}{% endfor %}", "{{ s[::-1] }}", "{% raw %}{{ {% endraw %}",
		"{{ dict | to_json | from_json }}", "{{ (a if b else c) ~ 'x' }}", "{# c #}{{- n -}}", "{{ 'a\\'b' 'c' }}", "{% if a %}{% elif b %}{% else %}{% endif %}",
		"{{ users | selectattr('uid', 'gt', 1) | map(attribute='name') | list }}", "{{ a.b[1:2].c(d, e=1) is not match 'x' }}", "{% set x = 1 %}{{ x ** 9 }}",
		"{{ lookup('sequence', '1-5/2:%02x') }}{{ query('items', list) | batch(2) | list }}", "{{ '%Y %j' | strftime(n) }}", "{{ 'a b' | comment('c') | indent(n) }}",
		"{{ ('2024-01-02' | to_datetime('%Y-%m-%d')) - now() }}", "{{ list | permutations(2) | zip_longest(list, fillvalue=1) }}", "{{ '1.5 GB' | human_to_bytes | root(n) }}",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if v, err := NewValue(text, diag.Range{File: "f", Line: 1}); err == nil {
			var e *EvalError
			if _, err := v.Eval(scope(t)); err != nil && !errors.As(err, &e) {
				t.Errorf("%T is no *EvalError", err)
			} else if err != nil && strings.Contains(err.Error(), "runtime error") {
				t.Errorf("panic: %v", err)
			}
		}
		if e, err := NewExpr(text, diag.Range{}); err == nil {
			if _, err := e.Bool(scope(t)); err != nil && strings.Contains(err.Error(), "runtime error") {
				t.Errorf("panic: %v", err)
			}
		}
	})
}
