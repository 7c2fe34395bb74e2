// Package bundle packs a local file or folder once, as a tar stream that every
// host's copy shares, with the digest of each file.
//
// Data flows from the disk into a [Tree] (one walk, each file read and hashed
// once, contents held in memory as far as [Cache.MaxBytes] allows) and from
// there to any number of writers at the same time: a [Stream] hands each of
// them the same byte slices, so a further host costs neither disk nor memory
// nor hashing. Where streams are compressed, the first host that comes to a
// piece of a file compresses it for all ([Codec]).
package bundle

import (
	"io"
	"io/fs"
	"sync"
	"time"
)

// DefaultMaxBytes is what a Cache holds in memory where MaxBytes is zero.
const DefaultMaxBytes = 64 << 20

// Entry is one file, folder or symlink of a tree.
type Entry struct {
	Path    string // slash-separated, relative to the tree's root; "." for the root folder itself; a single file's own name
	Mode    fs.FileMode
	Size    int64 // of regular files
	ModTime time.Time
	SHA256  string // of regular files, lower-case hex
	SHA1    string // of a tree that is one regular file, lower-case hex: what Ansible calls its checksum
	Link    string // target of a symlink
}

// Tree is a packed file or folder. What it says doesn't change after
// [Cache.Tree] returns it.
type Tree struct {
	Root    string  // the local path, absolute
	Entries []Entry // in walk order, parents before children, names sorted
	Size    int64   // bytes of all regular files
	Single  bool    // Root is a regular file; Entries has it alone
	origins []origin
	data    [][]byte // contents by entry; nil: read from origins again

	mu       sync.Mutex
	packed   map[blockKey][]block // compressed contents, as hosts asked for them
	extra    int64                // bytes of those
	released bool                 // the cache has another tree in its place
	sample   sync.Once
	shrinks  float64
}

// Cache packs each local path once, whatever the number of hosts that ask for
// it at the same time. The zero value is ready for use. Contents are read once
// and held in memory up to MaxBytes, beyond which they are read from disk
// again for each host. A path whose files changed on disk since is packed
// anew for whoever asks next.
type Cache struct {
	MaxBytes int64 // zero: DefaultMaxBytes
	Archives Archives
	cache
}

// Tree returns the packed form of path. path ending in "/" packs the folder's
// contents, otherwise the folder itself is the first entry. Symlinks in the
// tree stay symlinks; path itself may be one. The error names the absolute
// path and satisfies errors.Is with the io/fs sentinels.
func (c *Cache) Tree(path string) (*Tree, error) { return c.tree(path, false) }

// TreeFollowing is Tree with the symlinks in the tree replaced by what they
// point to. A symlink that points nowhere, or to a folder that it is in, stays
// a symlink.
func (c *Cache) TreeFollowing(path string) (*Tree, error) { return c.tree(path, true) }

// WriteTar writes those entries of t for which want is true (nil: all) as a
// tar stream to w, with each entry's mode passed through mode (nil: as
// packed). It may run for many writers at once.
func (c *Cache) WriteTar(w io.Writer, t *Tree, want func(Entry) bool, mode func(Entry) fs.FileMode) error {
	a := c.Stream(w, t, Plain)
	for i, e := range t.Entries {
		if want != nil && !want(e) {
			continue
		}
		m := e.Mode
		if mode != nil {
			m = mode(e)
		}
		if err := a.Add(i, m); err != nil {
			return err
		}
	}
	return a.Close()
}

// WriteFile writes the contents of the entry at index i of t, a regular file.
func (c *Cache) WriteFile(w io.Writer, t *Tree, i int) error { return t.writeFile(w, i) }
