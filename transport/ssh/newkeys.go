package ssh

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"golang.org/x/crypto/ssh"
)

// NewKeys takes the keys of hosts that are met for the first time and writes
// them down in a known_hosts file. One value serves all hosts of a run.
//
// A line is appended in one write while the file is locked (flock), and what
// other programs appended since it was read is read first: two runs at once lose
// nothing, and don't both accept a key for the same host.
type NewKeys struct {
	File string // is made where it isn't there
	Hash bool   // write hashed names (HashKnownHosts)

	mu       sync.Mutex
	accepted []Accepted
}

// Accepted is a key that was taken on first sight.
type Accepted struct {
	Name        string // as known_hosts has it
	Type        string
	Fingerprint string // SHA256:…
}

// Accepted is what was accepted so far, in the order of it.
func (n *NewKeys) Accepted() []Accepted {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]Accepted(nil), n.accepted...)
}

// add writes down a host's key, unless check, called with all that is known by
// then, says that it is there already or that it may not be.
func (n *NewKeys) add(known *KnownHosts, name string, key ssh.PublicKey, check func() (there bool, err error)) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	f, err := openLocked(n.File)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := known.catchUp(f, n.File); err != nil {
		return err
	}
	if there, err := check(); there || err != nil {
		return err
	}
	written := name
	if n.Hash {
		written = hashName(name)
	}
	if err := appendLine(f, knownHostsLine(written, key)); err != nil {
		return err
	}
	n.accepted = append(n.accepted, Accepted{name, key.Type(), ssh.FingerprintSHA256(key)})
	return known.catchUp(f, n.File)
}

// openLocked opens the file, made where it is missing, and locks it. A file that
// was replaced while this one waited is opened anew.
func openLocked(name string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return nil, err
	}
	for {
		f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
		if err != nil {
			return nil, err
		}
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
			f.Close()
			return nil, fmt.Errorf("lock %s: %w", name, err)
		}
		held, err := f.Stat()
		if err != nil {
			f.Close()
			return nil, err
		}
		if now, err := os.Stat(name); err == nil && os.SameFile(held, now) {
			return f, nil
		}
		f.Close()
	}
}

// appendLine writes one line, on a line of its own even where the last one has
// no end.
func appendLine(f *os.File, line string) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	text := line + "\n"
	if info.Size() > 0 {
		last := make([]byte, 1)
		if _, err := f.ReadAt(last, info.Size()-1); err != nil {
			return err
		}
		if last[0] != '\n' {
			text = "\n" + text
		}
	}
	_, err = f.WriteString(text)
	return err
}

// hashName is a host's name as HashKnownHosts writes it.
func hashName(name string) string {
	salt := make([]byte, sha1.Size)
	_, _ = rand.Read(salt) // never fails (crypto/rand)
	mac := hmac.New(sha1.New, salt)
	mac.Write([]byte(name))
	enc := base64.StdEncoding.EncodeToString
	return "|1|" + enc(salt) + "|" + enc(mac.Sum(nil))
}

// progress is how far a file was read.
type progress struct {
	info  os.FileInfo
	size  int64
	lines int
}

// catchUp reads what was appended to a file since, all of it where it is
// another file by now or wasn't read before.
func (k *KnownHosts) catchUp(f *os.File, name string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	at, seen := k.progress[name]
	if !seen || !os.SameFile(at.info, info) || at.size > info.Size() {
		at = progress{}
	}
	if at.size == info.Size() && at.info != nil {
		return nil
	}
	n, err := k.read(io.NewSectionReader(f, at.size, info.Size()-at.size), name, at.lines)
	if err != nil {
		return err
	}
	k.progress[name] = progress{info: info, size: info.Size(), lines: n}
	return nil
}
