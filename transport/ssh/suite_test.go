package ssh

import (
	"testing"

	"thordeploy/transport"
	"thordeploy/transport/transporttest"
)

func dial(t testing.TB, cfg Config) *Conn {
	t.Helper()
	c, err := Dial(t.Context(), cfg)
	if err != nil {
		t.Fatalf("Dial: %v", err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestConnToOpenSSH(t *testing.T) {
	t.Parallel()
	transporttest.Run(t, func(t *testing.T) transport.Conn { return dial(t, sshd(t, "")) })
}

func TestConnToGoServer(t *testing.T) {
	t.Parallel()
	transporttest.Run(t, func(t *testing.T) transport.Conn { return dial(t, newServer(t).serve(t)) })
}
