package playbook

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"thordeploy/action"
)

// page is docs/playbooks.md.
func page(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile("../docs/playbooks.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// rows gives the cells of a section's first table, without its head.
func rows(t *testing.T, page, heading string) [][]string {
	t.Helper()
	_, section, ok := strings.Cut(page, "\n"+heading+"\n")
	if !ok {
		t.Fatalf("docs/playbooks.md has no %q", heading)
	}
	var out [][]string
	for line := range strings.Lines(section) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "| "):
			cells := strings.Split(strings.Trim(line, "|"), "|")
			for i := range cells {
				cells[i] = strings.TrimSpace(cells[i])
			}
			out = append(out, cells)
		case len(out) > 0 || strings.HasPrefix(line, "#"):
			if len(out) < 3 {
				t.Fatalf("%q has no table", heading)
			}
			return out[2:]
		}
	}
	return nil
}

var code = regexp.MustCompile("`([^`]+)`")

// names lists what a cell has in backquotes.
func names(cell string) []string {
	var out []string
	for _, m := range code.FindAllStringSubmatch(cell, -1) {
		out = append(out, m[1])
	}
	return out
}

func same(t *testing.T, what string, documented, known []string) {
	t.Helper()
	documented, known = slices.Sorted(slices.Values(documented)), slices.Sorted(slices.Values(known))
	if diff := cmp.Diff(known, documented); diff != "" {
		t.Errorf("%s (-the program's +docs/playbooks.md)\n%s", what, diff)
	}
}

func TestDocumentedKeywords(t *testing.T) {
	t.Parallel()
	var of [3][]string
	for _, row := range rows(t, page(t), "## Keywords") {
		for i := range of {
			if row[i+1] == "x" {
				of[i] = append(of[i], names(row[0])...)
			} else if row[i+1] != "" {
				t.Errorf("%s: %q is neither x nor empty", row[0], row[i+1])
			}
		}
		if row[4] == "" {
			t.Errorf("%s has no meaning", row[0])
		}
		for keyword, inner := range map[string][]string{"`loop_control`": loopKeywords, "`vars_prompt`": promptKeywords} {
			for _, name := range inner {
				if row[0] == keyword && !slices.Contains(names(row[4]), name) {
					t.Errorf("%s doesn't tell of %s", keyword, name)
				}
			}
		}
	}
	ofTasks := slices.Clone(taskKeywords)
	for _, lookup := range withLookups() {
		ofTasks = append(ofTasks, "with_"+lookup)
	}
	for i, known := range [][]string{playKeywords, blockKeywords, ofTasks} {
		same(t, []string{"play", "block", "task"}[i], of[i], known)
	}
}

func TestDocumentedTemplates(t *testing.T) {
	t.Parallel()
	text := page(t)
	for heading, known := range map[string][]string{
		"### Filters":   slices.Collect(maps.Keys(filters)),
		"### Tests":     slices.Collect(maps.Keys(tests)),
		"### Methods":   slices.Collect(maps.Keys(methods)),
		"### Functions": append(slices.Collect(maps.Keys(functions)), "lookup", "query", "q"),
		"### Lookups":   slices.Collect(maps.Keys(lookups())),
	} {
		var documented []string
		for _, row := range rows(t, text, heading) {
			if heading == "### Functions" || heading == "### Lookups" {
				documented = append(documented, names(row[0])...)
			} else {
				documented = append(documented, names(row[1])...)
			}
		}
		same(t, heading, documented, known)
	}
}

func TestDocumentedAsNotDone(t *testing.T) {
	t.Parallel()
	known := map[string][]string{
		"play": playLater, "task": taskLater, "loop_control": loopLater, "vars_prompt": promptLater, "module": modulesLater,
	}
	for _, row := range rows(t, page(t), "## What isn't done yet") {
		list, ok := known[row[0]]
		if !ok {
			t.Errorf("no table of what isn't done is named %q", row[0])
		}
		delete(known, row[0])
		same(t, row[0]+", not done", names(row[1]), list)
	}
	for name := range known {
		t.Errorf("what isn't done of %s is not documented", name)
	}
}

// A module that is there is not one that comes later.
func TestModulesLaterAreNotThere(t *testing.T) {
	t.Parallel()
	for _, name := range modulesLater {
		if _, there := action.Lookup(name); there {
			t.Errorf("%s is there: take it from modulesLater and from docs/playbooks.md", name)
		}
	}
}
