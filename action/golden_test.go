package action

import (
	"context"
	"flag"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"

	"thordeploy/transport"
)

var update = flag.Bool("update", false, "write the golden files anew")

// told notes the command lines that a host is sent.
type told struct {
	transport.Conn
	mu    sync.Mutex
	lines []string
}

func (c *told) Start(ctx context.Context, line string) (transport.Process, error) {
	c.mu.Lock()
	c.lines = append(c.lines, line)
	c.mu.Unlock()
	return c.Conn.Start(ctx, line)
}

// TestCommandLines holds the exact command lines of copy and fetch: what a
// host's administrator sees in its logs, and what sudo's rules may name.
func TestCommandLines(t *testing.T) {
	t.Parallel()
	src := t.TempDir()
	write(t, src+"/f", "x", 0o644)
	dest := t.TempDir()
	conn := &told{}
	h := openHostOver(t, "dash", "dash", func(c transport.Conn) transport.Conn { conn.Conn = c; return conn })
	for _, task := range []struct {
		module string
		values values
	}{
		{"copy", values{"src": src + "/", "dest": dest}},
		{"copy", values{"src": src + "/", "dest": dest + "/new/it's", "owner": "0", "group": "0", "directory_mode": "0750"}},
		{"copy", values{"src": src + "/f", "dest": dest + "/one", "mode": "0600", "validate": "test -s %s"}},
		{"copy", values{"content": "x", "dest": dest + "/two"}},
		{"fetch", values{"src": dest + "/one", "dest": t.TempDir() + "/", "flat": true}},
	} {
		mustOK(t, h.run(t, task.module, task.values), true)
	}
	text := strings.Join(conn.lines[1:], "\n") + "\n" // the first is the held shell's
	text = strings.ReplaceAll(text, dest, "/DEST")
	text = regexp.MustCompile(`\.thordeploy-[0-9a-f]{16}`).ReplaceAllString(text, ".thordeploy-RANDOM")
	const golden = "testdata/commandlines.golden"
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if text != string(want) {
		t.Errorf("command lines:\n%s\nwant (go test -update writes them):\n%s", text, want)
	}
}
