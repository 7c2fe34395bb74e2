package playbook

import (
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"thordeploy/internal/diag"
)

// Mappings keep the order they are written in, on every way through a template.
func TestOrderOfMappings(t *testing.T) {
	t.Parallel()
	pb, list := Load("p.yml", "", []byte(`
- hosts: all
  vars:
    one: 1
    plain: {z: 1, m: {y: 1, b: 2}, a: 3}
    listed: [{z: 1, a: 2}]
    made: {z: "{{ one }}", a: "{{ plain }}"}
    through: "{{ made }}"
    read: "{{ '{\"z\": 1, \"a\": {\"q\": 1, \"c\": 2}}' | from_json }}"
    yaml: "{{ 'z: 1\na: 2' | from_yaml }}"
  tasks: []
`))
	if err := list.Err(); err != nil {
		t.Fatal(err)
	}
	sc := vars{}
	for _, v := range pb.Plays[0].Vars {
		sc[v.Name] = v.Value
	}
	for expr, want := range map[string]string{
		"plain | to_json":                             `{"z": 1, "m": {"y": 1, "b": 2}, "a": 3}`,
		"plain | to_nice_json(indent=1)":              "{\n \"a\": 3,\n \"m\": {\n  \"b\": 2,\n  \"y\": 1\n },\n \"z\": 1\n}",
		"through | to_json":                           `{"z": 1, "a": {"z": 1, "m": {"y": 1, "b": 2}, "a": 3}}`,
		"listed | to_json":                            `[{"z": 1, "a": 2}]`,
		"listed[0] | list | join":                     "za",
		"read | to_json":                              `{"z": 1, "a": {"q": 1, "c": 2}}`,
		"yaml | to_json":                              `{"z": 1, "a": 2}`,
		"plain.keys() | join":                         "zma",
		"plain.m.items() | list | to_json":            `[["y", 1], ["b", 2]]`,
		"plain.m.values() | join":                     "12",
		"plain.m | dict2items | to_json":              `[{"key": "y", "value": 1}, {"key": "b", "value": 2}]`,
		"plain | combine({'a': 4, 'n': 5}) | to_json": `{"z": 1, "m": {"y": 1, "b": 2}, "a": 4, "n": 5}`,
		"plain | combine({'m': {'a': 0, 'y': 9}}, recursive=true) | to_json":          `{"z": 1, "m": {"y": 9, "b": 2, "a": 0}, "a": 3}`,
		"[{'key': 'z', 'value': 1}, {'key': 'a', 'value': 2}] | items2dict | to_json": `{"z": 1, "a": 2}`,
		"dict(z=1, a=2) | to_json": `{"z": 1, "a": 2}`,
		"plain.m ~ ''":             "{'y': 1, 'b': 2}",
		"plain.m | to_yaml":        "{b: 2, y: 1}\n",
	} {
		e, err := NewExpr(expr, diag.Range{})
		if err != nil {
			t.Errorf("%s: %v", expr, err)
			continue
		}
		if got, err := e.Eval(sc); err != nil || got != want {
			t.Errorf("%s gives %v, %v\nwant %s", expr, got, err, want)
		}
	}
	// Outside they are Go's maps.
	v, err := pb.Plays[0].Vars[3].Value.Eval(sc)
	want := map[string]any{"z": 1, "a": map[string]any{"z": 1, "m": map[string]any{"y": 1, "b": 2}, "a": 3}}
	if diff := cmp.Diff(any(want), v); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
}

// fleet is a Mapping that counts what it is asked for.
type fleet struct {
	hosts int
	asked *int
}

func (f fleet) Get(key string) (any, bool) {
	*f.asked++
	n, err := strconv.Atoi(key)
	return map[string]any{"n": n, "double": 2 * n}, err == nil && n < f.hosts
}

func (f fleet) Keys() []string {
	keys := make([]string, f.hosts)
	for i := range keys {
		keys[i] = strconv.Itoa(i)
	}
	return keys
}

func (f fleet) Len() int { return f.hosts }

func TestMappingsAreAskedForWhatIsUsed(t *testing.T) {
	t.Parallel()
	tests := []struct {
		expr  string
		want  any
		asked int
	}{
		{"hostvars['7'].double", 14, 1},
		{"hostvars[name]['n']", 3, 1},
		{"hostvars.get('9999').n", 9999, 1},
		{"hostvars['x'] is defined", false, 1},
		{"'12' in hostvars", true, 1},
		{"hostvars | length", 10000, 0},
		{"hostvars is mapping", true, 0},
		{"(hostvars | list)[:2]", []any{"0", "1"}, 0},
		{"['1', '2'] | map('extract', hostvars, 'double') | list", []any{2, 4}, 2},
		{"(hostvars | dict2items)[5].value.n", 5, 10000},
		{"hostvars['99999'].n | default('none')", "none", 1},
	}
	for _, tt := range tests {
		asked := 0
		e, err := NewExpr(tt.expr, diag.Range{})
		if err != nil {
			t.Errorf("%s: %v", tt.expr, err)
			continue
		}
		got, err := e.Eval(vars{"hostvars": fleet{10000, &asked}, "name": "3"})
		if diff := cmp.Diff(tt.want, got); err != nil || diff != "" || asked != tt.asked {
			t.Errorf("%s: %v %s, asked %d times, want %d", tt.expr, err, diff, asked, tt.asked)
		}
	}
}
