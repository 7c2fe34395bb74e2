package ssh

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"thordeploy/transport"
)

// wantPhase checks what err is.
func wantPhase(t *testing.T, err error, phase transport.Phase, words string) {
	t.Helper()
	var te *transport.Error
	if !errors.As(err, &te) || te.Phase != phase || !strings.Contains(err.Error(), words) {
		t.Errorf("error %v, want phase %q and %q in it", err, phase, words)
	}
}

func start(t *testing.T, c *Conn, line string) transport.Process {
	t.Helper()
	p, err := c.Start(t.Context(), line)
	if err != nil {
		t.Fatalf("Start(%q): %v", line, err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func TestSessionRefusedByOpenSSH(t *testing.T) {
	t.Parallel()
	c := dial(t, sshd(t, "MaxSessions 1\n"))
	first := start(t, c, "cat")
	_, err := c.Start(t.Context(), "true")
	wantPhase(t, err, transport.PhaseChannel, "opens no further session")
	var te *transport.Error
	if errors.As(err, &te); !strings.Contains(te.Hint, "MaxSessions") {
		t.Errorf("hint %q", te.Hint)
	}
	first.Stdin().Close()
	if exit, err := first.Wait(); err != nil || exit.Code != 0 {
		t.Errorf("the first command: %+v, %v", exit, err)
	}
	if exit, err := start(t, c, "exit 4").Wait(); err != nil || exit.Code != 4 {
		t.Errorf("the next command: %+v, %v", exit, err)
	}
}

func TestCommandRefused(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.request = func(line string, ch ssh.Channel) bool { return line == "refuse" || line == "sftp" }
	c := dial(t, s.serve(t))
	_, err := start(t, c, "refuse").Wait()
	wantPhase(t, err, transport.PhaseLost, "without an exit status")
	_, err = c.Files(t.Context())
	wantPhase(t, err, transport.PhaseChannel, "offers no SFTP")
	if exit, err := start(t, c, "exit 4").Wait(); err != nil || exit.Code != 4 {
		t.Errorf("the connection afterwards: %+v, %v", exit, err)
	}
}

func TestSessionNeverAnswered(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.session = func(ssh.NewChannel) bool { return true }
	c := dial(t, s.serve(t))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := c.Start(ctx, "true")
	wantPhase(t, err, transport.PhaseChannel, "deadline exceeded")
	_, err = c.Files(ctx)
	wantPhase(t, err, transport.PhaseChannel, "deadline exceeded")
	time.AfterFunc(50*time.Millisecond, func() { c.Close() })
	_, err = c.Start(t.Context(), "true")
	wantPhase(t, err, transport.PhaseLost, transport.ErrClosed.Error())
}

// The host goes while a command runs: what it said is there, and the error
// says that it went.
func TestCutMidStream(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	c := dial(t, s.serve(t))
	p := start(t, c, "echo so far; cat")
	unread := start(t, c, "cat /dev/zero") // nobody reads it
	got := make([]byte, 7)
	if _, err := io.ReadFull(p.Stdout(), got); err != nil || string(got) != "so far\n" {
		t.Fatalf("%q, %v", got, err)
	}
	files, err := c.Files(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.cut()
	if rest, err := io.ReadAll(p.Stdout()); len(rest) != 0 || err != nil {
		t.Errorf("stdout goes on with %q, %v", rest, err)
	}
	for _, p := range []transport.Process{p, unread} {
		_, err = p.Wait()
		wantPhase(t, err, transport.PhaseLost, "the connection broke")
	}
	_, err = p.Stdin().Write([]byte("x"))
	wantPhase(t, err, transport.PhaseLost, "the connection broke")
	_, err = c.Start(t.Context(), "true")
	wantPhase(t, err, transport.PhaseLost, "the connection broke")
	wantPhase(t, files.Write(t.TempDir()+"/x", 0o600, strings.NewReader("x")), transport.PhaseLost, "the connection broke")
	if err := c.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

// An exit status doesn't make up for output that went with the connection.
func TestCutBehindTheExitStatus(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.request = func(_ string, ch ssh.Channel) bool {
		ch.Write([]byte("begin of the output"))
		ch.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{0}))
		s.cut()
		return true
	}
	p := start(t, dial(t, s.serve(t)), "x")
	_, err := p.Wait()
	wantPhase(t, err, transport.PhaseLost, "the connection broke")
}

// frozen lets a connection through until it is frozen, and then nothing.
type frozen struct {
	net.Conn
	ice  *atomic.Bool
	over chan struct{}
}

func (f frozen) Read(p []byte) (int, error) {
	n, err := f.Conn.Read(p)
	if f.ice.Load() {
		<-f.over
		return 0, io.EOF
	}
	return n, err
}

func TestKeepalive(t *testing.T) {
	t.Parallel()
	for count, silence := range map[int]string{0: "300ms", 5: "600ms"} {
		t.Run(silence, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			var ice atomic.Bool
			over := make(chan struct{})
			s.accept = func(c net.Conn) net.Conn { return frozen{c, &ice, over} }
			cfg := s.serve(t)
			t.Cleanup(func() { close(over) })
			cfg.Keepalive, cfg.KeepaliveCount = 100*time.Millisecond, count
			c := dial(t, cfg)
			p := start(t, c, "sleep 1; echo quiet but alive; cat")
			got := make([]byte, 16)
			if _, err := io.ReadFull(p.Stdout(), got); err != nil {
				t.Fatalf("a quiet host was given up: %v", err)
			}
			ice.Store(true)
			begin := time.Now()
			_, err := p.Wait()
			wantPhase(t, err, transport.PhaseIdle, "no sign of life for "+silence)
			if took := time.Since(begin); took > 3*time.Second {
				t.Errorf("noticed after %v", took)
			}
		})
	}
}

// By default a dead link is found within 30 s, wherever between two questions
// the last sign of life came.
func TestKeepaliveFindsADeadLinkInTime(t *testing.T) {
	t.Parallel()
	c := Config{}.withDefaults()
	if worst := time.Duration(c.KeepaliveCount+2) * c.Keepalive; worst > 30*time.Second {
		t.Errorf("a dead link is found after %v only", worst)
	}
}

// The library checks the host's key again at each later key exchange; that
// must not start the clock of authentication anew.
func TestRekeyingOutlivesTheDeadlines(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.config.RekeyThreshold = 64 << 10
	cfg := s.serve(t)
	cfg.HandshakeTimeout, cfg.AuthTimeout = time.Second, time.Second
	c := dial(t, cfg)
	p := start(t, c, "for i in 1 2 3 4 5; do head -c 200000 /dev/zero; sleep 0.4; done")
	n, _ := io.Copy(io.Discard, p.Stdout())
	if exit, err := p.Wait(); err != nil || exit.Code != 0 || n != 1_000_000 {
		t.Errorf("%d bytes, %+v, %v", n, exit, err)
	}
}

// A hostile host asks and opens without end; the command goes on.
func TestFloodOfRequests(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.request = func(_ string, ch ssh.Channel) bool {
		for range 2000 {
			ch.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{3}))
			ch.SendRequest("junk", false, bytes.Repeat([]byte{0xff}, 1000))
			ch.SendRequest("exit-signal", false, []byte("\xff"))
		}
		ch.Write([]byte("done"))
		return true
	}
	p := start(t, dial(t, s.serve(t)), "x")
	out, _ := io.ReadAll(p.Stdout())
	if exit, err := p.Wait(); err != nil || exit.Code != 3 || string(out) != "done" {
		t.Errorf("%q, %+v, %v", out, exit, err)
	}
}

// The host may not open channels to this side, nor hold it up by trying.
func TestChannelsFromTheHostAreRefused(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	refused := make(chan error, 1)
	s.accept = func(c net.Conn) net.Conn {
		conn, chans, reqs, err := ssh.NewServerConn(c, s.config)
		if err != nil {
			return nil
		}
		go ssh.DiscardRequests(reqs)
		go func() {
			for ch := range chans {
				ch.Reject(ssh.Prohibited, "")
			}
		}()
		for range 50 {
			conn.SendRequest("hostkeys-00@openssh.com", false, nil)
			_, _, err = conn.OpenChannel("forwarded-tcpip", nil)
		}
		refused <- err
		conn.Close()
		return nil
	}
	dial(t, s.serve(t))
	var no *ssh.OpenChannelError
	if err := <-refused; !errors.As(err, &no) {
		t.Errorf("a channel from the host: %v", err)
	}
}

// What a host calls things ends up on a terminal.
func TestHostsWordsAreFitForATerminal(t *testing.T) {
	t.Parallel()
	if got := said([]string{"\x1b]0;x\a\u202eé", strings.Repeat("x", 1<<20)}); got[0] != "?]0;x???" || len(got[1]) != 200 {
		t.Errorf("%q, %d bytes", got[0], len(got[1]))
	}
	if n := len(said(make([]string, 1<<20))); n != 32 {
		t.Errorf("%d words", n)
	}
	if got := algorithmNames([]string{"a", "kex-strict-s-v00@openssh.com", "ext-info-s", "b"}); got != "a, b" {
		t.Errorf("%q", got)
	}
}

func TestSignalledBeyondTheStandard(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]transport.Exit{
		"TERM":            {Code: 143, Signal: "TERM"},
		"BUS@openssh.com": {Code: 135, Signal: "BUS"},
		"STRANGE":         {Code: 128, Signal: "STRANGE"},
		"\x1b[2Jgone":     {Code: 128, Signal: "?[2Jgone"},
	} {
		if got := signalled(name); got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
}

func TestBecomeOverSSHKnowsTheAccount(t *testing.T) {
	t.Parallel()
	c := dial(t, newServer(t).serve(t))
	if transport.WithBecome(c, transport.Become{User: "root"}) != transport.Conn(c) {
		t.Error("becoming the account that connected calls sudo")
	}
}

// Not parallel: it looks at the goroutines of the whole program.
func TestCloseLeavesNoGoroutine(t *testing.T) {
	s := newServer(t)
	cfg := s.serve(t)
	cfg.Keepalive = 5 * time.Millisecond
	c := dial(t, cfg)
	p := start(t, c, "cat")
	time.Sleep(50 * time.Millisecond)
	var all sync.WaitGroup
	all.Go(func() { p.Wait() })
	c.Close()
	all.Wait()
	var dump string
	for range 200 {
		buf := make([]byte, 1<<20)
		dump = string(buf[:runtime.Stack(buf, true)])
		if !strings.Contains(dump, "ssh.(*Conn)") && !strings.Contains(dump, "ssh.(*process)") && !strings.Contains(dump, "ssh.newProcess") {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("after Close there still is\n%s", dump)
}
