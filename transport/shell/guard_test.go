package shell_test

import (
	"bytes"
	"context"
	"errors"
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
		time.AfterFunc(300*time.Millisecond, func() { s.conn.silent.Store(true) })
		// What the guard ends is not the task's own failure.
		_, err := s.Command(t.Context(), shell.Command{Argv: []string{"sleep", mark}}, nil, nil)
		var te *transport.Error
		if !errors.As(err, &te) || te.Phase != transport.PhaseLost {
			t.Errorf("%v", err)
		}
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

// TestGuardKnowsPathsAsTheHostDoes: a path may lead through symlinks, and what
// is in its place later may be none of the play's.
func TestGuardKnowsPathsAsTheHostDoes(t *testing.T) {
	forShells(t, func(t *testing.T, prefix string) {
		s := newStage(t, prefix, time.Minute)
		p := func(name string) string { return filepath.Join(s.dir, name) }
		s.run(t, "cd "+transport.Quote(s.dir)+"; mkdir run mine victim victim/ram; touch victim/ram/file; ln -s run var; ln -s run self; mkdir run/there")
		if err := s.Hold(p("var/ram"), p("mine/ram"), p("self")+"/there", p("new/deep/ram")); err != nil {
			t.Fatal(err)
		}
		s.run(t, "cd "+transport.Quote(s.dir)+"; for d in var/ram mine/ram self/there new/deep/ram; do mkdir -p $d; done; "+
			"mount -t ramfs ramfs var/ram; touch var/ram/file; mount -t ramfs ramfs self/there; rmdir mine/ram mine; ln -s victim mine; mount -t ramfs ramfs new/deep/ram")
		done, left, err := s.Close(t.Context(), true)
		want := []string{
			"unmounted " + p("new/deep/ram"), "removed " + p("new/deep/ram"), "unmounted " + p("self/there"),
			"unmounted " + p("var/ram"), "removed " + p("var/ram"),
		}
		if err != nil || strings.Join(done, "; ") != strings.Join(want, "; ") {
			t.Errorf("done %q, %v", done, err)
		}
		if want := "did not touch " + p("mine/ram") + ": its path leads elsewhere now"; strings.Join(left, "; ") != want {
			t.Errorf("left %q", left)
		}
		for name, there := range map[string]bool{"victim/ram/file": true, "run/there": true, "run/ram": false, "new/deep/ram": false} {
			if _, err := os.Lstat(p(name)); (err == nil) != there {
				t.Errorf("%s: there %v, want %v", name, err == nil, there)
			}
		}
		if strings.Contains(mountinfo(t, s.witness), " "+s.dir+"/") {
			t.Error("a mount is left")
		}
	})
}

// TestGuardUnmountsWhatIsBelow: mounts on a held mount go one by one, not as a
// tree detached that something may still use.
func TestGuardUnmountsWhatIsBelow(t *testing.T) {
	forShells(t, func(t *testing.T, prefix string) {
		s := newStage(t, prefix, time.Minute)
		drive, mark := s.sweep(t)
		q := transport.Quote(drive)
		s.run(t, "mkdir "+q+"/a && mount -t tmpfs tmpfs "+q+"/a && cd "+q+"/a && cp /bin/sleep . && mkdir 'b\\040*' && mount -t ramfs ramfs 'b\\040*' && { setsid ./sleep "+mark+" >/dev/null 2>&1 </dev/null & }")
		done, left, err := s.Close(t.Context(), true)
		if err != nil || len(left) != 0 || strings.Join(done, "; ") != "unmounted "+drive+"; removed "+drive {
			t.Errorf("done %q, left %q, %v", done, left, err)
		}
		s.gone(t, drive, mark, 0)
	})
}

// TestGuardSparesItsNamesakes: a process in a container can have a path of the
// same name, on a mount of its own.
func TestGuardSparesItsNamesakes(t *testing.T) {
	forShells(t, func(t *testing.T, prefix string) {
		s := newStage(t, prefix, time.Minute)
		drive := filepath.Join(s.dir, "drive")
		q := transport.Quote(drive)
		namesake := strings.TrimSpace(s.run(t, "mkdir "+q+" && cd / && unshare -m --propagation private setsid sh -c "+
			transport.Quote("mount -t ramfs ramfs "+q+" && cd "+q+" && exec sleep 60")+" >/dev/null 2>&1 </dev/null & echo $!"))
		pid, _ := strconv.Atoi(namesake)
		p, _ := os.FindProcess(pid)
		defer p.Kill()
		for cwd := ""; cwd != drive; cwd, _ = os.Readlink("/proc/" + namesake + "/cwd") {
			time.Sleep(10 * time.Millisecond)
		}
		if err := s.Hold(drive); err != nil {
			t.Fatal(err)
		}
		s.run(t, "mount -t ramfs ramfs "+q+" && cd "+q+" && { setsid sleep 61 >/dev/null 2>&1 </dev/null & }")
		if done, _, err := s.Close(t.Context(), true); err != nil || strings.Join(done, "; ") != "unmounted "+drive {
			t.Errorf("done %q, %v", done, err)
		}
		if _, err := os.Stat("/proc/" + namesake); err != nil {
			t.Error("a process on another mount of that name was ended")
		}
	})
}

// pids finds the session's two programs.
func (s *stage) pids(t *testing.T) (guard, loop string) {
	t.Helper()
	loop = strings.TrimSpace(s.run(t, "echo $PPID"))
	first := strings.TrimSpace(s.run(t, "read -r st </proc/"+loop+"/stat; set -- ${st##*) }; echo $2"))
	for _, pid := range strings.Fields(s.run(t, "cat /proc/"+first+"/task/*/children")) {
		if pid != loop {
			guard = pid
		}
	}
	return guard, loop
}

func signal(t *testing.T, pid string) {
	t.Helper()
	n, err := strconv.Atoi(pid)
	if err != nil {
		t.Fatal(err)
	}
	p, _ := os.FindProcess(n)
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
}

func TestAKilledGuardIsStoodInFor(t *testing.T) {
	forShells(t, func(t *testing.T, prefix string) {
		s := newStage(t, prefix, 2*time.Second)
		drive, mark := s.sweep(t)
		guard, _ := s.pids(t)
		signal(t, guard)
		s.gone(t, drive, mark, 10*time.Second)
	})
}

func TestAKilledLoopEndsTheSession(t *testing.T) {
	forShells(t, func(t *testing.T, prefix string) {
		s := newStage(t, prefix, 3*time.Second)
		drive, mark := s.sweep(t)
		ended := make(chan error, 1)
		go func() {
			_, err := s.Command(context.Background(), shell.Command{Shell: "/bin/sh", Argv: []string{"kill -KILL $PPID; exec sleep " + mark}}, nil, nil)
			ended <- err
		}()
		select {
		case err := <-ended:
			var te *transport.Error
			if !errors.As(err, &te) || te.Phase != transport.PhaseLost {
				t.Errorf("%v", err)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("the task waits for a loop that is gone")
		}
		s.gone(t, drive, mark, 10*time.Second)
	})
}

// TestHeartbeatsLeaveNoDead: a scan takes hours.
func TestHeartbeatsLeaveNoDead(t *testing.T) {
	forShells(t, func(t *testing.T, prefix string) {
		s := newStage(t, prefix, 300*time.Millisecond)
		guard, _ := s.pids(t)
		time.Sleep(3 * time.Second) // 30 heartbeats
		if n := len(strings.Fields(s.run(t, "cat /proc/"+guard+"/task/*/children"))); n > 8 {
			t.Errorf("the guard has %d children", n)
		}
	})
}

// TestAWatchdogThatIsReplacedStaysSilent: each path watched replaces it, and
// one left behind would end the session at the end of its own lease.
func TestAWatchdogThatIsReplacedStaysSilent(t *testing.T) {
	forShells(t, func(t *testing.T, prefix string) {
		s := newStage(t, prefix, time.Second)
		for i := range 100 {
			if err := s.Hold(filepath.Join(s.dir, strconv.Itoa(i))); err != nil {
				t.Fatal(err)
			}
		}
		begin := time.Now()
		for time.Since(begin) < 2*time.Second {
			s.run(t, "sleep 0.1")
		}
	})
}
