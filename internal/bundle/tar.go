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

// Stream writes entries of a tree as a tar stream. It uses the GNU format: its
// names are bytes of any length and encoding, and busybox tar reads them, which
// it doesn't with PAX. Create it with [Cache.Stream]; for one goroutine.
type Stream struct {
	cache *Cache
	tree  *Tree
	out   *bufio.Writer // nil where pack is not
	pack  *packer       // nil: as it is
	tar   *tar.Writer
}

// Stream begins a tar stream of entries of t to w, compressed with codec.
func (c *Cache) Stream(w io.Writer, t *Tree, codec Codec) *Stream {
	a := &Stream{cache: c, tree: t}
	if codec == Plain {
		a.out = bufio.NewWriterSize(w, blockSize)
		a.tar = tar.NewWriter(a.out)
	} else {
		a.pack = &packer{to: w, codec: codec}
		a.tar = tar.NewWriter(a.pack)
	}
	return a
}

// Add writes the entry at index i with owner and group 0 and the permissions
// of mode.
func (a *Stream) Add(i int, mode fs.FileMode) error {
	e := a.tree.Entries[i]
	h := &tar.Header{Format: tar.FormatGNU, Name: e.Path, ModTime: e.ModTime, Mode: unixMode(mode), Typeflag: tar.TypeReg, Size: e.Size}
	switch {
	case e.Mode.IsDir():
		h.Typeflag, h.Size, h.Name = tar.TypeDir, 0, e.Path+"/"
	case e.Mode&fs.ModeSymlink != 0:
		h.Typeflag, h.Size, h.Linkname = tar.TypeSymlink, 0, e.Link
	}
	if err := a.tar.WriteHeader(h); err != nil {
		return fmt.Errorf("packing %s: %w", a.tree.origins[i].file, err)
	}
	switch {
	case h.Typeflag != tar.TypeReg:
		return nil
	case a.pack != nil && a.tree.data[i] != nil && e.Size >= shareFrom:
		return a.shared(i)
	}
	return a.tree.writeFile(a.tar, i)
}

// shared writes the contents of entry i from the blocks that all hosts share.
func (a *Stream) shared(i int) error {
	if err := a.pack.flush(); err != nil {
		return err
	}
	if err := a.cache.writeBlocks(a.pack.to, a.tree, i, a.pack.codec); err != nil {
		return err
	}
	// The tar writer must see them too, to count them.
	a.pack.skip = true
	_, err := a.tar.Write(a.tree.data[i])
	a.pack.skip = false
	return err
}

// Close writes the end of the stream. It doesn't close what it writes to.
func (a *Stream) Close() error {
	if err := a.tar.Close(); err != nil {
		return fmt.Errorf("packing %s: %w", a.tree.Root, err)
	}
	if a.pack != nil {
		return a.pack.flush()
	}
	return a.out.Flush()
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
