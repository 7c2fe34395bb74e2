package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"thordeploy/inventory"
	"thordeploy/playbook"
)

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
)

// Every link that leads to a file leads to one, and to a heading in it where it
// names one.
func TestLinks(t *testing.T) {
	t.Parallel()
	found := 0
	for _, p := range pages(t, true) {
		for _, m := range link.FindAllStringSubmatch(p.text, -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			found++
			file, anchor, _ := strings.Cut(m[1], "#")
			target := filepath.Join(root, filepath.Dir(p.name), file)
			if file == "" {
				target = filepath.Join(root, p.name)
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s, which isn't there", p.name, m[1])
				continue
			}
			if anchor != "" && !slices.Contains(anchors(readPage(t, target)), anchor) {
				t.Errorf("%s links to %s: no such heading", p.name, m[1])
			}
		}
	}
	if found < 20 {
		t.Fatalf("only %d links found", found)
	}
}

// anchors lists the names that a page's headings have in links.
func anchors(p *page) []string {
	var out []string
	for _, m := range heading.FindAllStringSubmatch(p.text, -1) {
		name := strings.ReplaceAll(strings.ToLower(m[1]), " ", "-")
		out = append(out, regexp.MustCompile(`[^\p{L}\p{N}_-]`).ReplaceAllString(name, ""))
	}
	return out
}

// The table in README.md names folders that are there, and docs/README.md every
// page.
func TestWhereThingsAre(t *testing.T) {
	t.Parallel()
	for _, row := range readPage(t, filepath.Join(root, "README.md")).table(t, "## Where things are") {
		for _, folder := range codes(row[0] + row[1]) {
			if !strings.HasSuffix(folder, "/") {
				continue
			}
			if info, err := os.Stat(filepath.Join(root, folder)); err != nil || !info.IsDir() {
				t.Errorf("README.md: there is no folder %s", folder)
			}
		}
	}
	index := readPage(t, filepath.Join(root, "docs", "README.md")).text
	for _, p := range pages(t, false) {
		name, inDocs := strings.CutPrefix(p.name, "docs/")
		if inDocs && name != "README.md" && !strings.Contains(index, "]("+name+")") {
			t.Errorf("docs/README.md doesn't list %s", name)
		}
	}
}

// The files that docs/design.md names are there.
func TestDesignNamesFiles(t *testing.T) {
	t.Parallel()
	found := 0
	for _, name := range codes(readPage(t, filepath.Join(root, "docs/design.md")).text) {
		if !regexp.MustCompile(`^[a-z][a-z0-9_]*/[a-z0-9_/.]*[a-z/]$`).MatchString(name) {
			continue
		}
		found++
		if _, err := os.Stat(filepath.Join(root, name)); err != nil {
			t.Errorf("docs/design.md names %s, which isn't there", name)
		}
	}
	if found < 40 {
		t.Fatalf("only %d names of files found", found)
	}
}

// Every example in YAML or INI is a playbook, a list of tasks or an inventory
// that loads without an error or a warning.
func TestExamplesLoad(t *testing.T) {
	t.Parallel()
	loaded := map[string]int{}
	for _, p := range pages(t, false) {
		for _, b := range p.blocks {
			switch {
			case b.lang != "yaml" && b.lang != "ini":
			case isInventory(t, p, b):
				loaded["inventory"]++
				loadInventory(t, p, b)
			default:
				loaded["playbook"]++
				_, problems := playbook.Load(p.at(b), t.TempDir(), asPlaybook(b))
				if len(problems.All()) > 0 {
					t.Errorf("%s", problems)
				}
			}
		}
	}
	if loaded["inventory"] < 5 || loaded["playbook"] < 3 {
		t.Fatalf("examples found: %v", loaded)
	}
}

// isInventory tells an inventory from a playbook: docs/inventory.md has nothing
// else, and elsewhere one is a mapping.
func isInventory(t *testing.T, p *page, b block) bool {
	t.Helper()
	if p.name == "docs/inventory.md" || b.lang == "ini" {
		return true
	}
	var n yaml.Node
	if err := yaml.Unmarshal([]byte(b.text), &n); err != nil || len(n.Content) == 0 {
		t.Fatalf("%s: not YAML: %v", p.at(b), err)
	}
	return n.Content[0].Kind == yaml.MappingNode
}

// asPlaybook is an example as a playbook: a list of tasks gets a play around.
func asPlaybook(b block) []byte {
	if strings.Contains(b.text, "\n  hosts:") || strings.Contains(b.text, "- hosts:") {
		return []byte(b.text)
	}
	return []byte("- hosts: all\n  tasks:\n    " + strings.ReplaceAll(strings.TrimSpace(b.text), "\n", "\n    ") + "\n")
}

func loadInventory(t *testing.T, p *page, b block) *inventory.Inventory {
	t.Helper()
	file := filepath.Join(t.TempDir(), "hosts."+b.lang)
	if err := os.WriteFile(file, []byte(b.text), 0o600); err != nil {
		t.Fatal(err)
	}
	inv, problems := inventory.Load([]string{file})
	if len(problems.All()) > 0 || len(inv.Hosts()) == 0 {
		t.Errorf("%s: %d hosts\n%s", p.at(b), len(inv.Hosts()), problems)
	}
	return inv
}

// The table of variables is that of the package.
func TestDocumentedConnectionVariables(t *testing.T) {
	t.Parallel()
	var documented []string
	for _, row := range readPage(t, filepath.Join(root, "docs/inventory.md")).table(t, "## How a host is reached") {
		documented = append(documented, codes(row[0])...)
	}
	slices.Sort(documented)
	if diff := cmp.Diff(slices.Sorted(slices.Values(inventory.ConnectionVars())), documented); diff != "" {
		t.Errorf("connection variables (-the program's +docs/inventory.md)\n%s", diff)
	}
}

// Each pattern selects the hosts that the page says, of the page's own YAML
// example.
func TestDocumentedPatterns(t *testing.T) {
	t.Parallel()
	p := readPage(t, filepath.Join(root, "docs/inventory.md"))
	at := slices.IndexFunc(p.blocks, func(b block) bool { return strings.HasPrefix(b.text, "all:\n") })
	if at < 0 {
		t.Fatal("docs/inventory.md has no example that begins with all:")
	}
	inv := loadInventory(t, p, p.blocks[at])
	for _, row := range p.table(t, "## Patterns") {
		pattern := codes(row[0])[0]
		hosts, unknown, err := inv.Select(pattern)
		if err != nil || len(unknown) > 0 {
			t.Errorf("pattern %s: %v, %v", pattern, unknown, err)
			continue
		}
		var names []string
		for _, h := range hosts {
			names = append(names, strings.TrimSuffix(h.Name, ".example.org"))
		}
		got := strings.Join(names, ", ")
		if first, last, ok := strings.Cut(row[1], ", …, "); ok { // hosts left out in the page
			if !strings.HasPrefix(got, first+", ") || !strings.HasSuffix(got, ", "+last) || len(names) != 23 {
				t.Errorf("pattern %s selects %s, the page says %s", pattern, got, row[1])
			}
		} else if got != row[1] {
			t.Errorf("pattern %s selects %q, the page says %q", pattern, got, row[1])
		}
	}
}
