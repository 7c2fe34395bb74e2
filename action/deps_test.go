package action

import (
	"go/build"
	"strings"
	"testing"
)

// TestDeps: a module reaches a host through its session alone, whatever
// carries it.
func TestDeps(t *testing.T) {
	t.Parallel()
	allowed := map[string]string{
		"thordeploy/internal/diag":   "problems of a user's files",
		"thordeploy/internal/bundle": "trees packed once for all hosts",
		"thordeploy/transport":       "the contract, not an implementation",
		"thordeploy/transport/shell": "the held shell",
		"golang.org/x/sync/errgroup": "several files at once",
		"golang.org/x/sys/unix":      "the room on this machine's disk",
	}
	p, err := build.ImportDir(".", 0)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Imports) == 0 {
		t.Fatal("no imports found")
	}
	for _, name := range p.Imports {
		first, _, _ := strings.Cut(name, "/")
		if _, ok := allowed[name]; !ok && (first == "thordeploy" || strings.Contains(first, ".")) {
			t.Errorf("action imports %s: a module may not know how a host is reached, who runs it or what a playbook is", name)
		}
	}
}
