package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"thordeploy/internal/diag"
)

// replacements are files that are about to get new contents. Each waits in a
// private file in the folder of the one it is for, so that a reader of that
// sees the old contents or the new, and never a part.
type replacements struct {
	waiting []replacement
}

type replacement struct {
	temp, path string // path is behind links: they stay links
}

// add writes data into a waiting file. A file that is there already keeps its
// mode and owner; a new one is for its owner alone.
func (r *replacements) add(name string, data []byte) error {
	path := name
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		info = nil
	case err != nil:
		return wrong("check the path", "%s: %w", diag.Escape(name), cause(err))
	case !info.Mode().IsRegular():
		return wrong("write it elsewhere: --output FILE", "%s is not a file that can be replaced", diag.Escape(name))
	default:
		if path, err = filepath.EvalSymlinks(name); err != nil {
			return fmt.Errorf("%s: %w", diag.Escape(name), cause(err))
		}
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".thordeploy-*") // mode 0600
	if err != nil {
		return wrong("write it elsewhere: --output FILE", "%s can't be replaced: %w", diag.Escape(name), cause(err))
	}
	r.waiting = append(r.waiting, replacement{temp: f.Name(), path: path})
	_, err = f.Write(data)
	if err == nil && info != nil {
		err = likeBefore(f, info)
	}
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", diag.Escape(name), cause(err))
	}
	return nil
}

// likeBefore gives f the owner and mode of the file that it replaces.
func likeBefore(f *os.File, before fs.FileInfo) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	now, ok := info.Sys().(*syscall.Stat_t)
	was, okWas := before.Sys().(*syscall.Stat_t)
	if ok && okWas && (now.Uid != was.Uid || now.Gid != was.Gid) {
		if err := f.Chown(int(was.Uid), int(was.Gid)); err != nil {
			return fmt.Errorf("keep its owner (%d:%d): %w", was.Uid, was.Gid, cause(err))
		}
	}
	return f.Chmod(before.Mode())
}

// commit puts the waiting files in place, in their order.
func (r *replacements) commit() error {
	for len(r.waiting) > 0 {
		w := r.waiting[0]
		if err := os.Rename(w.temp, w.path); err != nil {
			var link *os.LinkError
			if errors.As(err, &link) {
				err = link.Err
			}
			return fmt.Errorf("replace %s: %w", diag.Escape(w.path), err)
		}
		r.waiting = r.waiting[1:]
	}
	return nil
}

// discard removes what still waits.
func (r *replacements) discard() {
	for _, w := range r.waiting {
		_ = os.Remove(w.temp) // nothing better can be done
	}
	r.waiting = nil
}
