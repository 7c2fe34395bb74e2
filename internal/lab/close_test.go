package lab_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"thordeploy/internal/lab"
	"thordeploy/internal/lab/labtest"
)

// pidNamespace names the PID namespace of a host, as seen from any process
// that may look into it.
func pidNamespace(h *lab.Host) (string, error) {
	out, err := h.Run(context.Background(), "readlink /proc/self/ns/pid")
	return strings.TrimSpace(string(out)), err
}

// inhabitants are this machine's processes in any of the PID namespaces.
func inhabitants(t *testing.T, namespaces []string) []string {
	t.Helper()
	links, err := filepath.Glob("/proc/[0-9]*/ns/pid")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, link := range links {
		if ns, err := os.Readlink(link); err == nil && slices.Contains(namespaces, ns) {
			found = append(found, link)
		}
	}
	return found
}

// living counts the processes in the PID namespaces, and keeps the namespaces'
// numbers from being given to other tests' hosts once these have ended.
func living(t *testing.T, namespaces []string) int {
	t.Helper()
	links := inhabitants(t, namespaces)
	for _, link := range links {
		if f, err := os.Open(link); err == nil {
			t.Cleanup(func() { f.Close() })
		}
	}
	return len(links)
}

// busy gives a host what a careless sweep leaves, and names its PID namespace.
func busy(h *lab.Host) (string, error) {
	if _, err := h.Run(context.Background(), `mkdir /mnt/ram && mount -t ramfs none /mnt/ram
		cd /mnt/ram && setsid sleep 1000 & nohup sleep 1000 >/dev/null 2>&1 & :`); err != nil {
		return "", err
	}
	return pidNamespace(h)
}

// machineMounts is this machine's mount table, where it is of what a host
// mounts over; other programs of the machine mount elsewhere as they like.
func machineMounts(t *testing.T) string {
	t.Helper()
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	var lines strings.Builder
	for line := range strings.Lines(string(table)) {
		path := strings.Fields(line)[4]
		if slices.Contains([]string{"/mnt", "/mnt/ram", "/tmp", "/var/tmp", "/root", "/home", "/run", "/etc", "/proc", "/dev/pts", "/dev/shm", "/usr/bin", "/var/log"}, path) ||
			strings.Contains(line, "thorlab") {
			lines.WriteString(line)
		}
	}
	return lines.String()
}

func TestCloseLeavesNothing(t *testing.T) {
	t.Parallel()
	for _, b := range backends() {
		t.Run(b, func(t *testing.T) {
			t.Parallel()
			mounts := machineMounts(t)
			dir := t.TempDir()
			own := filepath.Join(dir, "own")
			if err := os.WriteFile(own, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			l := labtest.Start(t, lab.Options{N: 3, Backend: b, Dir: dir})
			var namespaces []string
			for _, h := range l.Hosts {
				ns, err := busy(h)
				if err != nil {
					t.Fatal(err)
				}
				namespaces = append(namespaces, ns)
			}
			client := mustDial(t, l, l.Hosts[0])
			defer client.Close()
			// One is dead and one frozen: both end as well.
			if err := l.Hosts[1].Kill(); err != nil {
				t.Fatal(err)
			}
			if err := l.Hosts[2].Freeze(t.Context()); err != nil {
				t.Fatal(err)
			}
			// Three or more on each of two hosts: init, server, sleeps.
			if n := living(t, namespaces); n < 6 {
				t.Fatalf("%d processes run on the hosts, so this test sees too little", n)
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			if left := inhabitants(t, namespaces); len(left) > 0 {
				t.Errorf("processes are left: %v", left)
			}
			if after := machineMounts(t); after != mounts {
				t.Errorf("the mount table is now\n%s\nand was\n%s", after, mounts)
			}
			entries, err := os.ReadDir(dir)
			if err != nil || len(entries) != 1 || entries[0].Name() != "own" {
				t.Errorf("the folder holds %v (%v), want the user's own file alone", entries, err)
			}
			if err := l.Close(); err != nil {
				t.Errorf("a second Close gives %v", err)
			}
		})
	}
}

func TestCancelEndsLab(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	l, err := lab.Start(ctx, lab.Options{N: 2})
	if err != nil {
		labtest.Lacking(t, err)
	}
	defer l.Close()
	ns, err := busy(l.Hosts[1])
	if err != nil {
		t.Fatal(err)
	}
	if n := living(t, []string{ns}); n < 3 {
		t.Fatalf("%d processes run on the host, so this test sees too little", n)
	}
	cancel()
	eventually(t, "the hosts and the folder are gone", func() bool {
		_, err := os.Stat(l.Dir)
		return os.IsNotExist(err) && len(inhabitants(t, []string{ns})) == 0
	})
}

// ownFleet is the role "fleet owner": a program that has a fleet, tells the
// hosts' namespaces, and waits for its end.
func ownFleet() int {
	l, err := lab.Start(context.Background(), lab.Options{N: 2, Backend: os.Getenv("THORLAB_TEST_BACKEND"), Dir: os.Getenv("THORLAB_TEST_DIR")})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	for _, h := range l.Hosts {
		ns, err := busy(h)
		if err != nil {
			fmt.Println(err)
			return 1
		}
		fmt.Println(ns)
	}
	if err := l.Hosts[1].Freeze(context.Background()); err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println("up")
	time.Sleep(time.Minute)
	return 1
}

func TestKilledOwnerTakesItsHostsAlong(t *testing.T) {
	t.Parallel()
	for _, b := range backends() {
		t.Run(b, func(t *testing.T) {
			t.Parallel()
			owner := self(t.Context(), "fleet owner")
			owner.Env = append(owner.Env, "THORLAB_TEST_BACKEND="+b, "THORLAB_TEST_DIR="+filepath.Join(t.TempDir(), "lab"))
			stdout, err := owner.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := owner.Start(); err != nil {
				t.Fatal(err)
			}
			var namespaces []string
			lines := bufio.NewScanner(stdout)
			for lines.Scan() && lines.Text() != "up" {
				namespaces = append(namespaces, lines.Text())
			}
			if lines.Text() != "up" {
				labtest.Lacking(t, fmt.Errorf("the owner's lab: %s", strings.Join(namespaces, " ")))
			}
			if n := living(t, namespaces); n < 6 {
				t.Fatalf("%d processes run on the hosts, so this test sees too little", n)
			}
			if err := owner.Process.Signal(syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			_ = owner.Wait() // killed, as it says
			eventually(t, "no process of the hosts is left", func() bool { return len(inhabitants(t, namespaces)) == 0 })
		})
	}
}

// Without Main a host would be the whole program again.
func TestForgottenMainIsNoticed(t *testing.T) {
	t.Parallel()
	out, err := self(t.Context(), "forgot Main").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "lab.Main was not called") {
		t.Errorf("starting a lab without Main gives %v:\n%s", err, out)
	}
}

// nobody is the user that the tests are run as again.
const nobody = 65534

func TestAsOrdinaryUser(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("all tests of this run are as an ordinary user")
	}
	again := self(t.Context(), "", "-test.v", "-test.run",
		"^(TestHostsAreApart|TestRun|TestKillEndsHost|TestFreeze.*|TestCommand.*|TestSignal.*|TestLost.*|TestSFTP|TestBackground.*|TestTerminal|TestShell|TestFiles|TestBadOptions|TestClose.*|TestCancel.*|TestKilledOwner.*|TestTwenty.*)$")
	again.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	again.Env = append(again.Env, "HOME=/nonexistent", "TMPDIR=/tmp")
	out, err := again.CombinedOutput()
	if err != nil {
		t.Fatalf("as user %d: %v\n%s", nobody, err, out)
	}
	if !strings.Contains(string(out), "--- PASS: TestHostsAreApart/embedded") {
		labtest.Lacking(t, fmt.Errorf("the tests didn't run as user %d:\n%s", nobody, out))
	}
}
