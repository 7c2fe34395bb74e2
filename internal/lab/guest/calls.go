package guest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"thordeploy/internal/lab/sshserver"
)

// Account is a login user of a host besides root. The lab's key opens it.
type Account struct {
	Name     string // lower-case letters, digits, '-', '_'
	Password string // of its SSH login and of sudo; empty: none, keys only
	Sudo     string // "": not allowed to use sudo; SudoFree: without its password; SudoPassword: with it
}

// Whether an account may use sudo, and how.
const (
	SudoFree     = "nopasswd"
	SudoPassword = "password"
)

// Spec is all that a host is told about itself.
type Spec struct {
	Hostname  string
	Addr      string // of its SSH server
	Port      int
	Dir       string   // the host's private folder on the lab's machine, seen inside as PrivateDir
	HostsFile string   // content of /etc/hosts
	MachineID string   // content of /etc/machine-id
	UserNS    bool     // in a user namespace: root of the host is an ordinary user outside
	Sshd      string   // path of OpenSSH's sshd; empty: the embedded server
	Shell     string   // path of what /bin/sh is to be; empty: as on this machine
	Busybox   string   // path of busybox, where its applets alone are to be found on PATH; or empty
	Applets   []string // names of busybox's applets
	Accounts  []Account
}

// What a host sees of the lab, below its own /run.
const (
	runDir     = "/run/thorlab"
	PrivateDir = runDir + "/private" // the host's folder on the lab's machine, root's alone
	keysPath   = runDir + "/authorized_keys"
	appletsDir = runDir + "/applets"
	layersDir  = runDir + "/layers"
)

// Names of the files in a host's folder.
const (
	HostKeyFile    = "ssh_host_ed25519_key"
	SshdConfigFile = "sshd_config"
	KeysFile       = "authorized_keys"
	LogFile        = "sshd.log"
)

// AuthorizedKeysPath is where sshd of a host finds the keys of every account.
const AuthorizedKeysPath = keysPath

// systemPath is what PATH is on a host whose PATH isn't the applets alone.
const systemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Path is what PATH is on the host.
func (s *Spec) Path() string {
	if s.Busybox != "" {
		return appletsDir
	}
	return systemPath
}

// Guest is a host's side of the calls, in net/rpc's form.
type Guest struct {
	children *children
	spec     Spec
	server   int      // process id of the SSH server
	stops    sync.Map // id of a Run in progress -> chan struct{} that ends it
}

// None is the argument or reply of a call that has none; gob wants a value.
type None bool

// Setup makes the host and returns once its SSH server answers.
func (g *Guest) Setup(spec *Spec, _ *None) error {
	g.spec = *spec
	if err := makeMounts(spec); err != nil {
		return err
	}
	if err := syscall.Sethostname([]byte(spec.Hostname)); err != nil {
		return fmt.Errorf("setting the hostname: %w", err)
	}
	if err := g.makeAccounts(); err != nil {
		return err
	}
	return g.startServer()
}

// startServer starts the SSH server and waits until it greets.
func (g *Guest) startServer() error {
	log, err := os.OpenFile(filepath.Join(PrivateDir, LogFile), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("opening the SSH server's log: %w", err)
	}
	defer log.Close()
	null, err := os.Open(os.DevNull)
	if err != nil {
		return fmt.Errorf("starting the SSH server: %w", err)
	}
	defer null.Close()
	path, args := g.spec.Sshd, []string{g.spec.Sshd, "-D", "-e", "-f", filepath.Join(PrivateDir, SshdConfigFile)}
	if path == "" {
		if err := g.writeServerConfig(); err != nil {
			return err
		}
		path, args = selfPath, []string{serverName, filepath.Join(PrivateDir, serverConfigFile)}
	}
	pid, ended, err := g.children.start(path, args, []string{"PATH=" + g.spec.Path()}, null, log)
	if err != nil {
		return err
	}
	g.server = pid
	return awaitGreeting(g.spec.Addr, g.spec.Port, ended, greetingWait)
}

// serverConfigFile is the embedded server's configuration in a host's folder.
const serverConfigFile = "server.json"

func (g *Guest) writeServerConfig() error {
	passwords := map[string]string{}
	for _, a := range g.spec.Accounts {
		if a.Password != "" {
			passwords[a.Name] = a.Password
		}
	}
	return sshserver.Config{
		Addr:           g.spec.Addr,
		Port:           g.spec.Port,
		HostKey:        filepath.Join(PrivateDir, HostKeyFile),
		AuthorizedKeys: keysPath,
		Path:           g.spec.Path(),
		Shell:          "/bin/sh",
		Passwords:      passwords,
		SFTP:           []string{selfPath, sftpName},
	}.Write(filepath.Join(PrivateDir, serverConfigFile))
}

// greetingWait bounds how long an SSH server may take to start. It is long
// because twenty start at once on a small machine.
const greetingWait = 30 * time.Second

// RunArgs are those of [Guest.Run]: ID is what [Guest.Stop] names it by.
type RunArgs struct {
	ID     uint64
	Script string
}

// RunReply is how a script ended.
type RunReply struct {
	Output []byte // standard output and error together
	Status syscall.WaitStatus
}

// Run runs a script through the host's /bin/sh, as root.
func (g *Guest) Run(args *RunArgs, reply *RunReply) error {
	stop := make(chan struct{})
	g.stops.Store(args.ID, stop)
	defer g.stops.Delete(args.ID)
	env := []string{"PATH=" + g.spec.Path(), "HOME=/root", "USER=root", "LOGNAME=root", "LANG=C.UTF-8"}
	out, status, err := g.children.run(stop, "/bin/sh", []string{"sh", "-c", args.Script}, env, nil)
	reply.Output, reply.Status = out, status
	return err
}

// Stop ends a Run in progress and the process group of its script.
func (g *Guest) Stop(id uint64, _ *None) error {
	if stop, ok := g.stops.LoadAndDelete(id); ok {
		close(stop.(chan struct{}))
	}
	return nil
}

// Signal sends a signal to every process of the host but process 1.
func (g *Guest) Signal(sig syscall.Signal, _ *None) error {
	if err := syscall.Kill(-1, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("sending %v to every process: %w", sig, err)
	}
	return nil
}

// freezeWait bounds how long processes may take to stop: one that is inside
// the kernel stops when it comes out.
const freezeWait = 5 * time.Second

// Freeze stops every process of the host but process 1, and returns when they
// have stopped, each thread of them.
func (g *Guest) Freeze(_ None, _ *None) error {
	if err := g.Signal(syscall.SIGSTOP, nil); err != nil {
		return err
	}
	deadline := time.Now().Add(freezeWait)
	for {
		running, err := runningThreads()
		if err != nil || len(running) == 0 {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("still running %v after they were stopped: %s", freezeWait, strings.Join(running, ", "))
		}
		time.Sleep(time.Millisecond)
	}
}

// Look takes a snapshot of the host.
func (g *Guest) Look(_ None, reply *Snapshot) error {
	processes, err := listProcesses(g.server)
	if err != nil {
		return err
	}
	mounts, err := listMounts()
	if err != nil {
		return err
	}
	files, err := listFiles()
	if err != nil {
		return err
	}
	*reply = Snapshot{Processes: processes, Mounts: mounts, Files: files}
	return nil
}

// makeAccounts writes the accounts into the host's own /etc and their homes.
func (g *Guest) makeAccounts() error {
	if g.spec.UserNS {
		return nil
	}
	if err := editRoot(g.spec.Shell); err != nil {
		return err
	}
	if len(g.spec.Accounts) == 0 {
		return nil
	}
	if err := addAccounts(g.spec.Accounts, g.spec.Busybox != ""); err != nil {
		return err
	}
	var passwords strings.Builder
	for _, a := range g.spec.Accounts {
		if a.Password != "" {
			fmt.Fprintf(&passwords, "%s:%s\n", a.Name, a.Password)
		}
	}
	if passwords.Len() == 0 {
		return nil
	}
	// Given a method, chpasswd hashes by itself and asks no PAM; the fewest
	// rounds keep twenty hosts quick.
	args := []string{"chpasswd", "-c", "SHA512", "-s", "1000"}
	out, status, err := g.children.run(nil, "/usr/sbin/chpasswd", args, []string{"PATH=" + systemPath}, []byte(passwords.String()))
	if err == nil && status != 0 {
		err = fmt.Errorf("status %d: %s", status.ExitStatus(), out)
	}
	if err != nil {
		return fmt.Errorf("setting the accounts' passwords with chpasswd: %w", err)
	}
	return nil
}
