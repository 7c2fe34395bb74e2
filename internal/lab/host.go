package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"thordeploy/internal/lab/guest"
)

// Host is one host of a Lab.
type Host struct {
	Name string // "host01": inventory name and hostname
	Addr string // loopback address
	Port int

	lab    *Lab
	dir    string        // its private folder
	client *guest.Client // nil until started
	init   *os.Process   // process 1 of the host; nil until started
	gone   func() error  // waits for init, once
	dead   atomic.Bool   // Kill or Close ended it
}

// Snapshot is what is on a host at one time; its Diff tells what a later one
// has more or less.
type Snapshot = guest.Snapshot

// Process is one process of a host.
type Process = guest.Process

// Mount is one entry of a host's mount table.
type Mount = guest.Mount

// startWait bounds the start of one host.
const startWait = time.Minute

// start starts process 1 of the host and has it make the host.
func (h *Host) start(ctx context.Context, n *nursery, spec *guest.Spec) error {
	ctx, cancel := context.WithTimeout(ctx, startWait)
	defer cancel()
	conn, theirs, err := socketPair()
	if err != nil {
		return err
	}
	defer theirs.Close()
	null, err := os.Open(os.DevNull)
	if err != nil {
		return fmt.Errorf("starting the host: %w", err)
	}
	defer null.Close()
	log, err := os.OpenFile(filepath.Join(h.dir, "init.log"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("starting the host: %w", err)
	}
	defer log.Close()
	path, args := guest.Command(h.Name)
	h.init, err = n.start(path, args, &os.ProcAttr{
		Dir:   "/",
		Env:   []string{},
		Files: []*os.File{null, log, log, theirs},
		Sys:   namespaces(spec.UserNS),
	})
	if err != nil {
		conn.Close()
		return explainNamespaces(err, spec.UserNS)
	}
	h.client = guest.NewClient(conn)
	h.gone = sync.OnceValue(h.wait)
	if err := h.client.Setup(ctx, spec); err != nil {
		return fmt.Errorf("%w%s", err, h.logTail())
	}
	return nil
}

// socketPair is the lab's end and the host's.
func socketPair() (net.Conn, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("making a socket pair: %w", err)
	}
	ours, theirs := os.NewFile(uintptr(fds[0]), "lab"), os.NewFile(uintptr(fds[1]), "host")
	defer ours.Close()
	conn, err := net.FileConn(ours)
	if err != nil {
		theirs.Close()
		return nil, nil, fmt.Errorf("making a socket pair: %w", err)
	}
	return conn, theirs, nil
}

// explainNamespaces says what to do where the kernel gives no namespaces.
func explainNamespaces(err error, userNS bool) error {
	if userNS {
		return fmt.Errorf("making a user namespace: %w (run as root, or allow them: sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns)", err)
	}
	return fmt.Errorf("making namespaces: %w (a container must be privileged for it)", err)
}

// logTail is the end of what the host's process 1 and its SSH server logged.
func (h *Host) logTail() string {
	var tail strings.Builder
	for _, name := range []string{"init.log", guest.LogFile} {
		log, err := os.ReadFile(filepath.Join(h.dir, name))
		if err != nil || len(log) == 0 {
			continue
		}
		if len(log) > 2000 {
			log = log[len(log)-2000:]
		}
		fmt.Fprintf(&tail, "\n%s: %s", name, strings.TrimSpace(string(log)))
	}
	return tail.String()
}

// wait waits for process 1 to end by a signal or by itself.
func (h *Host) wait() error {
	if _, err := h.init.Wait(); err != nil {
		return fmt.Errorf("%s: waiting for its end: %w", h.Name, err)
	}
	return nil
}

// end ends the host and all that runs on it; a host that has ended already is
// fine.
func (h *Host) end() error {
	if h.client == nil {
		return nil
	}
	if err := h.init.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("%s: ending it: %w", h.Name, err)
	}
	err := h.gone()
	h.dead.Store(true)
	// It may have been closed by the host's end.
	_ = h.client.Close()
	return err
}

// Kill ends the host at once, as when it crashes: every process of it is gone
// when Kill returns, and the kernel closes its connections. For a host that
// goes silent with its connections open see [Host.Freeze].
func (h *Host) Kill() error { return h.end() }

// Freeze stops every process of the host: connections stay open and nobody
// answers, not even the SSH server; new connections are accepted by the kernel
// and get no greeting. Run and Snapshot still work.
func (h *Host) Freeze(ctx context.Context) error {
	if err := h.client.Freeze(ctx); err != nil {
		return fmt.Errorf("%s: freezing it: %w", h.Name, err)
	}
	return nil
}

// Thaw continues a frozen host.
func (h *Host) Thaw(ctx context.Context) error {
	if err := h.client.Signal(ctx, syscall.SIGCONT); err != nil {
		return fmt.Errorf("%s: thawing it: %w", h.Name, err)
	}
	return nil
}

// ScriptError is the non-zero end of a script.
type ScriptError struct {
	Host   string
	Status syscall.WaitStatus
	Output []byte
}

// Error tells how the script ended and what it printed last.
func (e *ScriptError) Error() string {
	how := fmt.Sprintf("with exit status %d", e.Status.ExitStatus())
	if e.Status.Signaled() {
		how = "by signal " + e.Status.Signal().String()
	}
	const most = 500
	last := strings.TrimSpace(string(e.Output))
	if len(last) > most {
		last = "…" + last[len(last)-most:]
	}
	return fmt.Sprintf("%s: the script ended %s: %s", e.Host, how, last)
}

// Run runs a shell script inside the host's namespaces, as root and past SSH,
// for a test to look at or alter the host. It returns standard output and
// error together, and a [*ScriptError] where the script failed. What the
// script leaves in the background isn't waited for; cancelling ctx ends the
// script.
func (h *Host) Run(ctx context.Context, script string) ([]byte, error) {
	reply, err := h.client.Run(ctx, script)
	if err != nil {
		return reply.Output, fmt.Errorf("%s: running a script: %w", h.Name, err)
	}
	if reply.Status != 0 {
		return reply.Output, &ScriptError{Host: h.Name, Status: reply.Status, Output: reply.Output}
	}
	return reply.Output, nil
}

// Snapshot looks at the host.
func (h *Host) Snapshot(ctx context.Context) (*Snapshot, error) {
	s, err := h.client.Look(ctx)
	if err != nil {
		return nil, fmt.Errorf("%s: looking at it: %w", h.Name, err)
	}
	return s, nil
}

// Processes lists what runs on the host, without the SSH server but with its
// sessions.
func (h *Host) Processes(ctx context.Context) ([]Process, error) {
	s, err := h.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	return s.Processes, nil
}

// Mounts lists the host's mount table.
func (h *Host) Mounts(ctx context.Context) ([]Mount, error) {
	s, err := h.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	return s.Mounts, nil
}

// SSH is the machine's own ssh client, set to log in to the host as user ("":
// root) with the lab's key and known_hosts alone, and to run command there.
func (h *Host) SSH(ctx context.Context, user string, command ...string) *exec.Cmd {
	if user == "" {
		user = "root"
	}
	args := []string{
		"-F", "none", "-i", h.lab.Key, "-p", strconv.Itoa(h.Port), "-l", user,
		"-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o", "StrictHostKeyChecking=yes",
		"-o", "UserKnownHostsFile=" + sshOptionQuote(h.lab.KnownHosts), "-o", "GlobalKnownHostsFile=none",
		// Both sides know it, and it takes a fifth of the default's time.
		"-o", "KexAlgorithms=curve25519-sha256",
		h.Addr, "--",
	}
	return exec.CommandContext(ctx, "ssh", append(args, command...)...)
}

// sshOptionQuote quotes a path for an option of ssh_config(5), which splits
// values at blanks.
func sshOptionQuote(path string) string {
	if strings.ContainsAny(path, " \t") {
		return `"` + path + `"`
	}
	return path
}
