package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"sync"
)

// inputs notes which files a run was made of, by their digests, so that a
// resumed run can tell whether they are still the same.
type inputs struct {
	mu   sync.Mutex
	sums map[string]string // absolute path -> SHA-256 in hex
}

func (in *inputs) note(path, sum string) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.sums == nil {
		in.sums = map[string]string{}
	}
	in.sums[path] = sum
}

// all returns what was noted.
func (in *inputs) all() map[string]string {
	in.mu.Lock()
	defer in.mu.Unlock()
	return maps.Clone(in.sums)
}

// noteFiles notes the files at path, which may be a folder. What isn't there or
// can't be read has been said, or will be, by who needs it.
func (in *inputs) noteFiles(path string) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return
	}
	_ = filepath.WalkDir(abs, func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if sum, err := fileSum(name); err == nil {
				in.note(name, sum)
			}
		}
		return nil
	})
}

func fileSum(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// fileSystem is the disk, rooted at /; files that are read to their end are
// noted.
func (in *inputs) fileSystem() fs.FS { return notingFS{os.DirFS("/"), in} }

type notingFS struct {
	disk fs.FS
	in   *inputs
}

// Open implements fs.FS.
func (n notingFS) Open(name string) (fs.File, error) {
	f, err := n.disk.Open(name)
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return f, nil //nolint:nilerr // whoever reads it finds out
	}
	return &notedFile{File: f, path: "/" + name, sum: sha256.New(), in: n.in}, nil
}

// Stat implements fs.StatFS: without it a file would be opened for this.
func (n notingFS) Stat(name string) (fs.FileInfo, error) { return fs.Stat(n.disk, name) }

// ReadDir implements fs.ReadDirFS.
func (n notingFS) ReadDir(name string) ([]fs.DirEntry, error) { return fs.ReadDir(n.disk, name) }

// notedFile is a file that is noted when it has been read to its end.
type notedFile struct {
	fs.File
	path string
	sum  hash.Hash
	in   *inputs
}

// Read implements fs.File.
func (f *notedFile) Read(p []byte) (int, error) {
	n, err := f.File.Read(p)
	f.sum.Write(p[:n])
	if errors.Is(err, io.EOF) {
		f.in.note(f.path, hex.EncodeToString(f.sum.Sum(nil)))
	}
	return n, err
}
