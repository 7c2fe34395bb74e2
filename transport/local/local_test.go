package local_test

import (
	"io"
	"os/user"
	"strings"
	"testing"

	"thordeploy/transport"
	"thordeploy/transport/local"
	"thordeploy/transport/transporttest"
)

func TestConn(t *testing.T) {
	t.Parallel()
	transporttest.Run(t, func(*testing.T) transport.Conn { return local.Dial() })
}

func TestCommandHasItsOwnProcessGroup(t *testing.T) {
	t.Parallel()
	p, err := local.Dial().Start(t.Context(), `ps -o pgid= -p $$; echo $$`)
	if err != nil {
		t.Fatal(err)
	}
	out, _ := io.ReadAll(p.Stdout())
	if f := strings.Fields(string(out)); len(f) != 2 || f[0] != f[1] {
		t.Errorf("process group and process: %q, want the same number twice", f)
	}
}

func TestBecomingOneselfCallsNoSudo(t *testing.T) {
	t.Parallel()
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	conn := local.Dial()
	if got := transport.WithBecome(conn, transport.Become{User: me.Username}); got != transport.Conn(conn) {
		t.Errorf("becoming the account one is gives %T, want the connection itself", got)
	}
}
