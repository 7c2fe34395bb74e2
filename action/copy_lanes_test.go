package action

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"thordeploy/transport"
)

// farAway is a host behind a link: as long and as slow as it says, though
// nothing is. It notes the streams beside the held shell.
type farAway struct {
	transport.Conn
	rtt    time.Duration
	slow   bool // padding is never read
	refuse int  // streams that may run, 0: any number

	mu      sync.Mutex
	padded  int
	lines   []string
	sent    int64 // bytes of all streams
	running int
}

func (f *farAway) RTT() time.Duration { return f.rtt }

func (f *farAway) Pad(n int) <-chan time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.padded += n
	read := make(chan time.Time, 1)
	if !f.slow {
		read <- time.Now()
	}
	return read
}

func (f *farAway) Start(ctx context.Context, line string) (transport.Process, error) {
	if !strings.Contains(line, "unpack") {
		return f.Conn.Start(ctx, line)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.refuse > 0 && f.running >= f.refuse {
		return nil, &transport.Error{Phase: transport.PhaseChannel, Err: errors.New("no further session")}
	}
	p, err := f.Conn.Start(ctx, line)
	if err != nil {
		return nil, err
	}
	f.running++
	f.lines = append(f.lines, line)
	return farProcess{p, f}, nil
}

type farProcess struct {
	transport.Process
	far *farAway
}

func (p farProcess) Stdin() io.WriteCloser { return farStdin{p.Process.Stdin(), p.far} }

type farStdin struct {
	io.WriteCloser
	far *farAway
}

func (w farStdin) Write(b []byte) (int, error) {
	w.far.mu.Lock()
	w.far.sent += int64(len(b))
	w.far.mu.Unlock()
	return w.WriteCloser.Write(b)
}

// eachFarShell runs f under each shell over a link.
func eachFarShell(t *testing.T, link func() *farAway, f func(t *testing.T, h *host, far *farAway)) {
	t.Helper()
	for _, s := range testShells {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			far := link()
			h := openHostOver(t, s.name, s.prefix, func(c transport.Conn) transport.Conn { far.Conn = c; return far })
			f(t, h, far)
		})
	}
}

// rulesPack is a tree whose files are what a pack has.
func rulesPack(t *testing.T, n, size int) (src string, text string) {
	t.Helper()
	src = t.TempDir()
	text = strings.Repeat("rule r { condition: true }\n", size/27+1)[:size]
	for i := range n {
		write(t, fmt.Sprintf("%s/d%d/f%d", src, i%3, i), text, 0o644)
	}
	if err := os.Symlink("d0/f0", src+"/link"); err != nil {
		t.Fatal(err)
	}
	return src, text
}

// TestCopyInLanes: on a long way several streams share out the files.
func TestCopyInLanes(t *testing.T) {
	t.Parallel()
	src, text := rulesPack(t, 12, 1<<20)
	eachFarShell(t, func() *farAway { return &farAway{rtt: 100 * time.Millisecond} }, func(t *testing.T, h *host, far *farAway) {
		dest := filepath.Join(t.TempDir(), "new", "pack")
		task := values{"src": src + "/", "dest": dest, "local_follow": false, "directory_mode": "0750"}
		mustOK(t, h.run(t, "copy", task), true)
		for i := range 12 {
			holds(t, fmt.Sprintf("%s/d%d/f%d", dest, i%3, i), text, 0o644)
		}
		hasMode(t, dest+"/d1", 0o750)
		if to, err := os.Readlink(dest + "/link"); to != "d0/f0" {
			t.Errorf("link: %q, %v", to, err)
		}
		if len(far.lines) != maxLanes {
			t.Errorf("%d lanes, want %d", len(far.lines), maxLanes)
		}
		mustOK(t, h.run(t, "copy", task), false)
		// A folder that can't be written to gets its mode when it is full.
		far.lines = nil
		task["dest"], task["directory_mode"] = filepath.Join(t.TempDir(), "b"), "0550"
		mustOK(t, h.run(t, "copy", task), true)
		if len(far.lines) != 1 {
			t.Errorf("%d lanes into a folder without w", len(far.lines))
		}
	})
}

// TestCopyInFewerLanes: a host that allows one stream gets all in one.
func TestCopyInFewerLanes(t *testing.T) {
	t.Parallel()
	src, text := rulesPack(t, 9, 1<<20)
	eachFarShell(t, func() *farAway { return &farAway{rtt: 100 * time.Millisecond, refuse: 1} }, func(t *testing.T, h *host, far *farAway) {
		dest := filepath.Join(t.TempDir(), "pack")
		mustOK(t, h.run(t, "copy", values{"src": src + "/", "dest": dest}), true)
		for i := range 9 {
			holds(t, fmt.Sprintf("%s/d%d/f%d", dest, i%3, i), text, 0o644)
		}
	})
}

// TestCopyCompresses where the link is slow, the files shrink and there are
// enough of them; a single file too.
func TestCopyCompresses(t *testing.T) {
	t.Parallel()
	src, text := rulesPack(t, 5, 300<<10)
	one := write(t, t.TempDir()+"/one", strings.Repeat(text, 4), 0o644)
	few, _ := rulesPack(t, 1, 100<<10)
	for _, c := range []struct {
		name   string
		slow   bool
		src    string
		packed bool
		padded bool
	}{
		{"slow", true, src, true, true},
		{"fast", false, src, false, true},
		{"few", true, few, false, false},
		{"one file", true, one, true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			eachFarShell(t, func() *farAway { return &farAway{rtt: time.Millisecond, slow: c.slow} }, func(t *testing.T, h *host, far *farAway) {
				dest := filepath.Join(t.TempDir(), "to")
				size := int64(5 * len(text))
				if c.src == one {
					size = int64(4 * len(text))
					mustOK(t, h.run(t, "copy", values{"src": one, "dest": dest}), true)
					holds(t, dest, strings.Repeat(text, 4), 0o644)
				} else {
					mustOK(t, h.run(t, "copy", values{"src": c.src + "/", "dest": dest}), true)
				}
				if c.src == src {
					holds(t, dest+"/d1/f1", text, 0o644)
				}
				if (far.padded > 0) != c.padded {
					t.Errorf("padded with %d bytes", far.padded)
				}
				if len(far.lines) > 0 && c.src == src && (far.sent < size/2) != c.packed {
					t.Errorf("%d bytes of %d were sent", far.sent, size)
				}
			})
		})
	}
}

// TestCodecOfAHost: zstd before gzip, neither where it is missing.
func TestCodecOfAHost(t *testing.T) {
	t.Parallel()
	src, text := rulesPack(t, 5, 300<<10)
	for _, c := range []struct {
		lacks  []string
		packed bool
	}{{nil, true}, {[]string{"gzip"}, false}} {
		far := &farAway{rtt: time.Millisecond, slow: true}
		path := toolsWithout(t, c.lacks...) // busybox has no zstd
		h := openHostOver(t, "dash", "env PATH="+path+" /bin/dash", func(conn transport.Conn) transport.Conn { far.Conn = conn; return far })
		dest := filepath.Join(t.TempDir(), "to")
		mustOK(t, h.run(t, "copy", values{"src": src + "/", "dest": dest}), true)
		holds(t, dest+"/d1/f1", text, 0o644)
		if packed := far.sent < int64(len(text)); packed != c.packed {
			t.Errorf("without %v: %d bytes were sent", c.lacks, far.sent)
		}
	}
}
