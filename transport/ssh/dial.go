package ssh

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"

	"golang.org/x/crypto/ssh"

	"thordeploy/transport"
)

// version is what the host's log calls this program.
const version = "SSH-2.0-thordeploy"

// dialOnce makes one attempt.
func dialOnce(ctx context.Context, cfg Config, b *budget) (*Conn, *transport.Error) {
	if err := cfg.Brake.check(cfg); err != nil {
		return nil, err
	}
	leave, err := cfg.Gate.enter(ctx, cfg.lane())
	if err != nil {
		return nil, cfg.fail(transport.PhaseDial, err, "")
	}
	defer leave()
	raw, failed := connect(ctx, cfg, b)
	if failed != nil {
		return nil, failed
	}
	leave, err = cfg.Gate.login(ctx)
	if err != nil {
		raw.Close()
		return nil, cfg.fail(transport.PhaseHandshake, err, "")
	}
	defer leave()
	conn, failed := login(ctx, cfg, b, raw)
	cfg.Brake.note(cfg, failed)
	return conn, failed
}

// lane is what the gate bounds apart.
func (c Config) lane() string {
	if c.Lane != "" {
		return c.Lane
	}
	return c.addr()
}

// login goes through handshake and authentication on a network connection.
func login(ctx context.Context, cfg Config, b *budget, raw net.Conn) (*Conn, *transport.Error) {
	// What authenticating needs beside the connection (an agent, a password)
	// ends with it.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { raw.Close() })
	defer stop()

	t := &tap{Conn: raw}
	ck := &clock{end: cancel, budget: b}
	ck.enter(transport.PhaseHandshake, cfg.HandshakeTimeout)
	keys := newHostKeys(cfg)
	a := &auth{cfg: cfg, ctx: ctx, clock: ck, keys: keys}
	defer a.close()

	client, chans, reqs, err := ssh.NewClientConn(t, cfg.addr(), clientConfig(cfg, ck, keys, a))
	phase, limit, over := ck.stop()
	a.end(err == nil, phase == transport.PhaseAuth && !over && ctx.Err() == nil)
	if err == nil {
		conn := newConn(cfg, t, client, chans, reqs)
		if stop() && !over {
			return conn, nil
		}
		conn.Close() // the time or the context was over at the last moment
	}
	raw.Close()
	f := failure{cfg: cfg, phase: phase, keys: keys, auth: a, tap: t}
	switch {
	case over && b.over():
		return nil, b.exceeded(cfg, phase, nil)
	case over:
		return nil, f.timeout(limit)
	case ctx.Err() != nil:
		return nil, cfg.fail(phase, context.Cause(ctx), "")
	}
	return nil, f.explain(err)
}

// clientConfig joins the phases to the library's callbacks. It calls the host
// key's check at the end of the first key exchange, which makes the seam
// between handshake and authentication; at later exchanges the phase is past.
func clientConfig(cfg Config, ck *clock, keys *hostKeys, a *auth) *ssh.ClientConfig {
	return &ssh.ClientConfig{
		Config:            ssh.Config{KeyExchanges: cfg.KeyExchanges, Ciphers: cfg.Ciphers, MACs: cfg.MACs},
		User:              cfg.User,
		Auth:              a.methods(),
		AuthCallback:      a.note,
		BannerCallback:    a.hearBanner,
		ClientVersion:     version,
		HostKeyAlgorithms: keys.algorithms(),
		HostKeyCallback: func(addr string, remote net.Addr, key ssh.PublicKey) error {
			if err := keys.check(addr, remote, key); err != nil {
				return err
			}
			ck.authBegins(cfg.AuthTimeout)
			return nil
		},
	}
}

// connect makes the network connection.
func connect(ctx context.Context, cfg Config, b *budget) (net.Conn, *transport.Error) {
	var conn net.Conn
	var err error
	bounded, cancel := b.context(ctx, cfg.DialTimeout)
	defer cancel()
	switch {
	case cfg.Way != nil:
		conn, err = cfg.Way.dial(bounded, cfg.addr())
	case cfg.DialContext != nil:
		conn, err = cfg.DialContext(bounded, "tcp", cfg.addr())
	default:
		conn, err = connectDirectly(ctx, cfg, b)
	}
	if err == nil {
		return conn, nil
	}
	var te *transport.Error
	var dns *net.DNSError
	switch {
	case ctx.Err() != nil:
		return nil, cfg.fail(transport.PhaseDial, context.Cause(ctx), "")
	case errors.As(err, &te): // a jump host's
		return nil, te
	case b.over():
		return nil, b.exceeded(cfg, transport.PhaseDial, nil)
	case errors.As(err, &dns):
		return nil, cfg.fail(transport.PhaseResolve, resolveError(dns, cfg), resolveHint(dns))
	case errors.Is(err, context.DeadlineExceeded) || isTimeout(err):
		return nil, cfg.fail(transport.PhaseDial, fmt.Errorf("no answer within %v", cfg.DialTimeout),
			"the host is down, or a firewall drops what is sent to its port")
	}
	return nil, cfg.fail(transport.PhaseDial, dialError(err, cfg), dialHint(err, cfg))
}

func isTimeout(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout()
}

func resolveError(dns *net.DNSError, cfg Config) error {
	switch {
	case dns.IsNotFound:
		return fmt.Errorf("no such host name: %w", dns)
	case dns.IsTimeout:
		return fmt.Errorf("no answer from the name server within %v: %w", cfg.ResolveTimeout, dns)
	}
	return dns
}

func resolveHint(dns *net.DNSError) string {
	if dns.IsNotFound {
		return "check the spelling, or give the address with ansible_host"
	}
	return "check this machine's name server (/etc/resolv.conf), or give the address with ansible_host"
}

// dialError drops what the message around it says anyway, and keeps the
// address where a name was dialled.
func dialError(err error, cfg Config) error {
	var more *addressesError
	if errors.As(err, &more) {
		return others(dialError(more.err, cfg), more.others)
	}
	var op *net.OpError
	if !errors.As(err, &op) {
		return err
	}
	var errno syscall.Errno
	if errors.As(err, &errno) {
		err = errno
	}
	if op.Addr != nil && op.Addr.String() != cfg.addr() {
		return fmt.Errorf("%s: %w", op.Addr, err)
	}
	return err
}

func dialHint(err error, cfg Config) string {
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Sprintf("nothing listens on port %d: is sshd running there, and is it the right port (ansible_port)?", cfg.Port)
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "there is no route to the address: check it, and this machine's network"
	}
	return ""
}
