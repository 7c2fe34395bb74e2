// Package sshserver is the lab's embedded SSH server, for machines without
// root or without OpenSSH's sshd. It runs inside a host's namespaces, so what
// it starts is on that host.
//
// It keeps to sshd's ways where a client can tell: a command runs through the
// account's shell as the leader of its own session, its exit status is sent as
// soon as it ends and the channel closes when its output does, and a command
// whose connection is lost is not ended: its streams close, nothing more.
package sshserver

import (
	"encoding/json"
	"fmt"
	"os"
)

// Config is what a server needs to know. It travels as a JSON file.
type Config struct {
	Addr           string
	Port           int
	HostKey        string            // path of an OpenSSH private key
	AuthorizedKeys string            // path; good for every account
	Path           string            // PATH of what it starts
	Shell          string            // root's login shell; other accounts': theirs in /etc/passwd
	Passwords      map[string]string // by account; absent: keys only
	SFTP           []string          // the command that serves SFTP on its standard streams: path, argument zero
}

// Write writes c where root alone can read it.
func (c Config) Write(path string) error {
	data, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("writing the SSH server's configuration: %w", err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		return fmt.Errorf("writing the SSH server's configuration: %w", err)
	}
	return nil
}

// Main serves as the file that args names says, until the process is ended.
func Main(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("want one argument, the configuration's path, and got %d", len(args))
	}
	data, err := os.ReadFile(args[0])
	if err != nil {
		return fmt.Errorf("reading the configuration: %w", err)
	}
	var c Config
	if err := json.Unmarshal(data, &c); err != nil {
		return fmt.Errorf("reading the configuration %s: %w", args[0], err)
	}
	return c.serve()
}
