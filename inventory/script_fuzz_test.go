package inventory

import (
	"context"
	"testing"
	"time"
)

// FuzzScriptJSON reads what a script prints, without a script.
func FuzzScriptJSON(f *testing.F) {
	for _, s := range []string{
		`{"web": {"hosts": ["a"], "vars": {"x": [1, 2.5, null]}, "children": ["db"]}, "db": ["b"], "_meta": {"hostvars": {"a": {"v": {"__ansible_vault": "x"}}}}}`,
		`{"a": {"x": 1}}`, `{"_meta": []}`, `{"": []}`, `[1`, `{"a": {"children": ["a"]}}`, `{"g": ["-x"]}`, `{"a": 1e999}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := parseJSON(data)
		o, ok := v.(*object)
		if err != nil || !ok {
			return
		}
		d := newDraft(context.Background(), &Loader{Sealed: true, ScriptTime: time.Second})
		r := &script{source: &source{draft: d, name: "s.sh", file: "/s.sh"}, seen: map[*draftHost]bool{}}
		for i, name := range o.keys {
			if name != "_meta" && !r.group(name, o.values[i]) {
				break
			}
		}
		inv := d.resolve([]string{"s.sh"})
		if d.diags.Err() == nil {
			if len(inv.Hosts()) == 0 {
				t.Error("an inventory without errors has no host")
			}
			_ = JSON(Listing{Inventory: inv}.List())
		}
	})
}
