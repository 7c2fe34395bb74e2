package report

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// CreateLog creates a log file that its owner alone may read. What was there
// under the name is replaced as soon as the file is open, not written into: a
// link that somebody put there leads nowhere. A name that is a symlink, a
// folder or a device is an error.
func CreateLog(path string) (*os.File, error) {
	f, err := createLog(path)
	if err != nil {
		return nil, fmt.Errorf("cannot create the log %s: %w", path, err)
	}
	return f, nil
}

func createLog(path string) (*os.File, error) {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	case info.Mode()&fs.ModeSymlink != 0:
		return nil, errors.New("it is a symlink, which a log isn't written through (remove it, or name its target)")
	case !info.Mode().IsRegular():
		return nil, errors.New("it exists and is not a regular file")
	}
	tmp := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+"."+rand.Text()[:8])
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	if err := os.Rename(tmp, path); err != nil {
		f.Close()
		os.Remove(tmp)
		return nil, err
	}
	return f, nil
}
