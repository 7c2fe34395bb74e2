package scanner

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// goPackage is what go list tells about a package.
type goPackage struct {
	ImportPath string
	Imports    []string
	CgoFiles   []string
}

func listPackages(t *testing.T, pattern string) []goPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,CgoFiles", pattern)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var packages []goPackage
	for dec := json.NewDecoder(out); ; {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("go list: %v", err)
	}
	return packages
}

func TestWhoImportsWhom(t *testing.T) {
	packages := listPackages(t, "./...")
	if len(packages) < 6 {
		t.Fatalf("go list names %d packages", len(packages))
	}
	// Seams inside the scanner: sources and matchers don't know each other.
	forbidden := map[string][]string{
		"thordeploy/scanner":            {"thordeploy/scanner/filesystem", "thordeploy/scanner/yara", "thordeploy/scanner/ioc", "thordeploy/scanner/report"},
		"thordeploy/scanner/ioc":        {"thordeploy/scanner/filesystem", "thordeploy/scanner/yara", "thordeploy/scanner/report"},
		"thordeploy/scanner/filesystem": {"thordeploy/scanner/yara", "thordeploy/scanner/report"},
		"thordeploy/scanner/hostcheck":  {"thordeploy/scanner/filesystem", "thordeploy/scanner/yara", "thordeploy/scanner/ioc", "thordeploy/scanner/report"},
		"thordeploy/scanner/process":    {"thordeploy/scanner/filesystem", "thordeploy/scanner/yara", "thordeploy/scanner/ioc", "thordeploy/scanner/report"},
		"thordeploy/scanner/yara":       {"thordeploy/scanner/filesystem", "thordeploy/scanner/report"},
		"thordeploy/scanner/report":     {"thordeploy/scanner", "thordeploy/scanner/filesystem", "thordeploy/scanner/yara"},
	}
	for _, p := range packages {
		for _, path := range p.Imports {
			usesC := path == "C" || strings.HasPrefix(path, "github.com/hillu/go-yara")
			if usesC && p.ImportPath != "thordeploy/scanner/yara" {
				t.Errorf("%s imports %s: cgo lives in scanner/yara alone", p.ImportPath, path)
			}
			if strings.HasPrefix(path, "thordeploy/") && !strings.HasPrefix(path, "thordeploy/scanner") {
				t.Errorf("%s imports %s: the scanner meets the rest of the project in the pack and the findings stream alone", p.ImportPath, path)
			}
			if slices.Contains(forbidden[p.ImportPath], path) {
				t.Errorf("%s imports %s: sources, matchers and reports don't know each other", p.ImportPath, path)
			}
		}
		if len(p.CgoFiles) > 0 {
			t.Errorf("%s has cgo files of its own: %v", p.ImportPath, p.CgoFiles)
		}
	}
}
