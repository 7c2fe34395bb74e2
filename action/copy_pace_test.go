package action

import (
	"io"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"thordeploy/transport"
)

// TestCopyIsPaced: where tar can say how far it has come, on a short way.
func TestCopyIsPaced(t *testing.T) {
	t.Parallel()
	src, text := rulesPack(t, 4, 1<<20)
	for _, s := range testShells {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			far := &farAway{rtt: time.Millisecond}
			h := openHostOver(t, s.name, s.prefix, func(c transport.Conn) transport.Conn { far.Conn = c; return far })
			dest := filepath.Join(t.TempDir(), "to")
			mustOK(t, h.run(t, "copy", values{"src": src + "/", "dest": dest}), true)
			holds(t, dest+"/d1/f1", text, 0o644)
			if paced := strings.Contains(far.lines[0], "--checkpoint=13"); paced != (s.name != "busybox") {
				t.Errorf("under %s the stream was paced: %v", s.name, paced)
			}
		})
	}
}

// TestPacer: no more is on its way than the bound, and no longer when the host
// has nothing more to say.
func TestPacer(t *testing.T) {
	t.Parallel()
	dots, host := io.Pipe()
	p := newPacer(512 << 10)
	var sent countedBytes
	p.w = &sent
	go p.heed(dots) //nolint:errcheck // always nil
	ended := make(chan error, 1)
	go func() {
		_, err := p.Write(make([]byte, 4<<20))
		ended <- err
	}()
	stands := func(least, most int64) {
		t.Helper()
		var was int64 = -1
		for now := sent.n(); now != was; now = sent.n() {
			was = now
			time.Sleep(50 * time.Millisecond)
		}
		if was < least || was > most {
			t.Errorf("%d bytes are on their way, want %d to %d", was, least, most)
		}
	}
	stands(512<<10, 512<<10+ackBytes)
	_, _ = host.Write([]byte("..."))
	stands(512<<10+3*ackBytes, 512<<10+4*ackBytes)
	_ = host.Close()
	if err := <-ended; err != nil || sent.n() != 4<<20 {
		t.Errorf("%d bytes went, %v", sent.n(), err)
	}
	if paceFor(0) != 0 || paceFor(laneRTT) != 0 || paceFor(time.Millisecond) == 0 {
		t.Error("the bound doesn't follow the way's length")
	}
}

// countedBytes counts what is written.
type countedBytes struct{ count atomic.Int64 }

func (c *countedBytes) Write(b []byte) (int, error) { c.count.Add(int64(len(b))); return len(b), nil }
func (c *countedBytes) n() int64                    { return c.count.Load() }
