package shell_test

import (
	"context"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
	"time"

	"thordeploy/internal/lab"
	"thordeploy/internal/lab/labtest"
	"thordeploy/transport"
	"thordeploy/transport/shell"
)

// becoming are the ways to become another account, as a host is set up for them.
// In all of them an ops logs in, whose password is "pw%x"; other's is "other's".
var becoming = map[string]struct {
	setUp  string
	needs  string // a program that not every machine has
	method string
	rights string // what is right for root and other
	others string // and other's, where it is another
}{
	"sudo":                       {"", "sudo", "sudo", "pw%x", "pw%x"},
	"sudo without a password":    {"echo 'ops ALL=(ALL:ALL) NOPASSWD: ALL' >>/etc/sudoers", "sudo", "", "", ""},
	"sudo with requiretty":       {"echo 'Defaults requiretty' >>/etc/sudoers", "sudo", "sudo", "pw%x", "pw%x"},
	"sudo with requiretty, free": {"printf '%s\n' 'Defaults requiretty,use_pty' 'ops ALL=(ALL:ALL) NOPASSWD: ALL' >>/etc/sudoers", "sudo", "sudo", "", ""},
	"su":                         {"echo root:root-pw | chpasswd", "su", "su", "root-pw", "other's"},
	"doas":                       {"echo 'permit ops' >/etc/doas.conf; chmod 600 /etc/doas.conf", "doas", "doas", "pw%x", "pw%x"},
	"doas without a password":    {"echo 'permit nopass ops' >/etc/doas.conf; chmod 600 /etc/doas.conf", "doas", "doas", "", ""},
}

func becomeLab(t *testing.T, setUp, needs string) *lab.Lab {
	t.Helper()
	if _, err := exec.LookPath(needs); err != nil {
		labtest.Lacking(t, err)
	}
	l := labtest.Start(t, lab.Options{N: 1, Backend: lab.Sshd, Accounts: []lab.Account{
		{Name: "ops", Password: "pw%x", Sudo: lab.SudoPassword}, {Name: "other", Password: "other's"},
	}})
	if out, err := l.Hosts[0].Run(t.Context(), setUp+"\ntrue"); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return l
}

// TestBecoming runs a session under each way: as root, who holds a drive, and as
// another account. What it says, streams it, and leaves nothing when it is cut.
func TestBecoming(t *testing.T) {
	t.Parallel()
	for name, c := range becoming {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := becomeLab(t, c.setUp, c.needs)
			for user, password := range map[string]string{"root": c.rights, "other": c.others} {
				check := labtest.LeavesNothing(t, l)
				r := openOn(t, l, l.Hosts[0], "ops", shell.Options{Become: transport.Become{User: user, Method: c.method, Password: password}})
				if got := r.run(t, `id -un; echo "$HOME"; echo "${LC_ALL-unset} ${THORDEPLOY_LC-unset}"; echo words >&2`); !strings.HasPrefix(got, user+"\n/") || !strings.HasSuffix(got, "\nunset unset\n") {
					t.Errorf("%s: %q", user, got)
				}
				streams(t, r, user)
				if user == "root" {
					r.drive(t, "/mnt/temp_ram")
				}
				ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
				_, err := r.Command(ctx, shell.Command{Shell: "/bin/sh", Argv: []string{"trap '' TERM; sleep 3701 & sleep 3702; sleep 3703"}}, nil, nil)
				cancel()
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Error(err)
				}
				r.run(t, "sleep 3704 >/dev/null 2>&1 &")
				r.link.cut()
				r.settled(t)
				check()
			}
		})
	}
}

// streams sends every byte there and back as the session's account, with end of
// file, exit status and standard error of their own.
func streams(t *testing.T, r *remote, user string) {
	t.Helper()
	all := make([]byte, 300_000)
	for i := range all {
		all[i] = byte(i) ^ byte(i>>8)
	}
	p, err := r.Stream(t.Context(), "id -un >&2; cat; exit 7")
	if err != nil {
		t.Errorf("%s: %v", user, err)
		return
	}
	go func() { _, _ = p.Stdin().Write(all); p.Stdin().Close() }()
	errs := make(chan string, 1)
	go func() { text, _ := io.ReadAll(p.Stderr()); errs <- string(text) }()
	got, err := io.ReadAll(p.Stdout())
	exit, waited := p.Wait()
	if string(got) != string(all) || err != nil || exit.Code != 7 || waited != nil {
		t.Errorf("%s: %d bytes of %d came back, %v, exit %+v, %v", user, len(got), len(all), err, exit, waited)
	}
	if said := <-errs; said != user+"\n" {
		t.Errorf("%s: on standard error %q", user, said)
	}
}

// TestBecomingIsRefused: a wrong password and an account that may not fail in
// seconds, with what the host said, and without the password.
func TestBecomingIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		setUp, needs, method, password, words, hint string
	}{
		"sudo, wrong":             {"", "sudo", "sudo", "wr0ng", "sudo did not take the password", "sudo said: Sorry, try again."},
		"sudo, none":              {"", "sudo", "sudo", "", "sudo ended with exit status 1", "sudo said: sudo: a password is required"},
		"sudo, may not":           {"sed -i d /etc/sudoers.d/thorlab", "sudo", "sudo", "pw%x", "sudo ended with exit status 1", "ops is not in the sudoers file"},
		"sudo, wrong, requiretty": {"echo 'Defaults requiretty' >>/etc/sudoers", "sudo", "sudo", "wr0ng", "sudo did not take the password", "Sorry, try again."},
		"su, wrong":               {"echo root:root-pw | chpasswd", "su", "su", "wr0ng", "su ended with exit status 1", "su said: su: Authentication failure"},
		"su, none":                {"echo root:root-pw | chpasswd", "su", "su", "", "su asks for a password", "give the password that su asks for"},
		"doas, wrong":             {"echo 'permit ops' >/etc/doas.conf; chmod 600 /etc/doas.conf", "doas", "doas", "wr0ng", "doas ended with exit status 1", "doas said: doas: Authentication failed"},
		"doas, none":              {"echo 'permit ops' >/etc/doas.conf; chmod 600 /etc/doas.conf", "doas", "doas", "", "doas ended with exit status 1", "Authentication required"},
		"doas, may not":           {"echo 'permit other' >/etc/doas.conf; chmod 600 /etc/doas.conf", "doas", "doas", "pw%x", "doas ended with exit status 1", "Operation not permitted"},
		"no such program":         {"", "sudo", "doas-that-is-not-there", "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := becomeLab(t, c.setUp, c.needs)
			labtest.LeavesNothing(t, l)
			conn, _ := dial(t, l, l.Hosts[0], "ops")
			b := transport.Become{User: "root", Method: c.method, Password: c.password}
			if c.words == "" {
				b.Method, b.Exe, c.words, c.hint = "sudo", c.method, "the host has no sudo (exit status 127)", "sudoers"
			}
			begun := time.Now()
			_, err := shell.Open(t.Context(), conn, shell.Options{Become: b})
			var te *transport.Error
			if !errors.As(err, &te) || !errors.Is(err, transport.ErrBecome) || !strings.Contains(err.Error(), c.words) || !strings.Contains(te.Hint, c.hint) {
				t.Fatalf("error %v, want %q; hint %q, want %q", err, c.words, te.Hint, c.hint)
			}
			if took := time.Since(begun); took > 15*time.Second {
				t.Errorf("took %v", took)
			}
			if c.password != "" && strings.Contains(err.Error()+te.Hint, c.password) {
				t.Errorf("the password is in %v, %q", err, te.Hint)
			}
		})
	}
}

// TestHostsThatGiveLittle: a /tmp that can't be written to or run from is no
// hindrance, and an account without a shell says so.
func TestHostsThatGiveLittle(t *testing.T) {
	t.Parallel()
	for _, sh := range []string{"dash", "busybox"} {
		l := labtest.Start(t, lab.Options{N: 1, Shell: sh, Accounts: []lab.Account{{Name: "ops", Sudo: lab.SudoFree}, {Name: "shut"}}})
		setUp := `for d in /tmp /var/tmp /dev/shm; do mount -t tmpfs -o ro,noexec none $d 2>/dev/null; done
			printf '#!/bin/sh\necho This account is currently not available.\nexit 1\n' >/etc/nologin.sh; chmod 755 /etc/nologin.sh
			sed -i 's#^\(shut:.*:\)[^:]*$#\1/etc/nologin.sh#' /etc/passwd`
		if out, err := l.Hosts[0].Run(t.Context(), setUp); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		for _, b := range []transport.Become{{}, {User: "root"}} {
			r := openOn(t, l, l.Hosts[0], "ops", shell.Options{Become: b})
			if got := r.run(t, "touch /tmp/x 2>/dev/null; echo $?"); got == "0\n" {
				t.Error("/tmp can be written to")
			}
			streams(t, r, map[string]string{"": "ops", "root": "root"}[b.User])
			if _, _, err := r.Close(t.Context(), true); err != nil {
				t.Error(err)
			}
		}
		conn, _ := dial(t, l, l.Hosts[0], "shut")
		_, err := shell.Open(t.Context(), conn, shell.Options{})
		var te *transport.Error
		if !errors.As(err, &te) || te.Phase != transport.PhaseChannel || !strings.Contains(err.Error(), "login shell ended with status 1 before it ran anything") || te.Hint == "" {
			t.Errorf("%s: %v", sh, err)
		}
	}
}
