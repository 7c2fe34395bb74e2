package runner

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// docs/playbooks.md has every variable that a run gives a host itself, and no
// fact that a play wouldn't gather for a template that asks for it.
func TestDocumentedVariables(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../docs/playbooks.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(data), "| variable | value |")
	table, rest, ok2 := strings.Cut(rest, "\n\n")
	_, rest, ok3 := strings.Cut(rest, "| fact | value |")
	facts, _, ok4 := strings.Cut(rest, "\n\n")
	if !ok || !ok2 || !ok3 || !ok4 {
		t.Fatal("docs/playbooks.md has no tables of variables and facts")
	}
	documented := firstCells(table)
	slices.Sort(documented)
	known := slices.Sorted(slices.Values(magicNames))
	if diff := cmp.Diff(known, documented); diff != "" {
		t.Errorf("magic variables (-the run's +docs/playbooks.md)\n%s", diff)
	}
	list := firstCells(facts)
	if len(list) < 20 {
		t.Fatalf("facts: %v", list)
	}
	for _, name := range list {
		if !factNames[name] {
			t.Errorf("docs/playbooks.md has the fact %s, which no template can ask for", name)
		}
	}
}

// firstCells lists what the first column of a table has in backquotes.
func firstCells(table string) []string {
	var out []string
	for line := range strings.Lines(table) {
		first, _, _ := strings.Cut(strings.TrimPrefix(line, "| "), " | ")
		for _, m := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(first, -1) {
			out = append(out, m[1])
		}
	}
	return out
}
