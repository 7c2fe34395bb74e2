package ssh

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"
)

// attemptDelay is how long one address may take before the next is tried beside
// it (RFC 8305, Connection Attempt Delay).
const attemptDelay = 250 * time.Millisecond

// resolve gives the addresses of the host, in the order to try them.
func resolve(ctx context.Context, cfg Config) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(cfg.Host); err == nil {
		return []netip.Addr{a}, nil
	}
	network := "ip"
	switch cfg.AddressFamily {
	case "inet":
		network = "ip4"
	case "inet6":
		network = "ip6"
	}
	list, err := cfg.Resolver.LookupNetIP(ctx, network, cfg.Host)
	if err != nil {
		return nil, err
	}
	return interleave(list), nil
}

// interleave has the families of addresses take turns, beginning with that of
// the first, as RFC 8305 wants it.
func interleave(list []netip.Addr) []netip.Addr {
	var first, other []netip.Addr
	for _, a := range list {
		a = a.Unmap()
		if a.Is4() == list[0].Unmap().Is4() {
			first = append(first, a)
		} else {
			other = append(other, a)
		}
	}
	out := make([]netip.Addr, 0, len(list))
	for i := range max(len(first), len(other)) {
		if i < len(first) {
			out = append(out, first[i])
		}
		if i < len(other) {
			out = append(out, other[i])
		}
	}
	return out
}

// race connects to the first of the addresses that answers. An address is tried
// when the one before it has failed, or hasn't answered for attemptDelay.
func race(ctx context.Context, addrs []netip.Addr, dial func(context.Context, netip.Addr) (net.Conn, error)) (net.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type result struct {
		conn net.Conn
		err  error
	}
	results := make(chan result)
	next := time.NewTimer(0)
	defer next.Stop()
	var firstErr error
	started, ended := 0, 0
	for {
		select {
		case <-next.C:
			if started < len(addrs) {
				a := addrs[started]
				started++
				go func() {
					conn, err := dial(ctx, a)
					select {
					case results <- result{conn, err}:
					case <-ctx.Done():
						if conn != nil {
							conn.Close() // another was faster
						}
					}
				}()
				next.Reset(attemptDelay)
			}
		case r := <-results:
			if r.err == nil {
				return r.conn, nil
			}
			if ended++; firstErr == nil {
				firstErr = r.err
			}
			if ended == len(addrs) {
				return nil, others(firstErr, ended-1)
			}
			next.Reset(0)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// others says that further addresses failed too.
func others(err error, n int) error {
	if n == 0 {
		return err
	}
	return &addressesError{err: err, others: n}
}

type addressesError struct {
	err    error
	others int
}

func (e *addressesError) Error() string {
	return fmt.Sprintf("%v (and %d more addresses of the name failed)", e.err, e.others)
}

func (e *addressesError) Unwrap() error { return e.err }

// connectDirectly makes a TCP connection without a jump host or command.
func connectDirectly(ctx context.Context, cfg Config, b *budget) (net.Conn, error) {
	bounded, cancel := b.context(ctx, cfg.ResolveTimeout)
	addrs, err := resolve(bounded, cfg)
	late := bounded.Err() != nil && ctx.Err() == nil
	cancel()
	if err != nil {
		var dns *net.DNSError
		if late && !errors.As(err, &dns) {
			err = &net.DNSError{Err: "i/o timeout", Name: cfg.Host, IsTimeout: true}
		}
		return nil, err
	}
	bounded, cancel = b.context(ctx, cfg.DialTimeout)
	defer cancel()
	d := net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true}}
	if cfg.BindAddress != "" {
		local, err := net.ResolveTCPAddr("tcp", net.JoinHostPort(cfg.BindAddress, "0"))
		if err != nil {
			return nil, fmt.Errorf("the address to connect from (BindAddress): %w", err)
		}
		d.LocalAddr = local
	}
	return race(bounded, addrs, func(ctx context.Context, a netip.Addr) (net.Conn, error) {
		return d.DialContext(ctx, "tcp", net.JoinHostPort(a.String(), strconv.Itoa(cfg.Port)))
	})
}
