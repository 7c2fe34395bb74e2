package main

import (
	"context"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"os/user"
	"slices"
	"strings"
	"sync"
	"time"

	"thordeploy/internal/redact"
	"thordeploy/inventory"
	"thordeploy/transport"
	"thordeploy/transport/local"
	"thordeploy/transport/ssh"
	"thordeploy/transport/ssh/sshconfig"
)

// dialer reaches hosts as flags, inventory and the account's own SSH files
// say. Its connect may be called from several goroutines.
type dialer struct {
	env     sshconfig.Env
	shell   string // $SHELL, which runs a ProxyCommand
	agent   string // SSH_AUTH_SOCK
	flags   *options
	secrets *redact.Redactor
	tell    func(text string) // a remark for the person

	password string // -k

	gate  ssh.Gate
	brake *ssh.Brake
	keys  ssh.Keyring
	jumps ssh.Jumps
	lanes lanes // of --bandwidth and its kin

	mu      sync.Mutex
	known   map[string]*ssh.KnownHosts // by the files' names, joined
	fresh   map[string]*ssh.NewKeys    // by the file they are written to
	configs map[string]*sshconfig.Config
	args    map[string]sshconfig.Args
	found   map[sshAsked]sshconfig.Options
	told    map[string]bool
}

// newDialer reads the known hosts and the account's ssh_config, and marks every
// password of the inventory as secret.
func (m *Main) newDialer(jobs []job, extra map[string]any) (*dialer, error) {
	d := &dialer{
		env:   sshconfig.Env{Home: m.Getenv("HOME"), User: m.Getenv("USER"), UID: os.Getuid(), Getenv: m.Getenv},
		shell: m.Getenv("SHELL"), agent: m.Getenv("SSH_AUTH_SOCK"), flags: &m.options, secrets: &m.secrets,
		tell:  func(text string) { fmt.Fprintln(m.err, "warning: "+text) },
		known: map[string]*ssh.KnownHosts{}, fresh: map[string]*ssh.NewKeys{}, configs: map[string]*sshconfig.Config{},
		args: map[string]sshconfig.Args{}, found: map[sshAsked]sshconfig.Options{}, told: map[string]bool{},
	}
	if u, err := user.Current(); err == nil {
		d.env.User = u.Username
		if d.env.Home == "" {
			d.env.Home = u.HomeDir
		}
	}
	d.env.LocalHost, _ = os.Hostname()
	d.env.SSH, _ = exec.LookPath("ssh")
	if m.authFailures != 0 {
		n := max(0, m.authFailures)
		d.brake = &ssh.Brake{Passwords: n, Keys: n, Tell: d.tell}
	}
	if m.canAsk() {
		d.keys.Passphrase = func(ctx context.Context, file string) (string, error) {
			return m.ask(ctx, "passphrase of key "+file+": ")
		}
	}
	if err := d.checkFiles(); err != nil {
		return nil, err
	}
	d.hide(jobs, extra)
	return d, nil
}

// hide marks the passwords of inventories and -e as secret.
func (d *dialer) hide(jobs []job, extra map[string]any) {
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

// close ends what hosts share.
func (d *dialer) close() { _ = d.jumps.Close() }

// once tells a person a text that holds for many hosts.
func (d *dialer) once(text string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.told[text] {
		d.told[text] = true
		d.tell(text)
	}
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
	cfg, err := d.config(ctx, h, c, login)
	if err != nil {
		return nil, err
	}
	conn, err := ssh.Dial(ctx, cfg)
	if err != nil {
		return nil, err
	}
	return d.lanes.bounded(conn, d.flags.bandwidth, h.Name, cfg.Way.Hops()), nil
}

// defaultRetries is how often more a host is tried that refuses the connection.
const defaultRetries = 2

// config joins what the host's variables, the flags, its ssh arguments and
// ssh_config say, in that order of weight.
func (d *dialer) config(ctx context.Context, h *inventory.Host, c inventory.Connection, login string) (ssh.Config, error) {
	args, err := d.parseArgs(c)
	if err != nil {
		return ssh.Config{}, fmt.Errorf("host %s: ansible_ssh_common_args: %w", h.Name, err)
	}
	o, err := d.options(ctx, sshAsked{host: c.Address, user: login, port: first(c.Port, h.Port), file: args.File, args: argsText(d.flags, c)}, args)
	if err != nil {
		return ssh.Config{}, fmt.Errorf("host %s: %w", h.Name, err)
	}
	cfg, err := d.base(c.Address, o, args)
	if err != nil {
		return ssh.Config{}, fmt.Errorf("host %s: %w", h.Name, err)
	}
	d.setTimes(&cfg, first(c.Timeout, time.Duration(d.flags.timeout), o.ConnectTimeout))
	switch {
	case c.Retries != nil:
		cfg.Retries = *c.Retries
	case o.Attempts > 0:
		cfg.Retries = o.Attempts - 1
	}
	cfg.KeyFiles = d.keyFiles(first(c.KeyFile, d.flags.privateKey), o)
	if c.HostKeyChecking != nil {
		d.trust(&cfg, o, args.Options(), map[bool]sshconfig.Checking{true: sshconfig.Strict, false: sshconfig.Off}[*c.HostKeyChecking])
	}
	if password := first(c.Password, d.password); password != "" {
		cfg.Password = func(context.Context) (string, error) { return password, nil }
	}
	if err := d.setWay(ctx, &cfg, o, args.File, 0); err != nil {
		return ssh.Config{}, fmt.Errorf("host %s: %w", h.Name, err)
	}
	return cfg, nil
}

// base is what options of ssh come to for any host, a jump host too.
func (d *dialer) base(address string, o sshconfig.Options, args sshconfig.Args) (ssh.Config, error) {
	known, err := d.knownHosts(o, args.Options())
	if err != nil {
		return ssh.Config{}, err
	}
	cfg := ssh.Config{
		Host: first(o.HostName, address), Port: o.Port, User: first(o.User, d.env.User),
		KnownHosts: known, HostKeyAlias: o.HostKeyAlias,
		KeyFiles: d.keyFiles(d.flags.privateKey, o), CertificateFiles: o.CertificateFiles, OnlyKeyFiles: o.IdentitiesOnly, Keys: &d.keys,
		Agent: d.agentOf(o), Methods: methods(o), Brake: d.brake, Gate: &d.gate,
		AddressFamily: o.AddressFamily, BindAddress: o.BindAddress,
		Retries: defaultRetries, Keepalive: o.Keepalive, KeepaliveCount: o.KeepaliveCount,
	}
	if err := setAlgorithms(&cfg, o); err != nil {
		return ssh.Config{}, err
	}
	d.setTimes(&cfg, first(time.Duration(d.flags.timeout), o.ConnectTimeout))
	// Of host keys, arguments win over the flag, and the flag over ssh_config.
	how := first(args.Options().HostKeyChecking, sshconfig.Checking(d.flags.hostKeys), o.HostKeyChecking)
	d.trust(&cfg, o, args.Options(), how)
	if how == sshconfig.Off && args.Options().HostKeyChecking == "" {
		d.once("StrictHostKeyChecking no in ssh_config: host keys are not checked where it says so; --host-key strict does")
	}
	return cfg, nil
}

// setTimes gives each step of connecting the same time.
func (d *dialer) setTimes(cfg *ssh.Config, limit time.Duration) {
	cfg.ResolveTimeout, cfg.DialTimeout, cfg.HandshakeTimeout, cfg.AuthTimeout = limit, limit, limit, limit
	if limit > 0 {
		cfg.TotalTimeout = max(time.Minute, 6*limit)
	}
}

// agentOf is the agent to ask, or nil.
func (d *dialer) agentOf(o sshconfig.Options) func(context.Context) (net.Conn, error) {
	socket := first(o.IdentityAgent, d.agent)
	if socket == "" || socket == "none" {
		return nil
	}
	return func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}
}

// methods are the ways to authenticate, in order; nil: the usual ones.
func methods(o sshconfig.Options) []string {
	if len(o.Authentications)+len(o.Refused) == 0 {
		return nil
	}
	list := o.Authentications
	if list == nil {
		list = []string{"publickey", "password", "keyboard-interactive"}
	}
	list = slices.DeleteFunc(slices.Clone(list), func(m string) bool { return slices.Contains(o.Refused, m) })
	if len(list) == 0 {
		return []string{"none"} // nothing is left, which the host's refusal will say
	}
	return list
}

// argsText is a host's arguments of ssh, in ssh's order of weight; those of
// ansible.cfg and the environment come last.
func argsText(o *options, c inventory.Connection) string {
	return strings.TrimSpace(strings.Join([]string{c.SSHArgs, first(c.CommonArgs, o.sshCommon), first(c.ExtraArgs, o.sshExtra), o.sshArgs}, " "))
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
