package action

import (
	"fmt"
	"io"
	"sync"
	"time"
)

const (
	// ackEvery is after how many records of 10 KiB GNU tar says that it has
	// come so far.
	ackEvery = 13
	ackBytes = ackEvery * 20 * 512
	// ackWait is how long a stream waits for tar's word before it does without.
	ackWait = 10 * time.Second
)

// tarCommand is how standard input is unpacked; paced: with a dot on standard
// output for what is done.
func tarCommand(paced bool) string {
	if paced {
		return fmt.Sprintf("tar --checkpoint=%d --checkpoint-action=dot -xopmf -", ackEvery)
	}
	return "tar -xopmf -"
}

// paceFor is how many bytes may be on their way that the host's tar hasn't
// unpacked yet; 0: SSH's window bounds them. What waits there, waits in the
// memory of the host's SSH server, which takes and gives back pages for all that
// a fast link brings ahead of tar: half of the processor's time of a copy. On a
// long way a bound would be what slows the stream.
func paceFor(rtt time.Duration) int64 {
	switch {
	case rtt == 0 || rtt >= laneRTT:
		return 0
	case rtt >= laneRTT/2:
		return 1 << 20
	}
	return 512 << 10
}

// pacer holds a stream back to what the host unpacks.
type pacer struct {
	w     io.Writer
	ahead int64 // the bound

	mu    sync.Mutex
	moved sync.Cond
	sent  int64
	acked int64
	free  bool // the host says no more, or never did
}

func newPacer(ahead int64) *pacer {
	p := &pacer{ahead: ahead}
	p.moved.L = &p.mu
	return p
}

// heed reads tar's dots to their end.
func (p *pacer) heed(r io.Reader) error {
	buf := make([]byte, 256)
	for {
		n, err := r.Read(buf)
		p.mu.Lock()
		p.acked += int64(n) * ackBytes
		p.free = p.free || err != nil
		p.moved.Broadcast()
		p.mu.Unlock()
		if err != nil {
			return nil // the exit status tells more
		}
	}
}

func (p *pacer) Write(b []byte) (int, error) {
	for n := 0; ; {
		part := b[n:min(len(b), n+ackBytes/2)]
		p.wait(int64(len(part)))
		m, err := p.w.Write(part)
		if n += m; err != nil || n == len(b) {
			return n, err
		}
	}
}

// wait counts n bytes and waits until so much is unpacked that they may go.
func (p *pacer) wait(n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	late := time.AfterFunc(ackWait, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.free = true
		p.moved.Broadcast()
	})
	defer late.Stop()
	for p.sent-p.acked > p.ahead && !p.free {
		p.moved.Wait()
	}
	p.sent += n
}
