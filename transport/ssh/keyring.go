package ssh

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"
)

// Keyring reads key files once for all hosts of a run, and asks for the
// passphrase of an encrypted one once: when the first host has said that it
// would take the key. The zero value asks nobody.
type Keyring struct {
	// Passphrase asks a person for the passphrase of a key file; nil: nobody is
	// asked, and an encrypted key can be used from an agent only. An error of it
	// ends the asking for that file.
	Passphrase func(ctx context.Context, file string) (string, error)

	mu    sync.Mutex
	files map[string]*keyFile

	asking sync.Mutex // one question at a time; held while a person types
	given  []string   // passphrases that opened a file: another may have the same
}

// keyFile is what a key file holds. One of signer, public and err is set. It is
// immutable but for opened and failed.
type keyFile struct {
	name      string
	pem       []byte        // of an encrypted key
	signer    ssh.Signer    // of a key that isn't encrypted
	public    ssh.PublicKey // of an encrypted key, or one that only an agent has
	encrypted bool
	only      string           // why only an agent can use the key
	cert      *ssh.Certificate // of FILE-cert.pub
	err       error            // why the file can't be used

	opened atomic.Pointer[ssh.Signer] // of an encrypted key, once there was a passphrase
	failed error                      // why it could not be opened; under Keyring.asking
}

// file gives what the file holds.
func (k *Keyring) file(name string) *keyFile {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.files == nil {
		k.files = map[string]*keyFile{}
	}
	f := k.files[name]
	if f == nil {
		f = readKey(name)
		k.files[name] = f
	}
	return f
}

// maxKeyFile is well above any key.
const maxKeyFile = 1 << 20

// readFile is the file's content, its error without the path.
func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err == nil {
		defer f.Close()
		var text []byte
		if text, err = io.ReadAll(io.LimitReader(f, maxKeyFile)); err == nil {
			return text, nil
		}
	}
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	return nil, err
}

// readKey reads a private key, or the public half of one that an agent has.
func readKey(name string) *keyFile {
	f := &keyFile{name: name}
	if cert, err := readCertificate(name + "-cert.pub"); err == nil {
		f.cert = cert
	}
	text, err := readFile(name)
	if err != nil {
		f.public, f.only = publicHalf(name+".pub"), "isn't here"
		if f.public == nil {
			f.err = fmt.Errorf("key %s can't be read (%w)", name, err)
		}
		return f
	}
	f.signer, err = ssh.ParsePrivateKey(text)
	var missing *ssh.PassphraseMissingError
	switch {
	case err == nil:
	case errors.As(err, &missing):
		f.encrypted, f.pem = true, text
		if f.public = missing.PublicKey; f.public == nil {
			f.public = publicHalf(name + ".pub") // a PEM key doesn't name its own
		}
	default:
		f.unusable(text, err)
	}
	return f
}

// unusable is for what is no private key that can be used here.
func (f *keyFile) unusable(text []byte, err error) {
	if key, _, _, _, bad := ssh.ParseAuthorizedKey(text); bad == nil {
		f.public, f.only = key, "is a public key"
		return
	}
	if key := publicHalf(f.name + ".pub"); key != nil && strings.HasPrefix(key.Type(), "sk-") {
		f.public, f.only = key, "is the handle of a security key"
		return
	}
	f.err = fmt.Errorf("key %s isn't a private key that can be used (%s)", f.name, strings.TrimPrefix(err.Error(), "ssh: "))
}

func publicHalf(name string) ssh.PublicKey {
	text, err := readFile(name)
	if err != nil {
		return nil
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey(text)
	if err != nil {
		return nil
	}
	return key
}

// readCertificate reads an OpenSSH certificate for a user.
func readCertificate(name string) (*ssh.Certificate, error) {
	text, err := readFile(name)
	if err != nil {
		return nil, fmt.Errorf("certificate %s can't be read (%w)", name, err)
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey(text)
	cert, ok := key.(*ssh.Certificate)
	if err != nil || !ok {
		return nil, fmt.Errorf("%s isn't a certificate", name)
	}
	switch now := uint64(time.Now().Unix()); {
	case cert.CertType != ssh.UserCert:
		return nil, fmt.Errorf("certificate %s is for a host, not for a user", name)
	case cert.ValidBefore != ssh.CertTimeInfinity && now >= cert.ValidBefore:
		return nil, fmt.Errorf("certificate %s has expired (%s)", name, time.Unix(int64(cert.ValidBefore), 0).UTC().Format(time.DateTime)) //nolint:gosec // its size was compared
	case now < cert.ValidAfter:
		return nil, fmt.Errorf("certificate %s isn't valid yet", name)
	}
	return cert, nil
}

// maxAsked is how often a person is asked for one passphrase.
const maxAsked = 3

// open decrypts a file's key. Whoever comes while a person is asked waits for
// the same answer.
func (k *Keyring) open(ctx context.Context, f *keyFile) (ssh.Signer, error) {
	k.asking.Lock()
	defer k.asking.Unlock()
	if s := f.ready(); s != nil || f.failed != nil {
		return s, f.failed
	}
	for _, p := range k.given {
		if s, err := ssh.ParsePrivateKeyWithPassphrase(f.pem, []byte(p)); err == nil {
			f.opened.Store(&s)
			return s, nil
		}
	}
	for range maxAsked {
		p, err := k.Passphrase(ctx, f.name)
		if err != nil {
			if ctx.Err() == nil {
				f.failed = fmt.Errorf("the passphrase of key %s: %w", f.name, err)
			}
			return nil, err
		}
		if s, err := ssh.ParsePrivateKeyWithPassphrase(f.pem, []byte(p)); err == nil {
			k.given = append(k.given, p)
			f.opened.Store(&s)
			return s, nil
		}
	}
	f.failed = fmt.Errorf("the passphrase of key %s was wrong %d times", f.name, maxAsked)
	return nil, f.failed
}

// ready is the signer of a file that needs no passphrase, or no more.
func (f *keyFile) ready() ssh.Signer {
	if s := f.opened.Load(); s != nil {
		return *s
	}
	return f.signer
}

// lazySigner asks for the passphrase only when a host would take the key.
type lazySigner struct {
	auth *auth
	file *keyFile
}

func (l *lazySigner) PublicKey() ssh.PublicKey { return l.file.public }

func (l *lazySigner) Sign(rand io.Reader, data []byte) (*ssh.Signature, error) {
	return l.SignWithAlgorithm(rand, data, "")
}

// SignWithAlgorithm keeps ssh.AlgorithmSigner, which RSA keys need.
func (l *lazySigner) SignWithAlgorithm(_ io.Reader, data []byte, algorithm string) (*ssh.Signature, error) {
	l.auth.clock.pause()
	s, err := l.auth.cfg.Keys.open(l.auth.ctx, l.file)
	l.auth.clock.resume()
	if err != nil {
		return nil, err
	}
	as, ok := s.(ssh.AlgorithmSigner)
	if !ok || algorithm == "" {
		return s.Sign(rand.Reader, data)
	}
	return as.SignWithAlgorithm(rand.Reader, data, algorithm)
}

func sameKey(a, b ssh.PublicKey) bool {
	return a != nil && b != nil && bytes.Equal(a.Marshal(), b.Marshal())
}
