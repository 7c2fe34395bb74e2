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
	// doubtful says that the key isn't the known one and was let pass.
	doubtful bool
}

func newHostKeys(cfg Config) *hostKeys {
	h := &hostKeys{cfg: cfg}
	h.look()
	return h
}

// look finds the lines about the host.
func (h *hostKeys) look() {
	if h.cfg.HostKeyAlias != "" {
		h.lines, h.bare = h.cfg.KnownHosts.lookup(h.cfg.HostKeyAlias, "22")
		return
	}
	h.lines, h.bare = h.cfg.KnownHosts.lookup(h.cfg.Host, strconv.Itoa(h.cfg.Port))
}

// algorithms are those to ask the host for: of the kinds that known_hosts has
// for it, or any where it has none. Asking for others would let a host with
// several keys show one that isn't known.
func (h *hostKeys) algorithms() []string {
	plainKeys := plainHostKeys
	if h.cfg.HostKeyAlgorithms != nil {
		plainKeys = slices.DeleteFunc(slices.Clone(h.cfg.HostKeyAlgorithms), func(a string) bool { return slices.Contains(certHostKeys, a) })
	}
	if h.cfg.CertificatesOnly {
		return certHostKeys
	}
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
	plain := slices.DeleteFunc(slices.Clone(plainKeys), func(a string) bool { return !slices.Contains(known, a) })
	switch {
	case len(certs)+len(plain) == 0:
		return plainKeys
	case h.cfg.IgnoreHostKey, h.bare && h.cfg.AcceptNew != nil:
		// A key of another kind does too: only prefer the known ones.
		plain = append(plain, slices.DeleteFunc(slices.Clone(plainKeys), func(a string) bool { return slices.Contains(known, a) })...)
	}
	return slices.Concat(certs, plain)
}

// check is an ssh.HostKeyCallback. Its error is a *transport.Error.
func (h *hostKeys) check(addr string, remote net.Addr, key ssh.PublicKey) error {
	err := h.judge(addr, remote, key)
	if h.cfg.IgnoreHostKey {
		var te *transport.Error
		h.doubtful = errors.As(err, &te) && !errors.Is(te, errUnknownKey)
		return nil
	}
	return err
}

func (h *hostKeys) judge(addr string, remote net.Addr, key ssh.PublicKey) error {
	if h.cfg.HostKeyAlias != "" {
		addr = net.JoinHostPort(h.cfg.HostKeyAlias, "22") // the name a certificate must be for
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
	if h.cfg.IgnoreHostKey && len(h.lines) > 0 && !h.bare {
		return h.noCommonKey([]string{key.Type()})
	}
	if h.cfg.AcceptNew != nil && !h.cfg.IgnoreHostKey {
		return h.accept(key)
	}
	return h.unknown(key)
}

// accept takes the key of an unknown host, unless another program has written
// down another one meanwhile.
func (h *hostKeys) accept(key ssh.PublicKey) error {
	err := h.cfg.AcceptNew.add(h.cfg.KnownHosts, h.name(), key, func() (bool, error) {
		h.look()
		if h.find(key, false) {
			return true, nil
		}
		if old := h.sameType(key.Type()); old != nil && !h.bare {
			return false, h.changed(old, key)
		}
		return false, nil
	})
	var te *transport.Error
	if err == nil || errors.As(err, &te) {
		return err
	}
	return h.fail(fmt.Errorf("the host's key is new and can't be written down: %w", err), "see that the file can be written to, or name another with --known-hosts")
}

// errUnknownKey is inside the error of a host that known_hosts has no line about.
var errUnknownKey = errors.New("the host's key is unknown")

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
	return h.cfg.KnownHosts.revokes(key)
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
		fmt.Errorf("%w: it shows the %s key %s, %s", errUnknownKey, key.Type(), ssh.FingerprintSHA256(key), where),
		fmt.Sprintf("compare the fingerprint on the host itself (`ssh-keygen -l -f %s`); if it is the same, add this line to known_hosts (%s prints it too): %s",
			hostKeyFile(key.Type()), h.keyscan(), knownHostsLine(h.name(), key)))
}

// noCommonKey is the error for a host that has no key of a kind known of it.
func (h *hostKeys) noCommonKey(offered []string) *transport.Error {
	if h.cfg.CertificatesOnly {
		return h.fail(fmt.Errorf("the host shows no certificate, and only certificates count (--host-key ca): it offers %s", algorithmNames(offered)),
			"have an authority sign the host's key (`ssh-keygen -s CA -h`, HostCertificate in its sshd_config), or check plain keys with --host-key strict")
	}
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

func (h *hostKeys) fail(err error, hint string) *transport.Error {
	return h.cfg.fail(transport.PhaseHostKey, err, hint)
}

// name is how known_hosts calls the host.
func (h *hostKeys) name() string {
	if h.cfg.HostKeyAlias != "" {
		return strings.ToLower(h.cfg.HostKeyAlias)
	}
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
