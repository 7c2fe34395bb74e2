package lab_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pkg/sftp"
	gossh "golang.org/x/crypto/ssh"

	"thordeploy/internal/lab"
	"thordeploy/internal/lab/labtest"
)

// These tests hold for both servers: the embedded one keeps to sshd's ways.

func TestCommandStreamsAndStatus(t *testing.T) {
	onBackends(t, lab.Options{}, func(t *testing.T, l *lab.Lab) {
		client := mustDial(t, l, l.Hosts[0])
		session, err := client.NewSession()
		if err != nil {
			t.Fatal(err)
		}
		var stdout, stderr bytes.Buffer
		big := strings.Repeat("0123456789abcdef", 1<<16)
		session.Stdin, session.Stdout, session.Stderr = strings.NewReader(big), &stdout, &stderr
		if err := session.Setenv("LC_THORLAB", "carried"); err != nil {
			t.Errorf("setting LC_THORLAB: %v", err)
		}
		err = session.Run(`cat; echo "$LC_THORLAB $USER $HOME $(pwd)" >&2; exit 3`)
		var exit *gossh.ExitError
		if !errors.As(err, &exit) || exit.ExitStatus() != 3 {
			t.Errorf("the command ends with %v, want exit status 3", err)
		}
		if stdout.String() != big {
			t.Errorf("%d bytes came back of %d", stdout.Len(), len(big))
		}
		if got, want := stderr.String(), "carried root /root /root\n"; got != want {
			t.Errorf("standard error is %q, want %q", got, want)
		}
		refused, err := client.NewSession()
		if err != nil {
			t.Fatal(err)
		}
		if err := refused.Setenv("LD_PRELOAD", "x"); err == nil {
			t.Error("the server takes LD_PRELOAD from a client")
		}
	})
}

func TestCommandEndedBySignal(t *testing.T) {
	onBackends(t, lab.Options{}, func(t *testing.T, l *lab.Lab) {
		session, err := mustDial(t, l, l.Hosts[0]).NewSession()
		if err != nil {
			t.Fatal(err)
		}
		err = session.Run("kill -TERM $$")
		var exit *gossh.ExitError
		if !errors.As(err, &exit) || exit.Signal() != "TERM" {
			t.Errorf("the command ends with %v, want signal TERM", err)
		}
	})
}

// sshd itself passes no signals on to root's commands.
func TestSignalReachesCommand(t *testing.T) {
	t.Parallel()
	l := labtest.Start(t, lab.Options{Backend: lab.Embedded})
	session, err := mustDial(t, l, l.Hosts[0]).NewSession()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := session.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := session.Start("trap 'exit 5' USR1; echo ready; while :; do sleep 0.05; done"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(stdout, make([]byte, len("ready\n"))); err != nil {
		t.Fatal(err)
	}
	if err := session.Signal(gossh.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	var exit *gossh.ExitError
	// Its sleep, in the same group, dies of the signal too.
	if err := session.Wait(); !errors.As(err, &exit) || exit.ExitStatus() != 5 {
		t.Errorf("the command ends with %v, want its trap's exit status 5", err)
	}
}

func TestCommandLeadsItsSession(t *testing.T) {
	onBackends(t, lab.Options{}, func(t *testing.T, l *lab.Lab) {
		got := ssh(t, l.Hosts[0], `exec sh -c 'echo $$ $(ps -o pgid=,sid= -p $$)'`)
		f := strings.Fields(got)
		if len(f) != 3 || f[0] != f[1] || f[0] != f[2] {
			t.Errorf("process, group and session are %q, want one number thrice", got)
		}
	})
}

func TestLostConnectionClosesStreamsAndEndsNothing(t *testing.T) {
	onBackends(t, lab.Options{}, func(t *testing.T, l *lab.Lab) {
		h := l.Hosts[0]
		client := mustDial(t, l, h)
		session, err := client.NewSession()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := session.StdinPipe(); err != nil {
			t.Fatal(err)
		}
		stdout, err := session.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := session.Start(`trap '' PIPE; echo ready; cat; touch /tmp/input-ended
			while echo more; do sleep 0.02; done 2>/dev/null; touch /tmp/output-refused; sleep 1000`); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(stdout, make([]byte, len("ready\n"))); err != nil {
			t.Fatal(err)
		}
		client.Conn.Close()
		for _, mark := range []string{"/tmp/input-ended", "/tmp/output-refused"} {
			eventually(t, mark+" is there", func() bool {
				_, err := h.Run(t.Context(), "test -e "+mark)
				return err == nil
			})
		}
		eventually(t, "the command lives on", func() bool { return slices.Equal(asleep(t, h), []string{"sleep 1000"}) })
	})
}

func TestBackgroundProcessHoldsChannelNotStatus(t *testing.T) {
	onBackends(t, lab.Options{}, func(t *testing.T, l *lab.Lab) {
		h := l.Hosts[0]
		client := mustDial(t, l, h)
		run(t, h, "mkfifo /tmp/hold")
		channel, requests, err := client.OpenChannel("session", nil)
		if err != nil {
			t.Fatal(err)
		}
		payload := gossh.Marshal(struct{ Command string }{"(read line < /tmp/hold) & exit 6"})
		if ok, err := channel.SendRequest("exec", true, payload); err != nil || !ok {
			t.Fatalf("exec: %v, %v", ok, err)
		}
		for r := range requests {
			if r.Type == "exit-status" {
				break
			}
		}
		select {
		case r, open := <-requests:
			t.Errorf("after the exit status comes %v (open: %v), want nothing while the output is held", r, open)
		case <-time.After(200 * time.Millisecond):
		}
		run(t, h, "echo > /tmp/hold")
		if r, open := <-requests; open && r.Type != "eow@openssh.com" {
			t.Errorf("the output's end brings %v, want the channel's end", r)
		}
	})
}

func TestTerminal(t *testing.T) {
	onBackends(t, lab.Options{}, func(t *testing.T, l *lab.Lab) {
		client := mustDial(t, l, l.Hosts[0])
		session, err := client.NewSession()
		if err != nil {
			t.Fatal(err)
		}
		if err := session.RequestPty("xterm", 31, 97, nil); err != nil {
			t.Fatal(err)
		}
		out, err := session.Output(`tty; stty size; echo $TERM; test -t 2 && echo error too`)
		if want := "/dev/pts/0\r\n31 97\r\nxterm\r\nerror too\r\n"; err != nil || string(out) != want {
			t.Errorf("the terminal says %q (%v), want %q", out, err, want)
		}
		hung, err := client.NewSession()
		if err != nil {
			t.Fatal(err)
		}
		if err := hung.RequestPty("xterm", 31, 97, nil); err != nil {
			t.Fatal(err)
		}
		if err := hung.Start("sleep 1000"); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the command runs", func() bool { return len(asleep(t, l.Hosts[0])) == 1 })
		client.Conn.Close()
		eventually(t, "a lost terminal hangs its command up", func() bool { return len(asleep(t, l.Hosts[0])) == 0 })
	})
}

func TestSFTP(t *testing.T) {
	onBackends(t, lab.Options{}, func(t *testing.T, l *lab.Lab) {
		h := l.Hosts[0]
		labtest.LeavesNothing(t, l)
		client, err := sftp.NewClient(mustDial(t, l, h))
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		want := bytes.Repeat([]byte("thor"), 100_000)
		f, err := client.Create("/mnt/pack")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(want); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		if err := client.Chmod("/mnt/pack", 0o750); err != nil {
			t.Fatal(err)
		}
		if got := run(t, h, "stat -c '%a %s' /mnt/pack"); got != "750 400000" {
			t.Errorf("mode and size are %s, want 750 400000", got)
		}
		back, err := client.Open("/mnt/pack")
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(back)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes came back of %d (%v)", len(got), len(want), err)
		}
		if _, err := client.Stat("/mnt/none"); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("a missing file gives %v", err)
		}
		if err := client.Remove("/mnt/pack"); err != nil {
			t.Fatal(err)
		}
	})
}

func TestUnknownKeyAndUserAreRefused(t *testing.T) {
	onBackends(t, lab.Options{}, func(t *testing.T, l *lab.Lab) {
		other := labtest.Start(t, lab.Options{Backend: l.Backend})
		stranger := *l
		stranger.Key = other.Key
		if _, err := dial(t, &stranger, l.Hosts[0], "root", ""); err == nil || !strings.Contains(err.Error(), "unable to authenticate") {
			t.Errorf("another lab's key gives %v, want a refusal", err)
		}
		if _, err := dial(t, l, l.Hosts[0], "nosuchuser", ""); err == nil {
			t.Error("a user that isn't there may log in")
		}
		if _, err := dial(t, l, l.Hosts[0], "root", "guess"); err == nil {
			t.Error("a password opens root")
		}
	})
}

func TestSSHDConfigComesFirst(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("OpenSSH's sshd wants root, and this is the run as an ordinary user")
	}
	l := labtest.Start(t, lab.Options{Backend: lab.Sshd, SSHDConfig: []string{"MaxSessions 1"}})
	client := mustDial(t, l, l.Hosts[0])
	if _, err := client.NewSession(); err != nil {
		t.Fatal(err)
	}
	if _, err := client.NewSession(); err == nil {
		t.Error("a second session opens in spite of MaxSessions 1")
	}
}
