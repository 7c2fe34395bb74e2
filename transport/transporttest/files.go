package transporttest

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"thordeploy/transport"
)

func openFiles(t *testing.T, conn transport.Conn) transport.Files {
	t.Helper()
	f, err := conn.Files(t.Context())
	if err != nil {
		t.Errorf("Files: %v", err)
		return nil
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func wantMode(t *testing.T, path string, want fs.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Error(err)
	} else if info.Mode().Perm() != want {
		t.Errorf("%s has mode %v, want %v", filepath.Base(path), info.Mode().Perm(), want)
	}
}

func files(t *testing.T, conn transport.Conn) {
	f := openFiles(t, conn)
	if f == nil {
		return
	}
	dir := filepath.Join(t.TempDir(), "a b\n'ü")
	for range 2 { // there already: no error
		if err := f.Mkdir(dir, 0o750); err != nil {
			t.Errorf("Mkdir: %v", err)
		}
	}
	wantMode(t, dir, 0o750)

	path := filepath.Join(dir, "file")
	for _, content := range []string{"a longer first content\x00\xff", "shorter\n", ""} {
		if err := f.Write(path, 0o4711&0o777, strings.NewReader(content)); err != nil {
			t.Errorf("Write: %v", err)
		}
		if got, _ := os.ReadFile(path); string(got) != content {
			t.Errorf("the file holds %q, want %q", got, content)
		}
		wantMode(t, path, 0o711)
		var read bytes.Buffer
		if err := f.Read(path, &read); err != nil || read.String() != content {
			t.Errorf("Read: %q, %v; want %q", read.String(), err, content)
		}
	}
	if err := f.Chmod(path, 0o600); err != nil {
		t.Errorf("Chmod: %v", err)
	}
	wantMode(t, path, 0o600)
	if err := f.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

func largeFile(t *testing.T, conn transport.Conn) {
	f := openFiles(t, conn)
	if f == nil {
		return
	}
	content := bytes.Repeat([]byte("0123456789abcdef"), 9<<20/16)
	path := filepath.Join(t.TempDir(), "large")
	if err := f.Write(path, 0o600, bytes.NewReader(content)); err != nil {
		t.Errorf("Write: %v", err)
	}
	hash := sha256.New()
	if err := f.Read(path, hash); err != nil || !bytes.Equal(hash.Sum(nil), sum(content)) {
		t.Errorf("what was read isn't what was written (%v)", err)
	}
}

func sum(b []byte) []byte { s := sha256.Sum256(b); return s[:] }

func fileErrors(t *testing.T, conn transport.Conn) {
	f := openFiles(t, conn)
	if f == nil {
		return
	}
	dir := t.TempDir()
	missing := filepath.Join(dir, "missing", "file")
	for what, err := range map[string]error{
		"Read":  f.Read(missing, io.Discard),
		"Write": f.Write(missing, 0o600, strings.NewReader("x")),
		"Mkdir": f.Mkdir(filepath.Join(missing, "deeper"), 0o700),
		"Chmod": f.Chmod(missing, 0o600),
	} {
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s of a missing path: %v, want %v", what, err, fs.ErrNotExist)
		} else if !strings.Contains(err.Error(), "missing") {
			t.Errorf("%s: the error %q doesn't name the path", what, err)
		}
	}
	file := filepath.Join(dir, "file")
	os.WriteFile(file, nil, 0o600)
	if err := f.Mkdir(file, 0o700); err == nil {
		t.Error("Mkdir where a file is gives no error")
	}
	broken := errors.New("the source broke")
	if err := f.Write(file, 0o600, io.MultiReader(strings.NewReader("x"), failing{broken})); !errors.Is(err, broken) {
		t.Errorf("Write of a source that breaks: %v, want %v", err, broken)
	}
	if err := f.Read(file, failing{broken}); !errors.Is(err, broken) {
		t.Errorf("Read into a sink that breaks: %v, want %v", err, broken)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error)  { return 0, f.err }
func (f failing) Write([]byte) (int, error) { return 0, f.err }
