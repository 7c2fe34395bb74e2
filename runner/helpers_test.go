package runner_test

import (
	"os"
	"path/filepath"
	"testing"
)

// writeFile makes a file in a folder of its own and gives its path.
func writeFile(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
