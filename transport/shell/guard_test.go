package shell_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"thordeploy/transport"
	"thordeploy/transport/local"
	"thordeploy/transport/shell"
)

// stage is a session in a mount namespace of its own, whose mounts stay to be
// seen, through a witness process, when the session is over.
type stage struct {
	*shell.Session
	conn    *cutConn
	dir     string // shared with the test
	witness string // process id
}

// cutConn is a local connection that can go silent: what is written from then
// on is lost, without an end of file, as on a dead link.
type cutConn struct {
	transport.Conn
	silent atomic.Bool
	proc   transport.Process
}

type cutProcess struct {
	transport.Process
	conn *cutConn
}

type cutWriter struct {
	io.WriteCloser
	conn *cutConn
}

func (c *cutConn) Start(ctx context.Context, line string) (transport.Process, error) {
	p, err := c.Conn.Start(ctx, line)
	if err != nil {
		return nil, err
	}
	c.proc = p
	return cutProcess{p, c}, nil
}

func (p cutProcess) Stdin() io.WriteCloser { return cutWriter{p.Process.Stdin(), p.conn} }

func (w cutWriter) Write(b []byte) (int, error) {
	if w.conn.silent.Load() {
		return len(b), nil
	}
	return w.WriteCloser.Write(b)
}

func newStage(t *testing.T, prefix string, lease time.Duration) *stage {
	t.Helper()
	conn := &cutConn{Conn: local.Dial()}
	t.Cleanup(func() { conn.Close() })
	s, err := shell.Open(t.Context(), conn, shell.Options{Prefix: "unshare -rm --propagation private " + prefix, Lease: lease})
	if err != nil {
		t.Fatal(err)
	}
	st := &stage{Session: s, conn: conn, dir: t.TempDir()}
	st.witness = strings.TrimSpace(st.run(t, "setsid sleep 60 >/dev/null 2>&1 </dev/null & echo $!"))
	t.Cleanup(func() {
		pid, _ := strconv.Atoi(st.witness)
		p, _ := os.FindProcess(pid)
		p.Kill()
	})
	return st
}

func (s *stage) run(t *testing.T, script string) string {
	t.Helper()
	var out, errs bytes.Buffer
	rc, err := s.Command(t.Context(), shell.Command{Argv: []string{script}, Shell: "/bin/sh"}, &out, &errs)
	if err != nil || rc != 0 {
		t.Fatalf("%s: rc %d, %v, %s", script, rc, err, errs.String())
	}
	return out.String()
}

// sweep does what a play does: a folder, a RAM drive on it, files, a process.
func (s *stage) sweep(t *testing.T) (drive, mark string) {
	t.Helper()
	drive = filepath.Join(s.dir, "ram drive")
	mark = "4" + strconv.FormatInt(time.Now().UnixNano()%1e9, 10) + ".25"
	if err := s.Hold(drive); err != nil {
		t.Fatal(err)
	}
	q := transport.Quote(drive)
	s.run(t, "mkdir "+q+" && mount -t ramfs ramfs "+q+" && cp /bin/sleep "+q+"/tool")
	// One that leaves the session but uses the drive, one in the session.
	s.run(t, "cd "+q+" && setsid ./tool "+mark+" >/dev/null 2>&1 </dev/null &\nnohup sleep "+mark+" >/dev/null 2>&1 </dev/null &")
	if !s.mounted(t, drive) || running(mark) == "" {
		t.Fatal("the stage is not set")
	}
	return drive, mark
}

func (s *stage) mounted(t *testing.T, path string) bool {
	t.Helper()
	b, err := os.ReadFile("/proc/" + s.witness + "/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(string(b), " "+strings.ReplaceAll(path, " ", `\040`)+" ")
}

// gone waits until nothing of a sweep is left.
func (s *stage) gone(t *testing.T, drive, mark string, within time.Duration) {
	t.Helper()
	deadline := time.Now().Add(within)
	for {
		_, err := os.Lstat(drive)
		m, p := s.mounted(t, drive), running(mark)
		if !m && p == "" && os.IsNotExist(err) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("left after %v: mounted %v, process %q, folder %v", within, m, p, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func TestGuardCleansUpWhenTheChannelEnds(t *testing.T) {
	forShells(t, func(t *testing.T, prefix string) {
		s := newStage(t, prefix, time.Minute)
		drive, mark := s.sweep(t)
		s.conn.proc.Close()
		s.gone(t, drive, mark, 10*time.Second)
	})
}

func TestGuardCleansUpWhenTheLeaseLapses(t *testing.T) {
	forShells(t, func(t *testing.T, prefix string) {
		s := newStage(t, prefix, 2*time.Second)
		drive, mark := s.sweep(t)
		time.Sleep(3 * time.Second)
		if !s.mounted(t, drive) {
			t.Fatal("heartbeats did not keep the lease")
		}
		s.conn.silent.Store(true)
		s.gone(t, drive, mark, 10*time.Second)
	})
}

func TestGuardCleansUpWhileATaskRuns(t *testing.T) {
	forShells(t, func(t *testing.T, prefix string) {
		s := newStage(t, prefix, time.Minute)
		drive, mark := s.sweep(t)
		go s.Command(t.Context(), shell.Command{Argv: []string{"sleep", mark}, Dir: drive}, nil, nil)
		time.Sleep(200 * time.Millisecond)
		s.conn.proc.Close()
		s.gone(t, drive, mark, 10*time.Second)
	})
}

func TestCloseCleanSaysWhatItDid(t *testing.T) {
	forShells(t, func(t *testing.T, prefix string) {
		s := newStage(t, prefix, time.Minute)
		drive, mark := s.sweep(t)
		done, left, err := s.Close(t.Context(), true)
		if err != nil || len(left) != 0 || strings.Join(done, "; ") != "unmounted "+drive+"; removed "+drive {
			t.Errorf("done %q, left %q, %v", done, left, err)
		}
		s.gone(t, drive, mark, 0)
	})
}

func TestCloseLeavesWhatAPlayLeaves(t *testing.T) {
	forShells(t, func(t *testing.T, prefix string) {
		s := newStage(t, prefix, time.Minute)
		drive, mark := s.sweep(t)
		done, left, err := s.Close(t.Context(), false)
		if err != nil || len(done)+len(left) != 0 {
			t.Errorf("done %q, left %q, %v", done, left, err)
		}
		time.Sleep(300 * time.Millisecond)
		if !s.mounted(t, drive) || running(mark) == "" {
			t.Error("a goodbye cleaned up")
		}
		if pid := strings.Split(running("tool\x00"+mark), "/"); len(pid) > 2 {
			n, _ := strconv.Atoi(pid[2])
			p, _ := os.FindProcess(n)
			p.Kill()
		}
		if pid := strings.Split(running("sleep\x00"+mark), "/"); len(pid) > 2 {
			n, _ := strconv.Atoi(pid[2])
			p, _ := os.FindProcess(n)
			p.Kill()
		}
	})
}

func TestGuardKeepsItsHandsOff(t *testing.T) {
	forShells(t, func(t *testing.T, prefix string) {
		s := newStage(t, prefix, time.Minute)
		p := func(name string) string { return filepath.Join(s.dir, name) }
		s.run(t, "cd "+transport.Quote(s.dir)+"; mkdir before mounted other victim; touch victim/file; mount -t ramfs ramfs mounted; mount -t ramfs ramfs other")
		// There before; mounted before; not there and then a symlink; never made;
		// there before and then mounted on once more.
		if err := s.Hold(p("before"), p("mounted")+"/", p("link"), p("never"), p("other")); err != nil {
			t.Fatal(err)
		}
		s.run(t, "cd "+transport.Quote(s.dir)+"; ln -s victim link; mount -t ramfs ramfs other; : >before/made")
		if n := strings.Count(mountinfo(t, s.witness), " "+p("other")+" "); n != 2 {
			t.Fatalf("%d mounts", n)
		}
		done, left, err := s.Close(t.Context(), true)
		if err != nil || strings.Join(done, "; ") != "unmounted "+p("other") {
			t.Errorf("done %q, %v", done, err)
		}
		if want := "did not touch " + p("link") + ": it is a symlink now"; strings.Join(left, "; ") != want {
			t.Errorf("left %q", left)
		}
		for _, f := range []string{"before/made", "victim/file", "link"} {
			if _, err := os.Lstat(p(f)); err != nil {
				t.Error(err)
			}
		}
		if !s.mounted(t, p("mounted")) || strings.Count(mountinfo(t, s.witness), " "+p("other")+" ") != 1 {
			t.Error("a mount from before is gone")
		}
	})
}

func mountinfo(t *testing.T, pid string) string {
	t.Helper()
	b, err := os.ReadFile("/proc/" + pid + "/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestHoldWantsAbsolutePaths(t *testing.T) {
	t.Parallel()
	s := open(t, "/bin/sh")
	if err := s.Hold("mnt/x"); err == nil {
		t.Error("a relative path was taken")
	}
}
