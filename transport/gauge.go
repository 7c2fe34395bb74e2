package transport

import "time"

// Gauge is what a Conn may tell of its link beyond the contract.
type Gauge interface {
	// RTT is the shortest round trip seen so far, zero before the first.
	RTT() time.Duration
	// Pad sends about n bytes that mean nothing. The channel gives the time at
	// which the host had read them, or the connection had ended.
	Pad(n int) <-chan time.Time
}

// GaugeOf finds the gauge of conn, beneath what decorates it; nil where there
// is none.
func GaugeOf(conn Conn) Gauge {
	for {
		if g, ok := conn.(Gauge); ok {
			return g
		}
		u, ok := conn.(interface{ Unwrap() Conn })
		if !ok {
			return nil
		}
		conn = u.Unwrap()
	}
}
