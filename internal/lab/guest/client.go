package guest

import (
	"context"
	"fmt"
	"net"
	"net/rpc"
	"sync/atomic"
	"syscall"
)

// Client is the lab's side of the calls to one host.
type Client struct {
	rpc  *rpc.Client
	runs atomic.Uint64
}

// NewClient talks over the lab's end of a host's socket pair. Closing the
// Client ends the host.
func NewClient(conn net.Conn) *Client { return &Client{rpc: rpc.NewClient(conn)} }

// Close closes the socket.
func (c *Client) Close() error { return c.rpc.Close() }

// Setup makes the host and returns once its SSH server answers.
func (c *Client) Setup(ctx context.Context, spec *Spec) error {
	return c.call(ctx, "Setup", spec, new(None))
}

// Run runs a script as root through the host's /bin/sh, and ends its process
// group where ctx is cancelled first.
func (c *Client) Run(ctx context.Context, script string) (RunReply, error) {
	var reply RunReply
	id := c.runs.Add(1)
	call := c.rpc.Go("Guest.Run", &RunArgs{ID: id, Script: script}, &reply, make(chan *rpc.Call, 1))
	select {
	case <-call.Done:
		return reply, call.Error
	case <-ctx.Done():
		// Where this fails the host is gone, and the script with it.
		_ = c.rpc.Call("Guest.Stop", id, new(None))
		<-call.Done
		return reply, ctx.Err()
	}
}

// Signal sends a signal to every process of the host but process 1.
func (c *Client) Signal(ctx context.Context, sig syscall.Signal) error {
	return c.call(ctx, "Signal", sig, new(None))
}

// Freeze stops every process of the host but process 1.
func (c *Client) Freeze(ctx context.Context) error {
	return c.call(ctx, "Freeze", None(false), new(None))
}

// Look takes a snapshot of the host.
func (c *Client) Look(ctx context.Context) (*Snapshot, error) {
	var s Snapshot
	if err := c.call(ctx, "Look", None(false), &s); err != nil {
		return nil, err
	}
	return &s, nil
}

// call calls and waits no longer than ctx. A late reply goes to a value that
// nobody reads any more.
func (c *Client) call(ctx context.Context, method string, args, reply any) error {
	call := c.rpc.Go("Guest."+method, args, reply, make(chan *rpc.Call, 1))
	select {
	case <-call.Done:
		return call.Error
	case <-ctx.Done():
		return fmt.Errorf("waiting for the host: %w", ctx.Err())
	}
}
