package main

import (
	"context"
	"fmt"
	"maps"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"thordeploy/internal/redact"
	"thordeploy/inventory"
	"thordeploy/transport"
	"thordeploy/transport/local"
	"thordeploy/transport/ssh"
)

// dialer reaches hosts as flags, inventory and the account's own SSH files
// say. Its connect may be called from several goroutines.
type dialer struct {
	home       string
	account    string // the user's own name: the default login
	keyFile    string // --private-key
	agent      string // SSH_AUTH_SOCK
	timeout    time.Duration
	password   string   // -k
	sshArgs    string   // options of ssh for every host, below the host's own
	knownHosts []string // the account's, or --known-hosts
	systemFile string   // the system's known hosts, empty with --known-hosts
	secrets    *redact.Redactor

	mu     sync.Mutex
	loaded map[string]*ssh.KnownHosts // by the files' names, joined
}

// newDialer reads the known hosts and marks every password of the inventory as
// secret.
func (m *Main) newDialer(jobs []job, extra map[string]any) (*dialer, error) {
	d := &dialer{
		home: m.Getenv("HOME"), account: m.Getenv("USER"), keyFile: m.privateKey, agent: m.Getenv("SSH_AUTH_SOCK"),
		timeout: time.Duration(m.timeout), sshArgs: m.sshArgs, secrets: &m.secrets, loaded: map[string]*ssh.KnownHosts{},
	}
	if u, err := user.Current(); err == nil {
		d.account = u.Username
		if d.home == "" {
			d.home = u.HomeDir
		}
	}
	d.knownHosts = []string{filepath.Join(d.home, ".ssh/known_hosts"), filepath.Join(d.home, ".ssh/known_hosts2")}
	d.systemFile = "/etc/ssh/ssh_known_hosts"
	if m.knownHosts != "" {
		if _, err := os.Stat(m.knownHosts); err != nil {
			return nil, wrong("check the path; `ssh-keyscan HOST` prints a host's keys, to compare and add", "--known-hosts %s: %w", m.knownHosts, cause(err))
		}
		d.knownHosts, d.systemFile = []string{m.knownHosts}, ""
	}
	if m.privateKey != "" {
		if _, err := os.Stat(d.path(m.privateKey)); err != nil {
			return nil, wrong("check the path", "--private-key %s: %w", m.privateKey, cause(err))
		}
	}
	if _, err := d.known(d.files(sshArgs{})); err != nil {
		return nil, wrong("mend the line, or use another file with --known-hosts", "%w", err)
	}
	hidden := map[string]bool{} // a fleet often has one password
	note := func(name string, vars map[string]any) {
		for _, p := range passwords(name, vars) {
			hidden[p] = true
		}
	}
	note("extra-vars", extra) // a name that a host could have
	for _, j := range jobs {
		for _, h := range j.inventory.Hosts() {
			note(h.Name, h.Vars)
		}
	}
	d.secrets.Add(slices.Collect(maps.Keys(hidden))...)
	return d, nil
}

// passwords are those among a host's variables.
func passwords(host string, vars map[string]any) []string {
	c, err := inventory.ConnectionOf(host, vars)
	if err != nil {
		return nil
	}
	var out []string
	for _, p := range []string{c.Password, c.Become.Password} {
		if p != "" {
			out = append(out, p)
		}
	}
	return out
}

// known loads known_hosts files, once a run.
func (d *dialer) known(files []string) (*ssh.KnownHosts, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	key := strings.Join(files, "\x00")
	if k, ok := d.loaded[key]; ok {
		return k, nil
	}
	k, err := ssh.LoadKnownHosts(files...)
	if err == nil {
		d.loaded[key] = k
	}
	return k, err
}

// connect reaches h as login, or as the user's own account.
func (d *dialer) connect(ctx context.Context, h *inventory.Host, login string) (transport.Conn, error) {
	c, err := h.Connection()
	if err != nil {
		return nil, err
	}
	d.secrets.Add(passwords(h.Name, h.Vars)...)
	if c.Kind == "local" {
		return local.Dial(), nil
	}
	cfg, err := d.config(h, c, login)
	if err != nil {
		return nil, err
	}
	conn, err := ssh.Dial(ctx, cfg)
	if err != nil {
		return nil, err
	}
	return conn, nil
}

// config joins what the host's variables, its ssh arguments and the flags say,
// in that order of weight.
func (d *dialer) config(h *inventory.Host, c inventory.Connection, login string) (ssh.Config, error) {
	args, err := parseSSHArgs(d.sshArgs + " " + c.CommonArgs + " " + c.ExtraArgs)
	if err != nil {
		return ssh.Config{}, fmt.Errorf("host %s: ansible_ssh_common_args: %w", h.Name, err)
	}
	known, err := d.known(d.files(args))
	if err != nil {
		return ssh.Config{}, fmt.Errorf("host %s: %w", h.Name, err)
	}
	cfg := ssh.Config{
		Host: c.Address, Port: first(c.Port, h.Port, args.port), User: first(login, args.user, d.account),
		KnownHosts: known, IgnoreHostKey: args.ignoreHostKey,
		DialTimeout: first(c.Timeout, args.connectTimeout, d.timeout), Keepalive: args.keepalive, KeepaliveCount: args.keepaliveCount,
		KeyFiles: d.keyFiles(c, args),
	}
	if c.HostKeyChecking != nil {
		cfg.IgnoreHostKey = !*c.HostKeyChecking
	}
	cfg.HandshakeTimeout, cfg.AuthTimeout = cfg.DialTimeout, cfg.DialTimeout
	if d.agent != "" && !args.onlyKeyFiles {
		cfg.Agent = func(ctx context.Context) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", d.agent)
		}
	}
	if password := first(c.Password, d.password); password != "" {
		cfg.Password = func(context.Context) (string, error) { return password, nil }
	}
	return cfg, nil
}

// files are the known_hosts files that count for a host: UserKnownHostsFile and
// GlobalKnownHostsFile of its ssh arguments, where they are set.
func (d *dialer) files(args sshArgs) []string {
	user, system := d.knownHosts, []string{d.systemFile}
	if args.knownHosts != nil {
		user = args.knownHosts
	}
	if args.systemHosts != nil {
		system = args.systemHosts
	}
	var out []string
	for _, f := range slices.Concat(user, system) {
		if f != "" && f != "none" {
			out = append(out, d.path(f))
		}
	}
	return out
}

// keyFiles are the private keys to offer: those that were named, or the
// account's usual ones, as far as they are there.
func (d *dialer) keyFiles(c inventory.Connection, args sshArgs) []string {
	named := args.keyFiles
	switch {
	case c.KeyFile != "":
		named = append([]string{c.KeyFile}, named...)
	case d.keyFile != "":
		named = append([]string{d.keyFile}, named...)
	}
	var out []string
	for _, f := range named {
		out = append(out, d.path(f))
	}
	if len(out) > 0 {
		return out
	}
	for _, name := range []string{"id_ed25519", "id_ecdsa", "id_rsa"} {
		f := filepath.Join(d.home, ".ssh", name)
		if _, err := os.Stat(f); err == nil {
			out = append(out, f)
		}
	}
	return out
}

// path resolves a leading ~.
func (d *dialer) path(name string) string {
	if rest, ok := strings.CutPrefix(name, "~/"); ok {
		return filepath.Join(d.home, rest)
	}
	return name
}

// first is the first value that isn't zero.
func first[T comparable](list ...T) T {
	var zero T
	for _, v := range list {
		if v != zero {
			return v
		}
	}
	return zero
}
