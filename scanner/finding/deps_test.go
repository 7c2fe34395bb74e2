package finding

import (
	"os/exec"
	"strings"
	"testing"
)

// Every binary of the project reads findings, thordeploy without cgo among
// them: this package must not bring anything along.
func TestImportsTheStandardLibraryAlone(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", "{{join .Imports \"\\n\"}}", ".").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	imports := strings.Fields(string(out))
	if len(imports) == 0 {
		t.Fatal("go list names no imports")
	}
	for _, path := range imports {
		if first, _, _ := strings.Cut(path, "/"); strings.Contains(first, ".") || first == "thordeploy" {
			t.Errorf("finding imports %s: it must stay with the standard library, so that any binary can read findings", path)
		}
	}
}
