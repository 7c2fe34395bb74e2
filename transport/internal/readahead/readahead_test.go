package readahead

import (
	"bytes"
	"crypto/sha256"
	"io"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"
)

func TestEveryByteArrivesInOrder(t *testing.T) {
	src := make([]byte, 3<<20+17)
	rand.NewChaCha8([32]byte{1}).Read(src)
	b := New()
	go b.Fill(iotest.HalfReader(bytes.NewReader(src)))
	got, err := io.ReadAll(iotest.HalfReader(b))
	if err != nil || sha256.Sum256(got) != sha256.Sum256(src) {
		t.Fatalf("got %d bytes of %d, %v", len(got), len(src), err)
	}
}

type endless struct{ given atomic.Int64 }

func (e *endless) Read(p []byte) (int, error) {
	e.given.Add(int64(len(p)))
	return len(p), nil
}

func TestStopsReadingWhenFull(t *testing.T) {
	var src endless
	b := New()
	done := make(chan struct{})
	go func() { b.Fill(&src); close(done) }()
	for src.given.Load() < Size {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(20 * time.Millisecond)
	if got := src.given.Load(); got > Size+64<<10 {
		t.Errorf("read %d bytes ahead of a caller who reads nothing, want about %d", got, Size)
	}
	b.End()
	<-done // Fill is let go
}

func TestEndUnblocksAReaderAndKeepsWhatCame(t *testing.T) {
	r, w := io.Pipe()
	defer w.Close()
	b := New()
	go b.Fill(r)
	w.Write([]byte("early"))
	got := make([]byte, 5)
	io.ReadFull(b, got[:2])
	go func() { time.Sleep(10 * time.Millisecond); b.End() }()
	rest, err := io.ReadAll(b)
	if string(got[:2])+string(rest) != "early" || err != nil {
		t.Fatalf("got %q, %v", string(got[:2])+string(rest), err)
	}
}

func TestWriteWaitsForRoomAndEndsWithTheBuffer(t *testing.T) {
	b := New()
	src := make([]byte, 3*Size)
	rand.NewChaCha8([32]byte{2}).Read(src)
	go func() { b.Write(src); b.End() }()
	if got, err := io.ReadAll(b); err != nil || !bytes.Equal(got, src) {
		t.Fatalf("got %d bytes of %d, %v", len(got), len(src), err)
	}
	if _, err := b.Write([]byte("late")); err != io.ErrClosedPipe {
		t.Errorf("writing after the end: %v", err)
	}
	full := New()
	go func() { time.Sleep(10 * time.Millisecond); full.End() }()
	if n, err := full.Write(src); err != io.ErrClosedPipe || n >= len(src) {
		t.Errorf("a write nobody reads ended with %d bytes, %v", n, err)
	}
}

func TestLoosenLetsTheRestIn(t *testing.T) {
	src := make([]byte, 3*Size)
	b := New()
	done := make(chan struct{})
	go func() { b.Fill(bytes.NewReader(src)); close(done) }()
	b.Loosen()
	<-done
	if got, _ := io.ReadAll(b); len(got) != len(src) {
		t.Errorf("%d bytes of %d are there", len(got), len(src))
	}
}
