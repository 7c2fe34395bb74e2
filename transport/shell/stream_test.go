package shell_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"thordeploy/transport"
	"thordeploy/transport/local"
	"thordeploy/transport/shell"
)

// single is a host that opens one session on a connection, and no other.
type single struct {
	transport.Conn
	mu   sync.Mutex
	open bool
}

func (c *single) Start(ctx context.Context, line string) (transport.Process, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open {
		return nil, &transport.Error{Phase: transport.PhaseChannel, Err: fmt.Errorf("%w: no", transport.ErrNoSession)}
	}
	c.open = true
	return c.Conn.Start(ctx, line)
}

func openSingle(t *testing.T, prefix string) *shell.Session {
	t.Helper()
	conn := &single{Conn: local.Dial()}
	t.Cleanup(func() { conn.Close() })
	s, err := shell.Open(t.Context(), conn, shell.Options{Prefix: prefix})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		s.Close(ctx, true)
	})
	return s
}

// stream runs line with input and gives what it printed and how it ended.
func stream(t *testing.T, s *shell.Session, line string, input []byte) (out, errs string, code int, wrote error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	p, err := s.Stream(ctx, line)
	if err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	var readers sync.WaitGroup
	readers.Go(func() { _, _ = io.Copy(&stdout, p.Stdout()) })
	readers.Go(func() { _, _ = io.Copy(&stderr, p.Stderr()) })
	_, wrote = p.Stdin().Write(input)
	_ = p.Stdin().Close()
	exit, err := p.Wait()
	if err != nil {
		t.Fatal(err)
	}
	readers.Wait()
	return stdout.String(), stderr.String(), exit.Code, wrote
}

// goesOn tries whether s still runs tasks.
func goesOn(t *testing.T, s *shell.Session) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var out bytes.Buffer
	if rc, err := s.Command(ctx, shell.Command{Argv: []string{"echo", "fine"}}, &out, nil); err != nil || rc != 0 || out.String() != "fine\n" {
		t.Fatalf("the session after a stream: %q, %d, %v", out.String(), rc, err)
	}
}

// TestStreamsInTheHeldShellsChannel: any bytes of any length, in and out, and
// the exit status; the session goes on.
func TestStreamsInTheHeldShellsChannel(t *testing.T) {
	forShells(t, func(t *testing.T, prefix string) {
		s := openSingle(t, prefix)
		random := rand.NewChaCha8([32]byte{1})
		for _, size := range []int{0, 1, minBlock, minBlock + 1, 3 << 20} {
			data := make([]byte, size)
			_, _ = random.Read(data)
			out, errs, code, err := stream(t, s, "cat; echo words >&2; exit 3", data)
			if err != nil || code != 3 || errs != "words\n" || sha256.Sum256([]byte(out)) != sha256.Sum256(data) {
				t.Errorf("%d bytes: %d came back, stderr %q, status %d, %v", size, len(out), errs, code, err)
			}
			goesOn(t, s)
		}
		if !s.Shared() {
			t.Error("the streams had channels of their own")
		}
		// What looks like requests isn't taken for some.
		trap := []byte(strings.Repeat("\nend 0\nQ leave\nC 0\n0\n#over\nrun\n", 5000))
		if out, _, code, err := stream(t, s, "cat", trap); err != nil || code != 0 || out != string(trap) {
			t.Errorf("%d bytes of %d came back, status %d, %v", len(out), len(trap), code, err)
		}
		goesOn(t, s)
	})
}

const minBlock = 16 << 10

// TestSharedStreamThatIsNotReadToItsEnd: the rest goes nowhere.
func TestSharedStreamThatIsNotReadToItsEnd(t *testing.T) {
	forShells(t, func(t *testing.T, prefix string) {
		s := openSingle(t, prefix)
		for _, line := range []string{"head -c 10; exit 4", "exit 4", "exec 0<&-; exit 4"} {
			_, _, code, _ := stream(t, s, line, bytes.Repeat([]byte("eval exit\n"), 500_000))
			if code != 4 {
				t.Errorf("%q ended with %d", line, code)
			}
			goesOn(t, s)
		}
	})
}

// TestSharedStreamIsEnded: by its context and by Close, while it reads, while
// it doesn't, and while it writes without end.
func TestSharedStreamIsEnded(t *testing.T) {
	forShells(t, func(t *testing.T, prefix string) {
		s := openSingle(t, prefix)
		for _, line := range []string{"sleep 100", "cat >/dev/null; sleep 100", "while :; do echo flood; done"} {
			for _, how := range []string{"context", "close"} {
				ctx, cancel := context.WithCancel(t.Context())
				p, err := s.Stream(ctx, line)
				if err != nil {
					t.Fatal(err)
				}
				go io.Copy(io.Discard, p.Stderr()) //nolint:errcheck // it ends
				go p.Stdin().Write(make([]byte, minBlock+5000))
				time.Sleep(200 * time.Millisecond)
				if how == "close" {
					_ = p.Close()
				}
				cancel()
				_, err = p.Wait()
				var te *transport.Error
				if !errors.As(err, &te) || te.Phase != transport.PhaseLost {
					t.Errorf("%s, %s: %v", line, how, err)
				}
				goesOn(t, s)
			}
		}
	})
}
