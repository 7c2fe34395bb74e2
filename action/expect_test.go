package action

import (
	"os"
	"strings"
	"testing"
)

// mustOK fails the test unless the task went well, and as changed says.
func mustOK(t *testing.T, r Result, changed bool) Result {
	t.Helper()
	if r.Failed || r.Skipped || r.Lost != nil || r.TimedOut {
		t.Fatalf("the task failed: %+v", r)
	}
	if r.Changed != changed {
		t.Fatalf("changed is %v, want %v: %+v", r.Changed, changed, r)
	}
	return r
}

// mustFail fails the test unless the task failed with all of words in what it
// says.
func mustFail(t *testing.T, r Result, words ...string) {
	t.Helper()
	if !r.Failed {
		t.Fatalf("the task went well: %+v", r)
	}
	said := r.Msg + "\n" + r.Hint
	for _, w := range words {
		if !strings.Contains(said, w) {
			t.Errorf("%q isn't in what it says: %s", w, said)
		}
	}
}

// holds fails the test unless the file has that text and mode.
func holds(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil || string(got) != text {
		t.Errorf("%q holds %q, %v; want %q", path, got, err, text)
		return
	}
	hasMode(t, path, mode)
}

func hasMode(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Error(err)
		return
	}
	if got := fileMode(modeBits(info.Mode())); got != mode {
		t.Errorf("%q has mode %v, want %v", path, got, mode)
	}
}

// nothingElse fails the test unless the folder holds exactly these names.
func nothingElse(t *testing.T, dir string, names ...string) {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Error(err)
		return
	}
	var got []string
	for _, d := range list {
		got = append(got, d.Name())
	}
	if strings.Join(got, "|") != strings.Join(names, "|") {
		t.Errorf("%s holds %q, want %q", dir, got, names)
	}
}
