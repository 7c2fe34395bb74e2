package lint

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"thordeploy/playbook"
)

// FuzzCheck holds that no playbook stops the rules, that every finding has its
// parts, and that every form can be written.
func FuzzCheck(f *testing.F) {
	files, err := filepath.Glob("testdata/*.yml")
	if err != nil || len(files) < 40 {
		f.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(data))
	}
	f.Fuzz(func(t *testing.T, text string) {
		pb, found := playbook.Load("f.yml", t.TempDir(), []byte(text))
		list := Check(Input{Playbook: pb, Found: found, Line: lineOf(text)})
		for _, x := range list {
			if x.Rule == "" || x.Summary == "" || x.Reason == "" || x.Range.File == "" {
				t.Errorf("finding without its parts: %+v", x)
			}
		}
		for _, err := range []error{WriteText(io.Discard, list), WriteJSON(io.Discard, list), WriteSARIF(io.Discard, "", list)} {
			if err != nil {
				t.Error(err)
			}
		}
	})
}

func FuzzInventorySecrets(f *testing.F) {
	f.Add("web ansible_password=hunter2\n# x\na: {token: 'y'}\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, x := range InventorySecrets("hosts", text) {
			if x.Range.Line < 1 || x.Source != "" {
				t.Errorf("%+v", x)
			}
		}
	})
}
