package shell_test

import (
	"bytes"
	"context"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"thordeploy/internal/lab"
	"thordeploy/internal/lab/labtest"
	"thordeploy/transport"
	"thordeploy/transport/shell"
	"thordeploy/transport/ssh"
)

func TestMain(m *testing.M) {
	lab.Main()
	os.Exit(m.Run())
}

// link is the network to a host. Cut, it ends as when the controller is killed;
// silent, nothing passes in either direction and nobody is told.
type link struct {
	net.Conn
	silent atomic.Bool
}

func (l *link) Write(p []byte) (int, error) {
	if l.silent.Load() {
		return len(p), nil
	}
	return l.Conn.Write(p)
}

func (l *link) cut()     { _ = l.Conn.Close() }
func (l *link) silence() { l.silent.Store(true) }

// remote is a session on a host of the lab.
type remote struct {
	*shell.Session
	at   *lab.Host
	link *link
}

// dial reaches a host of the lab.
func dial(t *testing.T, l *lab.Lab, at *lab.Host, user string) (transport.Conn, *link) {
	t.Helper()
	known, err := ssh.LoadKnownHosts(l.KnownHosts)
	if err != nil {
		t.Fatal(err)
	}
	wire := &link{}
	conn, err := ssh.Dial(t.Context(), ssh.Config{
		Host: at.Addr, Port: at.Port, User: user, KeyFiles: []string{l.Key}, KnownHosts: known,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			var d net.Dialer
			c, err := d.DialContext(ctx, network, addr)
			wire.Conn = c
			return wire, err
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn, wire
}

func openOn(t *testing.T, l *lab.Lab, at *lab.Host, user string, o shell.Options) *remote {
	t.Helper()
	conn, wire := dial(t, l, at, user)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	s, err := shell.Open(ctx, conn, o)
	if err != nil {
		t.Fatal(err)
	}
	return &remote{s, at, wire}
}

func (r *remote) run(t *testing.T, script string) string {
	t.Helper()
	var out, errs bytes.Buffer
	rc, err := r.Command(t.Context(), shell.Command{Argv: []string{script}, Shell: "/bin/sh"}, &out, &errs)
	if err != nil || rc != 0 {
		t.Fatalf("%s: rc %d, %v, %s", script, rc, err, errs.String())
	}
	return out.String()
}

// see runs a script on the host beside the session.
func (r *remote) see(t *testing.T, script string) string {
	t.Helper()
	out, err := r.at.Run(t.Context(), script)
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

// drive makes a folder and mounts a RAM drive on it, as a play does.
func (r *remote) drive(t *testing.T, path string) string {
	t.Helper()
	if err := r.Hold(path); err != nil {
		t.Fatal(err)
	}
	q := transport.Quote(path)
	r.run(t, "mkdir -p "+q+" && mount -t ramfs ramfs "+q)
	return q
}

// works are what may go on on a host while its controller is lost. Each is
// begun with a drive in place, and returns when it goes on.
var works = map[string]func(t *testing.T, r *remote, q string){
	"nothing": func(*testing.T, *remote, string) {},
	"a command that ignores TERM": func(t *testing.T, r *remote, q string) {
		go r.Command(context.Background(), shell.Command{Shell: "/bin/sh", Argv: []string{
			"trap '' TERM; cd " + q + "; cp /bin/sleep .; ./sleep 3601 & while :; do ./sleep 3602; done"}}, nil, nil)
		r.until(t, "3602")
	},
	"a copy": func(t *testing.T, r *remote, q string) {
		p, err := r.Stream(context.Background(), "cd "+q+" && cat >file")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Stdin().Write(make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
		r.until(t, "cat")
	},
	"what escaped the session": func(t *testing.T, r *remote, q string) {
		r.run(t, "cd "+q+"; cp /bin/sleep tool; cp $(command -v busybox || echo /bin/sh) box\n"+
			"setsid ./tool 3611 >/dev/null 2>&1 </dev/null &\n"+
			"cd /; setsid sleep 3612 >"+q+"/open 2>&1 </dev/null &\n"+
			"(cd "+q+" && exec setsid sh -c 'trap \"\" TERM; while :; do sleep 3613; done' >/dev/null 2>&1 </dev/null) &")
		r.until(t, "3611")
		r.until(t, "3612")
		r.until(t, "3613")
	},
	"a mount below": func(t *testing.T, r *remote, q string) {
		r.run(t, "mkdir -p "+q+"/a\\ b/c && mount -t ramfs ramfs "+q+"/a\\ b && mkdir "+q+"/a\\ b/d && mount -t tmpfs tmpfs "+q+"/a\\ b/d")
	},
}

// until waits for a process with piece in its command line.
func (r *remote) until(t *testing.T, piece string) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		procs, err := r.at.Processes(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range procs {
			if strings.Contains(strings.Join(p.Args, " "), piece) {
				return
			}
		}
	}
	t.Fatalf("no process with %q", piece)
}

// TestLostControllerLeavesNothing: whatever goes on on a host when its
// controller is killed, or falls silent for longer than the lease, the host is
// as it was before.
func TestLostControllerLeavesNothing(t *testing.T) {
	t.Parallel()
	for _, sh := range []string{"dash", "bash", "busybox"} {
		t.Run(sh, func(t *testing.T) {
			t.Parallel()
			l := labtest.Start(t, lab.Options{N: 1, Shell: sh})
			for name, work := range works {
				t.Run(name, func(t *testing.T) {
					for _, path := range []string{"/mnt/temp_ram", "/mnt/ü b\tc\nd\\e'*?[x]"} {
						labtest.LeavesNothing(t, l)
						r := openOn(t, l, l.Hosts[0], "root", shell.Options{Lease: 2 * time.Second})
						work(t, r, r.drive(t, path))
						if path == "/mnt/temp_ram" {
							r.link.cut()
						} else {
							r.link.silence()
						}
						r.settled(t)
					}
				})
			}
		})
	}
}

// settled waits until the guard has done its work.
func (r *remote) settled(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if r.see(t, "ls -A /mnt; grep -e '/mnt/temp' -e '/mnt/ü' /proc/self/mountinfo; true") == "" {
			return
		}
	}
	t.Errorf("left:\n%s", r.see(t, "ls -lA /mnt; grep /mnt/ /proc/self/mountinfo; true"))
}
