package bundle

import (
	"bytes"
	"io"
	"slices"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Codec is how a stream is compressed, by the name of the program that
// undoes it (`gzip -dc`).
type Codec string

// The codecs. A compressed stream is members one after the other, each
// complete: both programs take that (RFC 1952, 2.2; RFC 8878, 3).
const (
	Plain Codec = ""
	Gzip  Codec = "gzip"
	Zstd  Codec = "zstd"
)

const (
	// shareFrom is from which size on a file is compressed once for all
	// hosts, apart from what is around it.
	shareFrom = 32 << 10
	// memberSize is how much goes into a member, so that a stream begins
	// before a large file is compressed as a whole.
	memberSize = 1 << 20
	// sampleSize is how much of a file tells how a tree compresses.
	sampleSize = 64 << 10
)

// zstdEncoder compresses without state between calls, from any goroutine.
var zstdEncoder = sync.OnceValue(func() *zstd.Encoder {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(0))
	if err != nil {
		panic(err) // of our own options
	}
	return e
})

// compress makes one member of p.
func (c Codec) compress(p []byte) []byte {
	if c == Zstd {
		return zstdEncoder().EncodeAll(p, make([]byte, 0, len(p)/2))
	}
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.DefaultCompression) // the level is valid
	_, _ = z.Write(p)                                        // to memory
	_ = z.Close()
	return b.Bytes()
}

// packer gathers what a tar writer writes into members.
type packer struct {
	to    io.Writer
	codec Codec
	loose []byte
	skip  bool // what is written has gone out already
}

func (p *packer) Write(b []byte) (int, error) {
	if p.skip {
		return len(b), nil
	}
	for n := 0; n < len(b); {
		took := min(len(b)-n, memberSize-len(p.loose))
		p.loose = append(p.loose, b[n:n+took]...)
		n += took
		if len(p.loose) == memberSize {
			if err := p.flush(); err != nil {
				return n, err
			}
		}
	}
	return len(b), nil
}

func (p *packer) flush() error {
	if len(p.loose) == 0 {
		return nil
	}
	_, err := p.to.Write(p.codec.compress(p.loose))
	p.loose = p.loose[:0]
	return err
}

// blockKey names the members of one file of a tree.
type blockKey struct {
	entry int
	codec Codec
}

// block is one member, made by the first host that comes to it.
type block struct {
	once sync.Once
	data []byte // nil: the cache has no room for it
}

// blocks are the places of the members of entry i.
func (t *Tree) blocks(i int, codec Codec) []block {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.packed == nil {
		t.packed = map[blockKey][]block{}
	}
	key := blockKey{i, codec}
	if t.packed[key] == nil {
		t.packed[key] = make([]block, (len(t.data[i])+memberSize-1)/memberSize)
	}
	return t.packed[key]
}

// writeBlocks writes the contents of entry i, held in memory, as members.
func (c *Cache) writeBlocks(w io.Writer, t *Tree, i int, codec Codec) error {
	rest := t.data[i]
	list := t.blocks(i, codec)
	for n := range list {
		part := rest[:min(len(rest), memberSize)]
		rest = rest[len(part):]
		var data []byte
		list[n].once.Do(func() {
			data = codec.compress(part)
			if c.keep(t, int64(len(data))) {
				list[n].data = data
			}
		})
		switch {
		case list[n].data != nil:
			data = list[n].data
		case data == nil:
			data = codec.compress(part)
		}
		if _, err := w.Write(data); err != nil {
			return err
		}
	}
	return nil
}

// WriteFileAs is WriteFile compressed with codec.
func (c *Cache) WriteFileAs(w io.Writer, t *Tree, i int, codec Codec) error {
	switch {
	case codec == Plain:
		return t.writeFile(w, i)
	case len(t.data[i]) > 0:
		return c.writeBlocks(w, t, i, codec)
	}
	p := &packer{to: w, codec: codec}
	if err := t.writeFile(p, i); err != nil {
		return err
	}
	if t.Entries[i].Size == 0 {
		_, err := w.Write(codec.compress(nil))
		return err
	}
	return p.flush()
}

// Shrinks estimates what compression makes of t, from the beginnings of its
// largest files that are held in memory: the compressed share of its size, 1
// where nothing is held.
func (c *Cache) Shrinks(t *Tree) float64 {
	t.sample.Do(func() { t.shrinks = t.estimate() })
	return t.shrinks
}

func (t *Tree) estimate() float64 {
	var held []int
	for i := range t.Entries {
		if len(t.data[i]) > 0 {
			held = append(held, i)
		}
	}
	slices.SortFunc(held, func(a, b int) int { return len(t.data[b]) - len(t.data[a]) })
	var size, packed int64
	for _, i := range held[:min(len(held), 8)] {
		d := t.data[i]
		// Headers compress well and say little: the middle is looked at.
		at := max(0, len(d)/2-sampleSize/2)
		part := d[at:min(len(d), at+sampleSize)]
		size, packed = size+int64(len(part)), packed+int64(len(Zstd.compress(part)))
	}
	if size == 0 {
		return 1
	}
	return float64(packed) / float64(size)
}
