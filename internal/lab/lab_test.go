package lab_test

import (
	"os"
	"strings"
	"testing"

	"thordeploy/internal/lab"
	"thordeploy/internal/lab/labtest"
)

func TestMain(m *testing.M) {
	lab.Main()
	os.Exit(m.Run())
}

// backends are what every test of the fleet runs against.
var backends = []string{lab.Sshd, lab.Embedded}

// onBackends runs a test against each backend at the same time.
func onBackends(t *testing.T, o lab.Options, test func(t *testing.T, l *lab.Lab)) {
	for _, b := range backends {
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

func TestHostsAreApart(t *testing.T) {
	onBackends(t, lab.Options{N: 2}, func(t *testing.T, l *lab.Lab) {
		labtest.LeavesNothing(t, l)
		one, two := l.Hosts[0], l.Hosts[1]
		if got := ssh(t, two, "hostname"); got != "host02" {
			t.Errorf("hostname is %q, want host02", got)
		}
		for _, dir := range []string{"/tmp", "/mnt", "/root", "/var/tmp", "/dev/shm", "/etc"} {
			mark := dir + "/thorlab-mark"
			ssh(t, one, "echo one > "+mark)
			if got := ssh(t, two, "ls "+dir); strings.Contains(got, "thorlab-mark") {
				t.Errorf("%s of host01 is seen on host02", mark)
			}
			if _, err := os.Stat(mark); err == nil {
				t.Errorf("%s of host01 is seen on this machine", mark)
			}
			ssh(t, one, "rm "+mark)
		}
		if got := ssh(t, one, "mkdir /mnt/ram && mount -t ramfs none /mnt/ram && grep -c ' /mnt/ram ramfs ' /proc/mounts"); got != "1" {
			t.Errorf("/mnt/ram is mounted %s times, want once", got)
		}
		if got := ssh(t, two, "grep -c ' /mnt/ram ' /proc/mounts || true"); got != "0" {
			t.Errorf("host02 sees %s mounts of host01 on /mnt/ram", got)
		}
		ssh(t, one, "umount /mnt/ram && rmdir /mnt/ram")
	})
}
