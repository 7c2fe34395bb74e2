package ssh

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"thordeploy/transport"
)

// maxBanner bounds what a host may say before it lets anyone in, in bytes.
const maxBanner = 64 << 10

// maxKeys bounds the keys offered: sshd hangs up after MaxAuthTries (6 by
// default), and a password must still have its turn.
const maxKeys = 5

// auth gathers the ways to authenticate to one host, and what became of them.
// It holds no secret in anything it reports.
type auth struct {
	cfg      Config
	ctx      context.Context
	clock    *clock // stands still while a person types
	keys     *hostKeys
	agent    net.Conn
	signers  []ssh.Signer
	names    []string // how to name signers, in their order
	passed   []string // key files and agents that can't be used, with the reason
	tried    []string
	accepted []string // what the host last said it would take
	banner   int      // bytes of banner so far

	given *credential // the password that the host was given
}

// close ends the conversation with the agent.
func (a *auth) close() {
	if a.agent != nil {
		a.agent.Close()
	}
}

// end takes the outcome of authenticating for the brake.
func (a *auth) end(in, refused bool) {
	if a.given != nil {
		a.cfg.Brake.given(a.cfg, *a.given, in, refused)
	}
}

// methods are what to give to ssh.ClientConfig.Auth.
func (a *auth) methods() []ssh.AuthMethod {
	var m []ssh.AuthMethod
	for _, name := range a.cfg.Methods {
		switch {
		case name == "publickey":
			m = append(m, ssh.PublicKeysCallback(a.publicKeys))
		case name == "password" && a.cfg.Password != nil:
			m = append(m, ssh.PasswordCallback(a.password))
		case name == "keyboard-interactive" && a.cfg.Password != nil:
			m = append(m, ssh.KeyboardInteractive(a.answer))
		}
	}
	return m
}

// publicKeys loads the key files and asks the agent, only when the host takes
// keys at all. Each key's certificates go before it.
func (a *auth) publicKeys() ([]ssh.Signer, error) {
	var files []*keyFile
	for _, name := range a.cfg.KeyFiles {
		f := a.cfg.Keys.file(name)
		files = append(files, f)
		if f.err != nil {
			a.passed = append(a.passed, f.err.Error())
		}
	}
	certs := a.certificates(files)
	for _, f := range files {
		if s := f.ready(); s != nil {
			a.add(s, "key "+f.name, certs)
		}
	}
	byAgent := a.fromAgent(files, certs)
	for _, f := range files {
		switch {
		case f.public == nil || byAgent[f] || f.ready() != nil:
		case f.only != "":
			a.passed = append(a.passed, fmt.Sprintf("key %s %s, and not in an agent", f.name, f.only))
		case a.cfg.Keys.Passphrase == nil:
			a.passed = append(a.passed, fmt.Sprintf("key %s is encrypted and not in an agent", f.name))
		default:
			a.add(&lazySigner{a, f}, "key "+f.name, certs)
		}
	}
	if len(a.signers) > maxKeys {
		a.passed = append(a.passed, fmt.Sprintf("%d more keys, since a host hangs up after a few", len(a.signers)-maxKeys))
		a.signers, a.names = a.signers[:maxKeys], a.names[:maxKeys]
	}
	a.tried = append(a.tried, a.names...)
	return a.signers, nil
}

// certificates are those of files of their own and those beside key files.
func (a *auth) certificates(files []*keyFile) []*ssh.Certificate {
	var list []*ssh.Certificate
	for _, name := range a.cfg.CertificateFiles {
		cert, err := readCertificate(name)
		if err != nil {
			a.passed = append(a.passed, err.Error())
			continue
		}
		list = append(list, cert)
	}
	for _, f := range files {
		if f.cert != nil {
			list = append(list, f.cert)
		}
	}
	return list
}

// fromAgent takes the agent's keys, those that files name first: they were asked
// for. It gives the files whose keys the agent has.
func (a *auth) fromAgent(files []*keyFile, certs []*ssh.Certificate) map[*keyFile]bool {
	found := map[*keyFile]bool{}
	signers := a.agentKeys()
	for _, f := range files {
		for _, s := range signers {
			if f.public != nil && f.ready() == nil && sameKey(plainKey(s), f.public) {
				a.add(s, "key "+f.name+" by the agent", certs)
				found[f] = true
			}
		}
	}
	for _, s := range signers {
		if a.cfg.OnlyKeyFiles && !a.isNamed(s, files, certs) {
			continue
		}
		a.add(s, "agent's key", certs)
	}
	return found
}

// agentKeys asks the agent.
func (a *auth) agentKeys() []ssh.Signer {
	if a.cfg.Agent == nil {
		return nil
	}
	conn, err := a.cfg.Agent(a.ctx)
	if err != nil {
		a.passed = append(a.passed, fmt.Sprintf("the agent can't be reached (%v)", err))
		return nil
	}
	a.agent = conn
	// The agent takes part in the connection's phase and ends with it.
	context.AfterFunc(a.ctx, func() { conn.Close() })
	signers, err := agent.NewClient(conn).Signers()
	if err != nil {
		a.passed = append(a.passed, fmt.Sprintf("the agent gives no keys (%v)", err))
	}
	return signers
}

// isNamed reports whether a file names an agent's key.
func (a *auth) isNamed(s ssh.Signer, files []*keyFile, certs []*ssh.Certificate) bool {
	key := plainKey(s)
	for _, f := range files {
		if sameKey(key, f.public) || f.ready() != nil && sameKey(key, f.ready().PublicKey()) {
			return true
		}
	}
	return slices.ContainsFunc(certs, func(c *ssh.Certificate) bool { return sameKey(key, c.Key) })
}

// plainKey is a signer's key without its certificate.
func plainKey(s ssh.Signer) ssh.PublicKey {
	if c, ok := s.PublicKey().(*ssh.Certificate); ok {
		return c.Key
	}
	return s.PublicKey()
}

// add offers a key, its certificates first.
func (a *auth) add(s ssh.Signer, name string, certs []*ssh.Certificate) {
	for _, c := range certs {
		if sameKey(s.PublicKey(), c.Key) {
			if cs, err := ssh.NewCertSigner(c, s); err == nil {
				a.offer(cs, name+" with its certificate")
			}
		}
	}
	a.offer(s, name)
}

func (a *auth) offer(s ssh.Signer, name string) {
	if slices.ContainsFunc(a.signers, func(have ssh.Signer) bool { return sameKey(have.PublicKey(), s.PublicKey()) }) {
		return
	}
	a.signers = append(a.signers, s)
	a.names = append(a.names, name+" ("+s.PublicKey().Type()+" "+ssh.FingerprintSHA256(plainKey(s))+")")
}

// secret gives the password, once a connection, unless the host is not to have
// it. The brake waits for a turn here, and the clock for both.
func (a *auth) secret() (string, error) {
	if a.keys.doubtful {
		return "", errors.New("the host shows another key than the known one, so it isn't given the password")
	}
	a.clock.pause()
	defer a.clock.resume()
	password, err := a.cfg.Password(a.ctx)
	if err != nil {
		return "", err
	}
	c := credential{user: a.cfg.User, password: password}
	if err := a.cfg.Brake.giving(a.ctx, a.cfg, c); err != nil {
		return "", err
	}
	a.given = &c
	return password, nil
}

func (a *auth) password() (string, error) {
	if slices.Contains(a.tried, "password") {
		return "", errors.New("the host asks for the password again, having taken it")
	}
	secret, err := a.secret()
	if err == nil {
		a.tried = append(a.tried, "password")
	}
	return secret, err
}

// answer gives the password to the one hidden question that PAM asks instead
// of taking a password. A second question would mean that it was wrong, or that
// it is about something else.
func (a *auth) answer(_, _ string, questions []string, echos []bool) ([]string, error) {
	if len(questions) == 0 {
		return nil, nil
	}
	const name = "password (keyboard-interactive)"
	if slices.Contains(a.tried, name) || slices.Contains(a.tried, "password") {
		return nil, errors.New("the password was not taken") // once more could lock the account
	}
	if len(questions) != 1 || echos[0] {
		return nil, errors.New("the host asks questions other than for a password")
	}
	secret, err := a.secret()
	if err == nil {
		a.tried = append(a.tried, name)
	}
	return []string{secret}, err
}

// note is an ssh.ClientAuthCallback that only looks on.
func (a *auth) note(c *ssh.ClientAuthContext) (ssh.AuthMethod, error) {
	a.accepted = said(c.AllowedMethods)
	return nil, nil
}

// hearBanner is an ssh.BannerCallback: banners are for people at a terminal.
func (a *auth) hearBanner(text string) error {
	if a.banner += len(text) + 1; a.banner > maxBanner {
		return fmt.Errorf("the host's banner is longer than %d bytes", maxBanner)
	}
	return nil
}

// errRefused is inside the error of a host that took nothing of what it was
// offered.
var errRefused = errors.New("refused")

type refusal string

func (r refusal) Error() string        { return string(r) }
func (r refusal) Is(target error) bool { return target == errRefused }

// refused is the error for a host that let nobody in. cause is nil where the
// host simply took nothing of what it was offered.
func (a *auth) refused(cause error) *transport.Error {
	what := "no key or password to offer"
	if len(a.tried) > 0 {
		what = "tried " + strings.Join(a.tried, ", ")
	}
	if len(a.passed) > 0 {
		what += "; passed over: " + strings.Join(a.passed, ", ")
	}
	if len(a.accepted) > 0 {
		what += "; the host takes " + strings.Join(a.accepted, ", ")
	}
	var err error = refusal(fmt.Sprintf("the host doesn't let %s in: %s", a.cfg.User, what))
	if cause != nil {
		err = fmt.Errorf("authenticating as %s: %w (%s)", a.cfg.User, cause, what)
	}
	return a.cfg.fail(transport.PhaseAuth, err, a.hint(cause))
}

func (a *auth) hint(cause error) string {
	tooMany := cause != nil && strings.Contains(cause.Error(), "Too many authentication failures")
	var encrypted bool
	for _, p := range a.passed {
		encrypted = encrypted || strings.Contains(p, "encrypted")
	}
	takes := func(m string) bool { return slices.Contains(a.accepted, m) }
	switch {
	case a.keys.doubtful:
		return "connect with host key checking on to see what differs, and mend known_hosts; or log in with a key"
	case encrypted:
		return "load the encrypted key into an agent first: `ssh-add FILE` (with `eval $(ssh-agent)` where none runs)"
	case tooMany:
		return "the host hangs up after few attempts (MaxAuthTries in its sshd_config): name the one right key (--private-key, ansible_ssh_private_key_file)"
	case len(a.names) > 0 && len(a.accepted) > 0 && !takes("publickey") && a.cfg.Password == nil:
		return "the host took a key and wants a password besides: give it (-k, ansible_password)"
	case len(a.accepted) > 0 && !takes("publickey") && a.cfg.Password == nil:
		return "the host takes no keys: give a password (-k, ansible_password)"
	case takes("publickey") && !takes("password") && !takes("keyboard-interactive") && len(a.names) == 0:
		return "the host takes keys only: name one (--private-key, ansible_ssh_private_key_file) or load it into an agent"
	case len(a.names) == 0 && a.cfg.Password != nil:
		return "check the account's name and password (-k, ansible_password)"
	}
	return fmt.Sprintf("check the account's name, and that one of these keys stands in ~%s/.ssh/authorized_keys on the host, in a folder that only its owner can write to", a.cfg.User)
}
