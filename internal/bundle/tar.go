package bundle

import (
	"archive/tar"
	"bufio"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// blockSize is how much is gathered before a write, so that a tree of small
// files becomes few large writes. Held contents that are larger pass through
// without being copied.
const blockSize = 64 << 10

// writeTar uses the GNU format: its names are bytes of any length and
// encoding, and busybox tar reads them, which it doesn't with PAX.
func (t *Tree) writeTar(w io.Writer, want func(Entry) bool, mode func(Entry) fs.FileMode) error {
	out := bufio.NewWriterSize(w, blockSize)
	tw := tar.NewWriter(out)
	for i, e := range t.Entries {
		if want != nil && !want(e) {
			continue
		}
		h := &tar.Header{Format: tar.FormatGNU, Name: e.Path, ModTime: e.ModTime, Mode: unixMode(e.Mode), Typeflag: tar.TypeReg, Size: e.Size}
		if mode != nil {
			h.Mode = unixMode(mode(e))
		}
		switch {
		case e.Mode.IsDir():
			h.Typeflag, h.Size, h.Name = tar.TypeDir, 0, e.Path+"/"
		case e.Mode&fs.ModeSymlink != 0:
			h.Typeflag, h.Size, h.Linkname = tar.TypeSymlink, 0, e.Link
		}
		if err := tw.WriteHeader(h); err != nil {
			return fmt.Errorf("packing %s: %w", t.origins[i].file, err)
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		if err := t.writeFile(tw, i); err != nil {
			return err
		}
	}
	if err := tw.Close(); err != nil {
		return fmt.Errorf("packing %s: %w", t.Root, err)
	}
	return out.Flush()
}

func (t *Tree) writeFile(w io.Writer, i int) error {
	if d := t.data[i]; d != nil {
		_, err := w.Write(d)
		return err
	}
	size := t.Entries[i].Size
	if size == 0 {
		return nil
	}
	f, err := os.Open(t.origins[i].file)
	if err != nil {
		return fmt.Errorf("reading %s: %w", t.origins[i].file, reason(err))
	}
	defer f.Close() //nolint:errcheck // only read
	n, err := io.CopyBuffer(struct{ io.Writer }{w}, io.LimitReader(f, size), make([]byte, blockSize))
	if err == nil && n < size {
		err = shrunk(t.origins[i].file, io.ErrUnexpectedEOF)
	}
	return err
}

// unixMode is m's permission bits as chmod(2) has them.
func unixMode(m fs.FileMode) int64 {
	n := int64(m.Perm())
	if m&fs.ModeSetuid != 0 {
		n |= 0o4000
	}
	if m&fs.ModeSetgid != 0 {
		n |= 0o2000
	}
	if m&fs.ModeSticky != 0 {
		n |= 0o1000
	}
	return n
}
