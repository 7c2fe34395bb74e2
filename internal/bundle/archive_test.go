package bundle

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func tarFile(t testing.TB, names ...string) string {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, n := range names {
		if err := w.WriteHeader(&tar.Header{Name: n, Mode: 0o644, Size: int64(len(n))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(n)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	at := filepath.Join(t.TempDir(), "x.tar")
	if err := os.WriteFile(at, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return at
}

// TestArchiveIsReadOnce: many hosts share one reading, until the file is
// another one.
func TestArchiveIsReadOnce(t *testing.T) {
	t.Parallel()
	at := tarFile(t, "a", "./b", "a")
	var c Cache
	var wg sync.WaitGroup
	got := make([]*Archive, 8)
	for i := range got {
		wg.Go(func() {
			a, err := c.Archives.Open(at)
			if err != nil {
				t.Error(err)
			}
			got[i] = a
		})
	}
	wg.Wait()
	for _, a := range got {
		if a == nil || a != got[0] {
			t.Fatal("the archive was read twice")
		}
	}
	if m := got[0].Members; len(m) != 2 || m[0].Path != "b" || m[1].Path != "a" || m[1].index != 2 {
		t.Errorf("members: %+v", m) // of two with one name the later
	}
	if err := os.Rename(tarFile(t, "other"), at); err != nil {
		t.Fatal(err)
	}
	if a, err := c.Archives.Open(at); err != nil || a == got[0] {
		t.Errorf("an archive that changed: %v, %v", a, err)
	}
}

// TestArchiveBomb: a file of a TiB that is all hole makes an archive of 10 KiB.
func TestArchiveBomb(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f, err := os.Create(filepath.Join(dir, "hole"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Truncate(1<<40), f.Close()); err != nil {
		t.Fatal(err)
	}
	at := filepath.Join(dir, "x.tar")
	if out, err := exec.Command("tar", "--sparse", "-cf", at, "-C", dir, "hole").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if _, err := ReadArchive(at); err == nil || !strings.Contains(err.Error(), "unpacks to more than") {
		t.Errorf("read: %v", err)
	}
}

// FuzzReadArchive: whatever a file holds, it is read to an end or refused.
func FuzzReadArchive(f *testing.F) {
	text, err := os.ReadFile(tarFile(f, "a", "b/c"))
	if err != nil {
		f.Fatal(err)
	}
	for _, head := range []string{"", "PK\x03\x04", "\x1f\x8b\x08", "BZh9", "\xfd7zXZ\x00", "\x28\xb5\x2f\xfd"} {
		f.Add(append([]byte(head), text[:512]...))
	}
	f.Add(text)
	f.Fuzz(func(t *testing.T, data []byte) {
		at := filepath.Join(t.TempDir(), "x")
		if err := os.WriteFile(at, data, 0o600); err != nil {
			t.Fatal(err)
		}
		a, err := ReadArchive(at)
		if err != nil {
			return
		}
		if err := a.WriteTar(io.Discard, func(*Member) bool { return true }); err != nil {
			t.Errorf("it was read, and can't be written: %v", err)
		}
	})
}
