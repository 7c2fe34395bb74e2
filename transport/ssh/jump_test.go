package ssh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"thordeploy/transport"
	"thordeploy/transport/transporttest"
)

// counting counts the connections made by dial.
func counting(cfg *Config) *atomic.Int32 {
	var n atomic.Int32
	d := cfg.DialContext
	if d == nil {
		d = new(net.Dialer).DialContext
	}
	cfg.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		n.Add(1)
		return d(ctx, network, addr)
	}
	return &n
}

// newJumps gives jumps that end with the test. It comes after the servers, which
// wait for their connections' ends.
func newJumps(t testing.TB) *Jumps {
	j := &Jumps{}
	t.Cleanup(func() { j.Close() })
	return j
}

func TestConnThroughTwoJumpHosts(t *testing.T) {
	t.Parallel()
	transporttest.Run(t, func(t *testing.T) transport.Conn {
		first, second, host := sshd(t, ""), sshd(t, ""), sshd(t, "")
		jumps := newJumps(t)
		second.Way = jumps.Through("first", first)
		host.Way = jumps.Through("second", second)
		return dial(t, host)
	})
}

func TestHostsShareAJumpHostsConnection(t *testing.T) {
	t.Parallel()
	jump, host := sshd(t, "MaxSessions 1\n"), sshd(t, "")
	jumps := newJumps(t)
	dials := counting(&jump)
	host.Way = jumps.Through("jump", jump)
	var all sync.WaitGroup
	for range 12 {
		all.Go(func() {
			if exit, err := start(t, dial(t, host), "exit 3").Wait(); err != nil || exit.Code != 3 {
				t.Errorf("%+v, %v", exit, err)
			}
		})
	}
	all.Wait()
	if n := dials.Load(); n != 1 {
		t.Errorf("%d connections to the jump host for 12 hosts, want one", n)
	}
}

func TestALostJumpHostIsReachedAgain(t *testing.T) {
	t.Parallel()
	jump, host := sshd(t, ""), sshd(t, "")
	jumps := newJumps(t)
	var wire net.Conn
	jump.DialContext = func(ctx context.Context, network, addr string) (c net.Conn, err error) {
		wire, err = new(net.Dialer).DialContext(ctx, network, addr)
		return wire, err
	}
	host.Way = jumps.Through("jump", jump)
	p := start(t, dial(t, host), "cat")
	wire.Close()
	_, err := p.Wait()
	wantPhase(t, err, transport.PhaseLost, "the connection to the jump host "+jump.addr()+" ended")
	if exit, err := start(t, dial(t, host), "exit 3").Wait(); err != nil || exit.Code != 3 {
		t.Errorf("the next host: %+v, %v", exit, err)
	}
}

func TestJumpHostFaults(t *testing.T) {
	t.Parallel()
	dead := configFor(closedListener(t))
	t.Run("nothing listens behind it", func(t *testing.T) {
		t.Parallel()
		jump, host := sshd(t, ""), dead
		host.Way = newJumps(t).Through("jump", jump)
		wantError(t, host, transport.PhaseDial, "the jump host "+jump.addr()+" can't reach it: ", "as the jump host sees them")
	})
	t.Run("it forwards nothing", func(t *testing.T) {
		t.Parallel()
		jump, host := sshd(t, "AllowTcpForwarding no\n"), sshd(t, "")
		host.Way = newJumps(t).Through("jump", jump)
		wantError(t, host, transport.PhaseDial, "forwards no connections", "AllowTcpForwarding")
	})
	for name, c := range map[string]struct {
		change func(*Config)
		phase  transport.Phase
		words  string
		dials  int32 // for three hosts behind it, one after the other
	}{
		"its key is unknown":      {func(c *Config) { c.KnownHosts = nil }, transport.PhaseHostKey, "jump host: the host's key is unknown", 1},
		"it lets nobody in":       {func(c *Config) { _, c.KeyFiles[0] = newKey(t) }, transport.PhaseAuth, "jump host: the host doesn't let root in", 1},
		"it isn't there just now": {func(c *Config) { c.Port = dead.Port }, transport.PhaseDial, "jump host: connection refused", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			jump, host := sshd(t, ""), sshd(t, "")
			c.change(&jump)
			dials := counting(&jump)
			host.Way = newJumps(t).Through("jump", jump)
			for range 3 {
				_, err := Dial(t.Context(), host)
				var te *transport.Error
				if !errors.As(err, &te) || te.Phase != c.phase || te.Addr != jump.addr() || !strings.Contains(err.Error(), c.words) || te.Hint == "" {
					t.Errorf("%v; want phase %q, address %q, %q and a hint", err, c.phase, jump.addr(), c.words)
				}
			}
			if n := dials.Load(); n != c.dials {
				t.Errorf("tried %d times for three hosts, want %d", n, c.dials)
			}
		})
	}
}

func closedListener(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	return l
}

// Whoever asked first may go: the others still get the connection.
func TestAJumpHostOutlivesWhoAskedFirst(t *testing.T) {
	t.Parallel()
	jump, host := sshd(t, ""), sshd(t, "")
	began, goOn := make(chan struct{}), make(chan struct{})
	jump.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		close(began)
		<-goOn
		return new(net.Dialer).DialContext(ctx, network, addr)
	}
	way := newJumps(t).Through("jump", jump)
	first, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { _, err := way.dial(first, host.addr()); ended <- err }()
	<-began
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the first: %v", err)
	}
	close(goOn)
	host.Way = way
	dial(t, host)
}

func TestProxyCommand(t *testing.T) {
	t.Parallel()
	transporttest.Run(t, func(t *testing.T) transport.Conn {
		cfg := sshd(t, "")
		cfg.DialContext = ProxyCommand("", relay(t, cfg.addr()))
		return dial(t, cfg)
	})
}

// relay is a command that carries its standard streams to addr: bash, which
// every machine of the project's has, does what nc does.
func relay(t testing.TB, addr string) string {
	t.Helper()
	host, port, _ := net.SplitHostPort(addr)
	return fmt.Sprintf(`bash -c 'exec 3<>/dev/tcp/%s/%s; cat <&3 & cat >&3; kill $!'`, host, port)
}

func TestProxyCommandEndsWithTheConnection(t *testing.T) {
	t.Parallel()
	cfg := sshd(t, "")
	var conn net.Conn
	cfg.DialContext = func(ctx context.Context, network, addr string) (c net.Conn, err error) {
		conn, err = ProxyCommand("/bin/sh", "sh -c '"+strings.ReplaceAll("trap \"\" TERM; "+relay(t, addr)+"; sleep 30", "'", `'\''`)+"'")(ctx, network, addr)
		return conn, err
	}
	c := dial(t, cfg)
	group := conn.(*proxy).cmd.Process.Pid
	c.Close()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if err := syscall.Kill(-group, 0); errors.Is(err, syscall.ESRCH) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the command outlives its connection")
		}
	}
}

func TestProxyCommandFaults(t *testing.T) {
	t.Parallel()
	cfg := Config{Host: "127.0.0.1", Port: 22, User: "root", HandshakeTimeout: limit}
	for command, c := range map[string]struct {
		phase       transport.Phase
		words, hint string
	}{
		"sh -c 'echo no route >&2; exit 3'": {transport.PhaseDial, "the ProxyCommand ended with exit status 3 before the host said anything: no route", "try the command by hand: exec sh -c"},
		"/no/such/program":                  {transport.PhaseDial, "exit status 127", "by hand"},
		"sleep 5":                           {transport.PhaseHandshake, "said nothing for 300ms", "something else"},
	} {
		cfg.DialContext = ProxyCommand("", command)
		wantError(t, cfg, c.phase, c.words, c.hint)
	}
	cfg.DialContext = ProxyCommand("/no/such/shell", "true")
	wantErrorOf(t, cfg, transport.PhaseDial, "starting the ProxyCommand")
}

func wantErrorOf(t *testing.T, cfg Config, phase transport.Phase, words string) {
	t.Helper()
	_, err := Dial(t.Context(), cfg)
	wantPhase(t, err, phase, words)
}

// What a host sends with nobody reading is held back, and doesn't hold the jump
// host's other channels up.
func TestAnUnreadHostDoesNotStopItsNeighbours(t *testing.T) {
	t.Parallel()
	jump, host := sshd(t, ""), sshd(t, "")
	jumps := newJumps(t)
	host.Way = jumps.Through("jump", jump)
	unread := start(t, dial(t, host), "cat /dev/zero")
	io.ReadFull(unread.Stdout(), make([]byte, 1))
	time.Sleep(200 * time.Millisecond)
	if exit, err := start(t, dial(t, host), "exit 3").Wait(); err != nil || exit.Code != 3 {
		t.Errorf("%+v, %v", exit, err)
	}
}

func TestHostKeyOfAHostBehindAJumpHost(t *testing.T) {
	t.Parallel()
	jump, host := sshd(t, ""), sshd(t, "")
	other, _ := newKey(t)
	host.KnownHosts = knowing(t, host, ssh.PublicKey(other.PublicKey()))
	host.Way = newJumps(t).Through("jump", jump)
	wantError(t, host, transport.PhaseHostKey, "has changed", "ssh-keygen -R")
}
