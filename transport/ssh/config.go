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
	// HostKeyAlias is the name to look up in KnownHosts and in a host's
	// certificate instead of Host and Port; empty: those.
	HostKeyAlias string
	// AcceptNew takes the key of a host that KnownHosts has no line about, and
	// writes it down; nil: such a host is refused.
	AcceptNew *NewKeys
	// CertificatesOnly refuses plain host keys, known or not: a host must show
	// a certificate by an authority of KnownHosts.
	CertificatesOnly bool
	// IgnoreHostKey accepts any key, and with it any impostor: for
	// ansible_host_key_checking=false alone, never a default. A host that shows
	// another key than the known one is given no password then, as by ssh.
	IgnoreHostKey bool

	// The ways to authenticate, tried in the order of Methods as far as the host
	// offers them. A key file that can't be used (missing, unreadable) is
	// passed over and named in the error if nothing else was accepted.
	KeyFiles []string // private keys, OpenSSH or PEM; public ones for keys of an agent
	// CertificateFiles are certificates for the keys of files and agent, besides
	// those that stand beside key files (FILE-cert.pub).
	CertificateFiles []string
	// Keys reads key files once for all hosts of a run; nil: for this one.
	Keys *Keyring
	// Agent connects to an SSH agent; nil: there is none. It is used while
	// authenticating only.
	Agent func(ctx context.Context) (net.Conn, error)
	// OnlyKeyFiles leaves the agent's keys out that no file of KeyFiles or
	// CertificateFiles names (IdentitiesOnly).
	OnlyKeyFiles bool
	// Password gives the account's password; nil: there is none. It is called
	// when the host asks, at most once a connection. The time it takes (a
	// person typing) isn't held against the host.
	Password func(ctx context.Context) (string, error)
	// Methods are those to use, in order, by their names in SSH; nil: publickey,
	// password, keyboard-interactive.
	Methods []string
	// Brake stops new logins after refusals that look alike; nil: never.
	Brake *Brake

	// Way leads through a jump host; nil: straight there.
	Way *Way
	// DialContext makes the network connection, a [ProxyCommand] for one; nil:
	// TCP, the addresses of a name raced as RFC 8305 says.
	DialContext func(ctx context.Context, network, addr string) (net.Conn, error)
	// Resolver looks names up where DialContext is nil; nil: the system's.
	Resolver      *net.Resolver
	AddressFamily string // "inet", "inet6"; empty: both
	BindAddress   string // the address to connect from; empty: any

	// Gate bounds how many logins are under way at once; nil: nothing does.
	Gate *Gate
	// Lane is what Gate bounds apart: empty: the host and port.
	Lane string

	Ciphers, KeyExchanges, MACs, HostKeyAlgorithms []string // nil: the package's own, the cheapest first

	ResolveTimeout   time.Duration // looking the name up; zero: 10 s
	DialTimeout      time.Duration // connecting; zero: 10 s
	HandshakeTimeout time.Duration // version and key exchange, host key; zero: 10 s
	AuthTimeout      time.Duration // authentication; zero: 10 s
	// TotalTimeout bounds all of these together, with what is tried again and
	// without the time of a person who types. Zero: 60 s.
	TotalTimeout time.Duration
	// Retries is how often more a host is tried that refuses the connection or
	// breaks it off in the handshake. Zero: never.
	Retries int
	// Backoff is the time before the first of them, doubled for each. Zero: 500 ms.
	Backoff time.Duration
	// Keepalive is how long the host may be silent before it is asked whether
	// it lives. Zero: 7 s. Negative: never ask.
	Keepalive time.Duration
	// KeepaliveCount is after how many unanswered questions in a row the host
	// is lost. Zero: 2, which with the default of Keepalive finds a dead link
	// within 28 s.
	KeepaliveCount int
}

const (
	defaultPort      = 22
	defaultTimeout   = 10 * time.Second
	defaultTotal     = time.Minute
	defaultBackoff   = 500 * time.Millisecond
	defaultKeepalive = 7 * time.Second
	defaultCount     = 2
)

// withDefaults fills in what zero values stand for.
func (c Config) withDefaults() Config {
	if c.Port == 0 {
		c.Port = defaultPort
	}
	for d, def := range map[*time.Duration]time.Duration{
		&c.ResolveTimeout: defaultTimeout, &c.DialTimeout: defaultTimeout, &c.HandshakeTimeout: defaultTimeout, &c.AuthTimeout: defaultTimeout,
		&c.TotalTimeout: defaultTotal, &c.Backoff: defaultBackoff, &c.Keepalive: defaultKeepalive,
	} {
		if *d == 0 {
			*d = def
		}
	}
	if c.KeepaliveCount == 0 {
		c.KeepaliveCount = defaultCount
	}
	if c.AcceptNew != nil && c.KnownHosts == nil {
		c.KnownHosts = newKnownHosts()
	}
	if c.Resolver == nil {
		c.Resolver = net.DefaultResolver
	}
	if c.Keys == nil {
		c.Keys = &Keyring{}
	}
	if len(c.Methods) == 0 {
		c.Methods = []string{"publickey", "password", "keyboard-interactive"}
	}
	for list, def := range map[*[]string][]string{&c.Ciphers: ciphers, &c.KeyExchanges: keyExchanges} {
		if *list == nil {
			*list = def
		}
	}
	return c
}

// addr is "host:port", the name of the host in errors.
func (c Config) addr() string { return net.JoinHostPort(c.Host, strconv.Itoa(c.Port)) }

func (c Config) fail(phase transport.Phase, err error, hint string) *transport.Error {
	return &transport.Error{Phase: phase, Addr: c.addr(), Err: err, Hint: hint}
}
