package action

import (
	"bytes"
	"context"
	"flag"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"thordeploy/internal/bundle"
	"thordeploy/internal/lab"
	"thordeploy/transport"
	"thordeploy/transport/local"
	"thordeploy/transport/shell"
)

// The harness: every module is tried under each shell that targets have,
// through the same session as on a real host, on this machine.

// testShells are the shells, by the command line that starts them. bash is as
// it is when it is /bin/sh. busybox runs with nothing but its own programs in
// PATH, as on a small target.
var testShells = []struct{ name, prefix string }{
	{"dash", "dash"},
	{"bash", "bash --posix"},
	{"busybox", "env PATH={busybox} busybox sh"},
}

// busyboxDir is a folder with a link for each of busybox's programs.
var busyboxDir = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "action-busybox-")
	if err != nil {
		return "", err
	}
	at, err := exec.LookPath("busybox")
	if err != nil {
		return dir, err
	}
	list, err := exec.Command(at, "--list").Output()
	if err != nil {
		return dir, err
	}
	for _, name := range append(strings.Fields(string(list)), "busybox") {
		if err := os.Symlink(at, filepath.Join(dir, name)); err != nil && !os.IsExist(err) {
			return dir, err
		}
	}
	return dir, nil
})

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == BridgeCommand {
		os.Exit(Bridge(os.Args[2:], os.Stdin, os.Stdout))
	}
	lab.Main() // a host of a lab may be this program
	flag.Parse()
	// Most of these tests wait for programs, and some for seconds to pass.
	_ = flag.Set("test.parallel", "8")
	code := m.Run()
	if dir, _ := busyboxDir(); dir != "" {
		_ = os.RemoveAll(dir)
	}
	os.Exit(code)
}

// host is a session under one of testShells.
type host struct {
	*shell.Session
	shell string // its name
	trips *countingConn
}

// countingConn counts what a session asks of its host: task requests (the
// text of a half goes with the first that needs it and isn't counted) and
// streams beside them.
type countingConn struct {
	transport.Conn
	mu    sync.Mutex
	held  bool // the session's own channel is open
	count int
}

func (c *countingConn) Start(ctx context.Context, line string) (transport.Process, error) {
	p, err := c.Conn.Start(ctx, line)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil || c.held {
		c.count++
		return p, err
	}
	c.held = true
	return countingProcess{p, c}, nil
}

// User keeps what the connection beneath says about its account.
func (c *countingConn) User() string { return c.Conn.(interface{ User() string }).User() }

// take gives the number of round trips since it was last called.
func (c *countingConn) take() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.count
	c.count = 0
	return n
}

type countingProcess struct {
	transport.Process
	conn *countingConn
}

func (p countingProcess) Stdin() io.WriteCloser { return countingStdin{p.Process.Stdin(), p.conn} }

type countingStdin struct {
	io.WriteCloser
	conn *countingConn
}

func (w countingStdin) Write(b []byte) (int, error) {
	// A line a request: a half, a command, or a text to learn.
	for line := range bytes.Lines(b) {
		line = bytes.TrimPrefix(line, []byte("T "))
		if bytes.HasPrefix(line, []byte("half ")) || bytes.HasPrefix(line, []byte("run ")) {
			w.conn.mu.Lock()
			w.conn.count++
			w.conn.mu.Unlock()
		}
	}
	return w.WriteCloser.Write(b)
}

// openHost starts a session whose shell is the command line prefix.
func openHost(t *testing.T, name, prefix string) *host {
	t.Helper()
	return openHostOver(t, name, prefix, func(c transport.Conn) transport.Conn { return c })
}

// openHostOver is openHost with the connection wrapped.
func openHostOver(t *testing.T, name, prefix string, wrap func(transport.Conn) transport.Conn) *host {
	t.Helper()
	if strings.Contains(prefix, "{busybox}") {
		dir, err := busyboxDir()
		if err != nil {
			t.Fatalf("these tests need busybox: %v", err)
		}
		prefix = strings.ReplaceAll(prefix, "{busybox}", dir)
	}
	conn := &countingConn{Conn: streamsUnder(local.Dial(), prefix)}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	s, err := shell.Open(ctx, wrap(conn), shell.Options{Prefix: prefix})
	if err != nil {
		t.Fatalf("opening a session under %s: %v", prefix, err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_, _, _ = s.Close(ctx, false)
		_ = conn.Close()
	})
	return &host{Session: s, shell: name, trips: conn}
}

// eachShell runs f once under each shell.
func eachShell(t *testing.T, f func(t *testing.T, h *host)) {
	t.Helper()
	for _, s := range testShells {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			f(t, openHost(t, s.name, s.prefix))
		})
	}
}

// run binds values to the module's parameters and runs it; options alter the
// Call. It fails the test where the parameters don't bind.
func (h *host) run(t *testing.T, module string, values map[string]any, options ...func(*Call)) Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	return h.runContext(ctx, t, module, values, options...)
}

func (h *host) runContext(ctx context.Context, t *testing.T, module string, values map[string]any, options ...func(*Call)) Result {
	t.Helper()
	s, ok := Lookup(module)
	if !ok {
		t.Fatalf("no module %s", module)
	}
	args, err := s.Bind(values)
	if err != nil {
		t.Fatalf("binding %v: %v", values, err)
	}
	c := &Call{
		Args:   args,
		Host:   "host01",
		Local:  Paths{Playbook: t.TempDir()},
		Output: func(string, []byte) {},
		Trees:  &bundle.Cache{},
		Vars:   func(string) (any, error) { return nil, os.ErrNotExist },
		Shown:  func(string) (any, error) { return nil, os.ErrNotExist },
	}
	if h != nil {
		c.Shell = h.Session
	}
	for _, o := range options {
		o(c)
	}
	return s.Run(ctx, c)
}

// inCheck is an option: check mode.
func inCheck(c *Call) { c.Check = true }

// withEnv is an option: a variable of the task's environment.
func withEnv(name, value string) func(*Call) {
	return func(c *Call) {
		if c.Env == nil {
			c.Env = map[string]string{}
		}
		c.Env[name] = value
	}
}

// write makes a file with all its folders.
func write(t *testing.T, path, text string, mode os.FileMode) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // whatever the umask
		t.Fatal(err)
	}
	return path
}

// emits finds a call of what a session gives its halves. A file without one
// may also run elsewhere (script.sh).
var emits = regexp.MustCompile(`(?m)^[^#\n]*\bemit(_hex)?\b`)

// TestShellcheck holds every shell file to shellcheck, with the functions that
// a session gives a half declared.
func TestShellcheck(t *testing.T) {
	t.Parallel()
	at, err := exec.LookPath("shellcheck")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("shellcheck is not installed here")
	}
	files, err := filepath.Glob("sh/*.sh")
	if err != nil || len(files) == 0 {
		t.Fatalf("no shell files: %v", err)
	}
	for _, f := range files {
		t.Run(filepath.Base(f), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			prelude := "#!/bin/sh\n"
			if emits.Match(text) {
				prelude += "emit() { :; }\nemit_hex() { :; }\n"
			}
			check := exec.Command(at, "--shell=sh", "--severity=style", "-")
			check.Stdin = strings.NewReader(prelude + string(text))
			if out, err := check.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// TestHalvesKeepTheSessionsRules: comment lines and indentation aren't sent,
// so no text may span lines, and a half's name is a shell name.
func TestHalvesKeepTheSessionsRules(t *testing.T) {
	t.Parallel()
	files, err := halves.ReadDir("sh")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		name := strings.TrimSuffix(f.Name(), ".sh")
		if name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz_") != "" {
			t.Errorf("%s: the name of a half has lower-case letters and underscores only", f.Name())
		}
		text, err := halves.ReadFile("sh/" + f.Name())
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "<<") {
			t.Errorf("%s: a here-document would lose its indentation and its comment lines", f.Name())
		}
	}
}
