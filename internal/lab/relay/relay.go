// Package relay is a network link in user space: a TCP relay that delays and
// paces what passes, cuts connections when told to, and counts round trips. A
// kernel without netem(8) can't do the first two, and no kernel the last.
//
// Bytes flow from a reader into a queue, stamped with the time at which the
// link delivers them, and from there into a writer, one such pair a direction.
package relay

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Link says what a link is like. The zero value is loopback itself.
type Link struct {
	Delay time.Duration // what a byte takes one way; a round trip is twice that
	Rate  int64         // bytes a second, each way for itself; zero: as fast as it goes
}

// Relay is a link to one address.
type Relay struct {
	Addr string // "127.0.0.1:PORT", where it listens
	Port int

	to     string
	link   Link
	listen net.Listener
	work   sync.WaitGroup

	mu    sync.Mutex
	conns map[*conn]bool
	trips int          // round trips of the connections that have ended
	up    atomic.Int64 // bytes taken from clients
	down  atomic.Int64 // bytes taken from the address
	cutAt atomic.Int64 // bytes up after which connections are cut; zero: never
}

// Start listens on a port of 127.0.0.1 and relays each connection to an
// address, "host:port".
func Start(to string, link Link) (*Relay, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("starting a relay to %s: %w", to, err)
	}
	r := &Relay{
		Addr: l.Addr().String(), Port: l.Addr().(*net.TCPAddr).Port,
		to: to, link: link, listen: l, conns: map[*conn]bool{},
	}
	r.work.Go(r.accept)
	return r, nil
}

func (r *Relay) accept() {
	for {
		client, err := r.listen.Accept()
		if err != nil {
			return
		}
		r.work.Go(func() { r.serve(client) })
	}
}

func (r *Relay) serve(client net.Conn) {
	server, err := net.Dial("tcp", r.to)
	if err != nil {
		client.Close()
		return
	}
	c := &conn{relay: r, client: client, server: server}
	r.mu.Lock()
	r.conns[c] = true
	r.mu.Unlock()
	c.run()
	r.mu.Lock()
	delete(r.conns, c)
	r.trips += int(c.down.depth.Load())
	r.mu.Unlock()
}

// RoundTrips is how many times one side had to wait for the other, over all
// connections so far. It is counted by what depends on what, not by a clock:
// what a client sends is one round deeper than the deepest answer that had
// been delivered to it by then, an answer as deep as what it had been asked.
// What is sent without waiting for an answer costs nothing; a stream counts
// one for each time that its window's news came back meanwhile.
func (r *Relay) RoundTrips() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := r.trips
	for c := range r.conns {
		n += int(c.down.depth.Load())
	}
	return n
}

// Passed is how many bytes clients sent, and how many came back.
func (r *Relay) Passed() (up, down int64) { return r.up.Load(), r.down.Load() }

// CutAfter cuts every connection once n bytes more have come from clients, as
// when a cable is pulled at both ends at once.
func (r *Relay) CutAfter(n int64) { r.cutAt.Store(r.up.Load() + n) }

// Cut cuts every connection at once.
func (r *Relay) Cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.conns {
		c.cut()
	}
}

// Close ends the relay and its connections.
func (r *Relay) Close() error {
	err := r.listen.Close()
	r.Cut()
	r.work.Wait()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
