package ssh

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"thordeploy/transport"
)

// limit is the deadline of a phase in these tests.
const limit = 300 * time.Millisecond

// wantError dials and checks the phase, the words of the error and of its hint,
// and that it came in time.
func wantError(t *testing.T, cfg Config, phase transport.Phase, words, hint string) *transport.Error {
	t.Helper()
	begin := time.Now()
	c, err := Dial(t.Context(), cfg)
	if err == nil {
		c.Close()
		t.Fatal("Dial succeeded")
	}
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("took %v", took)
	}
	var te *transport.Error
	if !errors.As(err, &te) {
		t.Fatalf("error %v (%T), want a *transport.Error", err, err)
	}
	if te.Phase != phase || te.Addr != cfg.withDefaults().addr() {
		t.Errorf("phase %q, address %q of %v; want %q, %q", te.Phase, te.Addr, err, phase, cfg.addr())
	}
	if !strings.Contains(err.Error(), words) {
		t.Errorf("error %q, want %q in it", err, words)
	}
	if !strings.Contains(te.Hint, hint) || (hint == "") != (te.Hint == "") {
		t.Errorf("hint %q, want %q in it", te.Hint, hint)
	}
	return te
}

func TestDialWithoutAServer(t *testing.T) {
	t.Parallel()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refused := configFor(closed)
	closed.Close()
	te := wantError(t, refused, transport.PhaseDial, "connection refused", "nothing listens on port")
	if !errors.Is(te, syscall.ECONNREFUSED) || !te.Temporary() {
		t.Errorf("%v: want it to be %v and temporary", te, syscall.ECONNREFUSED)
	}

	noName := Config{Host: "no.such.host.invalid", User: "root", DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "no.such.host.invalid", IsNotFound: true}}
	}}
	wantError(t, noName, transport.PhaseResolve, "no such host name", "ansible_host")

	deaf := Config{Host: "named.invalid", User: "root", DialTimeout: limit}
	deaf.DialContext = (&net.Dialer{Resolver: &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}}}).DialContext
	wantError(t, deaf, transport.PhaseResolve, "named.invalid", "name server")

	hole := Config{Host: "192.0.2.1", User: "root", DialTimeout: limit, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}}
	wantError(t, hole, transport.PhaseDial, "no answer within 300ms", "firewall")
}

// say sends text and then goes on as the rest tells.
func say(text string, rest func(net.Conn)) func(net.Conn) {
	return func(c net.Conn) {
		io.WriteString(c, text)
		rest(c)
	}
}

func stall(c net.Conn) { io.Copy(io.Discard, c) }

// hangUp says no more, and reads what the other side still has to say: closing
// with that unread would be a reset, now and then before the end is read.
func hangUp(c net.Conn) {
	if w, ok := c.(interface{ CloseWrite() error }); ok {
		_ = w.CloseWrite()
	}
	_, _ = io.Copy(io.Discard, c)
}
func forever(c net.Conn) {
	for {
		if _, err := io.WriteString(c, "all work and no play\r\n"); err != nil {
			return
		}
	}
}
func onOneLine(c net.Conn) {
	for {
		if _, err := io.WriteString(c, "SSH-2.0-xxxxxxxxxxxxxxxxxxxxx"); err != nil {
			return
		}
	}
}

// answerHTTP is a web server's way with a line it doesn't understand.
func answerHTTP(c net.Conn) {
	if _, err := http.ReadRequest(bufio.NewReader(c)); err != nil {
		io.WriteString(c, "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\n\r\nno\r\n")
	}
}

func TestHandshakeFaults(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		serve       func(net.Conn)
		words, hint string
	}{
		"silence":                  {stall, "said nothing for 300ms", "something else than sshd"},
		"hangs up":                 {hangUp, "closed the connection: EOF before saying anything", "MaxStartups"},
		"a web server":             {answerHTTP, `no SSH server: it says "HTTP/1.1 400 Bad Request"`, "ansible_port"},
		"refuses in words":         {say("Not allowed at this time\r\n", hangUp), `it says "Not allowed at this time"`, "too many logins"},
		"another protocol, waits":  {say("220 mail ESMTP\r\n", stall), `it says "220 mail ESMTP"`, "ansible_port"},
		"lines without end":        {forever, `it says "all work and no play"`, "ansible_port"},
		"a version without end":    {onOneLine, "overflow reading version string", ""},
		"stalls in key exchange":   {say("SSH-2.0-stalling\r\n", stall), "key exchange was not done within 300ms", "MTU"},
		"hangs up in key exchange": {say("SSH-2.0-short\r\n", func(c net.Conn) { c.Read(make([]byte, 1<<16)) }), "closed the connection", ""},
		"bytes after the version":  {say("SSH-2.0-mad\r\n"+strings.Repeat("\xff", 5000), stall), "", ""},
		"escape codes":             {say("\x1b[2Jgone\r\n", hangUp), `it says "\x1b[2Jgone"`, "ansible_port"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := new(server).listen(t, c.serve)
			cfg.User, cfg.HandshakeTimeout = "root", limit
			te := wantError(t, cfg, transport.PhaseHandshake, c.words, c.hint)
			if !te.Temporary() {
				t.Error("not temporary, though nothing has happened on the host")
			}
		})
	}
}

func TestNoAlgorithmInCommon(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.config.KeyExchanges = []string{ssh.InsecureKeyExchangeDH14SHA1}
	wantError(t, s.serve(t), transport.PhaseHandshake, "no key exchange in common: the host offers diffie-hellman-group14-sha1", "too old")
}

func TestAuthFaults(t *testing.T) {
	t.Parallel()
	t.Run("stalls", func(t *testing.T) {
		t.Parallel()
		s := newServer(t)
		over := make(chan struct{})
		defer close(over)
		s.config.PublicKeyCallback = func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error) {
			<-over
			return nil, errors.New("too late")
		}
		cfg := s.serve(t)
		cfg.AuthTimeout = limit
		wantError(t, cfg, transport.PhaseAuth, "not done within 300ms", "authorized_keys")
	})
	t.Run("hangs up", func(t *testing.T) {
		t.Parallel()
		s := newServer(t)
		s.config.PublicKeyCallback = func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error) {
			s.cut()
			return nil, nil
		}
		wantError(t, s.serve(t), transport.PhaseAuth, "the host closed the connection", "authorized_keys")
	})
	t.Run("banner without end", func(t *testing.T) {
		t.Parallel()
		s := newServer(t)
		s.config.BannerCallback = func(ssh.ConnMetadata) string { return strings.Repeat("read this ", 20_000) }
		wantError(t, s.serve(t), transport.PhaseAuth, "banner is longer than 65536 bytes", "authorized_keys")
	})
	t.Run("a banner of usual length", func(t *testing.T) {
		t.Parallel()
		s := newServer(t)
		s.config.BannerCallback = func(ssh.ConnMetadata) string { return "Authorized use only\r\n" }
		dial(t, s.serve(t))
	})
}

func TestDialEndsWithItsContext(t *testing.T) {
	t.Parallel()
	why := errors.New("interrupted by the user")
	auth := newServer(t)
	reached := make(chan struct{}, 1)
	over := make(chan struct{})
	auth.config.PublicKeyCallback = func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error) {
		reached <- struct{}{}
		<-over
		return nil, why
	}
	hosts := map[transport.Phase]Config{
		transport.PhaseHandshake: new(server).listen(t, func(c net.Conn) {
			c.Read(make([]byte, 1)) // its handshake has begun
			reached <- struct{}{}
			stall(c)
		}),
		transport.PhaseAuth: auth.serve(t),
	}
	t.Cleanup(func() { close(over) }) // before the servers wait for their callbacks
	for phase, cfg := range hosts {
		ctx, cancel := context.WithCancelCause(t.Context())
		go func() { <-reached; cancel(why) }()
		_, err := Dial(ctx, cfg)
		var te *transport.Error
		if !errors.As(err, &te) || te.Phase != phase || !errors.Is(err, why) {
			t.Errorf("got %v, want phase %q and %v inside", err, phase, why)
		}
	}
}

func TestEveryAddressOfANameIsTried(t *testing.T) {
	t.Parallel()
	cfg := newServer(t).serve(t) // on 127.0.0.1; nothing listens on ::1
	cfg.KnownHosts = knowing(t, Config{Host: "localhost", Port: cfg.Port}, knownKey(t, cfg))
	cfg.Host = "localhost"
	dial(t, cfg)
}

// knownKey is the key that cfg's known_hosts has.
func knownKey(t *testing.T, cfg Config) ssh.PublicKey {
	t.Helper()
	lines, _ := cfg.KnownHosts.lookup(cfg.Host, fmt.Sprint(cfg.Port))
	key, err := lines[0].key()
	if err != nil {
		t.Fatal(err)
	}
	return key
}
