package ssh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"time"

	"golang.org/x/crypto/ssh"

	"thordeploy/transport"
)

// forward opens a channel through c to an address as c's host sees it (RFC
// 4254, 7.2).
func (c *Conn) forward(ctx context.Context, addr string) (net.Conn, error) {
	host, portText, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return nil, err
	}
	ch, err := within(ctx, c, func() (*channel, error) {
		ch, reqs, err := c.ssh.OpenChannel("direct-tcpip", ssh.Marshal(struct {
			Host       string
			Port       uint32
			From       string
			FromOnPort uint32
		}{host, uint32(port), "127.0.0.1", 0}))
		if err != nil {
			return nil, err
		}
		go ssh.DiscardRequests(reqs)
		return &channel{Channel: ch, conn: c, to: addr}, nil
	})
	if err != nil {
		return nil, c.notForwarded(err, addr)
	}
	return ch, nil
}

// notForwarded is the error for a host that the jump host c doesn't reach.
func (c *Conn) notForwarded(err error, addr string) error {
	var refused *ssh.OpenChannelError
	if !errors.As(err, &refused) {
		return err
	}
	te := &transport.Error{Phase: transport.PhaseDial, Addr: addr}
	message := said([]string{refused.Message})[0]
	switch refused.Reason {
	case ssh.Prohibited:
		te.Err = fmt.Errorf("the jump host %s forwards no connections: %s", c.cfg.addr(), message)
		te.Hint = "allow it there: AllowTcpForwarding and PermitOpen in its sshd_config, and no `restrict` or `no-port-forwarding` at the key in authorized_keys"
	default:
		te.Err = fmt.Errorf("the jump host %s can't reach it: %s", c.cfg.addr(), message)
		te.Hint = "check the address and the port as the jump host sees them, and that sshd runs there"
	}
	return te
}

// channel is a forwarded connection as a net.Conn.
type channel struct {
	ssh.Channel
	conn *Conn
	to   string
}

// Read tells the end of the jump host's connection from the host's own.
func (c *channel) Read(p []byte) (int, error) {
	n, err := c.Channel.Read(p)
	if errors.Is(err, io.EOF) {
		if c.conn.tap.broken.Load() {
			<-c.conn.done // its cause is on its way
		}
		select {
		case <-c.conn.done:
			err = fmt.Errorf("the connection to the jump host %s ended (%v)", c.conn.cfg.addr(), c.conn.cause)
		default:
		}
	}
	return n, err
}

// Close doesn't wait for a jump host that no longer takes anything.
func (c *channel) Close() error {
	go c.Channel.Close()
	return nil
}

func (c *channel) LocalAddr() net.Addr  { return c.conn.tap.LocalAddr() }
func (c *channel) RemoteAddr() net.Addr { return named(c.to) }

func (c *channel) SetDeadline(time.Time) error      { return os.ErrNoDeadline }
func (c *channel) SetReadDeadline(time.Time) error  { return os.ErrNoDeadline }
func (c *channel) SetWriteDeadline(time.Time) error { return os.ErrNoDeadline }

// named is an address that only another machine can resolve.
type named string

func (n named) Network() string { return "tcp" }
func (n named) String() string  { return string(n) }
