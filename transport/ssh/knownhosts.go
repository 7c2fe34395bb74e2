package ssh

import (
	"bufio"
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"

	"thordeploy/transport/ssh/sshconfig"
)

// KnownHosts is what known_hosts files say (the format is sshd(8)'s), indexed
// by name. It may be used by all hosts of a run at once; only accepted keys
// ([NewKeys]) are added to it after loading.
//
// Lines are matched as OpenSSH matches them: by the name as dialled, in lower
// case, as `[name]:port` where the port isn't 22; a host unknown by that is
// looked for by its bare name. A @revoked key is refused whatever the names on
// its line. A line that can't be read is passed over, as by ssh, unless it
// revokes something.
type KnownHosts struct {
	files []string

	mu       sync.RWMutex            // over all below
	progress map[string]progress     // how far each file was read
	exact    map[string][]*knownLine // by name, for lines of plain names
	patterns []*knownLine            // lines with a wildcard or a negation
	hashed   []hashedLine
	revoked  map[string]*knownLine // by the key's wire form
}

// knownLine is one line. Its key is parsed when a host needs it: most of a
// large file is about other hosts.
type knownLine struct {
	file     string
	line     int
	ca       bool     // @cert-authority
	patterns []string // lower case; empty where the name is hashed
	keyType  string
	blob     string // base64
}

func (l *knownLine) place() string { return fmt.Sprintf("%s:%d", l.file, l.line) }

// key parses the line's key.
func (l *knownLine) key() (ssh.PublicKey, error) {
	wire, err := base64.StdEncoding.DecodeString(l.blob)
	if err != nil {
		return nil, err
	}
	key, err := ssh.ParsePublicKey(wire)
	if err == nil && key.Type() != l.keyType {
		err = fmt.Errorf("the key is of type %s, the line says %s", key.Type(), l.keyType)
	}
	return key, err
}

type hashedLine struct {
	salt, hash [sha1.Size]byte
	*knownLine
}

// LoadKnownHosts reads files. One that doesn't exist counts as empty; the order
// doesn't matter.
func LoadKnownHosts(files ...string) (*KnownHosts, error) {
	k := newKnownHosts(files...)
	for _, name := range files {
		f, err := os.Open(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = k.catchUp(f, name)
			f.Close()
		}
		if err != nil {
			return nil, fmt.Errorf("known hosts: %w", err)
		}
	}
	return k, nil
}

func newKnownHosts(files ...string) *KnownHosts {
	return &KnownHosts{files: files, progress: map[string]progress{}, exact: map[string][]*knownLine{}, revoked: map[string]*knownLine{}}
}

// read adds the lines of r, which is file from behind its first n lines on, and
// gives how many lines the file then has.
func (k *KnownHosts) read(r io.Reader, file string, n int) (int, error) {
	s := bufio.NewScanner(r)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		n++
		if err := k.add(s.Text(), file, n); err != nil {
			return n, fmt.Errorf("%s:%d: %w", file, n, err)
		}
	}
	if err := s.Err(); err != nil {
		return n, fmt.Errorf("%s:%d: %w", file, n+1, err)
	}
	return n, nil
}

// add indexes one line. Only a line that revokes is an error where it can't be
// read: to pass it over would be to trust what it takes back.
func (k *KnownHosts) add(text, file string, n int) error {
	fields := strings.Fields(text)
	if len(fields) == 0 || fields[0][0] == '#' {
		return nil
	}
	marker := ""
	if fields[0][0] == '@' {
		marker, fields = fields[0], fields[1:]
	}
	if len(fields) < 3 {
		if marker == "@revoked" {
			return errors.New("a @revoked line needs names, a key type and a key")
		}
		return nil
	}
	l := &knownLine{file: file, line: n, ca: marker == "@cert-authority", keyType: fields[1], blob: fields[2]}
	switch marker {
	case "@revoked":
		wire, err := base64.StdEncoding.DecodeString(l.blob)
		if err != nil {
			return fmt.Errorf("the key of a @revoked line can't be read: %w", err)
		}
		k.revoked[string(wire)] = l
		return nil
	case "", "@cert-authority":
		k.index(l, fields[0])
	}
	return nil
}

// index files l under its names.
func (k *KnownHosts) index(l *knownLine, names string) {
	if names[0] == '|' {
		if h, ok := parseHashed(names); ok {
			h.knownLine = l
			k.hashed = append(k.hashed, h)
		}
		return
	}
	l.patterns = strings.Split(strings.ToLower(names), ",")
	if strings.ContainsAny(names, "*?!") {
		k.patterns = append(k.patterns, l)
		return
	}
	for _, name := range l.patterns {
		k.exact[name] = append(k.exact[name], l)
	}
}

// parseHashed reads `|1|salt|hash`, the one kind there is.
func parseHashed(s string) (h hashedLine, ok bool) {
	parts := strings.Split(s, "|")
	if len(parts) != 4 || parts[1] != "1" {
		return h, false
	}
	for i, into := range [][]byte{h.salt[:], h.hash[:]} {
		b, err := base64.StdEncoding.DecodeString(parts[2+i])
		if err != nil || len(b) != sha1.Size {
			return h, false
		}
		copy(into, b)
	}
	return h, true
}

// lookup gives the lines about the host at host:port, in no order. bare says
// that they name the host without its port: as for ssh, they can vouch for a
// key, and another key makes the host an unknown one, not a changed one.
func (k *KnownHosts) lookup(host, port string) (lines []*knownLine, bare bool) {
	if k == nil {
		return nil, false
	}
	k.mu.RLock()
	defer k.mu.RUnlock()
	host = strings.ToLower(host)
	if port == "22" {
		return k.named(host), false
	}
	if lines := k.named("[" + host + "]:" + port); len(lines) > 0 {
		return lines, false
	}
	return k.named(host), true
}

// revokes gives the line that takes key back, or nil.
func (k *KnownHosts) revokes(key ssh.PublicKey) *knownLine {
	if k == nil {
		return nil
	}
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.revoked[string(key.Marshal())]
}

func (k *KnownHosts) named(name string) []*knownLine {
	lines := append([]*knownLine(nil), k.exact[name]...)
	for _, l := range k.patterns {
		if sshconfig.MatchList(l.patterns, name, false) {
			lines = append(lines, l)
		}
	}
	for i := range k.hashed {
		if k.hashed[i].matches(name) {
			lines = append(lines, k.hashed[i].knownLine)
		}
	}
	return lines
}

// matches computes HMAC-SHA1 in place: crypto/hmac's allocations would make a
// look-up in a large file several times as long.
func (h *hashedLine) matches(name string) bool {
	var inner [sha1.BlockSize + 300]byte
	var outer [sha1.BlockSize + sha1.Size]byte
	if len(name) > 300 {
		return false // longer than any host's name
	}
	for i := range sha1.BlockSize {
		var b byte
		if i < len(h.salt) {
			b = h.salt[i]
		}
		inner[i], outer[i] = b^0x36, b^0x5c
	}
	n := copy(inner[sha1.BlockSize:], name)
	sum := sha1.Sum(inner[:sha1.BlockSize+n])
	copy(outer[sha1.BlockSize:], sum[:])
	sum = sha1.Sum(outer[:])
	return bytes.Equal(sum[:], h.hash[:])
}
