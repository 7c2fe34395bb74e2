package guest

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// ownFolders are the host's alone: empty at its start, and in memory.
var ownFolders = []struct{ path, mode string }{
	{"/mnt", "0755"},
	{"/tmp", "1777"},
	{"/var/tmp", "1777"},
	{"/dev/shm", "1777"},
	{"/root", "0700"},
	{"/home", "0755"},
	{"/var/log", "0755"}, // sshd writes logins to wtmp and lastlog
}

// makeMounts gives the host its own view of the file tree. Nothing of it is
// seen outside, as propagation is private.
func makeMounts(spec *Spec) error {
	if err := mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		if spec.UserNS {
			return fmt.Errorf("%w (AppArmor may forbid it in user namespaces: run as root, or sysctl kernel.apparmor_restrict_unprivileged_userns=0)", err)
		}
		return err
	}
	// Opened before a mount hides it: a lab's folder is often below /tmp.
	private, err := os.Open(spec.Dir)
	if err != nil {
		return fmt.Errorf("opening the host's folder: %w", err)
	}
	defer private.Close()
	if err := mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("%w (a container that masks parts of /proc doesn't allow it)", err)
	}
	if err := mount("tmpfs", "/run", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=0755"); err != nil {
		return err
	}
	for _, dir := range []string{runDir, PrivateDir, "/run/sshd", "/run/lock"} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return fmt.Errorf("making the host's /run: %w", err)
		}
	}
	if err := mount(fmt.Sprintf("/proc/self/fd/%d", private.Fd()), PrivateDir, "", unix.MS_BIND, ""); err != nil {
		return err
	}
	for _, folder := range ownFolders {
		if _, err := os.Stat(folder.path); errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err := detachBelow(folder.path); err != nil {
			return err
		}
		if err := mount("tmpfs", folder.path, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode="+folder.mode); err != nil {
			return err
		}
	}
	// Without these sshd complains, into the client's terminal.
	for _, path := range []string{"/var/log/lastlog", "/var/log/wtmp", "/var/log/btmp"} {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			return fmt.Errorf("making the host's log: %w", err)
		}
	}
	if err := mountTerminals(spec.UserNS); err != nil {
		return err
	}
	if err := copyKeys(); err != nil {
		return err
	}
	return makeLayers(spec)
}

// detachBelow takes away what this machine has mounted below a folder: other
// tests mount on their temporary folders, and the kernel takes such a mount out
// of every host's list when its folder is removed, which would look as if the
// host had done something. In a user namespace they are locked, and stay.
func detachBelow(folder string) error {
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return fmt.Errorf("reading the mounts: %w", err)
	}
	for line := range strings.Lines(string(table)) {
		fields := strings.Fields(line) // id parent device root mountpoint …
		if len(fields) > 4 && strings.HasPrefix(fields[4], folder+"/") {
			_ = unix.Unmount(unescape(fields[4]), unix.MNT_DETACH)
		}
	}
	return nil
}

// mountTerminals gives the host terminals of its own.
func mountTerminals(userNS bool) error {
	data := "newinstance,ptmxmode=0666,mode=0620"
	if !userNS {
		data += ",gid=5" // tty, unknown in a user namespace of one user
	}
	return mount("devpts", "/dev/pts", "devpts", unix.MS_NOSUID|unix.MS_NOEXEC, data)
}

// copyKeys puts the authorized keys where sshd can read them as any account:
// PrivateDir is root's alone.
func copyKeys() error {
	keys, err := os.ReadFile(filepath.Join(PrivateDir, KeysFile))
	if err != nil {
		return fmt.Errorf("reading the authorized keys: %w", err)
	}
	if err := os.WriteFile(keysPath, keys, 0o644); err != nil {
		return fmt.Errorf("writing the authorized keys: %w", err)
	}
	return nil
}

// makeLayers lays the host's own files over /etc and, where /bin/sh is to be
// another shell, over its folder.
func makeLayers(spec *Spec) error {
	if err := os.Mkdir(layersDir, 0o700); err != nil {
		return fmt.Errorf("making the host's own layers: %w", err)
	}
	etc := map[string]string{
		"hosts":      spec.HostsFile,
		"hostname":   spec.Hostname + "\n",
		"machine-id": spec.MachineID + "\n",
	}
	if err := overlay("/etc", "etc", spec.UserNS, func(upper string) error {
		for name, content := range etc {
			if err := os.WriteFile(filepath.Join(upper, name), []byte(content), 0o644); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return err
	}
	if spec.Busybox != "" {
		if err := linkApplets(spec.Busybox, spec.Applets); err != nil {
			return err
		}
	}
	if spec.Shell == "" {
		return nil
	}
	// /bin is a link to usr/bin where /usr is merged.
	bin, err := filepath.EvalSymlinks("/bin")
	if err != nil {
		return fmt.Errorf("finding the folder of sh: %w", err)
	}
	return overlay(bin, "bin", spec.UserNS, func(upper string) error {
		return os.Symlink(spec.Shell, filepath.Join(upper, "sh"))
	})
}

// overlay mounts over dir a layer in memory that fill has put files into. They
// must be there before: in a user namespace root may not write what another
// user owns.
func overlay(dir, name string, userNS bool, fill func(upper string) error) error {
	upper, work := filepath.Join(layersDir, name), filepath.Join(layersDir, name+".work")
	for _, d := range []string{upper, work} {
		if err := os.Mkdir(d, 0o755); err != nil {
			return fmt.Errorf("making a layer over %s: %w", dir, err)
		}
	}
	if err := fill(upper); err != nil {
		return fmt.Errorf("filling the layer over %s: %w", dir, err)
	}
	data := fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s", dir, upper, work)
	if userNS {
		data += ",userxattr"
	}
	return mount("overlay", dir, "overlay", 0, data)
}

// linkApplets fills the folder that is the whole PATH of a busybox host. sudo
// is the one program in it that isn't busybox's: become needs it.
func linkApplets(busybox string, applets []string) error {
	if err := os.Mkdir(appletsDir, 0o755); err != nil {
		return fmt.Errorf("linking busybox's applets: %w", err)
	}
	for _, applet := range applets {
		if err := os.Symlink(busybox, filepath.Join(appletsDir, applet)); err != nil {
			return fmt.Errorf("linking busybox's applets: %w", err)
		}
	}
	if _, err := os.Stat("/usr/bin/sudo"); err == nil {
		if err := os.Symlink("/usr/bin/sudo", filepath.Join(appletsDir, "sudo")); err != nil {
			return fmt.Errorf("linking sudo beside busybox's applets: %w", err)
		}
	}
	return nil
}

func mount(source, target, fstype string, flags uintptr, data string) error {
	if err := unix.Mount(source, target, fstype, flags, data); err != nil {
		what := fstype
		if what == "" {
			what = "a bind or propagation change"
		}
		return fmt.Errorf("mounting %s on %s: %w", what, target, err)
	}
	return nil
}

// awaitGreeting returns once an SSH server greets at the address, or says why
// it never will.
func awaitGreeting(addr string, port int, ended <-chan syscall.WaitStatus, within time.Duration) error {
	deadline := time.Now().Add(within)
	var last error
	for time.Now().Before(deadline) {
		select {
		case status := <-ended:
			return fmt.Errorf("the SSH server ended with status %d before it answered", status.ExitStatus())
		default:
		}
		if last = greeting(addr, port); last == nil {
			return nil
		}
		time.Sleep(5 * time.Millisecond)
	}
	return fmt.Errorf("the SSH server didn't answer within %v: %w", within, last)
}

func greeting(addr string, port int) error {
	conn, err := net.DialTimeout("tcp", net.JoinHostPort(addr, strconv.Itoa(port)), time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return err
	}
	line, err := bufio.NewReaderSize(conn, 256).ReadString('\n')
	if err != nil {
		return err
	}
	if !strings.HasPrefix(line, "SSH-2.0-") {
		return fmt.Errorf("something else answered: %q", line)
	}
	return nil
}
