// Package readahead is the bounded buffer between a command's streams as they
// flow and a caller who reads and writes when it likes.
//
// Behind an output stream it lets the stream be drained, and Wait return, while
// the caller hasn't read yet. Behind either kind it unblocks the caller when
// the channel is closed on this side although the command goes on.
package readahead

import (
	"io"
	"sync"
)

// Size is how much is held between the two sides, in bytes. Memory is taken only
// as it fills.
const Size = 256 << 10

// Buffer carries bytes from a writer (or one [Buffer.Fill]) to a reader.
// Create it with [New].
type Buffer struct {
	mu    sync.Mutex
	moved sync.Cond // something was written, read or ended
	data  []byte    // unread bytes: data[at:]
	at    int
	ended bool // no more will come; reads end after data
	loose bool // don't wait for room
}

// New returns an empty buffer.
func New() *Buffer {
	b := &Buffer{}
	b.moved.L = &b.mu
	return b
}

// Fill copies src until its end, an error, or End, then ends the buffer. While
// the buffer is full it doesn't read, so that src's own flow control holds the
// command back.
func (b *Buffer) Fill(src io.Reader) {
	defer b.End()
	chunk := make([]byte, 32<<10)
	for {
		n, err := src.Read(chunk)
		if !b.put(chunk[:n]) || err != nil {
			return
		}
	}
}

// put appends p and waits for room for the next chunk. It reports false when
// the buffer has ended.
func (b *Buffer) put(p []byte) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended {
		return false
	}
	if b.at > 0 && len(b.data)+len(p) > cap(b.data) {
		b.data = b.data[:copy(b.data, b.data[b.at:])]
		b.at = 0
	}
	b.data = append(b.data, p...)
	b.moved.Broadcast()
	for len(b.data)-b.at >= Size && !b.ended && !b.loose {
		b.moved.Wait()
	}
	return !b.ended
}

// Write appends p, waiting for room. After End it is io.ErrClosedPipe.
func (b *Buffer) Write(p []byte) (int, error) {
	n := 0
	for {
		chunk := p[n:min(len(p), n+64<<10)]
		if !b.put(chunk) {
			return n, io.ErrClosedPipe
		}
		if n += len(chunk); n == len(p) {
			return n, nil
		}
	}
}

// Read gives what has arrived, waiting for at least one byte, and io.EOF once
// the buffer has ended and is empty.
func (b *Buffer) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(p) == 0 {
		return 0, nil
	}
	for b.at == len(b.data) {
		if b.ended {
			return 0, io.EOF
		}
		b.moved.Wait()
	}
	n := copy(p, b.data[b.at:])
	b.at += n
	if b.at == len(b.data) {
		b.data, b.at = b.data[:0], 0
	}
	b.moved.Broadcast()
	return n, nil
}

// Loosen lets the writing side go on without room, for what little a source
// that is at its end still holds.
func (b *Buffer) Loosen() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.loose = true
	b.moved.Broadcast()
}

// End says that nothing more will come. What is there stays readable.
func (b *Buffer) End() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended = true
	b.moved.Broadcast()
}
