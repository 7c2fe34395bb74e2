package playbook

import (
	"strings"
	"testing"
)

// As ansible-core 2.14 decides (playbook/taggable.py), tried against it.
func TestTagFilter(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		only, skip, tags string
		want             bool
	}{
		{"", "", "", true},
		{"", "", "a", true},
		{"", "", "never", false},
		{"", "", "never,a", false},
		{"a", "", "never,a", true},
		{"never", "", "never", true},
		{"a", "", "b", false},
		{"a,b", "", "b", true},
		{"a", "", "", false},
		{"a", "", "always", true},
		{"all", "", "b", true},
		{"all", "", "never", false},
		{"tagged", "", "b", true},
		{"tagged", "", "", false},
		{"untagged", "", "", true},
		{"untagged", "", "b", false},
		{"tagged", "", "never", false},
		{"", "a", "a", false},
		{"", "a", "b", true},
		{"", "a", "a,always", false},
		{"", "always", "always", false},
		{"", "all", "b", false},
		{"", "all", "always", true},
		{"", "all,always", "always", false},
		{"", "tagged", "b", false},
		{"", "tagged", "", true},
		{"", "untagged", "", false},
		{"a", "b", "a,b", false},
	} {
		f := TagFilter{Only: fields(tt.only), Skip: fields(tt.skip)}
		if got := f.Selects(fields(tt.tags)); got != tt.want {
			t.Errorf("--tags %q --skip-tags %q, task %q: %v, want %v", tt.only, tt.skip, tt.tags, got, tt.want)
		}
	}
}

func fields(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' })
}
