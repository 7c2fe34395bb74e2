package main

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"sync"
	"time"

	"thordeploy/internal/program"
	"thordeploy/playbook"
	"thordeploy/playbook/vault"
)

// Bounds of what a lookup may bring in: what a person waits for, and what every
// host's variables can hold.
const (
	maxLookupFile   = 16 << 20
	lookupTime      = 10 * time.Minute
	maxLookupOutput = 16 << 20
)

// controller is this machine as lookups may reach it.
type controller struct {
	ctx    context.Context
	getenv func(string) (string, bool)
	keys   *vault.Keyring
	err    io.Writer

	mu   sync.Mutex
	said map[string]bool
}

var _ playbook.Controller = (*controller)(nil)

func (m *Main) newController(ctx context.Context, keys *vault.Keyring) *controller {
	return &controller{ctx: ctx, keys: keys, err: m.err, said: map[string]bool{}, getenv: os.LookupEnv}
}

// Env looks an environment variable up.
func (c *controller) Env(name string) (string, bool) { return c.getenv(name) }

// ReadFile reads a regular file; an encrypted one is opened, and kept out of
// sight.
func (c *controller) ReadFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("it is not a file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxLookupFile+1))
	switch {
	case err != nil:
		return nil, err
	case len(data) > maxLookupFile:
		return nil, fmt.Errorf("it is larger than %d MiB", maxLookupFile>>20)
	case !vault.Is(data):
		return data, nil
	}
	plain, err := c.keys.Value(string(data))
	return []byte(plain), err
}

// Stat looks at a file, links followed.
func (c *controller) Stat(path string) (fs.FileInfo, error) { return os.Stat(path) }

// Lstat looks at a file or a link.
func (c *controller) Lstat(path string) (fs.FileInfo, error) { return os.Lstat(path) }

// Glob lists the paths that a pattern matches, sorted.
func (c *controller) Glob(pattern string) ([]string, error) { return filepath.Glob(pattern) }

// RealPath follows links as far as the path exists.
func (c *controller) RealPath(path string) string {
	abs, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	below := ""
	for dir := abs; ; dir = filepath.Dir(dir) {
		if real, err := filepath.EvalSymlinks(dir); err == nil {
			return filepath.Join(real, below)
		}
		if dir == filepath.Dir(dir) {
			return abs
		}
		below = filepath.Join(filepath.Base(dir), below)
	}
}

// Home is an account's folder; HOME wins for the account that runs this.
func (c *controller) Home(account string) (string, bool) {
	if account == "" {
		if home, ok := c.getenv("HOME"); ok && home != "" {
			return home, true
		}
		u, err := user.Current()
		if err != nil {
			return "", false
		}
		return u.HomeDir, true
	}
	u, err := user.Lookup(account)
	if err != nil {
		return "", false
	}
	return u.HomeDir, true
}

// Run runs a command line with /bin/sh in a folder.
func (c *controller) Run(command, dir string) ([]byte, error) {
	return program.Program{
		Path: "/bin/sh", Args: []string{"-c", command}, Dir: dir, Timeout: lookupTime, MaxOutput: maxLookupOutput,
	}.Run(c.ctx)
}

// Warn says something once.
func (c *controller) Warn(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.said[text] {
		c.said[text] = true
		fmt.Fprintf(c.err, "warning: %s\n", text)
	}
}
