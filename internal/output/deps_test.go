package output

import (
	"go/build"
	"slices"
	"strings"
	"testing"
)

func TestImports(t *testing.T) {
	t.Parallel()
	allowed := []string{"thordeploy/runner", "thordeploy/internal/diag", "github.com/pmezard/go-difflib/difflib"}
	pkg, err := build.ImportDir(".", 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, imp := range pkg.Imports {
		first, _, _ := strings.Cut(imp, "/")
		if (strings.Contains(first, ".") || first == "thordeploy") && !slices.Contains(allowed, imp) {
			t.Errorf("imports %s: output shows events and knows nothing else", imp)
		}
		if imp == "os" {
			t.Error("imports os: only cmd writes to standard output, and it gives sinks a writer")
		}
	}
}
