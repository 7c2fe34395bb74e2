package inventory_test

import (
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"strings"
	"testing"
)

// TestImports holds the boundary: an inventory is read without knowing how a
// host is reached or what is run there, so that it can be used and tested alone.
func TestImports(t *testing.T) {
	t.Parallel()
	allowed := map[string]bool{
		"thordeploy/internal/diag": true, "gopkg.in/yaml.v3": true, "thordeploy/internal/literal": true,
		"thordeploy/internal/program": true, // runs inventory scripts
		"thordeploy/playbook/vault":   true, // the vault's format, which has nothing of a playbook
	}
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	files := 0
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		files++
		f, err := parser.ParseFile(token.NewFileSet(), e.Name(), nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range f.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			first, _, _ := strings.Cut(path, "/")
			if std := !strings.Contains(first, ".") && first != "thordeploy"; !std && !allowed[path] || path == "net" || path == "os/exec" {
				t.Errorf("%s imports %s", e.Name(), path)
			}
		}
	}
	if files == 0 {
		t.Error("no file was looked at")
	}
}
