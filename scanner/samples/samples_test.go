package samples

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// The sources, and so any program built from them, must not hold what a
// scanner looks for: a sample's text occurs nowhere in this folder.
func TestSourcesHoldNoSample(t *testing.T) {
	sources, err := filepath.Glob("*.go")
	if err != nil || len(sources) == 0 {
		t.Fatalf("no sources found: %v", err)
	}
	for _, source := range sources {
		text, err := os.ReadFile(source)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range All() {
			body := bytes.TrimPrefix(s.Data, []byte("\x7fELF"))
			if bytes.Contains(text, bytes.TrimSpace(body)) {
				t.Errorf("%s holds the sample for %s in one piece", source, s.Rule)
			}
		}
	}
}

func TestWriteSetsPlaceAndMode(t *testing.T) {
	s, ok := For("Backdoor_Suid_Interpreter")
	if !ok {
		t.Fatal("no sample for Backdoor_Suid_Interpreter")
	}
	path, err := s.Write(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode()&os.ModeSetuid == 0 || info.Mode().Perm() != 0o755 || info.Size() != int64(len(s.Data)) {
		t.Errorf("%s has mode %v and size %d, want setuid 0755 and %d", path, info.Mode(), info.Size(), len(s.Data))
	}
	if _, ok := For("No_Such_Rule"); ok {
		t.Error("For found a sample for a rule that doesn't exist")
	}
}
