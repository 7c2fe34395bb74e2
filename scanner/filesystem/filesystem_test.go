package filesystem

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"thordeploy/scanner"
	"thordeploy/scanner/finding"
)

// needRoot skips a test that plants what only root can. CI runs as root.
func needRoot(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		if os.Getenv("CI") == "true" {
			t.Fatal("this test needs root, and CI has to run it")
		}
		t.Skip("needs root")
	}
}

func put(t *testing.T, path, data string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(data), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// walkAll walks s and returns each object as "name=content", names relative to
// root, and the ledger.
func walkAll(t *testing.T, s *Source, root string) ([]string, *scanner.Ledger, error) {
	t.Helper()
	led := &scanner.Ledger{}
	var got []string
	err := s.Walk(t.Context(), led, func(o *scanner.Object) bool {
		data, err := io.ReadAll(io.LimitReader(o.Content, 100))
		if err != nil {
			t.Errorf("reading %q: %v", o.Name, err)
		}
		if err := o.Content.Close(); err != nil {
			t.Errorf("closing %q: %v", o.Name, err)
		}
		got = append(got, strings.TrimPrefix(o.Name, root+"/")+"="+string(data))
		return true
	})
	slices.Sort(got)
	return got, led, err
}

func wantCounts(t *testing.T, led *scanner.Ledger, want map[scanner.Skip]int64) {
	t.Helper()
	if diff := cmp.Diff(want, led.Counts()); diff != "" {
		t.Errorf("ledger (-want +got):\n%s", diff)
	}
}

func TestAHostileTreeIsWalkedSafely(t *testing.T) {
	needRoot(t)
	root := t.TempDir()
	put(t, root+"/plain", "p")
	put(t, root+"/sub/deeper/file.TXT", "d")
	put(t, root+"/new\nline", "n")
	put(t, root+"/\x1b[31mred", "r")
	put(t, root+"/bad\xff\xfeutf8", "b")
	put(t, root+"/empty", "")
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.Symlink(root, root+"/sub/loop"))
	must(os.Symlink("/etc/passwd", root+"/link"))
	must(os.Symlink("nowhere", root+"/dangling"))
	must(os.Link(root+"/plain", root+"/second-name"))
	must(unix.Mkfifo(root+"/fifo", 0o644))
	must(unix.Mknod(root+"/char", unix.S_IFCHR|0o644, int(unix.Mkdev(1, 5)))) // /dev/zero never ends
	must(unix.Mknod(root+"/block", unix.S_IFBLK|0o600, int(unix.Mkdev(7, 250))))
	socket, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	must(err)
	defer unix.Close(socket)
	must(unix.Bind(socket, &unix.SockaddrUnix{Name: root + "/sock"}))

	done := time.AfterFunc(time.Minute, func() { panic("the walk hangs") })
	defer done.Stop()
	got, led, err := walkAll(t, &Source{Paths: []string{root}}, root)
	if err != nil {
		t.Fatal(err)
	}
	// One of the two names of plain, whichever the folder has first.
	got = slices.DeleteFunc(got, func(s string) bool { return s == "plain=p" || s == "second-name=p" })
	want := []string{"\x1b[31mred=r", "bad\xff\xfeutf8=b", "empty=", "new\nline=n", "sub/deeper/file.TXT=d"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
	wantCounts(t, led, map[scanner.Skip]int64{
		scanner.SkipSymlink: 3, scanner.SkipFIFO: 1, scanner.SkipDevice: 2, scanner.SkipSocket: 1, scanner.SkipSeen: 1,
	})
}

func TestSparseFilesAreNotRead(t *testing.T) {
	root := t.TempDir()
	f, err := os.Create(root + "/sparse")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(1 << 40); err != nil {
		t.Fatal(err)
	}
	result, err := (&scanner.Scan{Sources: []scanner.Source{&Source{Paths: []string{root}}}}).Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n := result.Ledger.Counts()[scanner.SkipTooLarge]; n != 1 || result.Looked() != 0 {
		t.Errorf("%d too large, %d looked at", n, result.Looked())
	}
}

// A file that shrinks between opening and reading is looked at as far as it
// goes; one whose folder vanishes is read on.
func TestFilesThatChangeUnderTheScan(t *testing.T) {
	root := t.TempDir()
	put(t, root+"/shrinks", strings.Repeat("x", 10000))
	put(t, root+"/vanishes", "v")
	led := &scanner.Ledger{}
	source := changing{&Source{Paths: []string{root}}, func(o *scanner.Object) {
		var err error
		if filepath.Base(o.Name) == "shrinks" {
			err = os.Truncate(o.Name, 10)
		} else {
			err = os.Remove(o.Name)
		}
		if err != nil {
			t.Error(err)
		}
	}}
	result, err := (&scanner.Scan{Sources: []scanner.Source{source}, Ledger: led}).Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if result.Looked() != 2 || result.Bytes != 11 {
		t.Errorf("looked at %d objects of %d bytes, want 2 of 11", result.Looked(), result.Bytes)
	}
	wantCounts(t, led, map[scanner.Skip]int64{scanner.SkipShrank: 1})
}

// changing does something to each file between opening and reading.
type changing struct {
	*Source
	change func(*scanner.Object)
}

func (c changing) Walk(ctx context.Context, led *scanner.Ledger, yield func(*scanner.Object) bool) error {
	return c.Source.Walk(ctx, led, func(o *scanner.Object) bool {
		c.change(o)
		return yield(o)
	})
}

// testWalk returns a walk as [Source.Walk] begins it, to call its steps with
// what a race would bring.
func testWalk(t *testing.T, yield func(*scanner.Object) bool) *walk {
	return &walk{ctx: t.Context(), led: &scanner.Ledger{}, yield: yield, seen: map[ID]bool{}, own: map[ID]bool{}, names: newNames(), maxDepth: 100}
}

// What was listed as a file or a folder may be something else when opened.
func TestEntriesSwappedBehindTheWalk(t *testing.T) {
	root := t.TempDir()
	outside := t.TempDir()
	put(t, outside+"/secret", "s")
	for _, err := range []error{
		os.Symlink(outside, root+"/folder"), os.Symlink(outside+"/secret", root+"/file"), unix.Mkfifo(root+"/pipe", 0o644),
		os.Mkdir(root+"/nowfolder", 0o755),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	w := testWalk(t, func(o *scanner.Object) bool { t.Errorf("%s was yielded", o.Name); return true })
	dir, err := openFolder(unix.AT_FDCWD, root)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(dir)
	w.entry(dir, root, "folder", unix.DT_DIR, 0, 0)    // swapped for a link
	w.entry(dir, root, "file", unix.DT_REG, 0, 0)      // swapped for a link
	w.entry(dir, root, "pipe", unix.DT_REG, 0, 0)      // swapped for a pipe: must not hang
	w.entry(dir, root, "nowfolder", unix.DT_REG, 0, 0) // swapped for a folder
	w.entry(dir, root, "gone", unix.DT_REG, 0, 0)      // removed
	w.entry(dir, root, "gone", unix.DT_UNKNOWN, 0, 0)  // removed, on a filesystem that doesn't tell types
	w.entry(dir, root, "pipe", unix.DT_UNKNOWN, 0, 0)
	wantCounts(t, w.led, map[scanner.Skip]int64{scanner.SkipVanished: 6, scanner.SkipFIFO: 1})
}

// nest makes folders below root, one in the other, with a file in the last. It
// goes step by step: the whole path is too long for one call.
func nest(t *testing.T, root, name string, depth int) {
	t.Helper()
	dir, err := openFolder(unix.AT_FDCWD, root)
	if err != nil {
		t.Fatal(err)
	}
	for range depth {
		if err := unix.Mkdirat(dir, name, 0o755); err != nil {
			t.Fatal(err)
		}
		next, err := openFolder(dir, name)
		if err != nil {
			t.Fatal(err)
		}
		unix.Close(dir)
		dir = next
	}
	defer unix.Close(dir)
	fd, err := unix.Openat(dir, "bottom", unix.O_CREAT|unix.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	unix.Close(fd)
}

func TestDeepFolders(t *testing.T) {
	root := t.TempDir()
	nest(t, root, strings.Repeat("d", 100), 60)
	got, led, err := walkAll(t, &Source{Paths: []string{root}}, root)
	if err != nil || len(got) != 1 || !strings.HasSuffix(got[0], "/bottom=") {
		t.Errorf("found %d objects at the bottom, error %v, ledger %s", len(got), err, led)
	}

	w := testWalk(t, func(o *scanner.Object) bool { t.Errorf("%s lies too deep", o.Name); return true })
	w.maxDepth = 10
	if err := w.root(root); err != nil {
		t.Fatal(err)
	}
	wantCounts(t, w.led, map[scanner.Skip]int64{scanner.SkipTooDeep: 1})
}

// Long names within one another make paths that take a lot of memory and
// records longer than readers take: the walk ends where a path gets too long.
func TestLongPaths(t *testing.T) {
	root := t.TempDir()
	nest(t, root, strings.Repeat("\x01", 255), 140)
	got, led, err := walkAll(t, &Source{Paths: []string{root}}, root)
	if err != nil || len(got) != 0 {
		t.Errorf("yielded %d objects with a path of 36 KB, error %v", len(got), err)
	}
	wantCounts(t, led, map[scanner.Skip]int64{scanner.SkipTooDeep: 1})
	if names := led.Names(scanner.SkipTooDeep); len(names) != 1 || len(names[0]) > 5000 {
		t.Errorf("the ledger keeps a name of %d bytes", len(names[0]))
	}
}

func TestManyEntries(t *testing.T) {
	root := t.TempDir()
	for i := range 3000 {
		put(t, fmt.Sprintf("%s/%d", root, i), "")
	}
	got, _, err := walkAll(t, &Source{Paths: []string{root}}, root)
	if err != nil || len(slices.Compact(got)) != 3000 {
		t.Errorf("%d of 3000 files, error %v", len(got), err)
	}
}

func TestEachFileOnce(t *testing.T) {
	root := t.TempDir()
	put(t, root+"/a/file", "f")
	if err := os.Symlink("a", root+"/link"); err != nil {
		t.Fatal(err)
	}
	// The user names the same things several ways; a named link is followed.
	paths := []string{root + "/link", root, root + "/a", root + "/a/file", root + "/link/file"}
	got, led, err := walkAll(t, &Source{Paths: paths}, root)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a/file=f"}, got); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
	if led.Counts()[scanner.SkipSeen] < 3 {
		t.Errorf("ledger %s", led)
	}
	// The file first, then its folder.
	got, _, err = walkAll(t, &Source{Paths: []string{root + "/a/file", root}}, root)
	if err != nil || len(got) != 1 {
		t.Errorf("named and met: %v, error %v", got, err)
	}
}

func TestTheScannersOwnFilesAreLeftOut(t *testing.T) {
	root := t.TempDir()
	own := put(t, root+"/pack/rules.yac", "r")
	put(t, root+"/pack/other", "o")
	put(t, root+"/work/x", "x")
	if err := os.Link(own, root+"/alias"); err != nil { // by inode, not by name
		t.Fatal(err)
	}
	got, led, err := walkAll(t, &Source{Paths: []string{root}, Own: []string{own, root + "/work", root + "/none"}}, root)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"pack/other=o"}, got); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
	wantCounts(t, led, map[scanner.Skip]int64{scanner.SkipOwn: 3})
}

func TestPathsThatCannotBeScannedAreErrors(t *testing.T) {
	root := t.TempDir()
	put(t, root+"/file", "f")
	got, _, err := walkAll(t, &Source{Paths: []string{root + "/none", "/proc", "/proc/self/maps", "/dev/null", root}}, root)
	if diff := cmp.Diff([]string{"file=f"}, got); diff != "" {
		t.Errorf("the path that is fine (-want +got):\n%s", diff)
	}
	for _, want := range []string{`"` + root + `/none": no such file`, `"/proc": it is on a pseudo filesystem`, `"/proc/self/maps": it is on a pseudo filesystem`, `"/dev/null": it is neither`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %s", err, want)
		}
	}
}

// An unreadable folder is counted. Root reads everything, so the test runs
// itself again as somebody else.
func TestUnreadableAsAnotherUser(t *testing.T) {
	if dir := os.Getenv("FILESYSTEM_TEST_UNREADABLE"); dir != "" {
		got, led, err := walkAll(t, &Source{Paths: []string{dir}}, dir)
		if err != nil || !cmp.Equal(got, []string{"open=o"}) {
			t.Errorf("objects %v, error %v", got, err)
		}
		wantCounts(t, led, map[scanner.Skip]int64{scanner.SkipUnreadable: 2})
		return
	}
	needRoot(t)
	base, err := os.MkdirTemp("/tmp", "unreadable") // which others may enter, unlike t.TempDir's parents
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(base)
	put(t, base+"/tree/open", "o") // owned by root: O_NOATIME is refused to others
	put(t, base+"/tree/closed/file", "f")
	put(t, base+"/tree/secret", "s")
	exe, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		os.Chmod(base, 0o755), os.Chmod(base+"/tree/closed", 0), os.Chmod(base+"/tree/secret", 0),
		os.WriteFile(base+"/test", exe, 0o755), os.Chmod(base+"/test", 0o755),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(base+"/test", "-test.run", "^TestUnreadableAsAnotherUser$", "-test.count=1")
	cmd.Env = append(os.Environ(), "FILESYSTEM_TEST_UNREADABLE="+base+"/tree")
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("as another user: %v\n%s", err, out)
	}
}

func TestReadingLeavesTheAccessTime(t *testing.T) {
	path := put(t, t.TempDir()+"/file", "f")
	old := time.Unix(1_000_000_000, 0)
	if err := os.Chtimes(path, old, time.Now()); err != nil { // so that even relatime would move it
		t.Fatal(err)
	}
	if _, _, err := walkAll(t, &Source{Paths: []string{filepath.Dir(path)}}, ""); err != nil {
		t.Fatal(err)
	}
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		t.Fatal(err)
	}
	if st.Atim.Sec != old.Unix() {
		t.Errorf("the access time moved to %v", time.Unix(st.Atim.Unix()))
	}
}

func TestWhatIsKnownAboutAFile(t *testing.T) {
	path := put(t, t.TempDir()+"/sub/Some.PHP", "abc")
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	var object *scanner.Object
	err := (&Source{Paths: []string{path}}).Walk(t.Context(), &scanner.Ledger{}, func(o *scanner.Object) bool {
		object = o
		return true
	})
	if err != nil || object == nil {
		t.Fatalf("object %v, error %v", object, err)
	}
	defer object.Content.Close()
	f := object.File
	if f.Dir != filepath.Dir(path) || f.Base != "Some.PHP" || f.Extension != ".php" || f.Mode != 0o100640 || object.Size != 3 || object.Module != Module {
		t.Errorf("file %+v of %+v", f, object)
	}
	object.Data, object.Type = []byte("abc"), "TXT"
	got := object.Describe(object).(*finding.File)
	if got.Path != path || got.Size != 3 || got.MagicHeader != "TXT" || got.Permissions.Mask.String() != "rw-r-----" ||
		got.Hashes.MD5 != "900150983cd24fb0d6963f7d28e17f72" || got.Hashes.SHA1 != "a9993e364706816aba3e25717850c26c9cd0d89d" ||
		got.Hashes.SHA256 != "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" || got.FirstBytes.ASCII != "abc" ||
		time.Since(got.FileTimes.Modified) > time.Hour || got.Permissions.Owner == "" {
		t.Errorf("subject %+v", got)
	}
}

// FuzzParseFolder gives the parser of getdents64(2) any block.
func FuzzParseFolder(f *testing.F) {
	f.Add(dirent("file", 8))
	f.Add(append(dirent(".", 4), dirent("a\nb", 10)...))
	f.Add([]byte{0, 1, 2})
	f.Fuzz(func(t *testing.T, block []byte) {
		parseFolder(block, func(name string, _ uint8) bool {
			if name == "" || name == "." || name == ".." || strings.Contains(name, "\x00") {
				t.Errorf("name %q", name)
			}
			return true
		})
	})
}

func dirent(name string, kind byte) []byte {
	entry := make([]byte, 19+len(name)+1)
	binary.NativeEndian.PutUint16(entry[16:], uint16(len(entry)))
	entry[18] = kind
	copy(entry[19:], name)
	return entry
}
