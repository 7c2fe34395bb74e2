package bundle

import (
	"crypto/sha1" //nolint:gosec // Ansible's checksum of a file, not a proof of anything
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
)

// cache holds a Cache's trees.
type cache struct {
	mu    sync.Mutex
	slots map[slotKey]*slot
	held  int64 // bytes of contents in memory, of all trees
}

type slotKey struct {
	root             string
	contents, follow bool
}

// slot is one path's place in the cache; its lock makes hosts that ask at the
// same time wait for one packing.
type slot struct {
	mu   sync.Mutex
	tree *Tree
}

func (c *Cache) tree(path string, follow bool) (*Tree, error) {
	root, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	key := slotKey{root, strings.HasSuffix(path, "/"), follow}
	s := c.slot(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	w, err := scan(key.root, key.contents, key.follow)
	if err != nil {
		return nil, err
	}
	if s.tree != nil {
		if w.unchanged(s.tree) {
			return s.tree, nil
		}
		c.release(s.tree)
		s.tree = nil
	}
	t, err := c.load(w)
	if err != nil {
		return nil, err
	}
	s.tree = t
	return t, nil
}

func (c *Cache) slot(key slotKey) *slot {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.slots == nil {
		c.slots = map[slotKey]*slot{}
	}
	s := c.slots[key]
	if s == nil {
		s = &slot{}
		c.slots[key] = s
	}
	return s
}

// reserve takes size bytes of the memory that the cache may hold.
func (c *Cache) reserve(size int64) bool {
	limit := c.MaxBytes
	if limit == 0 {
		limit = DefaultMaxBytes
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if size > limit-c.held {
		return false
	}
	c.held += size
	return true
}

// release gives back what t holds. Writers that still use t keep it alive.
func (c *Cache) release(t *Tree) {
	t.mu.Lock()
	held := t.extra
	t.extra, t.released = 0, true
	t.mu.Unlock()
	for _, d := range t.data {
		held += int64(len(d))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held -= held
}

// keep reports whether a compressed piece of t may be held.
func (c *Cache) keep(t *Tree, size int64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.released || !c.reserve(size) {
		return false
	}
	t.extra += size
	return true
}

// load reads and hashes every file that w found.
func (c *Cache) load(w *walker) (*Tree, error) {
	t := &Tree{Root: w.root, Entries: w.entries, origins: w.origins, data: make([][]byte, len(w.entries))}
	t.Single = len(t.Entries) == 1 && t.Entries[0].Mode.IsRegular() && t.origins[0].file == w.root
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i := range t.Entries {
		if !t.Entries[i].Mode.IsRegular() {
			continue
		}
		t.Size += t.Entries[i].Size
		hold := c.reserve(t.Entries[i].Size) // in walk order: what is held doesn't depend on timing
		if hold {
			t.data[i] = make([]byte, t.Entries[i].Size)
		}
		g.Go(func() error { return t.read(i) })
	}
	if err := g.Wait(); err != nil {
		c.release(t)
		return nil, err
	}
	return t, nil
}

// read hashes the file of entry i, and fills data[i] where it is held.
func (t *Tree) read(i int) error {
	e, from := &t.Entries[i], t.origins[i].file
	f, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("reading %s: %w", from, reason(err))
	}
	defer f.Close() //nolint:errcheck // only read
	digest, first := sha256.New(), hash.Hash(nil)
	sinks := io.Writer(digest)
	if t.Single {
		first = sha1.New() //nolint:gosec // see above
		sinks = io.MultiWriter(digest, first)
	}
	if d := t.data[i]; d != nil || e.Size == 0 {
		if _, err := io.ReadFull(f, d); err != nil {
			return shrunk(from, err)
		}
		_, _ = sinks.Write(d) // a hash never fails
	} else if _, err := io.CopyN(sinks, f, e.Size); err != nil {
		return shrunk(from, err)
	}
	e.SHA256 = hex.EncodeToString(digest.Sum(nil))
	if first != nil {
		e.SHA1 = hex.EncodeToString(first.Sum(nil))
	}
	return nil
}

// shrunk words a file that has fewer bytes than it had when it was listed.
func shrunk(file string, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("reading %s: it became shorter while it was read", file)
	}
	return fmt.Errorf("reading %s: %w", file, reason(err))
}
