package bundle

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// plant makes files in a new folder: a path ending in / is a folder, a text
// that starts with "-> " a symlink, any other the contents of a file.
func plant(t testing.TB, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		at := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		switch target, link := strings.CutPrefix(text, "-> "); {
		case strings.HasSuffix(name, "/"):
			err = os.MkdirAll(at, 0o755)
		case link:
			err = os.Symlink(target, at)
		default:
			err = os.WriteFile(at, []byte(text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func paths(t *Tree) string {
	var list []string
	for _, e := range t.Entries {
		list = append(list, e.Path)
	}
	return strings.Join(list, " ")
}

func mustTree(t *testing.T, c *Cache, path string) *Tree {
	t.Helper()
	tree, err := c.Tree(path)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

func TestTreeListsParentsFirst(t *testing.T) {
	t.Parallel()
	root := plant(t, map[string]string{"b/z": "1", "b/a": "22", "a": "", "empty/": "", "link": "-> b"})
	var c Cache
	if got, want := paths(mustTree(t, &c, root+"/")), "a b b/a b/z empty link"; got != want {
		t.Errorf("the contents are %q, want %q", got, want)
	}
	whole := mustTree(t, &c, root)
	if got, want := paths(whole), ". a b b/a b/z empty link"; got != want {
		t.Errorf("the folder itself is %q, want %q", got, want)
	}
	if whole.Size != 3 || whole.Single {
		t.Errorf("size %d, single %v; want 3, false", whole.Size, whole.Single)
	}
	link := whole.Entries[len(whole.Entries)-1]
	if link.Link != "b" || link.Mode&fs.ModeSymlink == 0 {
		t.Errorf("the symlink is %+v", link)
	}
	sum := sha256.Sum256([]byte("22"))
	if got := whole.Entries[3].SHA256; got != hex.EncodeToString(sum[:]) {
		t.Errorf("digest %s", got)
	}
}

func TestTreeOfOneFile(t *testing.T) {
	t.Parallel()
	root := plant(t, map[string]string{"one": "abc"})
	var c Cache
	one := mustTree(t, &c, filepath.Join(root, "one"))
	if !one.Single || paths(one) != "one" || one.Entries[0].SHA1 != "a9993e364706816aba3e25717850c26c9cd0d89d" {
		t.Errorf("single file: %+v", one)
	}
	if _, err := c.Tree(filepath.Join(root, "one") + "/"); err == nil || !strings.Contains(err.Error(), "it is a file") {
		t.Errorf("one/ gives %v", err)
	}
	var b bytes.Buffer
	if err := c.WriteFile(&b, one, 0); err != nil || b.String() != "abc" {
		t.Errorf("contents %q, %v", b.String(), err)
	}
}

func TestTreeErrorsNameTheAbsolutePath(t *testing.T) {
	t.Parallel()
	root := plant(t, map[string]string{"d/x": ""})
	if err := syscall.Mkfifo(filepath.Join(root, "d", "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	var c Cache
	_, err := c.Tree(filepath.Join(root, "nowhere"))
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), filepath.Join(root, "nowhere")) {
		t.Errorf("missing: %v", err)
	}
	if _, err := c.Tree(filepath.Join(root, "d")); err == nil || !strings.Contains(err.Error(), "named pipe") {
		t.Errorf("with a pipe in it: %v", err)
	}
}

func TestTreeFollowing(t *testing.T) {
	t.Parallel()
	root := plant(t, map[string]string{
		"out/f": "far", "in/file": "-> ../out/f", "in/dir": "-> ../out", "in/gone": "-> nowhere", "in/up": "-> .", "in/sub/back": "-> ../../in",
	})
	var c Cache
	tree, err := c.TreeFollowing(filepath.Join(root, "in") + "/")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := paths(tree), "dir dir/f file gone sub sub/back up"; got != want {
		t.Fatalf("followed: %q, want %q", got, want)
	}
	for _, e := range tree.Entries {
		wantLink := e.Path == "gone" || e.Path == "up" || e.Path == "sub/back"
		if (e.Mode&fs.ModeSymlink != 0) != wantLink {
			t.Errorf("%s has mode %v", e.Path, e.Mode)
		}
	}
	var b bytes.Buffer
	if err := c.WriteFile(&b, tree, 2); err != nil || b.String() != "far" {
		t.Errorf("what the symlink points to: %q, %v", b.String(), err)
	}
}

// TestManyHostsShareOnePacking: who asks at the same time gets the same tree,
// and the same bytes.
func TestManyHostsShareOnePacking(t *testing.T) {
	t.Parallel()
	root := plant(t, map[string]string{"big": strings.Repeat("x", 300<<10), "small": "y"})
	var c Cache
	var wg sync.WaitGroup
	trees := make([]*Tree, 20)
	for i := range trees {
		wg.Go(func() {
			tree, err := c.Tree(root)
			if err != nil {
				t.Error(err)
				return
			}
			trees[i] = tree
			if err := c.WriteTar(io.Discard, tree, nil, nil); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, tree := range trees {
		if tree != trees[0] {
			t.Fatal("a tree was packed twice")
		}
	}
	// The large contents reach the writer as the slice that the cache holds.
	seen := false
	held := trees[0].data[1]
	w := writerFunc(func(p []byte) (int, error) {
		seen = seen || len(p) > blockSize && &p[len(p)-1] == &held[len(held)-1]
		return len(p), nil
	})
	if err := c.WriteTar(w, trees[0], nil, nil); err != nil || !seen {
		t.Errorf("contents were copied on their way (%v)", err)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestChangedFilesArePackedAnew(t *testing.T) {
	t.Parallel()
	root := plant(t, map[string]string{"f": "old"})
	c := Cache{MaxBytes: 10}
	was := mustTree(t, &c, root)
	at := filepath.Join(root, "f")
	if err := os.WriteFile(at, []byte("new"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(at, was.Entries[1].ModTime, was.Entries[1].ModTime); err != nil {
		t.Fatal(err)
	}
	now := mustTree(t, &c, root)
	if now == was || now.Entries[1].SHA256 == was.Entries[1].SHA256 {
		t.Error("a file of the same size and time was taken for the old one")
	}
	if c.held != 3 {
		t.Errorf("the cache counts %d bytes as held, want 3", c.held)
	}
	if err := os.Remove(at); err != nil {
		t.Fatal(err)
	}
	if got := paths(mustTree(t, &c, root)); got != "." {
		t.Errorf("after the file went: %q", got)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("0123456789", 20<<10)
	root := plant(t, map[string]string{"a": "1234", "b": big, "c": "567"})
	c := Cache{MaxBytes: 8}
	tree := mustTree(t, &c, root+"/")
	if tree.data[0] == nil || tree.data[1] != nil || tree.data[2] == nil || c.held != 7 {
		t.Errorf("held: %v %v %v, %d bytes", tree.data[0] != nil, tree.data[1] != nil, tree.data[2] != nil, c.held)
	}
	got := untar(t, &c, tree, nil)
	if got["b"] != big || got["a"] != "1234" {
		t.Error("what is read from disk again differs")
	}
	if err := os.Truncate(filepath.Join(root, "b"), 5); err != nil {
		t.Fatal(err)
	}
	if err := c.WriteTar(io.Discard, tree, nil, nil); err == nil || !strings.Contains(err.Error(), "shorter") {
		t.Errorf("a file that became shorter gives %v", err)
	}
}

// untar reads back what WriteTar writes: contents by name.
func untar(t testing.TB, c *Cache, tree *Tree, want func(Entry) bool) map[string]string {
	t.Helper()
	var b bytes.Buffer
	if err := c.WriteTar(&b, tree, want, nil); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for r := tar.NewReader(&b); ; {
		h, err := r.Next()
		if err == io.EOF {
			return got
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Uid != 0 || h.Gid != 0 || strings.HasPrefix(h.Name, "/") {
			t.Errorf("header %+v", h)
		}
		text, _ := io.ReadAll(r)
		if h.Linkname != "" {
			text = []byte("-> " + h.Linkname)
		}
		got[h.Name] = string(text)
	}
}

func TestWriteTarOfSome(t *testing.T) {
	t.Parallel()
	root := plant(t, map[string]string{"a": "1", "d/b": "2", "l": "-> a"})
	var c Cache
	tree := mustTree(t, &c, root+"/")
	got := untar(t, &c, tree, func(e Entry) bool { return e.Path != "a" })
	if len(got) != 3 || got["d/b"] != "2" || got["l"] != "-> a" {
		t.Errorf("the stream holds %q", got)
	}
	var b bytes.Buffer
	if err := c.WriteTar(&b, tree, nil, func(Entry) fs.FileMode { return 0o750 | fs.ModeSetuid }); err != nil {
		t.Fatal(err)
	}
	h, err := tar.NewReader(&b).Next()
	if err != nil || h.Mode != 0o4750 {
		t.Errorf("mode %o, %v", h.Mode, err)
	}
}

// TestOddNamesThroughBothTars: what targets have understands the stream.
func TestOddNamesThroughBothTars(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"with space": "1", "new\nline": "2", "quo'te\"s": "3", "-rf": "4", "\xff\xfe bytes": "5", "back\\slash": "6",
		"empty": "", "dir with nothing/": "", "link": "-> with space", "bad link": "-> /no/where",
		strings.Repeat("deep-name-", 12) + "/" + strings.Repeat("long-name-", 20): "7", "übung": "8",
	}
	var c Cache
	tree := mustTree(t, &c, plant(t, files)+"/")
	for _, name := range []string{"tar", "busybox tar"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b bytes.Buffer
			if err := c.WriteTar(&b, tree, nil, nil); err != nil {
				t.Fatal(err)
			}
			to := t.TempDir()
			words := append(strings.Fields(name), "-xopmf", "-", "-C", to)
			cmd := exec.Command(words[0], words[1:]...)
			cmd.Stdin = &b
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			for file, text := range files {
				at := filepath.Join(to, file)
				if target, link := strings.CutPrefix(text, "-> "); link {
					if got, err := os.Readlink(at); got != target {
						t.Errorf("%q points to %q, %v", file, got, err)
					}
				} else if strings.HasSuffix(file, "/") {
					if info, err := os.Stat(at); err != nil || !info.IsDir() {
						t.Errorf("%q: %v", file, err)
					}
				} else if got, err := os.ReadFile(at); string(got) != text {
					t.Errorf("%q holds %q, %v", file, got, err)
				}
			}
		})
	}
}

// TestSmallFilesGoInLargeWrites: a write is a packet on its way to the host.
func TestSmallFilesGoInLargeWrites(t *testing.T) {
	t.Parallel()
	files := map[string]string{}
	for i := range 300 {
		files["f"+string(rune('a'+i%26))+strings.Repeat("x", i/26)] = "tiny"
	}
	var c Cache
	tree := mustTree(t, &c, plant(t, files)+"/")
	var writes atomic.Int32
	_ = c.WriteTar(writerFunc(func(p []byte) (int, error) { writes.Add(1); return len(p), nil }), tree, nil, nil)
	if n := writes.Load(); n > 10 {
		t.Errorf("300 small files went in %d writes", n)
	}
}

func FuzzTarRoundTrip(f *testing.F) {
	f.Add("name", []byte("text"), uint16(0o644))
	f.Add("-x \n'", []byte{}, uint16(0o4755))
	f.Add("\xff", []byte("x"), uint16(0))
	f.Fuzz(func(t *testing.T, name string, text []byte, mode uint16) {
		if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\x00") || len(name) > 255 {
			t.Skip("no file has such a name")
		}
		tree := &Tree{
			Entries: []Entry{{Path: name, Mode: fs.FileMode(mode & 0o777), Size: int64(len(text)), ModTime: time.Unix(1, 0)}},
			origins: []origin{{file: name}}, data: [][]byte{append([]byte{}, text...)},
		}
		var b bytes.Buffer
		if err := new(Cache).WriteTar(&b, tree, nil, nil); err != nil {
			t.Fatal(err)
		}
		r := tar.NewReader(&b)
		h, err := r.Next()
		if err != nil || h.Name != name || h.Mode != int64(mode&0o777) {
			t.Fatalf("%q came back as %+v, %v", name, h, err)
		}
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, text) {
			t.Fatalf("contents came back as %q, %v", got, err)
		}
	})
}
