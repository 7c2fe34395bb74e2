package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	gossh "golang.org/x/crypto/ssh"

	"thordeploy/inventory"
	"thordeploy/transport/ssh"
	"thordeploy/transport/ssh/sshconfig"
)

// sshAsked is what a host's options of ssh hang on.
type sshAsked struct {
	host, user string
	port       int
	file, args string
}

// parseArgs reads a host's arguments of ssh, each text once.
func (d *dialer) parseArgs(c inventory.Connection) (sshconfig.Args, error) {
	text := argsText(d.flags, c)
	d.mu.Lock()
	defer d.mu.Unlock()
	if a, ok := d.args[text]; ok {
		return a, nil
	}
	a, err := sshconfig.ParseArgs(text)
	if err == nil {
		d.args[text] = a
	}
	return a, err
}

// options are what arguments and ssh_config say about a host.
func (d *dialer) options(ctx context.Context, a sshAsked, args sshconfig.Args) (sshconfig.Options, error) {
	d.mu.Lock()
	o, ok := d.found[a]
	d.mu.Unlock()
	if ok {
		return o, nil
	}
	config, err := d.sshConfig(a.file)
	if err != nil {
		return sshconfig.Options{}, err
	}
	o, notes, err := config.For(ctx, sshconfig.Asked{Host: a.host, User: a.user, Port: a.port, Args: args})
	if err != nil {
		return sshconfig.Options{}, err
	}
	for _, n := range notes {
		d.once(n.String())
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.found[a] = o
	return o, nil
}

// sshConfig reads the ssh_config files, or the one that -F names, once a run.
func (d *dialer) sshConfig(file string) (*sshconfig.Config, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if c, ok := d.configs[file]; ok {
		return c, nil
	}
	files := []string{filepath.Join(d.env.Home, ".ssh/config"), "/etc/ssh/ssh_config"}
	switch {
	case strings.EqualFold(file, "none"):
		files = nil
	case file != "":
		files = []string{d.path(file)}
		if _, err := os.Stat(files[0]); err != nil {
			return nil, wrong("check the path behind -F", "-F %s: %w", file, cause(err))
		}
	}
	c, err := sshconfig.Load(d.env, files...)
	if err != nil {
		return nil, wrong("mend the file, or name another one with --ssh-common-args '-F FILE' (-F none: none)", "%w", err)
	}
	d.configs[file] = c
	return c, nil
}

// keyFiles are the private keys to offer: those that were named, or the
// account's usual ones, as far as they are there.
func (d *dialer) keyFiles(named string, o sshconfig.Options) []string {
	var out []string
	if named != "" {
		out = append(out, d.path(named))
	}
	for _, f := range o.IdentityFiles {
		if !strings.EqualFold(f, "none") {
			out = append(out, f)
		}
	}
	if len(out) > 0 || len(o.IdentityFiles) > 0 {
		return out
	}
	for _, name := range []string{"id_ed25519", "id_ecdsa", "id_rsa", "id_ed25519_sk", "id_ecdsa_sk"} {
		f := filepath.Join(d.env.Home, ".ssh", name)
		if _, err := os.Stat(f); err == nil {
			out = append(out, f)
		}
	}
	return out
}

// path resolves a leading ~.
func (d *dialer) path(name string) string {
	if rest, ok := strings.CutPrefix(name, "~/"); ok {
		return filepath.Join(d.env.Home, rest)
	}
	return name
}

// setAlgorithms takes Ciphers and their kin, as far as they are known here.
func setAlgorithms(cfg *ssh.Config, o sshconfig.Options) error {
	have, old := gossh.SupportedAlgorithms(), gossh.InsecureAlgorithms()
	for _, l := range []struct {
		name   string
		said   []string
		usual  []string
		known  []string
		result *[]string
	}{
		{"Ciphers", o.Ciphers, have.Ciphers, slices.Concat(have.Ciphers, old.Ciphers), &cfg.Ciphers},
		{"KexAlgorithms", o.KeyExchanges, have.KeyExchanges, slices.Concat(have.KeyExchanges, old.KeyExchanges), &cfg.KeyExchanges},
		{"MACs", o.MACs, have.MACs, slices.Concat(have.MACs, old.MACs), &cfg.MACs},
		{"HostKeyAlgorithms", o.HostKeyAlgorithms, have.HostKeys, slices.Concat(have.HostKeys, old.HostKeys), &cfg.HostKeyAlgorithms},
	} {
		if len(l.said) == 0 {
			continue
		}
		if *l.result = choose(l.said, l.usual, l.known); len(*l.result) == 0 {
			return fmt.Errorf("%s %s: none of them is done here", l.name, strings.Join(l.said, ","))
		}
	}
	return nil
}

// choose is a list of algorithms as ssh_config(5) has it: names alone replace the
// usual ones, + adds to them, - takes away, ^ puts in front. Names that aren't
// known here are left out.
func choose(said, usual, known []string) []string {
	how := said[0][:min(1, len(said[0]))]
	names := slices.Clone(said)
	if strings.ContainsAny(how, "+-^") {
		names[0] = names[0][1:]
	} else {
		how = ""
	}
	isNamed := func(a string) bool {
		return slices.ContainsFunc(names, func(p string) bool { ok, _ := filepath.Match(p, a); return ok })
	}
	var list []string
	switch how {
	case "-":
		return slices.DeleteFunc(slices.Clone(usual), isNamed)
	case "+":
		list = slices.Concat(usual, names)
	case "^":
		list = slices.Concat(names, usual)
	default:
		list = names
	}
	var out []string
	for _, a := range list {
		if slices.Contains(known, a) && !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	return out
}
