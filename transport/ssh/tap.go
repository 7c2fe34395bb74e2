package ssh

import (
	"bytes"
	"net"
	"strings"
	"sync"
	"sync/atomic"
)

// maxFirst is how much of what a host says first is kept, to tell a person what
// answers on a port where no SSH server does.
const maxFirst = 256

// tap is a network connection that notes what the layers above don't tell.
type tap struct {
	net.Conn
	received atomic.Int64 // bytes
	broken   atomic.Bool  // reading has failed, whatever the reason

	mu    sync.Mutex
	first []byte
}

func (t *tap) Read(p []byte) (int, error) {
	n, err := t.Conn.Read(p)
	if t.received.Add(int64(n)) <= maxFirst+int64(n) {
		t.mu.Lock()
		t.first = append(t.first, p[:min(n, maxFirst-len(t.first))]...)
		t.mu.Unlock()
	}
	if err != nil {
		t.broken.Store(true)
	}
	return n, err
}

// greeting is the first line that the host said, cut to a readable length, and
// whether there is an SSH version line in what it said first.
func (t *tap) greeting() (line string, isSSH bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	isSSH = bytes.HasPrefix(t.first, []byte("SSH-")) || bytes.Contains(t.first, []byte("\nSSH-"))
	line, _, _ = strings.Cut(string(t.first), "\n")
	line = strings.TrimRight(line, "\r")
	if len(line) > 80 {
		line = line[:80]
	}
	return line, isSSH
}
