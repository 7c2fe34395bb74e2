package playbook

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"thordeploy/internal/diag"
)

func TestReferences(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"no templates":                     "",
		"{{ a }}/{{b.c}}/{{ d['e' ~ f] }}": "a b d f",
		"{{ a | default(b) }}{{ c.d | default('x') }}{{ e[f]|d }}": "a? b c? e? f",
		"{{ a is defined and b is not defined or c is changed }}":  "a? b? c",
		"{{ a if b else c }}": "a b c",
		"{% for i in a if i > b %}{{ i }}{{ loop.index }}{{ c }}{% endfor %}{{ i }}":                                                    "a b c i",
		"{% set x = a %}{{ x }}{% if y %}{{ z }}{% else %}{{ w }}{% endif %}":                                                           "a y z w",
		"{{ [a, {'k': b}] + c[1:d] }}{{ -e ** 2 }}{{ not f }}":                                                                          "a b c d e f",
		"{{ a.split(b) }}{{ range(c) }}{{ d | join(e) }}":                                                                               "a b c d e",
		"{% raw %}{{ a }}{% endraw %}":                                                                                                  "",
		"{% macro m(a, b=c) %}{{ a }}{{ b }}{{ d }}{{ caller() }}{% endmacro %}{{ m(e) }}{% call(x) m(f) %}{{ x }}{{ g }}{% endcall %}": "c d e f g",
		"{% with a = b %}{{ a }}{{ c }}{% endwith %}{{ a }}":                                                                            "b c a",
		"{% set x | replace(a, b) %}{{ c }}{% endset %}{{ x }}{% filter replace(d, 1) %}{{ e }}{% endfilter %}":                         "c a b e d",
		"{% set ns = namespace(n=a) %}{% set ns.n = b %}{{ ns.n }}":                                                                     "a b",
	} {
		v, err := NewValue(text, diag.Range{})
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		got := ""
		for _, r := range v.References() {
			if got != "" {
				got += " "
			}
			got += r.Name
			if r.Optional {
				got += "?"
			}
		}
		if got != want {
			t.Errorf("%s: references %q, want %q", text, got, want)
		}
	}
}

func TestReferencesInPlaces(t *testing.T) {
	t.Parallel()
	pb, list := Load("a.yml", "/", []byte("- hosts: all\n  vars: {m: {k: \"{{ one }}\", l: [\"x {{ two }}\"]}}\n  tasks:\n  - command: ls {{ three }}\n    when: four is defined\n"))
	if list.Err() != nil {
		t.Fatal(list)
	}
	task := pb.Plays[0].Tasks[0]
	got := fmt.Sprint(pb.Plays[0].Vars[0].Value.References(), task.Args["cmd"].References(), task.When[0].References())
	want := "[{one a.yml:2:21 false} {two a.yml:2:40 false}] [{three a.yml:4:20 false}] [{four a.yml:5:11 true}]"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestScalars(t *testing.T) {
	t.Parallel()
	v, err := NewValue(map[string]any{"a": "x", "b": []any{1, "{{ y }}", map[string]any{"c": true}}, "d": nil}, diag.Range{})
	if err != nil {
		t.Fatal(err)
	}
	got := []string{}
	for _, s := range v.Scalars() {
		got = append(got, fmt.Sprintf("%s=%s %v", s.Key, s.Text, s.Template))
	}
	if diff := cmp.Diff([]string{"a=x false", "b=1 false", "b={{ y }} true", "c=True false"}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
