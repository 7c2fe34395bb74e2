package relay

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// answerer answers each line with the same line, and each "big N" line with N
// bytes before it.
func answerer(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				in := bufio.NewReader(c)
				for {
					line, err := in.ReadString('\n')
					if err != nil {
						return
					}
					var n int
					if _, err := fmt.Sscanf(line, "big %d\n", &n); err == nil {
						_, _ = c.Write(make([]byte, n))
					}
					if _, err := io.WriteString(c, line); err != nil {
						return
					}
				}
			}()
		}
	}()
	return l.Addr().String()
}

func open(t *testing.T, link Link) (*Relay, net.Conn) {
	t.Helper()
	r, err := Start(answerer(t), link)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	c, err := net.Dial("tcp", r.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return r, c
}

func ask(t *testing.T, c net.Conn, in *bufio.Reader, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	for range strings.Count(text, "\n") {
		if _, err := in.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRoundTripsAreCountedByWhatWaits(t *testing.T) {
	t.Parallel()
	for _, link := range []Link{{}, {Delay: 10 * time.Millisecond}} {
		r, c := open(t, link)
		in := bufio.NewReader(c)
		ask(t, c, in, "a\n")
		ask(t, c, in, "b\n")
		if n := r.RoundTrips(); n != 2 {
			t.Errorf("%v: %d round trips, want 2", link, n)
		}
		ask(t, c, in, strings.Repeat("many at once\n", 10))
		if n := r.RoundTrips(); n != 3 {
			t.Errorf("%v: %d round trips, want 3", link, n)
		}
		c.Close()
		time.Sleep(3*link.Delay + 20*time.Millisecond)
		if n := r.RoundTrips(); n != 3 {
			t.Errorf("%v: %d round trips after the end, want 3", link, n)
		}
	}
}

func TestDelayAndRate(t *testing.T) {
	t.Parallel()
	_, c := open(t, Link{Delay: 50 * time.Millisecond, Rate: 1 << 20})
	in := bufio.NewReader(c)
	begin := time.Now()
	ask(t, c, in, "a\n")
	if took := time.Since(begin); took < 100*time.Millisecond {
		t.Errorf("a round trip took %v, want 100 ms at least", took)
	}
	begin = time.Now()
	if _, err := io.WriteString(c, "big 1048576\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(io.Discard, in, 1<<20); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begin); took < 1100*time.Millisecond || took > 1700*time.Millisecond {
		t.Errorf("1 MiB at 1 MiB/s with 100 ms of delay took %v", took)
	}
}

func TestCut(t *testing.T) {
	t.Parallel()
	r, c := open(t, Link{})
	in := bufio.NewReader(c)
	ask(t, c, in, "a\n")
	r.CutAfter(100)
	_, err := c.Write(bytes.Repeat([]byte("x\n"), 1000))
	if err == nil {
		_, err = io.Copy(io.Discard, in)
	}
	if err == nil {
		t.Error("the connection was not cut")
	}
	if up, _ := r.Passed(); up < 102 {
		t.Errorf("%d bytes passed, want 102 at least", up)
	}
}
