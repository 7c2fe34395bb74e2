package lint

import (
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Rules look at what is loaded: no files, no hosts, no inventory's own types,
// so that an editor or a service may run them on any text.
func TestImports(t *testing.T) {
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	allowed := []string{"thordeploy/action", "thordeploy/internal/diag", "thordeploy/playbook"}
	checked := 0
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		checked++
		src, err := parser.ParseFile(token.NewFileSet(), f.Name(), nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, imp := range src.Imports {
			path, err := strconv.Unquote(imp.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			first, _, _ := strings.Cut(path, "/")
			own := first == "thordeploy" || strings.Contains(first, ".")
			if own && !slices.Contains(allowed, path) || path == "os" || path == "os/exec" || path == "net" {
				t.Errorf("%s imports %s: rules see a loaded playbook and nothing else", f.Name(), path)
			}
		}
	}
	if checked < 10 {
		t.Fatalf("%d files checked", checked)
	}
}
