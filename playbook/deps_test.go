package playbook

import (
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"strings"
	"testing"
)

// A playbook is read and checked without reaching a host, so that lint,
// completion and tests need no connection: playbook sees action's Specs, not
// the transports. Only the adapter knows the template engine.
func TestImports(t *testing.T) {
	allowed := map[string]string{
		"thordeploy/action":                         "",
		"thordeploy/internal/diag":                  "",
		"thordeploy/internal/literal":               "",
		"thordeploy/playbook/vault":                 "",
		"gopkg.in/yaml.v3":                          "",
		"github.com/nikolalohinski/gonja/v2/config": "jinja",
		"github.com/nikolalohinski/gonja/v2/nodes":  "jinja",
		"github.com/nikolalohinski/gonja/v2/parser": "jinja",
		"github.com/nikolalohinski/gonja/v2/tokens": "jinja",
	}
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
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
			if !strings.Contains(first, ".") && first != "thordeploy" {
				if path == "os" && f.Name() == "files.go" {
					continue // os.DirFS alone: where a Loader reads if it isn't told
				}
				if path == "os" || strings.HasPrefix(path, "os/") || path == "net" || strings.HasPrefix(path, "net/") && path != "net/url" {
					t.Errorf("%s imports %s: loading and templates reach no files, processes or hosts", f.Name(), path)
				}
				continue
			}
			prefix, ok := allowed[path]
			if !ok {
				t.Errorf("%s imports %s: playbook may import only action, diag, literal, vault, YAML and the template engine", f.Name(), path)
			}
			if !strings.HasPrefix(f.Name(), prefix) {
				t.Errorf("%s imports %s: the template engine belongs to the jinja*.go adapter", f.Name(), path)
			}
		}
	}
	if checked == 0 {
		t.Fatal("no file was checked")
	}
}
