package oracle

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// kept is what ansible-playbook did with a case, as -cache keeps it.
type kept struct {
	Outcome outcome
	Said    string
}

// cached runs a case by ansible-playbook unless what it did is in the cache:
// who changes thordeploy needn't wait for Ansible each time.
func cached(t *testing.T, c *Case, run func() (outcome, string)) (outcome, string) {
	t.Helper()
	if *cache == "" {
		return run()
	}
	file := filepath.Join(*cache, c.Name+"-"+digest(t, c.Dir)+".json")
	var k kept
	data, err := os.ReadFile(file)
	if err == nil && json.Unmarshal(data, &k) == nil {
		return k.Outcome, k.Said
	}
	k.Outcome, k.Said = run()
	if data, err = json.Marshal(k); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(*cache, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return k.Outcome, k.Said
}

// digest is of the case's files and of the program that runs them here.
func digest(t *testing.T, dir string) string {
	t.Helper()
	h := sha256.New()
	for _, root := range []string{dir, "testdata"} {
		err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
			if err != nil || !e.Type().IsRegular() {
				return err
			}
			data, err := os.ReadFile(path)
			h.Write([]byte(path))
			h.Write(data)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}
