package action

import (
	"context"
	"strings"
	"testing"
	"time"

	"thordeploy/transport"
	"thordeploy/transport/local"
	"thordeploy/transport/shell"
)

// streamsUnder is conn with the streams' shell replaced by the command line
// prefix, so that what runs beside the held shell is tried under it too.
func streamsUnder(conn transport.Conn, prefix string) transport.Conn {
	return prefixed{conn, prefix}
}

type prefixed struct {
	transport.Conn
	prefix string
}

func (p prefixed) Start(ctx context.Context, line string) (transport.Process, error) {
	if rest, ok := strings.CutPrefix(line, "exec /bin/sh -c "); ok {
		line = "exec " + p.prefix + " -c " + rest
	}
	return p.Conn.Start(ctx, line)
}

// openOver is a host whose connection is wrapped, to make it misbehave.
func openOver(t *testing.T, wrap func(transport.Conn) transport.Conn) *host {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	s, err := shell.Open(ctx, wrap(local.Dial()), shell.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_, _, _ = s.Close(ctx, false)
		_ = s.Conn().Close()
	})
	return &host{Session: s}
}
