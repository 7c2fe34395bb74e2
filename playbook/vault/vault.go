// Package vault reads and writes texts that ansible-vault encrypted, in the
// format that names itself AES256, versions 1.1 and 1.2 (which carries a label,
// the vault id).
//
// Data flows through it in memory, as one text: [Is] tells a vault text from
// any other, [Decrypt] parses its envelope (envelope.go), derives the keys from
// a password, checks the authentication code and only then decrypts; [Encrypt]
// goes the other way. Files, prompts and flags are the caller's. Vault texts
// may come from anywhere, so that all sizes are bounded, and what is wrong is
// an [Error] which never has a password or plain text in it.
//
// The format is described under "Ansible Vault payload format" in Ansible's
// documentation.
package vault

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
)

// Bounds, in bytes: MaxPlain of what is encrypted, MaxText of a vault text,
// which is about four times as long.
const (
	MaxPlain = 16 << 20
	MaxText  = 68 << 20
)

// What the format prescribes.
const (
	iterations = 10000
	keySize    = 32
	macSize    = sha256.Size
	saltSize   = 32 // of what is written; other lengths are read too
)

// DefaultID is the label that a secret or a text without one has.
const DefaultID = "default"

// Secret is a vault password. It shows itself by its label alone, however it
// is printed.
type Secret struct {
	ID       string // the label, as in --vault-id; empty means DefaultID
	Password []byte `json:"-"`
}

// Format prints the label and never the password, whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "vault password "+show(s.id())) // f keeps its own error
}

func (s Secret) id() string {
	if s.ID == "" {
		return DefaultID
	}
	return s.ID
}

// Is says whether data is meant to be a vault text: whether it begins as one.
// Decrypt tells what may still be wrong with it.
func Is(data []byte) bool { return bytes.HasPrefix(data, []byte(magic)) }

// Decrypt gives the plain text of a vault text. The passwords with the text's
// own label are tried first, then the others, since Ansible takes a label for
// a hint too; each costs about 5 ms. The error is an [*Error] of kind
// ErrNotVault, ErrUnsupported, ErrDamaged, ErrPassword or ErrTooLarge.
func Decrypt(data []byte, passwords ...Secret) ([]byte, error) {
	e, err := parse(data)
	if err != nil {
		return nil, err
	}
	for _, s := range inOrder(passwords, e.label) {
		k, err := derive(s.Password, e.salt)
		if err != nil {
			return nil, err
		}
		if hmac.Equal(k.sum(e.ciphertext), e.mac) {
			return k.open(e.ciphertext)
		}
	}
	return nil, wrongPassword(e.label, len(passwords))
}

// inOrder puts the passwords of a label before the others.
func inOrder(passwords []Secret, label string) []Secret {
	var own, others []Secret
	for _, s := range passwords {
		if s.id() == label {
			own = append(own, s)
		} else {
			others = append(others, s)
		}
	}
	return append(own, others...)
}

// Encrypt gives a vault text of plain, with lines of at most 80 characters and
// a newline at its end. A label other than DefaultID makes it version 1.2. The
// error is an [*Error] of kind ErrEncrypted (plain is a vault text already),
// ErrLabel, ErrPassword (it is empty) or ErrTooLarge.
func Encrypt(plain []byte, s Secret) ([]byte, error) {
	salt := make([]byte, saltSize)
	if _, err := rand.Read(salt); err != nil {
		return nil, fmt.Errorf("make a salt: %w", err)
	}
	return encrypt(plain, s, salt)
}

func encrypt(plain []byte, s Secret, salt []byte) ([]byte, error) {
	switch {
	case Is(plain):
		return nil, &Error{Kind: ErrEncrypted, Summary: "it is encrypted already", Hint: "decrypt it first, to encrypt it with another password"}
	case len(plain) > MaxPlain:
		return nil, &Error{Kind: ErrTooLarge, Summary: fmt.Sprintf("more than %d MiB can't be encrypted", MaxPlain>>20), Hint: "encrypt only the secrets, and keep the rest in a file of its own"}
	case len(s.Password) == 0:
		return nil, &Error{Kind: ErrPassword, Summary: "the vault password is empty", Hint: "give a password of at least one character"}
	}
	if err := checkLabel(s.id()); err != nil {
		return nil, err
	}
	k, err := derive(s.Password, salt)
	if err != nil {
		return nil, err
	}
	ciphertext, err := k.seal(plain)
	if err != nil {
		return nil, err
	}
	return envelope{label: s.id(), salt: salt, mac: k.sum(ciphertext), ciphertext: ciphertext}.text(), nil
}

// keys are what a password and a salt come to.
type keys struct {
	cipher, mac, iv []byte
}

func derive(password, salt []byte) (keys, error) {
	b, err := pbkdf2.Key(sha256.New, string(password), salt, iterations, 2*keySize+aes.BlockSize)
	if err != nil { // only where Go is told to keep to FIPS 140
		return keys{}, &Error{Kind: ErrUnsupported, Summary: "this machine's FIPS 140 mode refuses the vault's key: " + err.Error(), Hint: "encrypt it anew with a current ansible-vault or thordeploy"}
	}
	return keys{cipher: b[:keySize], mac: b[keySize : 2*keySize], iv: b[2*keySize:]}, nil
}

func (k keys) sum(ciphertext []byte) []byte {
	h := hmac.New(sha256.New, k.mac)
	h.Write(ciphertext)
	return h.Sum(nil)
}

// seal pads (PKCS #7) and encrypts.
func (k keys) seal(plain []byte) ([]byte, error) {
	n := aes.BlockSize - len(plain)%aes.BlockSize
	padded := make([]byte, 0, len(plain)+n)
	padded = append(append(padded, plain...), bytes.Repeat([]byte{byte(n)}, n)...)
	return padded, k.apply(padded)
}

// open decrypts what sum vouched for, and takes the padding off.
func (k keys) open(ciphertext []byte) ([]byte, error) {
	padded := bytes.Clone(ciphertext)
	if err := k.apply(padded); err != nil {
		return nil, err
	}
	n := int(padded[len(padded)-1])
	if n < 1 || n > aes.BlockSize || !bytes.HasSuffix(padded, bytes.Repeat([]byte{byte(n)}, n)) {
		return nil, &Error{Kind: ErrDamaged, Summary: "the password is right, but what it opens doesn't end as it must", Hint: "encrypt it anew: what wrote it isn't ansible-vault's equal"}
	}
	return padded[:len(padded)-n], nil
}

// apply is AES in counter mode, in place: the same for both directions.
func (k keys) apply(data []byte) error {
	block, err := aes.NewCipher(k.cipher)
	if err != nil {
		return fmt.Errorf("set up the vault's cipher: %w", err)
	}
	cipher.NewCTR(block, k.iv).XORKeyStream(data, data)
	return nil
}
