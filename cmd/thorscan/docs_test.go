package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// docs/thorscan.md names every flag with its short form, and no other.
func TestDocumentedFlagsAreTheFlags(t *testing.T) {
	page, err := os.ReadFile("../../docs/thorscan.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| (?:`(-[a-z])`, )?`--([a-z_-]+)").FindAllStringSubmatch(string(page), -1) {
		documented[m[1]+"--"+m[2]] = true
	}
	if len(documented) < 10 {
		t.Fatalf("the page's table of flags is read as %v", documented)
	}
	code := 0
	cmd := (&Main{Getenv: os.Getenv}).command(&code)
	cmd.InitDefaultHelpFlag()
	cmd.InitDefaultVersionFlag()
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		name := "--" + f.Name
		switch {
		case f.Name == "help" || f.Name == "version":
			if !strings.Contains(string(page), name) {
				t.Errorf("docs/thorscan.md does not name %s", name)
			}
			delete(documented, name)
			return
		case f.Shorthand != "":
			name = "-" + f.Shorthand + name
		}
		if !documented[name] {
			t.Errorf("docs/thorscan.md does not document %s", name)
		}
		delete(documented, name)
	})
	for name := range documented {
		t.Errorf("docs/thorscan.md documents %s, which does not exist", name)
	}
}
