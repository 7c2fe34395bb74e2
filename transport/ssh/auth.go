package ssh

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
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
	agent    net.Conn
	signers  []ssh.Signer
	keys     []string // how to name signers, in their order
	passed   []string // key files and agents that can't be used, with the reason
	tried    []string
	accepted []string // what the host last said it would take
	banner   int      // bytes of banner so far
}

// close ends the conversation with the agent.
func (a *auth) close() {
	if a.agent != nil {
		a.agent.Close()
	}
}

// methods are what to give to ssh.ClientConfig.Auth.
func (a *auth) methods() []ssh.AuthMethod {
	m := []ssh.AuthMethod{ssh.PublicKeysCallback(a.publicKeys)}
	if a.cfg.Password != nil {
		m = append(m, ssh.PasswordCallback(a.password), ssh.KeyboardInteractive(a.answer))
	}
	return m
}

// publicKeys loads the key files and asks the agent, only when the host takes
// keys at all.
func (a *auth) publicKeys() ([]ssh.Signer, error) {
	encrypted := map[string]ssh.PublicKey{}
	for _, file := range a.cfg.KeyFiles {
		signer, public, err := loadKey(file)
		switch {
		case err == nil:
			a.add(signer, "key "+file)
		case public != nil:
			encrypted[file] = public
		default:
			a.passed = append(a.passed, err.Error())
		}
	}
	a.fromAgent(encrypted)
	for _, file := range a.cfg.KeyFiles {
		if encrypted[file] != nil {
			a.passed = append(a.passed, fmt.Sprintf("key %s is encrypted and not in an agent", file))
		}
	}
	if len(a.signers) > maxKeys {
		a.passed = append(a.passed, fmt.Sprintf("%d more keys, since a host hangs up after a few", len(a.signers)-maxKeys))
		a.signers, a.keys = a.signers[:maxKeys], a.keys[:maxKeys]
	}
	a.tried = append(a.tried, a.keys...)
	return a.signers, nil
}

// fromAgent takes the agent's keys, those of encrypted key files first: these
// were asked for by name.
func (a *auth) fromAgent(encrypted map[string]ssh.PublicKey) {
	if a.cfg.Agent == nil {
		return
	}
	conn, err := a.cfg.Agent(a.ctx)
	if err != nil {
		a.passed = append(a.passed, fmt.Sprintf("the agent can't be reached (%v)", err))
		return
	}
	a.agent = conn
	// The agent takes part in the connection's phase and ends with it.
	context.AfterFunc(a.ctx, func() { conn.Close() })
	signers, err := agent.NewClient(conn).Signers()
	if err != nil {
		a.passed = append(a.passed, fmt.Sprintf("the agent gives no keys (%v)", err))
		return
	}
	for _, file := range a.cfg.KeyFiles {
		public := encrypted[file]
		for _, s := range signers {
			if public != nil && bytes.Equal(s.PublicKey().Marshal(), public.Marshal()) {
				a.add(s, "key "+file+" by the agent")
				delete(encrypted, file)
			}
		}
	}
	for _, s := range signers {
		a.add(s, "agent's key")
	}
}

func (a *auth) add(s ssh.Signer, name string) {
	wire := s.PublicKey().Marshal()
	if slices.ContainsFunc(a.signers, func(have ssh.Signer) bool { return bytes.Equal(have.PublicKey().Marshal(), wire) }) {
		return
	}
	a.signers = append(a.signers, s)
	a.keys = append(a.keys, name+" ("+s.PublicKey().Type()+" "+ssh.FingerprintSHA256(s.PublicKey())+")")
}

// maxKeyFile is well above any private key.
const maxKeyFile = 1 << 20

// loadKey reads a private key. For an encrypted one, public is what its file
// says the public half is, which an agent may have.
func loadKey(file string) (signer ssh.Signer, public ssh.PublicKey, err error) {
	f, err := os.Open(file)
	if err != nil {
		var pe *fs.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		return nil, nil, fmt.Errorf("key %s can't be read (%w)", file, err)
	}
	defer f.Close()
	pem, err := io.ReadAll(io.LimitReader(f, maxKeyFile))
	if err != nil {
		return nil, nil, fmt.Errorf("key %s can't be read (%w)", file, err)
	}
	signer, err = ssh.ParsePrivateKey(pem)
	var missing *ssh.PassphraseMissingError
	switch {
	case err == nil:
		return signer, nil, nil
	case errors.As(err, &missing) && missing.PublicKey != nil:
		return nil, missing.PublicKey, err
	case errors.As(err, &missing):
		if public := publicHalf(file); public != nil {
			return nil, public, err
		}
		return nil, nil, fmt.Errorf("key %s is encrypted", file)
	}
	return nil, nil, fmt.Errorf("key %s isn't a private key that can be used (%s)", file, strings.TrimPrefix(err.Error(), "ssh: "))
}

// publicHalf is what stands beside an encrypted PEM key, which doesn't name its
// own public half.
func publicHalf(file string) ssh.PublicKey {
	text, err := os.ReadFile(file + ".pub")
	if err != nil {
		return nil
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey(text)
	if err != nil {
		return nil
	}
	return key
}

func (a *auth) password() (string, error) {
	if slices.Contains(a.tried, "password") {
		return "", errors.New("the host asks for the password again, having taken it")
	}
	a.tried = append(a.tried, "password")
	a.clock.pause()
	defer a.clock.resume()
	return a.cfg.Password(a.ctx)
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
	a.tried = append(a.tried, name)
	a.clock.pause()
	defer a.clock.resume()
	secret, err := a.cfg.Password(a.ctx)
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
	err := fmt.Errorf("the host doesn't let %s in: %s", a.cfg.User, what)
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
	case encrypted:
		return "load the encrypted key into an agent first: `ssh-add FILE` (with `eval $(ssh-agent)` where none runs)"
	case tooMany:
		return "the host hangs up after few attempts (MaxAuthTries in its sshd_config): name the one right key (--private-key, ansible_ssh_private_key_file)"
	case len(a.keys) > 0 && len(a.accepted) > 0 && !takes("publickey") && a.cfg.Password == nil:
		return "the host took a key and wants a password besides: give it (-k, ansible_password)"
	case len(a.accepted) > 0 && !takes("publickey") && a.cfg.Password == nil:
		return "the host takes no keys: give a password (-k, ansible_password)"
	case takes("publickey") && !takes("password") && !takes("keyboard-interactive") && len(a.keys) == 0:
		return "the host takes keys only: name one (--private-key, ansible_ssh_private_key_file) or load it into an agent"
	case len(a.keys) == 0 && a.cfg.Password != nil:
		return "check the account's name and password (-k, ansible_password)"
	}
	return fmt.Sprintf("check the account's name, and that one of these keys stands in ~%s/.ssh/authorized_keys on the host, in a folder that only its owner can write to", a.cfg.User)
}
