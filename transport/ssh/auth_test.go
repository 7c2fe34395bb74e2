package ssh

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"thordeploy/transport"
)

const secret = "ge heim'\x01"

func says(password string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return password, nil }
}

// wantNoSecret checks that neither the error nor its hint holds a secret.
func wantNoSecret(t *testing.T, te *transport.Error, secret string) {
	t.Helper()
	if text := te.Error() + te.Hint; strings.Contains(text, secret) {
		t.Errorf("a secret is in %q", text)
	}
}

func TestWrongKey(t *testing.T) {
	t.Parallel()
	cfg := newServer(t).serve(t)
	other, file := newKey(t)
	cfg.KeyFiles = []string{file, "/no/such/key", file}
	te := wantError(t, cfg, transport.PhaseAuth,
		"doesn't let root in: tried key "+file+" (ssh-ed25519 "+ssh.FingerprintSHA256(other.PublicKey())+"); passed over: key /no/such/key can't be read (no such file or directory); the host takes publickey",
		"~root/.ssh/authorized_keys")
	if te.Temporary() {
		t.Error("temporary, though only a person can mend it")
	}
	cfg.KeyFiles = nil
	wantError(t, cfg, transport.PhaseAuth, "no key or password to offer", "the host takes keys only")
}

func TestWrongKeyForOpenSSH(t *testing.T) {
	t.Parallel()
	cfg := sshd(t, "")
	_, cfg.KeyFiles[0] = newKey(t)
	wantError(t, cfg, transport.PhaseAuth, "doesn't let root in: tried key", "authorized_keys")
}

func TestKeyFileThatIsNone(t *testing.T) {
	t.Parallel()
	cfg := newServer(t).serve(t)
	public := filepath.Join(t.TempDir(), "id.pub")
	writeFile(t, public, "ssh-ed25519 AAAA not private")
	cfg.KeyFiles = []string{public, t.TempDir()}
	wantError(t, cfg, transport.PhaseAuth, "key "+public+" isn't a private key that can be used (no key found)", "keys only")
	cfg = newServer(t).serve(t)
	cfg.KeyFiles = append([]string{public}, cfg.KeyFiles...) // passed over, and the next one works
	dial(t, cfg)
}

func passwordServer(t *testing.T) (*server, *atomic.Int32) {
	s := newServer(t)
	var asked atomic.Int32
	s.config.PublicKeyCallback = nil
	s.config.PasswordCallback = func(_ ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
		asked.Add(1)
		if string(password) == secret {
			return nil, nil
		}
		return nil, errors.New("wrong")
	}
	return s, &asked
}

func TestPassword(t *testing.T) {
	t.Parallel()
	s, asked := passwordServer(t)
	cfg := s.serve(t)
	wantError(t, cfg, transport.PhaseAuth, "the host takes password", "give a password")
	cfg.Password = says("falsch!")
	te := wantError(t, cfg, transport.PhaseAuth, "tried password", "account's name")
	wantNoSecret(t, te, "falsch!")
	if n := asked.Load(); n != 1 {
		t.Errorf("the wrong password was tried %d times; once more may lock the account", n)
	}
	cfg.Password = says(secret)
	dial(t, cfg)
	cancelled := errors.New("the person pressed Ctrl-C")
	cfg.Password = func(context.Context) (string, error) { return "", cancelled }
	wantError(t, cfg, transport.PhaseAuth, cancelled.Error(), "account's name")
}

// A host that asks for the password over and over hears it once.
func TestPasswordIsGivenOnce(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.config.PublicKeyCallback = nil
	s.config.PasswordCallback = func(ssh.ConnMetadata, []byte) (*ssh.Permissions, error) {
		again := func(ssh.ConnMetadata, []byte) (*ssh.Permissions, error) { return nil, errors.New("never enough") }
		return nil, &ssh.PartialSuccessError{Next: ssh.ServerAuthCallbacks{PasswordCallback: again}}
	}
	cfg := s.serve(t)
	var asked atomic.Int32
	cfg.Password = func(context.Context) (string, error) { asked.Add(1); return secret, nil }
	wantError(t, cfg, transport.PhaseAuth, "asks for the password again", "account's name")
	if n := asked.Load(); n != 1 {
		t.Errorf("the password was asked for %d times", n)
	}
}

func TestKeyAndPasswordAreBothWanted(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	takesKey := s.config.PublicKeyCallback
	s.config.PublicKeyCallback = func(c ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if _, err := takesKey(c, key); err != nil {
			return nil, err
		}
		return nil, &ssh.PartialSuccessError{Next: ssh.ServerAuthCallbacks{
			PasswordCallback: func(_ ssh.ConnMetadata, p []byte) (*ssh.Permissions, error) {
				if string(p) != secret {
					return nil, errors.New("wrong")
				}
				return nil, nil
			},
		}}
	}
	cfg := s.serve(t)
	wantError(t, cfg, transport.PhaseAuth, "the host takes password", "took a key and wants a password besides")
	cfg.Password = says(secret)
	dial(t, cfg)
}

func TestFewAttemptsForOpenSSH(t *testing.T) {
	t.Parallel()
	cfg := sshd(t, "MaxAuthTries 1\n")
	dial(t, cfg)
	_, wrong := newKey(t)
	cfg.KeyFiles = append([]string{wrong}, cfg.KeyFiles...)
	wantError(t, cfg, transport.PhaseAuth, "Too many authentication failures", "name the one right key")
}

// sshd without PAM offers keyboard-interactive and refuses it unasked.
func TestKeyboardInteractiveRefusedByOpenSSH(t *testing.T) {
	t.Parallel()
	cfg := sshd(t, "")
	cfg.User, cfg.KeyFiles, cfg.Password = "no-such-account", nil, says("falsch!")
	te := wantError(t, cfg, transport.PhaseAuth, "doesn't let no-such-account in: tried password; the host takes publickey, password", "account's name and password")
	if strings.Contains(te.Error(), "unexpected message") {
		t.Errorf("the library's words are in %q", te)
	}
}

// The time of a person who types isn't held against the host.
func TestTypingAPasswordStopsTheClock(t *testing.T) {
	t.Parallel()
	s, _ := passwordServer(t)
	cfg := s.serve(t)
	cfg.AuthTimeout = limit
	cfg.Password = func(context.Context) (string, error) {
		time.Sleep(2 * limit)
		return secret, nil
	}
	dial(t, cfg)
}

func TestKeyboardInteractive(t *testing.T) {
	t.Parallel()
	ask := func(questions []string, echo bool) *server {
		s := newServer(t)
		s.config.PublicKeyCallback = nil
		s.config.KeyboardInteractiveCallback = func(_ ssh.ConnMetadata, challenge ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
			challenge("", "nothing is asked yet", nil, nil)
			echos := make([]bool, len(questions))
			for i := range echos {
				echos[i] = echo
			}
			answers, err := challenge("", "", questions, echos)
			if err != nil || len(answers) != 1 || answers[0] != secret {
				if _, again := challenge("", "", questions, echos); again == nil {
					t.Error("a wrong password was given again")
				}
				return nil, errors.New("wrong")
			}
			return nil, nil
		}
		return s
	}
	cfg := ask([]string{"Password: "}, false).serve(t)
	cfg.Password = says(secret)
	dial(t, cfg)
	cfg.Password = says("falsch!")
	te := wantError(t, cfg, transport.PhaseAuth, "tried password (keyboard-interactive)", "account's name")
	wantNoSecret(t, te, "falsch!")

	for name, s := range map[string]*server{
		"visible": ask([]string{"Your name: "}, true),
		"two":     ask([]string{"Password: ", "Code: "}, false),
	} {
		cfg := s.serve(t)
		cfg.Password = func(context.Context) (string, error) {
			t.Errorf("%s: the password was given to a question that isn't for it", name)
			return secret, nil
		}
		wantError(t, cfg, transport.PhaseAuth, "questions other than for a password", "account's name")
	}
}

// encryptedKey is a key file with a passphrase.
func encryptedKey(t *testing.T) (ed25519.PrivateKey, string) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKeyWithPassphrase(private, "", []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "encrypted")
	writeFile(t, file, string(pem.EncodeToMemory(block)))
	return private, file
}

// agentWith serves an agent that holds keys, and counts its open connections.
func agentWith(t *testing.T, keys ...any) (dial func(context.Context) (net.Conn, error), open *atomic.Int32) {
	t.Helper()
	ring := agent.NewKeyring()
	for _, k := range keys {
		if err := ring.Add(agent.AddedKey{PrivateKey: k}); err != nil {
			t.Fatal(err)
		}
	}
	open = &atomic.Int32{}
	return func(context.Context) (net.Conn, error) {
		here, there := net.Pipe()
		open.Add(1)
		go func() { agent.ServeAgent(ring, there); there.Close(); open.Add(-1) }()
		return here, nil
	}, open
}

func admit(s *server, public ssh.PublicKey) {
	s.config.PublicKeyCallback = func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if string(key.Marshal()) == string(public.Marshal()) {
			return nil, nil
		}
		return nil, errors.New("unknown key")
	}
}

func TestEncryptedKey(t *testing.T) {
	t.Parallel()
	private, file := encryptedKey(t)
	public, err := ssh.NewPublicKey(private.Public())
	if err != nil {
		t.Fatal(err)
	}
	s := newServer(t)
	admit(s, public)
	cfg := s.serve(t)
	cfg.KeyFiles = []string{file}
	wantError(t, cfg, transport.PhaseAuth, "key "+file+" is encrypted and not in an agent", "ssh-add")

	// Many keys in the agent: the one asked for by its file goes first.
	var many []any
	for range 9 {
		_, k, _ := ed25519.GenerateKey(rand.Reader)
		many = append(many, k)
	}
	cfg.Agent, _ = agentWith(t, append(many, private)...)
	dial(t, cfg)
}

func TestAgent(t *testing.T) {
	t.Parallel()
	_, private, _ := ed25519.GenerateKey(rand.Reader)
	public, _ := ssh.NewPublicKey(private.Public())
	s := newServer(t)
	admit(s, public)
	cfg := s.serve(t)
	cfg.KeyFiles = nil
	var open *atomic.Int32
	cfg.Agent, open = agentWith(t, private)
	dial(t, cfg)
	for range 100 {
		if open.Load() == 0 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if n := open.Load(); n != 0 {
		t.Errorf("%d connections to the agent are open after authenticating", n)
	}
	cfg.Agent = func(context.Context) (net.Conn, error) { return nil, os.ErrNotExist }
	wantError(t, cfg, transport.PhaseAuth, "the agent can't be reached", "keys only")

	cfg.AuthTimeout = limit
	cfg.Agent = func(context.Context) (net.Conn, error) { c, _ := net.Pipe(); return c, nil } // never answers
	wantError(t, cfg, transport.PhaseAuth, "not done within 300ms", "keys only")
}

// sshd hangs up after MaxAuthTries; the right key must come before that.
func TestFewKeysAreOffered(t *testing.T) {
	t.Parallel()
	cfg := newServer(t).serve(t)
	right := cfg.KeyFiles[0]
	cfg.KeyFiles = nil
	for range maxKeys + 3 {
		_, file := newKey(t)
		cfg.KeyFiles = append(cfg.KeyFiles, file)
	}
	wantError(t, cfg, transport.PhaseAuth, fmt.Sprintf("%d more keys", 3), "authorized_keys")
	cfg.KeyFiles = append([]string{right}, cfg.KeyFiles...)
	dial(t, cfg)
}
