package ssh

import (
	"context"
	"errors"
	"net"

	"golang.org/x/crypto/ssh"

	"thordeploy/transport"
)

// scanned are the kinds of host keys that ScanKeys asks for, one connection
// each: a host shows one key a connection.
var scanned = [][]string{
	{ssh.KeyAlgoED25519},
	{ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521},
	{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256},
}

// errScanned ends a handshake whose host key was what it was made for.
var errScanned = errors.New("the key was seen")

// ScanKeys gives the keys that the host shows, trusted or not: for a person to
// compare. It proves that the host has their private halves, and doesn't log in.
func ScanKeys(ctx context.Context, cfg Config) ([]ssh.PublicKey, error) {
	cfg = cfg.withDefaults()
	if cfg.Way != nil {
		if _, err := cfg.Way.conn(ctx); err != nil {
			return nil, err
		}
	}
	b := newBudget(cfg.TotalTimeout)
	leave, err := cfg.Gate.enter(ctx, cfg.lane())
	if err != nil {
		return nil, cfg.fail(transport.PhaseDial, err, "")
	}
	defer leave()
	var keys []ssh.PublicKey
	for _, algorithms := range scanned {
		key, err := scanKey(ctx, cfg, b, algorithms)
		if err != nil {
			return keys, err
		}
		if key != nil {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

// scanKey gives the key of one kind, or nil where the host has none.
func scanKey(ctx context.Context, cfg Config, b *budget, algorithms []string) (seen ssh.PublicKey, _ error) {
	raw, failed := connect(ctx, cfg, b)
	if failed != nil {
		return nil, failed
	}
	defer raw.Close()
	ctx, cancel := b.context(ctx, cfg.HandshakeTimeout)
	defer cancel()
	defer context.AfterFunc(ctx, func() { raw.Close() })()
	t := &tap{Conn: raw}
	_, _, _, err := ssh.NewClientConn(t, cfg.addr(), &ssh.ClientConfig{
		Config:            ssh.Config{KeyExchanges: cfg.KeyExchanges, Ciphers: cfg.Ciphers, MACs: cfg.MACs},
		User:              cfg.User,
		ClientVersion:     version,
		HostKeyAlgorithms: algorithms,
		HostKeyCallback:   func(_ string, _ net.Addr, key ssh.PublicKey) error { seen = key; return errScanned },
	})
	var no *ssh.AlgorithmNegotiationError
	f := failure{cfg: cfg, phase: transport.PhaseHandshake, tap: t}
	switch {
	case errors.Is(err, errScanned):
		return seen, nil
	case errors.As(err, &no) && no.What == "host key":
		return nil, nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return nil, f.timeout(cfg.HandshakeTimeout)
	case ctx.Err() != nil:
		return nil, cfg.fail(transport.PhaseHandshake, context.Cause(ctx), "")
	}
	return nil, f.explain(err)
}

// Known is what is known of a key that a host shows.
type Known string

// What may be known.
const (
	KnownSame    Known = "known"   // it stands there
	KnownNot     Known = "new"     // nothing of its kind does
	KnownOther   Known = "changed" // another of its kind does
	KnownRevoked Known = "revoked"
)

// Judge compares a key with what known_hosts says of the host. place is the line
// (file:line), where there is one.
func Judge(cfg Config, key ssh.PublicKey) (_ Known, place string) {
	h := newHostKeys(cfg.withDefaults())
	if by := h.revokedBy(key); by != nil {
		return KnownRevoked, by.place()
	}
	old := h.sameType(key.Type())
	switch {
	case h.find(key, false):
		return KnownSame, ""
	case old != nil && !h.bare:
		return KnownOther, old.place()
	}
	return KnownNot, ""
}

// Name is how known_hosts calls cfg's host.
func (c Config) Name() string {
	return (&hostKeys{cfg: c.withDefaults()}).name()
}

// Add writes down a key that a person asked for. It is an error where known, with
// what other programs wrote meanwhile, has another one.
func (n *NewKeys) Add(cfg Config, key ssh.PublicKey) error {
	cfg.AcceptNew = n
	h := newHostKeys(cfg.withDefaults())
	return h.accept(key)
}
