package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"thordeploy/transport/ssh"
	"thordeploy/transport/ssh/sshconfig"
)

// checkFiles finds what is wrong with the files that flags name and those that
// are always read.
func (d *dialer) checkFiles() error {
	if f := d.flags.knownHosts; f != "" && d.flags.hostKeys != "accept-new" {
		if _, err := os.Stat(f); err != nil {
			return wrong("check the path; `thordeploy hosts scan-keys` prints hosts' keys, to compare and add", "--known-hosts %s: %w", f, cause(err))
		}
	}
	if f := d.flags.privateKey; f != "" {
		if _, err := os.Stat(d.path(f)); err != nil {
			return wrong("check the path", "--private-key %s: %w", f, cause(err))
		}
	}
	if _, err := d.knownHosts(sshconfig.Options{}, sshconfig.Options{}); err != nil {
		return wrong("mend the line, or use another file with --known-hosts", "%w", err)
	}
	return nil
}

// usersFiles are the known_hosts files of the account: those of the host's
// arguments, of --known-hosts, of ssh_config, or the usual ones.
func (d *dialer) usersFiles(o, args sshconfig.Options) []string {
	switch {
	case args.KnownHosts == nil && d.flags.knownHosts != "":
		return []string{d.flags.knownHosts}
	case o.KnownHosts != nil:
		return o.KnownHosts
	}
	return []string{filepath.Join(d.env.Home, ".ssh/known_hosts"), filepath.Join(d.env.Home, ".ssh/known_hosts2")}
}

// knownHosts loads the files that count for a host, each set of them once a run.
func (d *dialer) knownHosts(o, args sshconfig.Options) (*ssh.KnownHosts, error) {
	system := []string{"/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"}
	switch {
	case args.SystemKnownHosts == nil && d.flags.knownHosts != "":
		system = nil
	case o.SystemKnownHosts != nil:
		system = o.SystemKnownHosts
	}
	var files []string
	for _, f := range slices.Concat(d.usersFiles(o, args), system) {
		if f != "" && !strings.EqualFold(f, "none") {
			files = append(files, d.path(f))
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	key := strings.Join(files, "\x00")
	if k, ok := d.known[key]; ok {
		return k, nil
	}
	k, err := ssh.LoadKnownHosts(files...)
	if err == nil {
		d.known[key] = k
	}
	return k, err
}

// trust sets how cfg's host key is checked. The empty way is strict.
func (d *dialer) trust(cfg *ssh.Config, o, args sshconfig.Options, how sshconfig.Checking) {
	cfg.IgnoreHostKey = how == sshconfig.Off
	cfg.CertificatesOnly = how == "ca"
	cfg.AcceptNew = nil
	if how == sshconfig.AcceptNew {
		cfg.AcceptNew = d.newKeys(o, args)
	}
}

// newKeys is where new keys are written, one for each file.
func (d *dialer) newKeys(o, args sshconfig.Options) *ssh.NewKeys {
	file := os.DevNull
	for _, f := range d.usersFiles(o, args) {
		if f != "" && !strings.EqualFold(f, "none") {
			file = d.path(f)
			break
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fresh[file] == nil {
		d.fresh[file] = &ssh.NewKeys{File: file, Hash: o.HashKnownHosts}
	}
	return d.fresh[file]
}

// sayAccepted lists the host keys that were taken on first sight.
func (d *dialer) sayAccepted(w io.Writer) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, file := range slices.Sorted(maps.Keys(d.fresh)) {
		list := d.fresh[file].Accepted()
		if len(list) == 0 {
			continue
		}
		keys := "keys of hosts were"
		if len(list) == 1 {
			keys = "key of a host was"
		}
		fmt.Fprintf(w, "\n%d new %s accepted unseen and written to %s:\n", len(list), keys, file)
		for _, a := range list {
			fmt.Fprintf(w, "  %-26s %s %s\n", a.Name, a.Type, a.Fingerprint)
		}
	}
}
