// Package guest is what runs inside a host of the lab.
//
// Each host is a child process of the lab that runs the lab's own binary
// again, in namespaces of its own, where it is process 1. The lab's end of a
// socket pair carries its calls (net/rpc): first [Client.Setup], which makes
// the mounts, the accounts and the hostname and starts the SSH server, then
// whatever a test wants to see or do past SSH. When the socket closes, process
// 1 ends, and with it the kernel ends all that ran on the host and drops its
// mounts.
//
//	lab process ── socket pair ── process 1 (this package) ── sshd ── sessions
package guest

import (
	"fmt"
	"net"
	"net/rpc"
	"os"
	"syscall"

	"thordeploy/internal/lab/sshserver"
)

// Names under which the lab's binary is run again, as its argument zero.
const (
	initName   = "thorlab-host"
	serverName = "thorlab-sshd"
	sftpName   = "thorlab-sftp"
)

// selfPath runs the running binary again, even where a mount hides its path.
const selfPath = "/proc/self/exe"

// controlFD is where process 1 of a host finds its end of the socket pair.
const controlFD = 3

// Command is the path and the arguments that start process 1 of a host. The
// control socket must be its file descriptor 3.
func Command(hostname string) (path string, args []string) {
	return selfPath, []string{initName, hostname}
}

// Main takes over the process and doesn't return where the process is a part
// of a lab's host; otherwise it does nothing.
func Main() {
	var err error
	switch os.Args[0] {
	case initName:
		err = serve()
	case serverName:
		err = sshserver.Main(os.Args[1:])
	case sftpName:
		err = sshserver.SFTP(os.Stdin, os.Stdout)
	default:
		return
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", os.Args[0], err)
		os.Exit(1)
	}
	os.Exit(0)
}

// serve answers the lab's calls until the lab closes its end or is gone.
func serve() error {
	syscall.CloseOnExec(controlFD)
	if os.Getpid() != 1 {
		return fmt.Errorf("started outside a lab: it must be process 1 of its own PID namespace, and is %d", os.Getpid())
	}
	file := os.NewFile(controlFD, "control")
	conn, err := net.FileConn(file)
	if err != nil {
		return fmt.Errorf("opening the lab's control socket: %w", err)
	}
	if err := file.Close(); err != nil {
		return fmt.Errorf("opening the lab's control socket: %w", err)
	}
	server := rpc.NewServer()
	if err := server.RegisterName("Guest", &Guest{children: newChildren()}); err != nil {
		return fmt.Errorf("registering the host's calls: %w", err)
	}
	server.ServeConn(conn)
	return nil
}
