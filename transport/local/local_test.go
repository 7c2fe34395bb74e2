package local_test

import (
	"io"
	"os"
	"os/exec"
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

// With the real sudo: as root it never asks, so what comes behind the line that
// announces the command must be the command's own.
func TestBecomeWithSudo(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("sudo"); err != nil || os.Getuid() != 0 {
		if os.Getenv("CI") == "true" {
			t.Fatal("sudo and root are needed: apt-get install sudo")
		}
		t.Skip("sudo and root are needed: apt-get install sudo")
	}
	for _, password := range []string{"", "not asked for"} {
		conn := transport.WithBecome(local.Dial(), transport.Become{User: "nobody", Password: password})
		p, err := conn.Start(t.Context(), `id -un; cat; echo "it's" >&2; exit 7`)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(p.Stdin(), "in")
		p.Stdin().Close()
		out, _ := io.ReadAll(p.Stdout())
		errs, _ := io.ReadAll(p.Stderr())
		if exit, err := p.Wait(); err != nil || exit.Code != 7 {
			t.Errorf("exit %+v, %v", exit, err)
		}
		if string(out) != "nobody\nin" || !strings.HasSuffix(string(errs), "it's\n") {
			t.Errorf("stdout %q, stderr %q", out, errs)
		}
	}
}

func TestBecome(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("root is needed, who may become anybody")
	}
	for _, method := range []string{"sudo", "su"} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			transporttest.RunAs(t, func(*testing.T) transport.Conn {
				return transport.WithBecome(local.Dial(), transport.Become{User: "nobody", Method: method})
			})
		})
	}
}
