package bundle

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"syscall"
	"time"
)

// origin is where an entry's contents are read from, and what tells that they
// changed since.
type origin struct {
	file    string
	ino     uint64
	changed time.Time // ctime: it moves whenever contents or mode do
}

// identity is a folder on disk, for noticing that a symlink leads back.
type identity struct{ dev, ino uint64 }

// walker lists a tree without reading its files.
type walker struct {
	root    string
	follow  bool
	entries []Entry
	origins []origin
}

// scan lists the file or folder at root (absolute, clean). contents leaves the
// folder itself out.
func scan(root string, contents, follow bool) (*walker, error) {
	info, err := os.Stat(root)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", root, reason(err))
	}
	w := &walker{root: root, follow: follow}
	switch {
	case info.Mode().IsRegular():
		if contents {
			return nil, fmt.Errorf("reading %s/: it is a file, and the / at its end asks for a folder's contents", root)
		}
		w.add(filepath.Base(root), root, info, "")
		return w, nil
	case !info.IsDir():
		return nil, special(root, info.Mode())
	}
	if !contents {
		w.add(".", root, info, "")
	}
	return w, w.folder("", root, []identity{identify(info)})
}

// folder adds what is in the folder at file; rel is its path in the tree and
// above the folders it is in, itself included.
func (w *walker) folder(rel, file string, above []identity) error {
	list, err := os.ReadDir(file) // sorted by name
	if err != nil {
		return fmt.Errorf("reading %s: %w", file, reason(err))
	}
	for _, d := range list {
		sub, from := path.Join(rel, d.Name()), filepath.Join(file, d.Name())
		info, err := os.Lstat(from)
		if err != nil {
			return fmt.Errorf("reading %s: %w", from, reason(err))
		}
		if err := w.one(sub, from, info, above); err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) one(rel, file string, info fs.FileInfo, above []identity) error {
	if info.Mode()&fs.ModeSymlink != 0 {
		target, err := os.Readlink(file)
		if err != nil {
			return fmt.Errorf("reading %s: %w", file, reason(err))
		}
		real, err := os.Stat(file)
		if !w.follow || err != nil || real.IsDir() && within(above, identify(real)) {
			w.add(rel, file, info, target)
			return nil
		}
		info = real
	}
	switch {
	case info.Mode().IsRegular():
		w.add(rel, file, info, "")
		return nil
	case info.IsDir():
		w.add(rel, file, info, "")
		return w.folder(rel, file, append(above[:len(above):len(above)], identify(info)))
	}
	return special(file, info.Mode())
}

func (w *walker) add(rel, file string, info fs.FileInfo, link string) {
	e := Entry{Path: rel, Mode: info.Mode(), ModTime: info.ModTime(), Link: link}
	if info.Mode().IsRegular() {
		e.Size = info.Size()
	}
	o := origin{file: file}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		o.ino, o.changed = st.Ino, time.Unix(st.Ctim.Unix())
	}
	w.entries, w.origins = append(w.entries, e), append(w.origins, o)
}

// unchanged reports whether t was packed from what w found.
func (w *walker) unchanged(t *Tree) bool {
	if len(w.entries) != len(t.Entries) {
		return false
	}
	for i, e := range w.entries {
		was := t.Entries[i]
		if e.Path != was.Path || e.Mode != was.Mode || e.Size != was.Size || e.Link != was.Link ||
			!e.ModTime.Equal(was.ModTime) || w.origins[i] != t.origins[i] {
			return false
		}
	}
	return true
}

func identify(info fs.FileInfo) identity {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return identity{uint64(st.Dev), st.Ino}
	}
	return identity{}
}

func within(above []identity, id identity) bool {
	for _, a := range above {
		if a == id {
			return true
		}
	}
	return false
}

func special(file string, mode fs.FileMode) error {
	kind := "a special file"
	switch {
	case mode&fs.ModeNamedPipe != 0:
		kind = "a named pipe"
	case mode&fs.ModeSocket != 0:
		kind = "a socket"
	case mode&fs.ModeDevice != 0:
		kind = "a device"
	}
	return fmt.Errorf("reading %s: it is %s; only files, folders and symlinks can be sent", file, kind)
}

// reason drops the path that an error of package os repeats.
func reason(err error) error {
	if pe, ok := err.(*fs.PathError); ok { //nolint:errorlint // only the outermost wrapping repeats the path
		return pe.Err
	}
	return err
}
