package sshserver

import (
	"errors"
	"fmt"
	"io"

	"github.com/pkg/sftp"
)

// SFTP serves the SFTP subsystem on two streams until the input ends.
func SFTP(in io.Reader, out io.WriteCloser) error {
	server, err := sftp.NewServer(struct {
		io.Reader
		io.WriteCloser
	}{in, out})
	if err != nil {
		return fmt.Errorf("starting the SFTP server: %w", err)
	}
	if err := server.Serve(); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("serving SFTP: %w", err)
	}
	return nil
}
