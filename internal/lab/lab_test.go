package lab_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	gossh "golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"thordeploy/internal/lab"
	"thordeploy/internal/lab/labtest"
)

// roleVar makes the test binary play another program; see TestMain.
const roleVar = "THORLAB_TEST_ROLE"

func TestMain(m *testing.M) {
	if os.Getenv(roleVar) == "forgot Main" {
		_, err := lab.Start(context.Background(), lab.Options{})
		fmt.Println(err)
		os.Exit(0)
	}
	lab.Main()
	if os.Getenv(roleVar) == "fleet owner" {
		os.Exit(ownFleet())
	}
	os.Exit(m.Run())
}

// self is the test binary again, in another role.
func self(ctx context.Context, role string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "/proc/self/exe", args...)
	cmd.Env = append(os.Environ(), roleVar+"="+role)
	cmd.Dir = "/"
	return cmd
}

// backends are what every test of the fleet runs against.
func backends() []string {
	if os.Geteuid() != 0 {
		return []string{lab.Embedded}
	}
	return []string{lab.Sshd, lab.Embedded}
}

// onBackends runs a test against each backend, at the same time.
func onBackends(t *testing.T, o lab.Options, test func(t *testing.T, l *lab.Lab)) {
	t.Parallel()
	for _, b := range backends() {
		t.Run(b, func(t *testing.T) {
			t.Parallel()
			o := o
			o.Backend = b
			test(t, labtest.Start(t, o))
		})
	}
}

// ssh runs a command on a host through the real ssh client.
func ssh(t *testing.T, h *lab.Host, command string) string {
	t.Helper()
	out, err := h.SSH(t.Context(), "", command).CombinedOutput()
	if err != nil {
		t.Fatalf("ssh %s %q: %v\n%s", h.Name, command, err, out)
	}
	return strings.TrimSpace(string(out))
}

// run runs a script on a host past SSH.
func run(t *testing.T, h *lab.Host, script string) string {
	t.Helper()
	out, err := h.Run(t.Context(), script)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// asleep lists the sleeps that run on a host.
func asleep(t *testing.T, h *lab.Host) []string {
	t.Helper()
	processes, err := h.Processes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var sleeps []string
	for _, p := range processes {
		if p.Name == "sleep" && p.State != "Z" {
			sleeps = append(sleeps, strings.Join(p.Args, " "))
		}
	}
	return sleeps
}

// dial logs in with Go's client; a password empty means the lab's key.
func dial(t *testing.T, l *lab.Lab, h *lab.Host, user, password string) (*gossh.Client, error) {
	t.Helper()
	check, err := knownhosts.New(l.KnownHosts)
	if err != nil {
		t.Fatal(err)
	}
	auth := gossh.Password(password)
	if password == "" {
		pem, err := os.ReadFile(l.Key)
		if err != nil {
			t.Fatal(err)
		}
		key, err := gossh.ParsePrivateKey(pem)
		if err != nil {
			t.Fatal(err)
		}
		auth = gossh.PublicKeys(key)
	}
	client, err := gossh.Dial("tcp", net.JoinHostPort(h.Addr, strconv.Itoa(h.Port)), &gossh.ClientConfig{
		User: user, Auth: []gossh.AuthMethod{auth}, HostKeyCallback: check, Timeout: 10 * time.Second,
	})
	if err == nil {
		t.Cleanup(func() { client.Close() })
	}
	return client, err
}

func mustDial(t *testing.T, l *lab.Lab, h *lab.Host) *gossh.Client {
	t.Helper()
	client, err := dial(t, l, h, "root", "")
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// eventually waits for what happens on its own time.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("after 10 s still not so: %s", what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func TestHostsAreApart(t *testing.T) {
	onBackends(t, lab.Options{N: 2}, func(t *testing.T, l *lab.Lab) {
		labtest.LeavesNothing(t, l)
		one, two := l.Hosts[0], l.Hosts[1]
		if got := ssh(t, two, "hostname; cat /etc/hostname"); got != "host02\nhost02" {
			t.Errorf("hostname and /etc/hostname are %q, want host02 twice", got)
		}
		folders := "/tmp /mnt /root /home /var/tmp /dev/shm /etc /run"
		ssh(t, one, "for d in "+folders+"; do echo one > $d/thorlab-mark; done")
		if got := ssh(t, two, "for d in "+folders+"; do ls $d | grep thorlab-mark; done; true"); got != "" {
			t.Errorf("host02 sees what host01 wrote: %s", got)
		}
		for dir := range strings.FieldsSeq(folders) {
			if _, err := os.Stat(dir + "/thorlab-mark"); err == nil {
				t.Errorf("this machine sees what host01 wrote in %s", dir)
			}
		}
		if got := ssh(t, one, "mkdir /mnt/ram && mount -t ramfs none /mnt/ram && grep -c ' /mnt/ram ramfs ' /proc/mounts"); got != "1" {
			t.Errorf("/mnt/ram is mounted %s times, want once", got)
		}
		if got := ssh(t, two, "grep -c ' /mnt/ram ' /proc/mounts || true"); got != "0" {
			t.Errorf("host02 sees %s mounts of host01 on /mnt/ram", got)
		}
		ssh(t, one, "umount /mnt/ram && rmdir /mnt/ram; for d in "+folders+"; do rm $d/thorlab-mark; done")
		if a, b := run(t, one, "cat /etc/machine-id"), run(t, two, "cat /etc/machine-id"); a == b || len(a) != 32 {
			t.Errorf("machine ids are %q and %q, want two of 32 digits", a, b)
		}
		if got := run(t, one, "getent hosts host02"); !strings.HasPrefix(got, two.Addr) {
			t.Errorf("host01 resolves host02 as %q, want %s", got, two.Addr)
		}
	})
}

func TestRun(t *testing.T) {
	onBackends(t, lab.Options{}, func(t *testing.T, l *lab.Lab) {
		h := l.Hosts[0]
		if got := run(t, h, "id -u; hostname; echo err >&2"); got != "0\nhost01\nerr" {
			t.Errorf("output is %q", got)
		}
		var failed *lab.ScriptError
		out, err := h.Run(t.Context(), "echo why; exit 7")
		if !errors.As(err, &failed) || failed.Status.ExitStatus() != 7 || string(out) != "why\n" {
			t.Errorf("a failing script gives %q and %v, want its output and exit status 7", out, err)
		}
		if want := "host01: the script ended with exit status 7: why"; err.Error() != want {
			t.Errorf("the error reads %q, want %q", err, want)
		}
		// Not waited for, and ended with the host.
		run(t, h, "sleep 1000 & echo started")
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		if _, err := h.Run(ctx, "sleep 2000; echo never"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a cancelled script gives %v, want the context's error", err)
		}
		eventually(t, "the background script alone is asleep", func() bool { return slices.Equal(asleep(t, h), []string{"sleep 1000"}) })
		if _, err := l.Host("host02"); err == nil {
			t.Error("a lab of one host has a host02")
		}
	})
}

func TestKillEndsHost(t *testing.T) {
	onBackends(t, lab.Options{N: 2}, func(t *testing.T, l *lab.Lab) {
		labtest.LeavesNothing(t, l) // what was on a killed host isn't left
		h := l.Hosts[0]
		session, err := mustDial(t, l, h).NewSession()
		if err != nil {
			t.Fatal(err)
		}
		if err := session.Start("sleep 1000"); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- session.Wait() }()
		if err := h.Kill(); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-ended:
			var missing *gossh.ExitMissingError
			if !errors.As(err, &missing) {
				t.Errorf("the session ends with %v, want no exit status", err)
			}
		case <-time.After(5 * time.Second):
			t.Error("the connection to a killed host is still open after 5 s")
		}
		if _, err := h.Run(t.Context(), "true"); err == nil {
			t.Error("a killed host still runs scripts")
		}
		if got := run(t, l.Hosts[1], "hostname"); got != "host02" {
			t.Errorf("the other host's name is %q", got)
		}
	})
}

func TestFreezeSilencesHost(t *testing.T) {
	onBackends(t, lab.Options{}, func(t *testing.T, l *lab.Lab) {
		h := l.Hosts[0]
		session, err := mustDial(t, l, h).NewSession()
		if err != nil {
			t.Fatal(err)
		}
		if err := session.Start("read line; echo $line; exit 4"); err != nil {
			t.Fatal(err)
		}
		if err := h.Freeze(t.Context()); err != nil {
			t.Fatal(err)
		}
		conn, err := net.DialTimeout("tcp", net.JoinHostPort(h.Addr, strconv.Itoa(h.Port)), 5*time.Second)
		if err != nil {
			t.Fatalf("the kernel of a frozen host accepts connections, but: %v", err)
		}
		defer conn.Close()
		if err := conn.SetReadDeadline(time.Now().Add(300 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		if n, err := conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("reading from a frozen host gives %d bytes and %v, want silence", n, err)
		}
		if got := run(t, h, "echo awake"); got != "awake" {
			t.Errorf("a script on a frozen host says %q", got)
		}
		if err := h.Thaw(t.Context()); err != nil {
			t.Fatal(err)
		}
		session.Close()
		if got := ssh(t, h, "echo thawed"); got != "thawed" {
			t.Errorf("a thawed host says %q", got)
		}
	})
}

func TestTwentyHostsComeUpQuickly(t *testing.T) {
	onBackends(t, lab.Options{N: 1}, func(t *testing.T, first *lab.Lab) {
		start := time.Now()
		l := labtest.Start(t, lab.Options{N: 20, Backend: first.Backend})
		// Alone it takes a third of a second; the bound is for a busy machine.
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("20 hosts took %v, want at most 10 s", took)
		}
		seen := map[string]bool{}
		for _, h := range l.Hosts {
			seen[run(t, h, "hostname")] = true
		}
		if len(seen) != 20 {
			t.Errorf("20 hosts have %d names", len(seen))
		}
	})
}
