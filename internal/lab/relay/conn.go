package relay

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// chunkSize is the most that is read at once.
	chunkSize = 32 << 10
	// queueSize is what a link holds beyond what is on its way: a router's
	// buffer.
	queueSize = 256 << 10
	// fastest bounds the bytes on their way where no rate does.
	fastest = 100 << 20
)

// conn is one relayed connection.
type conn struct {
	relay          *Relay
	client, server net.Conn
	up, down       way
}

// way is one direction. depth is of what was delivered last (see
// Relay.RoundTrips).
type way struct{ depth atomic.Int64 }

// chunk is bytes on their way.
type chunk struct {
	data  []byte
	due   time.Time // when the link delivers them
	depth int64
	last  bool // end of file follows
}

// run relays until both directions have ended.
func (c *conn) run() {
	var ways sync.WaitGroup
	ways.Go(func() {
		c.carry(c.client, c.server, &c.up, &c.relay.up, func() int64 { return c.down.depth.Load() + 1 })
	})
	ways.Go(func() { c.carry(c.server, c.client, &c.down, &c.relay.down, c.up.depth.Load) })
	ways.Wait()
	c.cut()
}

func (c *conn) cut() {
	for _, side := range []net.Conn{c.client, c.server} {
		if t, ok := side.(*net.TCPConn); ok {
			_ = t.SetLinger(0) // a reset, as from a host that knows nothing of it
		}
		side.Close()
	}
}

// carry is one direction. Its queue is bounded in bytes, so that a sender feels
// a slow link as it would a real one.
func (c *conn) carry(from, to net.Conn, w *way, count *atomic.Int64, depth func() int64) {
	q := newQueue(c.relay.link)
	var writer sync.WaitGroup
	writer.Go(func() { deliver(q, to, w) })
	buf := make([]byte, chunkSize)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			total := count.Add(int64(n))
			q.put(chunk{data: append([]byte(nil), buf[:n]...), depth: depth()})
			if at := c.relay.cutAt.Load(); at > 0 && w == &c.up && total >= at {
				c.cut()
			}
		}
		if err != nil {
			q.put(chunk{last: true})
			break
		}
	}
	writer.Wait()
}

// deliver writes what is due.
func deliver(q *queue, to net.Conn, w *way) {
	for {
		k := q.take()
		time.Sleep(time.Until(k.due))
		if k.last {
			if t, ok := to.(*net.TCPConn); ok {
				_ = t.CloseWrite() // the other direction may go on
			}
			return
		}
		if k.depth > w.depth.Load() {
			w.depth.Store(k.depth)
		}
		_, err := to.Write(k.data) // where nobody listens any more, the rest is dropped
		_ = err
		q.done(len(k.data))
	}
}

// queue is what is on its way in one direction.
type queue struct {
	link  Link
	limit int

	mu    sync.Mutex
	moved sync.Cond
	list  []chunk
	size  int       // bytes, those that are being written included
	free  time.Time // when the link has sent what is in it
}

func newQueue(link Link) *queue {
	rate := link.Rate
	if rate == 0 {
		rate = fastest
	}
	q := &queue{link: link, limit: queueSize + int(float64(rate)*link.Delay.Seconds())}
	q.moved.L = &q.mu
	return q
}

func (q *queue) put(k chunk) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.size >= q.limit && !k.last {
		q.moved.Wait()
	}
	now := time.Now()
	if q.free.Before(now) {
		q.free = now
	}
	if q.link.Rate > 0 {
		q.free = q.free.Add(time.Duration(float64(len(k.data)) / float64(q.link.Rate) * float64(time.Second)))
	}
	k.due = q.free.Add(q.link.Delay)
	q.list = append(q.list, k)
	q.size += len(k.data)
	q.moved.Broadcast()
}

func (q *queue) take() chunk {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.list) == 0 {
		q.moved.Wait()
	}
	k := q.list[0]
	q.list = q.list[1:]
	return k
}

func (q *queue) done(n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.size -= n
	q.moved.Broadcast()
}
