package action

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
)

func TestPathsFind(t *testing.T) {
	t.Parallel()
	role, more, book := t.TempDir(), t.TempDir(), t.TempDir()
	write(t, role+"/files/in-role", "", 0o644)
	write(t, role+"/both", "", 0o644)
	write(t, more+"/in-more", "", 0o644)
	write(t, book+"/files/both", "", 0o644)
	write(t, book+"/files/dir/x", "", 0o644)
	write(t, book+"/dir/y", "", 0o644)
	write(t, book+"/beside", "", 0o644)
	p := Paths{Role: role, Files: []string{more}, Playbook: book}
	for name, want := range map[string]string{
		"in-role": role + "/files/in-role", "both": role + "/both", "in-more": more + "/in-more", "beside": book + "/beside",
		"dir": book + "/files/dir", "dir/": book + "/files/dir/", "dir/y": book + "/dir/y", book + "/beside": book + "/beside", "./beside": book + "/beside",
	} {
		if got, err := p.find(name, "files"); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", name, got, err, want)
		}
	}
	_, err := p.find("none", "files")
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), book+"/files/none") || !strings.Contains(err.Error(), role+"/none") {
		t.Errorf("what isn't there: %v", err)
	}
	if _, err := p.find("/td/none", "files"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an absolute path that isn't there: %v", err)
	}
	if got, err := p.find("~/.", "files"); err != nil || got != home(t)+"/." {
		t.Errorf("~: %s, %v", got, err)
	}
}
