// Package filesystem is the [scanner.Source] of files.
//
// It walks folders as if somebody wanted to hurt it. Each folder and file is
// opened relative to the folder it was listed in and never through a symlink,
// so that a folder swapped for a link in mid-walk leads nowhere; only what was
// listed as a regular file is opened, without blocking, and looked at again
// once open. Mount points are recognised before they are touched, since a dead
// network mount hangs whoever does. Each device and inode is yielded once.
// Everything left out is counted in the scan's ledger.
package filesystem

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"thordeploy/scanner"
)

// Module is the name of this source in findings.
const Module = "Filescan"

// Source yields the regular files below some paths.
type Source struct {
	// Paths are files and folders. A path's own symlinks are followed, since
	// the user named it; those below it aren't. A path on a network or
	// user-space filesystem is walked, since the user named it; one on a
	// pseudo filesystem such as /proc isn't. None: "/".
	Paths []string
	// AllMounts goes on into other mounted filesystems, except network,
	// user-space and pseudo ones.
	AllMounts bool
	// Own are files and folders of the scanner itself, which are left out
	// wherever they are met. Those that don't exist are ignored.
	Own []string
}

// ID is what identifies a file on a running system.
type ID struct{ Dev, Ino uint64 }

// Module returns "Filescan".
func (*Source) Module() string { return Module }

// Walk implements [scanner.Source]. Paths that can't be walked at all are
// returned as errors, joined; the others are walked all the same.
func (s *Source) Walk(ctx context.Context, led *scanner.Ledger, yield func(*scanner.Object) bool) error {
	w := &walk{
		ctx: ctx, led: led, yield: yield, allMounts: s.AllMounts,
		seen: map[ID]bool{}, own: map[ID]bool{}, names: newNames(), mounts: readMounts("/proc/self/mountinfo"),
		maxDepth: maxDepth(),
	}
	for _, path := range s.Own {
		var st unix.Stat_t
		if unix.Stat(path, &st) == nil {
			w.own[idOf(&st)] = true
		}
	}
	paths := s.Paths
	if len(paths) == 0 {
		paths = []string{"/"}
	}
	var errs []error
	for _, path := range paths {
		if err := w.root(path); err != nil {
			errs = append(errs, fmt.Errorf("cannot scan %q: %w", path, err))
		}
		if w.stopped {
			break
		}
	}
	return errors.Join(errs...)
}

func idOf(st *unix.Stat_t) ID { return ID{Dev: uint64(st.Dev), Ino: st.Ino} }

// maxDepth is how many folders can be held open at a time, at most as many as
// an ordinary path (PATH_MAX) has room for.
func maxDepth() int {
	const reserve, most = 64, 2048
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil || limit.Cur > most+reserve {
		return most
	}
	return max(int(limit.Cur)-reserve, 16)
}

// maxPath is the longest path, in bytes, of a folder that is entered. The
// paths of all folders above are in memory, and a finding is one line with the
// path in it: names of the full 255 bytes, 2,000 deep, would take 600 MB and
// make a line that no reader takes.
const maxPath = 32 << 10

// walk is one Walk in progress. It runs in one goroutine.
type walk struct {
	ctx       context.Context
	led       *scanner.Ledger
	yield     func(*scanner.Object) bool
	allMounts bool
	maxDepth  int
	stopped   bool

	own    map[ID]bool
	names  *names
	mounts map[string]string // mount point -> filesystem type

	// seen holds every folder, and every file that has several names or was
	// named by the user: a file with one name is met once, in its one folder.
	seen map[ID]bool
}

// root begins at a path that the user named.
func (w *walk) root(path string) error {
	abs, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	resolved, err := filepath.EvalSymlinks(abs)
	if err != nil {
		return unwrapPath(err)
	}
	var st unix.Stat_t
	if err := unix.Lstat(resolved, &st); err != nil {
		return err
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		return w.rootFolder(resolved)
	case unix.S_IFREG:
		return w.rootFile(resolved)
	}
	return errors.New("it is neither a folder nor a regular file")
}

func (w *walk) rootFolder(path string) error {
	fd, err := openFolder(unix.AT_FDCWD, path)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	st, err := statRoot(fd)
	if err != nil {
		return err
	}
	w.folder(fd, path, st, 0, uint64(st.Dev))
	return nil
}

// rootFile yields a file that the user named. If its folder has been walked,
// the file has been met there; if it is walked later, the file is known.
func (w *walk) rootFile(path string) error {
	fd, err := openFolder(unix.AT_FDCWD, filepath.Dir(path))
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	st, err := statRoot(fd)
	if err != nil {
		return err
	}
	if _, mounted := w.mounts[path]; w.seen[idOf(st)] && !mounted {
		w.led.Add(scanner.SkipSeen, path, "")
		return nil
	}
	return w.file(fd, filepath.Dir(path), filepath.Base(path), true)
}

// statRoot looks at an open folder that the user named, or that holds a file
// the user named. Files on a pseudo filesystem say that they are empty: to
// scan one would call it clean.
func statRoot(fd int) (*unix.Stat_t, error) {
	var fs unix.Statfs_t
	if err := unix.Fstatfs(fd, &fs); err != nil {
		return nil, err
	}
	if kindOf(int64(fs.Type)) == pseudo {
		return nil, errors.New("it is on a pseudo filesystem, which holds no files to scan")
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, err
	}
	return &st, nil
}

// folder walks an open folder. The caller closes fd.
func (w *walk) folder(fd int, path string, st *unix.Stat_t, depth int, mount uint64) {
	id := idOf(st)
	switch {
	case w.own[id]:
		w.led.Add(scanner.SkipOwn, path, "")
		return
	case w.seen[id]:
		w.led.Add(scanner.SkipSeen, path, "")
		return
	}
	w.seen[id] = true
	err := readFolder(fd, func(name string, kind uint8) bool {
		w.entry(fd, path, name, kind, depth, mount)
		w.stopped = w.stopped || w.ctx.Err() != nil
		return !w.stopped
	})
	if err != nil {
		w.led.Add(scanner.SkipUnreadable, path, "listing it: "+err.Error())
	}
}

// entry handles one name of a folder.
func (w *walk) entry(dir int, path, name string, kind uint8, depth int, mount uint64) {
	if kind == unix.DT_UNKNOWN {
		var st unix.Stat_t
		if err := unix.Fstatat(dir, name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
			w.failed(join(path, name), err)
			return
		}
		kind = uint8(st.Mode & unix.S_IFMT >> 12) // DT_ values are the type bits of st_mode
	}
	switch kind {
	case unix.DT_DIR:
		w.subfolder(dir, path, name, depth, mount)
	case unix.DT_REG:
		if !w.otherMount(join(path, name)) {
			_ = w.file(dir, path, name, false) // counted in the ledger
		}
	case unix.DT_LNK:
		w.led.Add(scanner.SkipSymlink, join(path, name), "")
	case unix.DT_FIFO:
		w.led.Add(scanner.SkipFIFO, join(path, name), "")
	case unix.DT_SOCK:
		w.led.Add(scanner.SkipSocket, join(path, name), "")
	default:
		w.led.Add(scanner.SkipDevice, join(path, name), "")
	}
}

// subfolder enters a folder unless it belongs to a filesystem that is left out.
func (w *walk) subfolder(dir int, parent, name string, depth int, mount uint64) {
	path := join(parent, name)
	if depth+1 >= w.maxDepth || len(path) > maxPath {
		w.led.Add(scanner.SkipTooDeep, path, "")
		return
	}
	if w.otherMount(path) {
		return
	}
	fd, err := openFolder(dir, name)
	if err != nil {
		w.failed(path, err)
		return
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		w.failed(path, err)
		return
	}
	if uint64(st.Dev) != mount {
		var fs unix.Statfs_t
		if err := unix.Fstatfs(fd, &fs); err != nil {
			w.failed(path, err)
			return
		}
		// A btrfs subvolume has a device of its own without being a mount.
		subvolume := w.mounts != nil && int64(fs.Type) == unix.BTRFS_SUPER_MAGIC
		if reason, skip := w.skipMount(kindOf(int64(fs.Type))); skip && !subvolume {
			w.led.Add(reason, path, "")
			return
		}
		mount = uint64(st.Dev)
	}
	w.folder(fd, path, &st, depth+1, mount)
}

// otherMount tells whether path, a folder or a file, is a mount point that is
// left out, and counts it. The mount table decides, before the mount point is
// touched: it may be dead.
func (w *walk) otherMount(path string) bool {
	fstype, mounted := w.mounts[path]
	if !mounted {
		return false
	}
	reason, skip := w.skipMount(kindOfName(fstype))
	if skip {
		w.led.Add(reason, path, fstype)
	}
	return skip
}

func (w *walk) skipMount(k kind) (scanner.Skip, bool) {
	switch {
	case k == pseudo:
		return scanner.SkipPseudo, true
	case k == network:
		return scanner.SkipNetworkFS, true
	}
	return scanner.SkipMount, !w.allMounts
}

// file opens and yields a regular file. The error is for a path that the user
// named; it has been counted.
func (w *walk) file(dir int, parent, name string, named bool) error {
	path := join(parent, name)
	fd, err := openFile(dir, name)
	if err != nil {
		w.failed(path, err)
		return err
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		unix.Close(fd)
		w.failed(path, err)
		return err
	}
	if reason, skip := w.skipFile(&st, named); skip {
		unix.Close(fd)
		w.led.Add(reason, path, "")
		return nil
	}
	if !w.yield(w.object(fd, path, parent, name, &st)) {
		w.stopped = true
	}
	return nil
}

func (w *walk) skipFile(st *unix.Stat_t, named bool) (scanner.Skip, bool) {
	id := idOf(st)
	switch {
	case st.Mode&unix.S_IFMT != unix.S_IFREG:
		return scanner.SkipVanished, true // replaced since it was listed
	case w.own[id]:
		return scanner.SkipOwn, true
	case w.seen[id]:
		return scanner.SkipSeen, true
	}
	if st.Nlink != 1 || named {
		w.seen[id] = true
	}
	return "", false
}

// failed counts what could not be opened, by what its error says.
func (w *walk) failed(path string, err error) {
	switch {
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ELOOP), errors.Is(err, unix.ENOTDIR), errors.Is(err, unix.ENXIO):
		w.led.Add(scanner.SkipVanished, path, err.Error()) // gone, or replaced by something else
	default:
		w.led.Add(scanner.SkipUnreadable, path, err.Error())
	}
}

func join(dir, name string) string {
	if strings.HasSuffix(dir, "/") {
		return dir + name
	}
	return dir + "/" + name
}

// unwrapPath takes the path out of an error that will be printed beside it.
func unwrapPath(err error) error {
	if inner := errors.Unwrap(err); inner != nil {
		return inner
	}
	return err
}
