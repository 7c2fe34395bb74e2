package runner

import (
	"go/build"
	"strings"
	"testing"
)

func TestImports(t *testing.T) {
	t.Parallel()
	reasons := map[string]string{
		"thordeploy/transport/ssh":   "how a host is reached is the caller's: Connect",
		"thordeploy/transport/local": "how a host is reached is the caller's: Connect",
		"thordeploy/internal/output": "a run is told by events: sinks show it",
		"thordeploy/scanner":         "the scanner and the runner meet in the findings stream alone",
		"thordeploy/playbooks":       "a playbook is given",
		"os":                         "only cmd reads the environment",
		"os/signal":                  "only cmd handles signals",
	}
	pkg, err := build.ImportDir(".", 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, imp := range pkg.Imports {
		for forbidden, why := range reasons {
			if imp == forbidden || strings.HasPrefix(imp, forbidden+"/") && forbidden != "os" {
				t.Errorf("imports %s: %s", imp, why)
			}
		}
	}
}
