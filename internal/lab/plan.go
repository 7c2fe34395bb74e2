package lab

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"thordeploy/internal/lab/guest"
)

// setup is a fleet as it is going to be: Options with every choice made.
type setup struct {
	Options
	backend string
	specs   []*guest.Spec
	// penalties tells whether sshd knows PerSourcePenalties (OpenSSH 9.8),
	// which would shut out a test's address after a few wrong keys.
	penalties bool
}

// plan makes every choice and finds what is missing on this machine.
func plan(ctx context.Context, o Options) (*setup, error) {
	s := &setup{Options: o}
	if s.N == 0 {
		s.N = 1
	}
	if s.N < 1 || s.N > MaxHosts {
		return nil, fmt.Errorf("%d hosts asked for: a lab has 1 to %d", s.N, MaxHosts)
	}
	spec := guest.Spec{UserNS: !isRoot(), Accounts: o.Accounts}
	if err := s.chooseBackend(ctx, &spec); err != nil {
		return nil, err
	}
	if err := chooseShell(ctx, o.Shell, &spec); err != nil {
		return nil, err
	}
	if err := checkAccounts(o.Accounts, spec.UserNS); err != nil {
		return nil, err
	}
	return s, s.chooseAddresses(spec)
}

// chooseBackend settles who serves SSH.
func (s *setup) chooseBackend(ctx context.Context, spec *guest.Spec) error {
	sshd, err := findSshd()
	s.backend = s.Backend
	if s.backend == "" {
		s.backend = Embedded
		if err == nil && !spec.UserNS {
			s.backend = Sshd
		}
	}
	switch s.backend {
	case Embedded:
		if len(s.SSHDConfig) > 0 {
			return errors.New("SSHDConfig is for the backend sshd, and this is the embedded one")
		}
		return nil
	case Sshd:
		if err != nil {
			return err
		}
		if spec.UserNS {
			return errors.New("the backend sshd wants root with CAP_SYS_ADMIN: run as root, or use the backend embedded")
		}
		spec.Sshd = sshd
		// -t only checks the configuration; an unknown option is refused.
		s.penalties = exec.CommandContext(ctx, sshd, "-T", "-f", os.DevNull, "-o", "PerSourcePenalties=no").Run() == nil
		return nil
	}
	return fmt.Errorf("unknown backend %q: there are %s and %s", s.backend, Sshd, Embedded)
}

// findSshd finds OpenSSH's sshd, which isn't on an ordinary user's PATH.
func findSshd() (string, error) {
	if path, err := exec.LookPath("sshd"); err == nil {
		return path, nil
	}
	for _, path := range []string{"/usr/sbin/sshd", "/usr/local/sbin/sshd"} {
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", errors.New("the backend sshd wants OpenSSH's server, which isn't here: apt-get install openssh-server, or use the backend embedded")
}

// canMount tells whether this process has CAP_SYS_ADMIN, which root in a
// container may lack.
func canMount() bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	return unix.Capget(&header, &data[0]) == nil && data[0].Effective&(1<<unix.CAP_SYS_ADMIN) != 0
}

// chooseShell finds what /bin/sh is to be.
func chooseShell(ctx context.Context, shell string, spec *guest.Spec) error {
	switch shell {
	case "":
		return nil
	case "dash", "bash", "busybox":
	default:
		return fmt.Errorf("unknown shell %q: there are dash, bash and busybox", shell)
	}
	path, err := exec.LookPath(shell)
	if err != nil {
		return fmt.Errorf("the hosts are to have %s for /bin/sh, and it isn't here: apt-get install %s", shell, shell)
	}
	spec.Shell = path
	if shell != "busybox" {
		return nil
	}
	applets, err := exec.CommandContext(ctx, path, "--list").Output()
	if err != nil {
		return fmt.Errorf("asking %s for its applets: %w", path, err)
	}
	spec.Busybox, spec.Applets = path, strings.Fields(string(applets))
	return nil
}

var accountName = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,30}$`)

func checkAccounts(accounts []Account, userNS bool) error {
	if userNS && len(accounts) > 0 {
		return errors.New("accounts besides root want root on this machine: an unprivileged user namespace has one user")
	}
	for _, a := range accounts {
		if !accountName.MatchString(a.Name) {
			return fmt.Errorf("account %q: the name must be lower-case letters, digits, '-' and '_'", a.Name)
		}
		if strings.ContainsAny(a.Password, "\n\x00") {
			return fmt.Errorf("account %s: a password can't have a line break in it", a.Name)
		}
		switch a.Sudo {
		case "", SudoFree, SudoPassword:
		default:
			return fmt.Errorf("account %s: unknown Sudo %q: there are %q and %q", a.Name, a.Sudo, SudoFree, SudoPassword)
		}
	}
	return nil
}

// addressTries bounds the search for a /24 and a port that are free. One try
// does, as a rule: there are 64,000 of the one and 10,000 of the other.
const addressTries = 20

// chooseAddresses gives the fleet 127.x.y.1, 127.x.y.2 … and a port, the same
// for all, below those that the kernel gives to clients.
func (s *setup) chooseAddresses(common guest.Spec) error {
	var last error
	for range addressTries {
		prefix := fmt.Sprintf("127.%d.%d.", 1+mathrand.IntN(254), mathrand.IntN(256))
		port := 20_000 + mathrand.IntN(10_000)
		if last = s.tryAddresses(common, prefix, port); last == nil {
			return nil
		}
	}
	return fmt.Errorf("finding loopback addresses with a free port, %d times: %w", addressTries, last)
}

func (s *setup) tryAddresses(common guest.Spec, prefix string, port int) error {
	s.specs = nil
	var hosts strings.Builder
	hosts.WriteString("127.0.0.1 localhost\n")
	for i := 1; i <= s.N; i++ {
		addr := prefix + strconv.Itoa(i)
		listener, err := net.Listen("tcp", net.JoinHostPort(addr, strconv.Itoa(port)))
		if err != nil {
			return err
		}
		if err := listener.Close(); err != nil {
			return err
		}
		id := make([]byte, 16)
		rand.Read(id)
		spec := common
		spec.Hostname = fmt.Sprintf("host%02d", i)
		spec.Addr, spec.Port = addr, port
		spec.MachineID = hex.EncodeToString(id)
		s.specs = append(s.specs, &spec)
		fmt.Fprintf(&hosts, "%s %s\n", addr, spec.Hostname)
	}
	for _, spec := range s.specs {
		spec.HostsFile = hosts.String()
	}
	return nil
}

// namespaces are those of a host. The network is shared: the lab's process
// reaches the hosts over loopback.
func namespaces(userNS bool) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWUTS | syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC,
		Setsid:     true, // Ctrl-C at the lab's terminal is the lab's alone
		Pdeathsig:  syscall.SIGKILL,
	}
	if userNS {
		attr.Cloneflags |= syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	}
	return attr
}
