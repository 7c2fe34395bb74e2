package ssh

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"thordeploy/transport"
)

// privateKeys makes a key of each kind that there is a file of.
func privateKeys(t *testing.T) map[string]crypto.Signer {
	t.Helper()
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ec, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rs, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]crypto.Signer{"ed25519": ed, "ecdsa": ec, "rsa": rs}
}

// keyFileOf writes a private key, encrypted where there is a passphrase, and its
// public half beside it.
func keyFileOf(t *testing.T, key crypto.Signer, passphrase string) (file string, public ssh.PublicKey) {
	t.Helper()
	var block *pem.Block
	var err error
	if passphrase == "" {
		block, err = ssh.MarshalPrivateKey(key, "")
	} else {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(key, "", []byte(passphrase))
	}
	if err != nil {
		t.Fatal(err)
	}
	if public, err = ssh.NewPublicKey(key.Public()); err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "id")
	writeFile(t, file, string(pem.EncodeToMemory(block)))
	writeFile(t, file+".pub", string(ssh.MarshalAuthorizedKey(public)))
	return file, public
}

// userCert signs a user's certificate.
func userCert(t *testing.T, authority ssh.Signer, key ssh.PublicKey, change func(*ssh.Certificate)) *ssh.Certificate {
	t.Helper()
	c := &ssh.Certificate{
		Key: key, CertType: ssh.UserCert, ValidPrincipals: []string{"root"}, KeyId: "test",
		ValidBefore: uint64(time.Now().Add(time.Hour).Unix()),
	}
	c.Extensions = map[string]string{"permit-pty": ""}
	if change != nil {
		change(c)
	}
	if err := c.SignCert(rand.Reader, authority); err != nil {
		t.Fatal(err)
	}
	return c
}

// admitting is an sshd that lets keys in, and certificates by the authority.
func admitting(t *testing.T, authority ssh.PublicKey, keys ...ssh.PublicKey) Config {
	t.Helper()
	dir := t.TempDir()
	var text strings.Builder
	for _, k := range keys {
		text.Write(ssh.MarshalAuthorizedKey(k))
	}
	writeFile(t, dir+"/keys", text.String())
	extra := "AuthorizedKeysFile " + dir + "/keys\n"
	if authority != nil {
		writeFile(t, dir+"/ca", string(ssh.MarshalAuthorizedKey(authority)))
		extra += "TrustedUserCAKeys " + dir + "/ca\n"
	}
	cfg := sshd(t, extra)
	cfg.KeyFiles = nil
	return cfg
}

func TestKeysOfAllKinds(t *testing.T) {
	t.Parallel()
	for _, key := range privateKeys(t) {
		file, public := keyFileOf(t, key, "")
		locked, lockedPublic := keyFileOf(t, key, "pass phrase")
		cfg := admitting(t, nil, public, lockedPublic)
		cfg.KeyFiles = []string{file}
		dial(t, cfg)

		cfg.KeyFiles = []string{locked}
		cfg.Keys = &Keyring{Passphrase: func(context.Context, string) (string, error) { return "pass phrase", nil }}
		dial(t, cfg)

		cfg.KeyFiles, cfg.Keys = nil, nil
		cfg.Agent, _ = agentWith(t, key)
		dial(t, cfg)
	}
}

func TestUserCertificates(t *testing.T) {
	t.Parallel()
	authority, _ := newKey(t)
	for kind, key := range privateKeys(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			cfg := admitting(t, authority.PublicKey())
			file, public := keyFileOf(t, key, "")
			cert := userCert(t, authority, public, nil)

			cfg.KeyFiles = []string{file}
			wantError(t, cfg, transport.PhaseAuth, "doesn't let root in", "authorized_keys")
			apart := filepath.Join(t.TempDir(), "cert.pub")
			writeFile(t, apart, string(ssh.MarshalAuthorizedKey(cert)))
			cfg.CertificateFiles = []string{apart}
			dial(t, cfg)

			cfg.CertificateFiles = nil
			writeFile(t, file+"-cert.pub", string(ssh.MarshalAuthorizedKey(cert)))
			dial(t, cfg)

			// The agent has the certificate itself.
			cfg.KeyFiles = nil
			ring := agent.NewKeyring()
			if err := ring.Add(agent.AddedKey{PrivateKey: key, Certificate: cert}); err != nil {
				t.Fatal(err)
			}
			cfg.Agent = serveAgent(ring)
			dial(t, cfg)

			// The agent has the key, a file the certificate.
			cfg.Agent, _ = agentWith(t, key)
			cfg.CertificateFiles, cfg.OnlyKeyFiles = []string{apart}, true
			dial(t, cfg)

			// The key is encrypted.
			locked, _ := keyFileOf(t, key, "pass phrase")
			writeFile(t, locked+"-cert.pub", string(ssh.MarshalAuthorizedKey(cert)))
			cfg.KeyFiles, cfg.CertificateFiles, cfg.Agent = []string{locked}, nil, nil
			cfg.Keys = &Keyring{Passphrase: func(context.Context, string) (string, error) { return "pass phrase", nil }}
			dial(t, cfg)
		})
	}
}

func TestCertificatesThatAreNoUse(t *testing.T) {
	t.Parallel()
	authority, _ := newKey(t)
	key, keyFile := newKey(t)
	for _, c := range map[string]struct {
		change func(*ssh.Certificate)
		words  string
	}{
		"expired":    {func(c *ssh.Certificate) { c.ValidBefore = 1000 }, "has expired (1970-01-01 00:16:40)"},
		"not yet":    {func(c *ssh.Certificate) { c.ValidAfter = uint64(time.Now().Add(time.Hour).Unix()) }, "isn't valid yet"},
		"for a host": {func(c *ssh.Certificate) { c.CertType = ssh.HostCert }, "is for a host"},
	} {
		file := filepath.Join(t.TempDir(), "cert.pub")
		writeFile(t, file, string(ssh.MarshalAuthorizedKey(userCert(t, authority, key.PublicKey(), c.change))))
		cfg := newServer(t).serve(t)
		cfg.KeyFiles, cfg.CertificateFiles = []string{keyFile}, []string{file}
		wantError(t, cfg, transport.PhaseAuth, "certificate "+file+" "+c.words, "authorized_keys")
	}
	cfg := newServer(t).serve(t)
	cfg.CertificateFiles = []string{"/no/such/cert", keyFile}
	dial(t, cfg) // passed over, and the key works
}

func serveAgent(a agent.Agent) func(context.Context) (net.Conn, error) {
	return func(context.Context) (net.Conn, error) {
		here, there := net.Pipe()
		go func() { agent.ServeAgent(a, there); there.Close() }()
		return here, nil
	}
}

// skAgent is an agent with a security key: sk-ssh-ed25519@openssh.com, as
// PROTOCOL.u2f has it, in software.
type skAgent struct {
	agent.Agent
	private ed25519.PrivateKey
}

const skType = "sk-ssh-ed25519@openssh.com"

func (a *skAgent) blob() []byte {
	return ssh.Marshal(struct {
		Name        string
		Key         []byte
		Application string
	}{skType, a.private.Public().(ed25519.PublicKey), "ssh:"})
}

func (a *skAgent) List() ([]*agent.Key, error) {
	return []*agent.Key{{Format: skType, Blob: a.blob()}}, nil
}

func (a *skAgent) Sign(key ssh.PublicKey, data []byte) (*ssh.Signature, error) {
	app, message := sha256.Sum256([]byte("ssh:")), sha256.Sum256(data)
	rest := []byte{1, 0, 0, 0, 7} // touched; the counter
	signed := slices.Concat(app[:], rest, message[:])
	return &ssh.Signature{Format: skType, Blob: ed25519.Sign(a.private, signed), Rest: rest}, nil
}

func (a *skAgent) SignWithFlags(key ssh.PublicKey, data []byte, _ agent.SignatureFlags) (*ssh.Signature, error) {
	return a.Sign(key, data)
}

func (a *skAgent) Extension(string, []byte) ([]byte, error) {
	return nil, agent.ErrExtensionUnsupported
}

func TestSecurityKeyByTheAgent(t *testing.T) {
	t.Parallel()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sk := &skAgent{agent.NewKeyring(), private}
	public, err := ssh.ParsePublicKey(sk.blob())
	if err != nil {
		t.Fatal(err)
	}
	cfg := admitting(t, nil, public)
	file := filepath.Join(t.TempDir(), "id_ed25519_sk")
	writeFile(t, file, "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n")
	writeFile(t, file+".pub", string(ssh.MarshalAuthorizedKey(public)))
	cfg.KeyFiles = []string{file}
	wantError(t, cfg, transport.PhaseAuth, "is the handle of a security key, and not in an agent", "authorized_keys")
	cfg.Agent, cfg.OnlyKeyFiles = serveAgent(sk), true
	dial(t, cfg)
}

// One question for a run, however many hosts want the key.
func TestOnePassphraseForTheRun(t *testing.T) {
	t.Parallel()
	keys := privateKeys(t)
	file, public := keyFileOf(t, keys["ed25519"], "pass phrase")
	second, secondPublic := keyFileOf(t, keys["ecdsa"], "pass phrase")
	s := newServer(t)
	admit(s, public)
	cfg := s.serve(t)
	cfg.KeyFiles, cfg.AuthTimeout = []string{file}, time.Second
	var asked atomic.Int32
	ring := &Keyring{Passphrase: func(_ context.Context, name string) (string, error) {
		if name != file {
			t.Errorf("asked about %s", name)
		}
		if asked.Add(1) == 1 {
			return "wrong", nil
		}
		time.Sleep(1500 * time.Millisecond) // a person types
		return "pass phrase", nil
	}}
	cfg.Keys = ring
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() { dial(t, cfg) })
	}
	all.Wait()
	if n := asked.Load(); n != 2 {
		t.Errorf("asked %d times, want twice: wrong, then right", n)
	}
	other := newServer(t)
	admit(other, secondPublic)
	cfg2 := other.serve(t)
	cfg2.KeyFiles, cfg2.Keys = []string{second}, ring // the same passphrase opens it
	dial(t, cfg2)
	if n := asked.Load(); n != 2 {
		t.Errorf("asked %d times", n)
	}

	// A host that doesn't take the key asks for nothing.
	cfg3 := newServer(t).serve(t)
	cfg3.KeyFiles = []string{file}
	cfg3.Keys = &Keyring{Passphrase: func(context.Context, string) (string, error) {
		t.Error("asked for the passphrase of a key that the host doesn't take")
		return "", io.EOF
	}}
	wantError(t, cfg3, transport.PhaseAuth, "doesn't let root in: tried key "+file, "authorized_keys")
}

func TestAPassphraseThatIsNotGiven(t *testing.T) {
	t.Parallel()
	file, public := keyFileOf(t, privateKeys(t)["ed25519"], "pass phrase")
	serve := func(passphrase func(context.Context, string) (string, error)) (Config, *atomic.Int32) {
		s := newServer(t)
		admit(s, public)
		cfg := s.serve(t)
		var asked atomic.Int32
		cfg.KeyFiles = []string{file}
		cfg.Keys = &Keyring{Passphrase: func(ctx context.Context, name string) (string, error) {
			asked.Add(1)
			return passphrase(ctx, name)
		}}
		return cfg, &asked
	}
	wrong, asked := serve(func(context.Context, string) (string, error) { return "wr0ng", nil })
	for range 3 {
		_, err := Dial(t.Context(), wrong) // opening a key takes its time by design
		wantPhase(t, err, transport.PhaseAuth, "the passphrase of key "+file+" was wrong 3 times")
		var te *transport.Error
		if errors.As(err, &te) {
			wantNoSecret(t, te, "wr0ng")
		}
	}
	if asked.Load() != 3 {
		t.Errorf("asked %d times, want 3 for the whole run", asked.Load())
	}
	gone, asked := serve(func(context.Context, string) (string, error) { return "", errors.New("there is no terminal") })
	for range 3 {
		wantError(t, gone, transport.PhaseAuth, "there is no terminal", "authorized_keys")
	}
	if asked.Load() != 1 {
		t.Errorf("asked %d times, want once for the whole run", asked.Load())
	}
}

func TestOnlyKeyFiles(t *testing.T) {
	t.Parallel()
	keys := privateKeys(t)
	_, right := keyFileOf(t, keys["ed25519"], "")
	s := newServer(t)
	admit(s, right)
	cfg := s.serve(t)
	other, _ := keyFileOf(t, keys["ecdsa"], "")
	cfg.KeyFiles, cfg.OnlyKeyFiles = []string{other}, true
	cfg.Agent, _ = agentWith(t, keys["ed25519"], keys["rsa"])
	wantError(t, cfg, transport.PhaseAuth, "tried key "+other, "authorized_keys")

	// A public key file, or one whose private half isn't here, names an agent's.
	for _, name := range []string{"id.pub", "id"} {
		dir := t.TempDir()
		writeFile(t, dir+"/id.pub", string(ssh.MarshalAuthorizedKey(right)))
		cfg.KeyFiles = []string{dir + "/" + name}
		dial(t, cfg)
	}
	cfg.Agent = func(context.Context) (net.Conn, error) { return nil, os.ErrNotExist }
	wantError(t, cfg, transport.PhaseAuth, "isn't here, and not in an agent", "keys only")
}

func TestMethods(t *testing.T) {
	t.Parallel()
	s, asked := passwordServer(t)
	client, file := newKey(t)
	s.config.PublicKeyCallback = func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if sameKey(key, client.PublicKey()) {
			return nil, nil
		}
		return nil, errors.New("unknown key")
	}
	cfg := s.serve(t)
	cfg.KeyFiles, cfg.Password = []string{file}, says(secret)
	cfg.Methods = []string{"password", "publickey"}
	dial(t, cfg)
	if asked.Load() != 1 {
		t.Error("the password was to go first")
	}
	cfg.Methods = []string{"publickey"}
	dial(t, cfg)
	cfg.KeyFiles = nil
	wantError(t, cfg, transport.PhaseAuth, "no key or password to offer", "account's name")
	if asked.Load() != 1 {
		t.Error("the password was given though it was switched off")
	}
}
