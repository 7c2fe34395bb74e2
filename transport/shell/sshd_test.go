package shell_test

import (
	"bytes"
	"context"
	"errors"
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
	silent  atomic.Bool
	limited atomic.Bool
	budget  atomic.Int64
}

func (l *link) Write(p []byte) (int, error) {
	if l.silent.Load() {
		return len(p), nil
	}
	if l.limited.Load() && l.budget.Add(-int64(len(p))) < 0 {
		return len(p), nil
	}
	return l.Conn.Write(p)
}

// limit lets about n bytes more pass to the host.
func (l *link) limit(n int64) {
	l.budget.Store(n)
	l.limited.Store(true)
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

// TestLinkLostInTheMiddleOfABlock: what was cut off does not run, and nothing
// of the guard waits for the rest.
func TestLinkLostInTheMiddleOfABlock(t *testing.T) {
	t.Parallel()
	for _, sh := range []string{"dash", "bash", "busybox"} {
		t.Run(sh, func(t *testing.T) {
			t.Parallel()
			l := labtest.Start(t, lab.Options{N: 1, Shell: sh})
			labtest.LeavesNothing(t, l)
			for name, end := range map[string]func(*link){"cut": (*link).cut, "silent": (*link).silence} {
				r := openOn(t, l, l.Hosts[0], "root", shell.Options{Lease: 2 * time.Second})
				r.drive(t, "/mnt/temp_ram")
				// One packet of two reaches the host, and would be a command too.
				r.link.limit(40 << 10)
				argv := append([]string{"touch", "/mnt/ran"}, strings.Fields(strings.Repeat("/mnt/ran ", 5<<10))...)
				go r.Command(context.Background(), shell.Command{Argv: argv}, nil, nil)
				time.Sleep(300 * time.Millisecond)
				end(r.link)
				r.settled(t)
				if r.see(t, "ls /mnt/ran 2>&1; true") == "/mnt/ran\n" {
					t.Errorf("%s: a command that was cut off ran", name)
				}
			}
		})
	}
}

// TestBecomeIsGuarded: sudo stands between the channel and the session, in a
// terminal of its own where it is told so, and unseen where /proc hides it.
func TestBecomeIsGuarded(t *testing.T) {
	t.Parallel()
	for name, setUp := range map[string]string{
		"sudo":                    "true",
		"in a terminal of sudo's": "echo 'Defaults use_pty, log_output' >>/etc/sudoers",
		"with a /proc that hides": "mount -o remount,hidepid=2 /proc",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := labtest.Start(t, lab.Options{N: 1, Accounts: []lab.Account{{Name: "ops", Password: "pw%x", Sudo: lab.SudoPassword}, {Name: "other"}}})
			if out, err := l.Hosts[0].Run(t.Context(), setUp); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			for _, user := range []string{"root", "other"} {
				check := labtest.LeavesNothing(t, l)
				r := openOn(t, l, l.Hosts[0], "ops", shell.Options{Become: transport.Become{User: user, Password: "pw%x"}})
				if got := r.run(t, "id -un"); got != user+"\n" {
					t.Errorf("ran as %q", got)
				}
				if user == "root" {
					r.drive(t, "/mnt/temp_ram")
				}
				ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
				_, err := r.Command(ctx, shell.Command{Shell: "/bin/sh", Argv: []string{"trap '' TERM; sleep 3701 & sleep 3702; sleep 3703"}}, nil, nil)
				cancel()
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Error(err)
				}
				if got := r.see(t, "ps -eo args | grep '^sleep 370'; true"); got != "" {
					t.Errorf("%s: still running after the deadline: %s", user, got)
				}
				r.run(t, "sleep 3704 >/dev/null 2>&1 &")
				r.link.cut()
				r.settled(t)
				check()
			}
		})
	}
}

// TestTheOnlySessionIsTheHeldShells: where the server allows a connection one
// session, streams take their turn in it, and the guard goes on.
func TestTheOnlySessionIsTheHeldShells(t *testing.T) {
	t.Parallel()
	l := labtest.Start(t, lab.Options{N: 1, Backend: lab.Sshd, SSHDConfig: []string{"MaxSessions 1"}})
	labtest.LeavesNothing(t, l)
	r := openOn(t, l, l.Hosts[0], "root", shell.Options{})
	r.drive(t, "/mnt/temp_ram")
	data := bytes.Repeat([]byte("0123456789abcdef\n"), 300_000)
	if out, _, code, err := stream(t, r.Session, "cat", data); code != 0 || err != nil || out != string(data) {
		t.Errorf("%d bytes of %d came back, status %d, %v", len(out), len(data), code, err)
	}
	if !r.Shared() {
		t.Error("the host gave the stream a session of its own")
	}
	done, left, err := r.Close(t.Context(), true)
	if err != nil || len(left) != 0 || strings.Join(done, "; ") != "unmounted /mnt/temp_ram; removed /mnt/temp_ram" {
		t.Errorf("done %q, left %q, %v", done, left, err)
	}
}

// TestAHostWithThousandsOfProcesses: the guard finds the session's among them in
// the time that a deadline allows.
func TestAHostWithThousandsOfProcesses(t *testing.T) {
	t.Parallel()
	l := labtest.Start(t, lab.Options{N: 1, Shell: "busybox"})
	r := openOn(t, l, l.Hosts[0], "root", shell.Options{})
	r.see(t, "i=0; while [ $i -lt 2000 ]; do sleep 600 >/dev/null 2>&1 </dev/null & i=$((i+1)); done")
	q := r.drive(t, "/mnt/temp_ram")
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := r.Command(ctx, shell.Command{Shell: "/bin/sh", Argv: []string{"trap '' TERM; sleep 3801; sleep 3802"}}, nil, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	r.run(t, "cd "+q+"; setsid sleep 3803 >/dev/null 2>&1 </dev/null &")
	done, left, err := r.Close(t.Context(), true)
	if err != nil || len(left) != 0 || strings.Join(done, "; ") != "unmounted /mnt/temp_ram; removed /mnt/temp_ram" {
		t.Errorf("done %q, left %q, %v", done, left, err)
	}
}

// TestLoginShells: an account's own shell, and what it prints at login.
func TestLoginShells(t *testing.T) {
	t.Parallel()
	shells := map[string]string{"bash": "/bin/bash", "dash": "/bin/dash", "csh": "/bin/csh", "fish": "/usr/bin/fish", "zsh": "/usr/bin/zsh", "mksh": "/bin/mksh"}
	var accounts []lab.Account
	setUp := "for d in /home/*; do echo 'echo BANNER; echo BANNER >&2; printf none' >$d/.bashrc; echo 'echo BANNER' >$d/.cshrc; cp $d/.cshrc $d/.zshenv; done\n"
	for name, path := range shells {
		if _, err := os.Stat(path); err != nil {
			continue // not every machine has all of them; bash and dash it has
		}
		accounts = append(accounts, lab.Account{Name: name})
		setUp += `sed -i 's#^\(` + name + `:.*:\)[^:]*$#\1` + path + `#' /etc/passwd` + "\n"
	}
	l := labtest.Start(t, lab.Options{N: 1, Accounts: accounts})
	if out, err := l.Hosts[0].Run(t.Context(), setUp); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, a := range accounts {
		r := openOn(t, l, l.Hosts[0], a.Name, shell.Options{})
		if got := r.run(t, "echo 'a  b'"); got != "a  b\n" {
			t.Errorf("%s: %q", a.Name, got)
		}
		if _, _, err := r.Close(t.Context(), true); err != nil {
			t.Errorf("%s: %v", a.Name, err)
		}
	}
}

// TestCutAtAnyMoment: the controller dies while a folder is made, mounted on and
// filled.
func TestCutAtAnyMoment(t *testing.T) {
	t.Parallel()
	l := labtest.Start(t, lab.Options{N: 1})
	check := labtest.LeavesNothing(t, l)
	for i := range 20 {
		r := openOn(t, l, l.Hosts[0], "root", shell.Options{Lease: 2 * time.Second})
		time.AfterFunc(time.Duration(i)*2*time.Millisecond, r.link.cut)
		if err := r.Hold("/mnt/temp_ram"); err != nil {
			continue
		}
		for _, script := range []string{"mkdir /mnt/temp_ram", "mount -t ramfs ramfs /mnt/temp_ram", "cd /mnt/temp_ram && cat /bin/* >all", "cd /mnt/temp_ram && cp /bin/sleep . && ./sleep 3900"} {
			if _, err := r.Command(t.Context(), shell.Command{Shell: "/bin/sh", Argv: []string{script}}, nil, nil); err != nil {
				break
			}
		}
		check() // no process of the session either, so nothing can come later
		if t.Failed() {
			break
		}
	}
}
