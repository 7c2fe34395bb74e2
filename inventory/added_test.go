package inventory

import (
	"strings"
	"testing"
)

func TestAddition(t *testing.T) {
	t.Parallel()
	old, problems := Load([]string{"a,b,"})
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	inv, changed := old.With(Addition{Host: "new", Port: 22, Groups: []string{"g"}, Parents: []string{"above", "all"}, Vars: map[string]any{"x": 1}})
	h, ok := inv.Host("new")
	if !changed || !ok || h.Port != 22 || h.Vars["x"] != 1 || strings.Join(h.Groups, ",") != "above,g" {
		t.Errorf("%v %+v", changed, h)
	}
	for pattern, want := range map[string]string{"g": "new", "above": "new", "all": "a b new", "ungrouped": "a b", "all:!g": "a b"} {
		hosts, _, err := inv.Select(pattern)
		got := ""
		for _, h := range hosts {
			got += " " + h.Name
		}
		if err != nil || strings.TrimSpace(got) != want {
			t.Errorf("%s: %q, %v, want %q", pattern, got, err, want)
		}
	}
	if _, there := old.Host("new"); there || len(old.Hosts()) != 2 {
		t.Error("the inventory before has changed")
	}
	next, changed := inv.With(Addition{Host: "a", Groups: []string{"g"}})
	if a, _ := next.Host("a"); !changed || strings.Join(a.Groups, ",") != "above,g" || len(next.Members("ungrouped")) != 1 || len(next.Members("g")) != 2 {
		t.Errorf("%v %+v", changed, a)
	}
	if same, changed := next.With(Addition{Host: "a", Groups: []string{"g"}}); changed || same != next {
		t.Error("the same again is a change")
	}
}
