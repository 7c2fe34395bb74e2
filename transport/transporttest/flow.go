package transporttest

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"thordeploy/transport"
)

// largeOutput reads 100 MB and looks at the heap meanwhile.
func largeOutput(t *testing.T, conn transport.Conn) {
	const size = 100_000_000
	p, err := conn.Start(t.Context(), "head -c 100000000 /dev/zero")
	if err != nil {
		t.Error(err)
		return
	}
	p.Stdin().Close()
	go io.Copy(io.Discard, p.Stderr())
	var heap, peak runtime.MemStats
	runtime.ReadMemStats(&heap)
	buf := make([]byte, 256<<10)
	read := 0
	for chunk := 0; ; chunk++ {
		n, err := p.Stdout().Read(buf)
		read += n
		if chunk%100 == 0 {
			var now runtime.MemStats
			runtime.ReadMemStats(&now)
			if now.HeapInuse > peak.HeapInuse {
				peak = now
			}
		}
		if err != nil {
			break
		}
	}
	if exit, err := p.Wait(); err != nil || exit.Code != 0 || read != size {
		t.Errorf("read %d bytes of %d, %+v, %v", read, size, exit, err)
	}
	// Other tests of the suite run beside this one; a transport that keeps
	// the output would need all of it.
	if grown := int64(peak.HeapInuse) - int64(heap.HeapInuse); grown > size*7/10 {
		t.Errorf("the heap grew by %d bytes while %d were read", grown, size)
	}
}

// backPressure leaves an endless output unread: the command must come to stand.
func backPressure(t *testing.T, conn transport.Conn) {
	count := filepath.Join(sharedDir(t), "count")
	p, err := conn.Start(t.Context(), `echo 0 >`+transport.Quote(count)+`; i=0; while head -c 1000000 /dev/zero; do i=$((i+1)); echo $i >`+transport.Quote(count)+`; done`)
	if err != nil {
		t.Error(err)
		return
	}
	defer p.Close()
	last := ""
	for still := 0; still < 5; {
		time.Sleep(100 * time.Millisecond)
		now, _ := os.ReadFile(count)
		if string(now) == last && last != "" {
			still++
		} else {
			still = 0
		}
		last = string(now)
		if len(strings.TrimSpace(last)) > 2 {
			t.Errorf("%s MB were taken from the command though nobody reads", strings.TrimSpace(last))
			return
		}
	}
}

// waiting is a command that says it runs, waits for its input to end, and then
// leaves a marker: what a guard on the host does.
func waiting(t *testing.T) (line, marker string) {
	marker = filepath.Join(sharedDir(t), "marker")
	return "echo up; cat >/dev/null; echo ended >" + transport.Quote(marker), marker
}

func startWaiting(t *testing.T, ctx context.Context, conn transport.Conn) (p transport.Process, marker string) {
	t.Helper()
	line, marker := waiting(t)
	p, err := conn.Start(ctx, line)
	if err != nil {
		t.Error(err)
		return nil, ""
	}
	up := make([]byte, 3)
	if _, err := io.ReadFull(p.Stdout(), up); err != nil {
		t.Errorf("the command doesn't run: %v", err)
		return nil, ""
	}
	return p, marker
}

func wantMarker(t *testing.T, marker string) {
	t.Helper()
	for range 200 {
		if got, _ := os.ReadFile(marker); string(got) == "ended\n" {
			return
		}
		time.Sleep(25 * time.Millisecond)
	}
	t.Error("the command never saw the end of its input")
}

func cancelEndsChannel(t *testing.T, conn transport.Conn) {
	why := errors.New("the task took too long")
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	p, marker := startWaiting(t, ctx, conn)
	if p == nil {
		return
	}
	cancel(why)
	_, err := p.Wait()
	wantLost(t, err, why)
	if rest, err := io.ReadAll(p.Stdout()); err != nil || len(rest) != 0 {
		t.Errorf("stdout after the cancelling: %q, %v", rest, err)
	}
	wantMarker(t, marker)
	if got := output(t, conn, "echo alive", ""); string(got.stdout) != "alive\n" {
		t.Errorf("the connection after a cancelled command: %q, %v", got.stdout, got.err)
	}
}

// closeProcess closes a command that neither reads nor ends by itself.
func closeProcess(t *testing.T, conn transport.Conn) {
	p, err := conn.Start(t.Context(), "echo up; sleep 4")
	if err != nil {
		t.Error(err)
		return
	}
	io.ReadFull(p.Stdout(), make([]byte, 3))
	unblocked := make(chan struct{}, 2)
	go func() { io.ReadAll(p.Stdout()); unblocked <- struct{}{} }()
	go func() {
		io.Copy(p.Stdin(), endless{})
		unblocked <- struct{}{}
	}()
	time.Sleep(50 * time.Millisecond)
	begin := time.Now()
	for range 2 {
		if err := p.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	_, err = p.Wait()
	wantLost(t, err, transport.ErrClosed)
	<-unblocked
	<-unblocked
	if took := time.Since(begin); took > 2*time.Second {
		t.Errorf("a closed command's reader and writer were let go after %v only", took)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func closeConn(t *testing.T, conn transport.Conn) {
	p, marker := startWaiting(t, t.Context(), conn)
	if p == nil {
		return
	}
	ended := make(chan error, 1)
	go func() { _, err := p.Wait(); ended <- err }()
	for range 2 {
		if err := conn.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	wantLost(t, <-ended, transport.ErrClosed)
	wantMarker(t, marker)
	_, err := conn.Start(t.Context(), "true")
	wantLost(t, err, transport.ErrClosed)
	if _, err = conn.Files(t.Context()); !refusesFiles(err) {
		wantLost(t, err, transport.ErrClosed)
	}
}

// refusesFiles tells a Conn that has no Files, closed or not.
func refusesFiles(err error) bool {
	var te *transport.Error
	return errors.As(err, &te) && te.Phase == transport.PhaseChannel && te.Hint != ""
}

func writeAfterEnd(t *testing.T, conn transport.Conn) {
	p, err := conn.Start(t.Context(), "exit 5")
	if err != nil {
		t.Error(err)
		return
	}
	if _, err := io.CopyN(p.Stdin(), endless{}, 64<<20); err == nil {
		t.Error("64 MB went into a command that reads nothing")
	} else if errors.Is(err, io.EOF) {
		t.Errorf("the error is %v, which io.Copy's callers take for success", err)
	}
	if exit, err := p.Wait(); err != nil || exit.Code != 5 {
		t.Errorf("Wait: %+v, %v", exit, err)
	}
}
