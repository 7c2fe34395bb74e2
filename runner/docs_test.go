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

// docs/running.md has the type of every event.
func TestDocumentedEvents(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/running.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("event.go")
	if err != nil {
		t.Fatal(err)
	}
	types := regexp.MustCompile(`EventType\(\) string \{ return "([a-z_]+)"`).FindAllStringSubmatch(string(source), -1)
	if len(types) < 10 {
		t.Fatalf("event.go: %v", types)
	}
	_, section, _ := strings.Cut(string(page), "\n## JSON lines\n")
	section, _, _ = strings.Cut(section, "\n## ")
	words := regexp.MustCompile(`[a-z_]+`).FindAllString(section, -1)
	for _, m := range types {
		if !slices.Contains(words, m[1]) {
			t.Errorf("docs/running.md doesn't name events of type %s", m[1])
		}
	}
	for _, w := range words {
		if strings.Contains(w, "_") && !slices.ContainsFunc(types, func(m []string) bool { return m[1] == w }) {
			t.Errorf("docs/running.md names events of type %s, which there are none of", w)
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
