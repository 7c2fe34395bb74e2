package ssh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"thordeploy/transport"
)

// Files starts the host's SFTP service in a channel of this connection.
func (c *Conn) Files(ctx context.Context) (transport.Files, error) {
	f, err := within(ctx, c, c.files)
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (c *Conn) files() (*files, error) {
	ch, reqs, err := c.session()
	if err != nil {
		return nil, err
	}
	go ssh.DiscardRequests(reqs)
	go func() { _, _ = io.Copy(io.Discard, ch.Stderr()) }()
	ok, err := ch.SendRequest("subsystem", true, ssh.Marshal(struct{ Name string }{"sftp"}))
	if err != nil || !ok {
		ch.Close()
		if c.tap.broken.Load() {
			return nil, c.ended()
		}
		return nil, c.cfg.fail(transport.PhaseChannel, errors.New("the host offers no SFTP"),
			"add `Subsystem sftp internal-sftp` to the host's sshd_config, or install tar there")
	}
	client, err := sftp.NewClientPipe(ch, ch, sftp.UseConcurrentWrites(true))
	if err != nil {
		ch.Close()
		if c.tap.broken.Load() {
			return nil, c.ended()
		}
		return nil, c.cfg.fail(transport.PhaseChannel, fmt.Errorf("starting SFTP: %w", err),
			"the host runs another command in its place (ForceCommand), or what the account's login files (.bashrc) print disturbs it")
	}
	return &files{conn: c, client: client}, nil
}

// files keeps transport.Files over SFTP.
type files struct {
	conn   *Conn
	client *sftp.Client
}

func (f *files) Mkdir(path string, mode fs.FileMode) error {
	if err := f.client.Mkdir(path); err != nil {
		// The protocol (version 3) has no word for "exists".
		if info, statErr := f.client.Stat(path); statErr == nil && info.IsDir() {
			return nil
		}
		return f.wrap("mkdir", path, err)
	}
	return f.wrap("chmod", path, f.client.Chmod(path, mode))
}

// Write sets the mode before the first byte is there to be read.
func (f *files) Write(path string, mode fs.FileMode, r io.Reader) error {
	file, err := f.client.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return f.wrap("write", path, err)
	}
	defer file.Close()
	if err := file.Chmod(mode); err != nil {
		return f.wrap("chmod", path, err)
	}
	if _, err := file.ReadFromWithConcurrency(r, 0); err != nil {
		return f.wrap("write", path, err)
	}
	return f.wrap("write", path, file.Close())
}

func (f *files) Read(path string, w io.Writer) error {
	file, err := f.client.Open(path)
	if err != nil {
		return f.wrap("read", path, err)
	}
	defer file.Close()
	_, err = file.WriteTo(w)
	return f.wrap("read", path, err)
}

func (f *files) Chmod(path string, mode fs.FileMode) error {
	return f.wrap("chmod", path, f.client.Chmod(path, mode))
}

func (f *files) Close() error {
	f.client.Close()
	return nil
}

// wrap names what was done to which path, and tells a lost connection.
func (f *files) wrap(op, path string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sftp.ErrSSHFxConnectionLost) && f.conn.tap.broken.Load():
		return f.conn.ended()
	}
	return &fs.PathError{Op: op, Path: path, Err: err}
}
