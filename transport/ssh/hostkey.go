package ssh

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/crypto/ssh"

	"thordeploy/transport"
)

// plainHostKeys are the host key algorithms asked for, the cheapest to check
// first. RSA with SHA-1 and DSA are left out, as by today's OpenSSH.
var plainHostKeys = []string{
	ssh.KeyAlgoED25519,
	ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521,
	ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256,
}

// certHostKeys are asked for where known_hosts has an authority for the host.
// A certificate's algorithm is that of the host's key, not of the authority's.
var certHostKeys = []string{
	ssh.CertAlgoED25519v01,
	ssh.CertAlgoECDSA256v01, ssh.CertAlgoECDSA384v01, ssh.CertAlgoECDSA521v01,
	ssh.CertAlgoRSASHA512v01, ssh.CertAlgoRSASHA256v01,
}

// hostKeys checks the key that one host shows. Its check runs in the key
// exchange, and again at each later one of the connection.
type hostKeys struct {
	cfg   Config
	lines []*knownLine
	bare  bool
}

func newHostKeys(cfg Config) *hostKeys {
	h := &hostKeys{cfg: cfg}
	if !cfg.IgnoreHostKey {
		h.lines, h.bare = cfg.KnownHosts.lookup(cfg.Host, strconv.Itoa(cfg.Port))
	}
	return h
}

// algorithms are those to ask the host for: of the kinds that known_hosts has
// for it, or any where it has none. Asking for others would let a host with
// several keys show one that isn't known.
func (h *hostKeys) algorithms() []string {
	var known, certs []string
	for _, l := range h.lines {
		switch {
		case l.ca:
			certs = certHostKeys
		case l.keyType == ssh.KeyAlgoRSA:
			known = append(known, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256)
		default:
			known = append(known, l.keyType)
		}
	}
	plain := slices.DeleteFunc(slices.Clone(plainHostKeys), func(a string) bool { return !slices.Contains(known, a) })
	if len(certs)+len(plain) == 0 {
		return plainHostKeys
	}
	return slices.Concat(certs, plain)
}

// check is an ssh.HostKeyCallback. Its error is a *transport.Error.
func (h *hostKeys) check(addr string, remote net.Addr, key ssh.PublicKey) error {
	if h.cfg.IgnoreHostKey {
		return nil
	}
	checker := ssh.CertChecker{
		IsHostAuthority: func(auth ssh.PublicKey, _ string) bool { return h.find(auth, true) },
		IsRevoked: func(c *ssh.Certificate) bool {
			return h.revokedBy(c.Key) != nil || h.revokedBy(c.SignatureKey) != nil
		},
		HostKeyFallback: func(_ string, _ net.Addr, key ssh.PublicKey) error { return h.checkPlain(key) },
	}
	err := checker.CheckHostKey(addr, remote, key)
	var te *transport.Error
	if err == nil || errors.As(err, &te) {
		return err
	}
	return h.fail(fmt.Errorf("the host's certificate is refused: %w", err),
		"check the @cert-authority lines of "+h.fileNames()+", and the certificate on the host with `ssh-keygen -L -f FILE-cert.pub`")
}

func (h *hostKeys) checkPlain(key ssh.PublicKey) error {
	if by := h.revokedBy(key); by != nil {
		return h.fail(fmt.Errorf("the host shows the %s key %s, which %s revokes", key.Type(), ssh.FingerprintSHA256(key), by.place()),
			"a revoked key means that the host, or somebody in its place, uses a key known to be stolen or replaced: don't connect before that is cleared up")
	}
	if h.find(key, false) {
		return nil
	}
	if old := h.sameType(key.Type()); old != nil && !h.bare {
		return h.changed(old, key)
	}
	return h.unknown(key)
}

// find reports whether key stands on a line about this host.
func (h *hostKeys) find(key ssh.PublicKey, ca bool) bool {
	for _, l := range h.lines {
		if l.ca != ca || l.keyType != key.Type() {
			continue
		}
		if k, err := l.key(); err == nil && bytes.Equal(k.Marshal(), key.Marshal()) {
			return true
		}
	}
	return false
}

func (h *hostKeys) revokedBy(key ssh.PublicKey) *knownLine {
	if h.cfg.KnownHosts == nil {
		return nil
	}
	return h.cfg.KnownHosts.revoked[string(key.Marshal())]
}

func (h *hostKeys) sameType(keyType string) *knownLine {
	for _, l := range h.lines {
		if !l.ca && l.keyType == keyType {
			return l
		}
	}
	return nil
}

func (h *hostKeys) changed(old *knownLine, key ssh.PublicKey) error {
	was := "a key that can't be read"
	if k, err := old.key(); err == nil {
		was = ssh.FingerprintSHA256(k)
	}
	return h.fail(
		fmt.Errorf("the host's %s key has changed: %s has %s, the host shows %s", key.Type(), old.place(), was, ssh.FingerprintSHA256(key)),
		fmt.Sprintf("somebody may stand between you and the host. If it was set up anew, compare the fingerprint on the host itself (`ssh-keygen -l -f %s`), then remove the old key: %s",
			hostKeyFile(key.Type()), transport.Quote("ssh-keygen", "-R", h.name(), "-f", old.file)))
}

func (h *hostKeys) unknown(key ssh.PublicKey) error {
	where := "no known_hosts file was given"
	if h.cfg.KnownHosts != nil && len(h.cfg.KnownHosts.files) > 0 {
		where = "not in " + h.fileNames()
	}
	return h.fail(
		fmt.Errorf("the host's key is unknown: it shows the %s key %s, %s", key.Type(), ssh.FingerprintSHA256(key), where),
		fmt.Sprintf("compare the fingerprint on the host itself (`ssh-keygen -l -f %s`); if it is the same, add this line to known_hosts (%s prints it too): %s",
			hostKeyFile(key.Type()), h.keyscan(), knownHostsLine(h.name(), key)))
}

// noCommonKey is the error for a host that has no key of a kind known of it.
func (h *hostKeys) noCommonKey(offered []string) error {
	if len(h.lines) == 0 {
		return h.fail(fmt.Errorf("the host has only keys of kinds that are no longer safe: %s", algorithmNames(offered)),
			"give the host an ed25519 key: `ssh-keygen -A` on the host, then restart its sshd")
	}
	var have []string
	for _, l := range h.lines {
		kind := l.keyType
		if l.ca {
			kind = "a certificate by an authority"
		}
		have = append(have, kind+" ("+l.place()+")")
	}
	return h.fail(fmt.Errorf("the host has no key of a kind known of it: known_hosts has %s, the host offers %s", strings.Join(have, ", "), algorithmNames(offered)),
		"if the host was set up anew, compare its fingerprints on the host itself, and take them over: "+h.keyscan())
}

func (h *hostKeys) fail(err error, hint string) error {
	return h.cfg.fail(transport.PhaseHostKey, err, hint)
}

// name is how known_hosts calls the host.
func (h *hostKeys) name() string {
	if h.cfg.Port == defaultPort {
		return strings.ToLower(h.cfg.Host)
	}
	return "[" + strings.ToLower(h.cfg.Host) + "]:" + strconv.Itoa(h.cfg.Port)
}

func (h *hostKeys) fileNames() string {
	if h.cfg.KnownHosts == nil || len(h.cfg.KnownHosts.files) == 0 {
		return "known_hosts"
	}
	return strings.Join(h.cfg.KnownHosts.files, ", ")
}

func (h *hostKeys) keyscan() string {
	words := []string{"ssh-keyscan"}
	if h.cfg.Port != defaultPort {
		words = append(words, "-p", strconv.Itoa(h.cfg.Port))
	}
	return "`" + transport.Quote(append(words, h.cfg.Host)...) + "`"
}

func knownHostsLine(name string, key ssh.PublicKey) string {
	return name + " " + strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
}

// hostKeyFile is where sshd keeps the public half of a key by default.
func hostKeyFile(keyType string) string {
	kind := "rsa"
	switch {
	case keyType == ssh.KeyAlgoED25519:
		kind = "ed25519"
	case strings.HasPrefix(keyType, "ecdsa-"):
		kind = "ecdsa"
	}
	return "/etc/ssh/ssh_host_" + kind + "_key.pub"
}
