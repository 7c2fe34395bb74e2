package sshserver

import (
	"bytes"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"time"

	"golang.org/x/crypto/ssh"
)

// loginGrace is how long a client may take to log in, as sshd's
// LoginGraceTime.
const loginGrace = 2 * time.Minute

func (c *Config) serve() error {
	conf, err := c.serverConfig()
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(c.Addr, strconv.Itoa(c.Port)))
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	for {
		conn, err := listener.Accept()
		if err != nil {
			return fmt.Errorf("accepting connections: %w", err)
		}
		go func() {
			if err := c.serveConn(conn, conf); err != nil {
				slog.Info("connection ended", "client", conn.RemoteAddr(), "error", err)
			}
		}()
	}
}

// serverConfig loads the keys and says who may log in.
func (c *Config) serverConfig() (*ssh.ServerConfig, error) {
	pem, err := os.ReadFile(c.HostKey)
	if err != nil {
		return nil, fmt.Errorf("reading the host key: %w", err)
	}
	hostKey, err := ssh.ParsePrivateKey(pem)
	if err != nil {
		return nil, fmt.Errorf("reading the host key %s: %w", c.HostKey, err)
	}
	lines, err := os.ReadFile(c.AuthorizedKeys)
	if err != nil {
		return nil, fmt.Errorf("reading the authorized keys: %w", err)
	}
	authorized, _, _, _, err := ssh.ParseAuthorizedKey(lines)
	if err != nil {
		return nil, fmt.Errorf("reading the authorized keys %s: %w", c.AuthorizedKeys, err)
	}
	conf := &ssh.ServerConfig{
		ServerVersion: "SSH-2.0-thorlab",
		PublicKeyCallback: func(conn ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			if _, err := findAccount(conn.User()); err != nil {
				return nil, err
			}
			if !bytes.Equal(key.Marshal(), authorized.Marshal()) {
				return nil, errors.New("unknown key")
			}
			return nil, nil
		},
	}
	if len(c.Passwords) > 0 {
		conf.PasswordCallback = func(conn ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
			want, ok := c.Passwords[conn.User()]
			if !ok || subtle.ConstantTimeCompare([]byte(want), password) == 0 {
				return nil, errors.New("wrong password")
			}
			return nil, nil
		}
	}
	conf.AddHostKey(hostKey)
	return conf, nil
}

// serveConn serves one connection to its end.
func (c *Config) serveConn(conn net.Conn, conf *ssh.ServerConfig) error {
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(loginGrace)); err != nil {
		return fmt.Errorf("bounding the login: %w", err)
	}
	client, channels, requests, err := ssh.NewServerConn(conn, conf)
	if err != nil {
		return fmt.Errorf("logging in: %w", err)
	}
	if err := conn.SetDeadline(time.Time{}); err != nil {
		return fmt.Errorf("unbounding the connection: %w", err)
	}
	account, err := findAccount(client.User())
	if err != nil {
		return err
	}
	if account.uid == os.Getuid() {
		account.shell = c.Shell
	}
	// Keepalives want an answer, any answer; so do requests to forward ports.
	go ssh.DiscardRequests(requests)
	for nc := range channels {
		if nc.ChannelType() != "session" {
			// A refusal that can't be sent: the connection is gone, and so
			// the loop ends.
			_ = nc.Reject(ssh.UnknownChannelType, "the lab serves sessions only")
			continue
		}
		channel, requests, err := nc.Accept()
		if err != nil {
			return fmt.Errorf("opening a session: %w", err)
		}
		s := &session{config: c, account: account, channel: channel, client: client.RemoteAddr(), server: client.LocalAddr()}
		go s.serve(requests)
	}
	return nil
}
