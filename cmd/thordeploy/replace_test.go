package main

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func modeOf(t *testing.T, path string) os.FileMode {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode()
}

func TestReplacementsWaitInPrivate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "a", "old")
	path := filepath.Join(dir, "a")
	if err := os.Chmod(path, 0o751); err != nil {
		t.Fatal(err)
	}
	var r replacements
	if err := r.add(path, []byte("new")); err != nil {
		t.Fatal(err)
	}
	if err := r.add(filepath.Join(dir, "b"), []byte("new")); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(path); err != nil || string(data) != "old" {
		t.Errorf("before commit: %q, %v", data, err)
	}
	if got := modeOf(t, r.waiting[1].temp); got != 0o600 {
		t.Errorf("a new file waits with mode %v", got)
	}
	if err := r.commit(); err != nil {
		t.Fatal(err)
	}
	r.discard() // of what is in place, nothing
	for name, mode := range map[string]os.FileMode{"a": 0o751, "b": 0o600} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if got := modeOf(t, filepath.Join(dir, name)); err != nil || string(data) != "new" || got != mode {
			t.Errorf("%s: %q, mode %v, %v", name, data, got, err)
		}
	}
}

func TestReplacementKeepsTheOwner(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("only root can give files away; without that the owner is always the same")
	}
	dir := t.TempDir()
	write(t, dir, "a", "old")
	path := filepath.Join(dir, "a")
	if err := os.Chown(path, 12345, 23456); err != nil {
		t.Fatal(err)
	}
	var r replacements
	if err := errors.Join(r.add(path, []byte("new")), r.commit()); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if st := info.Sys().(*syscall.Stat_t); st.Uid != 12345 || st.Gid != 23456 {
		t.Errorf("owner %d:%d", st.Uid, st.Gid)
	}
}

func TestDiscardedReplacementsLeaveNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "a", "old")
	var r replacements
	if err := r.add(filepath.Join(dir, "a"), []byte("new")); err != nil {
		t.Fatal(err)
	}
	if err := r.add("/dev/null", nil); err == nil {
		t.Error("a device may be replaced")
	}
	if err := r.add(filepath.Join(dir, "nosuch", "b"), nil); err == nil {
		t.Error("a file in no folder may be written")
	}
	r.discard()
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 || files[0].Name() != "a" {
		t.Errorf("%v, %v", files, err)
	}
}
