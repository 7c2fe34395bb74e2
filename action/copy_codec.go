package action

import (
	"sync"
	"time"

	"thordeploy/internal/bundle"
	"thordeploy/transport"
)

const (
	// packFrom is from how many bytes on compression is thought of.
	packFrom = 512 << 10
	// packBelow is the share that compression must leave at most.
	packBelow = 0.8
	// minPadding and maxPadding bound what a link is measured with: a 64th of
	// what is to be sent. The more it is, the less a busy host can blur it.
	minPadding, maxPadding = 48 << 10, 384 << 10
	// gzipBelow and zstdBelow are the speeds of a link, in bytes a second,
	// below which it pays that the host undoes the compression: docs/benchmarks.md
	// has what that costs it.
	gzipBelow = 12 << 20
	zstdBelow = 40 << 20
)

// codec begins to find out how n bytes are to be sent to the host, and returns
// a function that waits for the answer. The link is measured by itself: some
// padding goes ahead, while the stream's channel opens, and is as good as
// nothing on a link where its length matters. Its answer comes late where the
// link is slow, and nobody waits longer than to know that.
func (cp *copying) codec(p *probe, n int64) func() bundle.Codec {
	plain := func() bundle.Codec { return bundle.Plain }
	codec, below := bundle.Plain, 0.0
	switch {
	case p.zstd:
		codec, below = bundle.Zstd, zstdBelow
	case p.gzip:
		codec, below = bundle.Gzip, gzipBelow
	}
	if codec == bundle.Plain || n < packFrom || cp.call.Trees.Shrinks(cp.tree) > packBelow {
		return plain
	}
	g := transport.GaugeOf(cp.call.Shell.Conn())
	if g == nil {
		return plain
	}
	padding := min(max(minPadding, int(n>>6)), maxPadding)
	limit := g.RTT() + time.Duration(float64(padding)/below*float64(time.Second))
	begin, read := time.Now(), g.Pad(padding)
	return sync.OnceValue(func() bundle.Codec { // one answer for all lanes
		late := time.NewTimer(time.Until(begin.Add(limit)))
		defer late.Stop()
		var at time.Time
		select {
		case at = <-read:
		case <-late.C:
			select {
			case at = <-read: // it had come when nobody looked yet
			default:
				return codec
			}
		}
		if at.Sub(begin) <= limit {
			return bundle.Plain
		}
		return codec
	})
}
