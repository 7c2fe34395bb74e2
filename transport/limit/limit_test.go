package limit_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"thordeploy/transport"
	"thordeploy/transport/limit"
	"thordeploy/transport/local"
	"thordeploy/transport/transporttest"
)

// TestContract: a limited connection is a connection.
func TestContract(t *testing.T) {
	t.Parallel()
	transporttest.Run(t, func(t *testing.T) transport.Conn {
		conn := limit.Conn(local.Dial(), limit.New(1<<30))
		t.Cleanup(func() { conn.Close() })
		return conn
	})
}

func send(t *testing.T, conn transport.Conn, n int) {
	t.Helper()
	p, err := conn.Start(t.Context(), "cat >/dev/null")
	if err != nil {
		t.Error(err)
		return
	}
	if _, err := io.Copy(p.Stdin(), struct{ io.Reader }{bytes.NewReader(make([]byte, n))}); err != nil {
		t.Error(err)
	}
	_ = p.Stdin().Close()
	go io.Copy(io.Discard, p.Stderr()) //nolint:errcheck // it ends
	go io.Copy(io.Discard, p.Stdout()) //nolint:errcheck // it ends
	if _, err := p.Wait(); err != nil {
		t.Error(err)
	}
}

func receive(t *testing.T, conn transport.Conn, n string) {
	t.Helper()
	p, err := conn.Start(t.Context(), "head -c "+n+" /dev/zero")
	if err != nil {
		t.Error(err)
		return
	}
	_ = p.Stdin().Close()
	go io.Copy(io.Discard, p.Stderr()) //nolint:errcheck // it ends
	if _, err := io.Copy(io.Discard, p.Stdout()); err != nil {
		t.Error(err)
	}
}

// TestRate: within a tenth of what was asked for, each way, for one connection
// and for several that share a limit, and the lowest of several limits counts.
func TestRate(t *testing.T) {
	t.Parallel()
	const perSecond = 1_000_000
	for name, f := range map[string]func(t *testing.T){
		"sent":     func(t *testing.T) { send(t, limit.Conn(local.Dial(), limit.New(perSecond)), 2*perSecond) },
		"received": func(t *testing.T) { receive(t, limit.Conn(local.Dial(), limit.New(perSecond)), "2000000") },
		"shared": func(t *testing.T) {
			total := limit.New(perSecond)
			var hosts sync.WaitGroup
			for i := range 4 {
				conn := limit.Conn(local.Dial(), total, limit.New(10*perSecond))
				hosts.Go(func() {
					if i%2 == 0 {
						send(t, conn, perSecond/2)
					} else {
						receive(t, conn, "500000")
					}
				})
			}
			hosts.Wait()
		},
		"files": func(t *testing.T) {
			files, err := limit.Conn(local.Dial(), limit.New(perSecond)).Files(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			at := filepath.Join(t.TempDir(), "f")
			if err := files.Write(at, 0o600, bytes.NewReader(make([]byte, perSecond))); err != nil {
				t.Fatal(err)
			}
			if err := files.Read(at, io.Discard); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			begin := time.Now()
			f(t)
			took := time.Since(begin).Seconds()
			t.Logf("2 MB took %.2f s", took)
			if took < 1.8 {
				t.Errorf("2 MB at 1 MB/s took %.2f s", took)
			}
			// A busy machine may be late; a limit that is too low is late always.
			for tries := 0; took > 2.2 && tries < 3; tries++ {
				begin = time.Now()
				f(t)
				took = time.Since(begin).Seconds()
			}
			if took > 2.2 {
				t.Errorf("2 MB at 1 MB/s took %.2f s", took)
			}
		})
	}
}

// TestShortWritesDontWait: a request isn't late behind a tree.
func TestShortWritesDontWait(t *testing.T) {
	t.Parallel()
	total := limit.New(limit.Least)
	ctx, cancel := context.WithCancel(t.Context())
	busy, err := limit.Conn(local.Dial(), total).Start(ctx, "cat >/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = busy.Stdin().Write(make([]byte, 1<<20))
	}()
	time.Sleep(100 * time.Millisecond)
	out := filepath.Join(t.TempDir(), "out")
	p, err := limit.Conn(local.Dial(), total).Start(t.Context(), "cat >'"+out+"'")
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	if _, err := io.WriteString(p.Stdin(), "request\n"); err != nil {
		t.Fatal(err)
	}
	_ = p.Stdin().Close()
	if _, err := p.Wait(); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("a short write took %v", took)
	}
	if text, _ := os.ReadFile(out); string(text) != "request\n" {
		t.Errorf("it came as %q", text)
	}
	cancel() // and what waits ends
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		t.Error("a write that waits for its turn outlives its process")
	}
}
