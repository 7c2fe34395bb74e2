// Package limit bounds how fast bytes flow on connections: a decorator of
// transport.Conn that makes the streams of commands and files wait for their
// turn with one or more limiters, which connections may share.
//
// What counts are the bytes of the streams, both ways together, without what
// SSH adds to them (1 or 2 percent). Short writes, of which requests and
// heartbeats are made, count and don't wait, so that a host stays reachable
// behind the others' trees. What a host sends waits where it is read: the first
// 2 MiB of a stream, SSH's window, may come at once.
package limit

import (
	"context"
	"io"
	"io/fs"
	"time"

	"golang.org/x/time/rate"

	"thordeploy/transport"
)

const (
	// Least is the least rate that can be kept to, in bytes a second: below
	// it a heartbeat would be late behind the rest.
	Least = 8 << 10
	// unhurried is the length of a write that doesn't wait.
	unhurried = 4 << 10
	// most and least are how much passes at once: a twentieth of a second's
	// bytes within these bounds.
	most, least = 64 << 10, 1 << 10
)

// Limiter bounds the bytes of all connections that share it. Create it with
// [New].
type Limiter struct {
	rate  float64 // bytes a second
	piece int
	bytes *rate.Limiter
}

// New returns a limiter of so many bytes a second.
func New(bytesPerSecond int64) *Limiter {
	piece := int(min(max(bytesPerSecond/20, least), most))
	return &Limiter{
		rate: float64(bytesPerSecond), piece: piece,
		bytes: rate.NewLimiter(rate.Limit(bytesPerSecond), piece),
	}
}

// Conn is conn with its streams bounded by each of the limiters; without any
// it is conn itself.
func Conn(conn transport.Conn, limiters ...*Limiter) transport.Conn {
	if len(limiters) == 0 {
		return conn
	}
	c := &limited{Conn: conn, limiters: limiters, piece: most}
	for _, l := range limiters {
		c.piece = min(c.piece, l.piece)
	}
	return c
}

type limited struct {
	transport.Conn
	limiters []*Limiter
	piece    int // what every limiter lets pass at once
}

// User is the account that connected, where conn knows it.
func (c *limited) User() string {
	if u, ok := c.Conn.(interface{ User() string }); ok {
		return u.User()
	}
	return ""
}

// RTT is that of the connection beneath.
func (c *limited) RTT() time.Duration {
	if g := transport.GaugeOf(c.Conn); g != nil {
		return g.RTT()
	}
	return 0
}

// Pad answers when n bytes would have passed, without sending them where the
// limit is what counts.
func (c *limited) Pad(n int) <-chan time.Time {
	read := make(chan time.Time, 1)
	var wait time.Duration
	for _, l := range c.limiters {
		wait = max(wait, time.Duration(float64(n)/l.rate*float64(time.Second)))
	}
	g := transport.GaugeOf(c.Conn)
	go func() {
		time.Sleep(c.RTT() + wait)
		at := time.Now()
		if g != nil && wait < 20*time.Millisecond {
			at = <-g.Pad(n)
		}
		read <- at
	}()
	return read
}

// pass counts n bytes, at most a piece, and waits until they may pass.
func (c *limited) pass(ctx context.Context, n int) error {
	for _, l := range c.limiters {
		if err := l.bytes.WaitN(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

// count counts n bytes that don't wait, at most a piece.
func (c *limited) count(n int) {
	for _, l := range c.limiters {
		l.bytes.ReserveN(time.Now(), n)
	}
}

func (c *limited) Start(ctx context.Context, line string) (transport.Process, error) {
	p, err := c.Conn.Start(ctx, line)
	if err != nil {
		return nil, err
	}
	// What waits for its turn goes no further when the process is closed.
	ctx, cancel := context.WithCancel(ctx)
	return &process{Process: p, conn: c, ctx: ctx, cancel: cancel}, nil
}

func (c *limited) Files(ctx context.Context) (transport.Files, error) {
	f, err := c.Conn.Files(ctx)
	if err != nil {
		return nil, err
	}
	return files{f, c}, nil
}

type process struct {
	transport.Process
	conn   *limited
	ctx    context.Context
	cancel context.CancelFunc
}

func (p *process) Stdin() io.WriteCloser { return stdin{p.Process.Stdin(), p} }
func (p *process) Stdout() io.Reader     { return reader{p.ctx, p.Process.Stdout(), p.conn} }
func (p *process) Stderr() io.Reader     { return reader{p.ctx, p.Process.Stderr(), p.conn} }

func (p *process) Close() error {
	p.cancel()
	return p.Process.Close()
}

type stdin struct {
	io.WriteCloser
	p *process
}

func (w stdin) Write(b []byte) (int, error) {
	short := len(b) <= unhurried
	for n := 0; ; {
		part := b[n:min(len(b), n+w.p.conn.piece)]
		if short {
			w.p.conn.count(len(part))
		} else if err := w.p.conn.pass(w.p.ctx, len(part)); err != nil {
			return n, err
		}
		m, err := w.WriteCloser.Write(part)
		if n += m; err != nil || n == len(b) {
			return n, err
		}
	}
}

// reader waits after it has read, so that what comes next is held back.
type reader struct {
	ctx  context.Context
	r    io.Reader
	conn *limited
}

func (r reader) Read(b []byte) (int, error) {
	n, err := r.r.Read(b[:min(len(b), r.conn.piece)])
	if n > 0 {
		_ = r.conn.pass(r.ctx, n) // what was read stays readable
	}
	return n, err
}

// files are a host's files, bounded.
type files struct {
	transport.Files
	conn *limited
}

func (f files) Write(path string, mode fs.FileMode, r io.Reader) error {
	return f.Files.Write(path, mode, reader{context.Background(), r, f.conn})
}

func (f files) Read(path string, w io.Writer) error {
	return f.Files.Read(path, writer{w, f.conn})
}

type writer struct {
	w    io.Writer
	conn *limited
}

func (w writer) Write(b []byte) (int, error) {
	for n := 0; n < len(b); {
		part := b[n:min(len(b), n+w.conn.piece)]
		if err := w.conn.pass(context.Background(), len(part)); err != nil {
			return n, err
		}
		m, err := w.w.Write(part)
		if n += m; err != nil {
			return n, err
		}
	}
	return len(b), nil
}
