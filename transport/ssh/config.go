// Package ssh reaches a host over SSH: one connection a host for a whole run,
// each command in a session channel of its own.
//
// [Dial] goes through the phases of transport.Phase one after the other, each
// with a deadline of its own, so that a host that stalls anywhere costs its
// fork no longer than that and the error says where. The host's key is checked
// against [KnownHosts], loaded once and shared by all hosts. What is reached is
// a [Conn], which keeps the contract of transport.Conn.
//
// known_hosts is read by our own code (knownhosts.go), not by x/crypto's
// knownhosts or skeema/knownhosts on top of it. Both refuse a whole file for one
// line that they can't read, where ssh passes over the line: users' files have
// such lines, and a sweep must not stop at them. And both walk all lines for
// each host: with 50,000 of them 7 ms a host, 44 and more where they are hashed, and the
// index here takes a microsecond, and 22 ms for hashed names, whose HMACs nobody
// is spared. Names are held against `ssh-keygen -F` by a test.
//
// The package reads no environment and no configuration of its own: cmd joins
// those to a [Config].
package ssh

import (
	"context"
	"net"
	"strconv"
	"time"

	"thordeploy/transport"
)

// Config says which host to reach and how. Host and User are required.
type Config struct {
	Host string // name or IP address (IPv6 without brackets)
	Port int    // zero: 22
	User string // the account

	// KnownHosts holds the keys that hosts may show; nil knows none, so every
	// host is refused. One value serves all hosts of a run.
	KnownHosts *KnownHosts
	// IgnoreHostKey accepts any key, and with it any impostor: for
	// ansible_host_key_checking=false alone, never a default.
	IgnoreHostKey bool

	// The ways to authenticate, tried in this order as far as the host offers
	// them. A key file that can't be used (missing, unreadable, encrypted) is
	// passed over and named in the error if nothing else was accepted.
	KeyFiles []string // private keys, OpenSSH or PEM
	// Agent connects to an SSH agent; nil: there is none. It is used while
	// authenticating only.
	Agent func(ctx context.Context) (net.Conn, error)
	// Password gives the account's password; nil: there is none. It is called
	// when the host asks, at most once a connection. The time it takes (a
	// person typing) isn't held against the host.
	Password func(ctx context.Context) (string, error)

	// DialContext makes the network connection; nil: a net.Dialer, which tries
	// the addresses of a name side by side (RFC 6555). A jump host or a
	// ProxyCommand goes here.
	DialContext func(ctx context.Context, network, addr string) (net.Conn, error)

	DialTimeout      time.Duration // resolving and connecting; zero: 10 s
	HandshakeTimeout time.Duration // version and key exchange, host key; zero: 10 s
	AuthTimeout      time.Duration // authentication; zero: 10 s
	// Keepalive is how long the host may be silent before it is asked whether
	// it lives. Zero: 15 s. Negative: never ask.
	Keepalive time.Duration
	// KeepaliveCount is after how many unanswered questions in a row the host
	// is lost. Zero: 2.
	KeepaliveCount int
}

const (
	defaultPort      = 22
	defaultTimeout   = 10 * time.Second
	defaultKeepalive = 15 * time.Second
	defaultCount     = 2
)

// withDefaults fills in what zero values stand for.
func (c Config) withDefaults() Config {
	if c.Port == 0 {
		c.Port = defaultPort
	}
	for _, d := range []*time.Duration{&c.DialTimeout, &c.HandshakeTimeout, &c.AuthTimeout} {
		if *d == 0 {
			*d = defaultTimeout
		}
	}
	if c.Keepalive == 0 {
		c.Keepalive = defaultKeepalive
	}
	if c.KeepaliveCount == 0 {
		c.KeepaliveCount = defaultCount
	}
	if c.DialContext == nil {
		c.DialContext = new(net.Dialer).DialContext
	}
	return c
}

// addr is "host:port", the name of the host in errors.
func (c Config) addr() string { return net.JoinHostPort(c.Host, strconv.Itoa(c.Port)) }

func (c Config) fail(phase transport.Phase, err error, hint string) *transport.Error {
	return &transport.Error{Phase: phase, Addr: c.addr(), Err: err, Hint: hint}
}
