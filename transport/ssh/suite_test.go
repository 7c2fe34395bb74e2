package ssh

import (
	"os"
	"path/filepath"
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

// ways to become nobody, an account with few rights: what the suite's commands
// run as behind each.
func ways(t *testing.T) map[string]transport.Become {
	t.Helper()
	strict := filepath.Join(t.TempDir(), "sudo") // as with requiretty, for one test alone
	writeFile(t, strict, "#!/bin/sh\n(: </dev/tty) 2>/dev/null || { echo 'sudo: sorry, you must have a tty to run sudo' >&2; exit 1; }\nexec sudo \"$@\"\n")
	if err := os.Chmod(strict, 0o755); err != nil {
		t.Fatal(err)
	}
	return map[string]transport.Become{
		"sudo":               {User: "nobody", Method: "sudo"},
		"sudo at a terminal": {User: "nobody", Method: "sudo", Exe: strict},
		"su":                 {User: "nobody", Method: "su"},
	}
}

func TestBecomeOverOpenSSH(t *testing.T) {
	t.Parallel()
	for name, b := range ways(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transporttest.RunAs(t, func(t *testing.T) transport.Conn { return transport.WithBecome(dial(t, sshd(t, "")), b) })
		})
	}
}

func TestBecomeOverGoServer(t *testing.T) {
	t.Parallel()
	sshd(t, "") // needs the same: root
	for name, b := range ways(t) {
		if b.Exe != "" {
			continue // this server gives no terminals
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transporttest.RunAs(t, func(t *testing.T) transport.Conn { return transport.WithBecome(dial(t, newServer(t).serve(t)), b) })
		})
	}
}

// A host that gives no terminal says so in words.
func TestNoTerminal(t *testing.T) {
	t.Parallel()
	b := ways(t)["sudo at a terminal"]
	_, err := transport.WithBecome(dial(t, sshd(t, "PermitTTY no\n")), b).Start(t.Context(), "true")
	wantPhase(t, err, transport.PhaseChannel, "gives this account no terminal")
}
