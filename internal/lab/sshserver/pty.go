package sshserver

import (
	"fmt"
	"os"
	"os/exec"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sys/unix"
)

// terminal is what a client asked for with pty-req (RFC 4254, 6.2).
type terminal struct {
	name   string // TERM
	size   unix.Winsize
	master *os.File // nil until the command is started
}

func parseTerminal(payload []byte) (*terminal, bool) {
	var r struct {
		Term                         string
		Columns, Rows, Width, Height uint32
		Modes                        string
	}
	if err := ssh.Unmarshal(payload, &r); err != nil {
		return nil, false
	}
	return &terminal{name: r.Term, size: unix.Winsize{Row: uint16(r.Rows), Col: uint16(r.Columns)}}, true
}

// resize takes a window-change request.
func (t *terminal) resize(payload []byte) bool {
	var r struct{ Columns, Rows, Width, Height uint32 }
	if err := ssh.Unmarshal(payload, &r); err != nil {
		return false
	}
	t.size = unix.Winsize{Row: uint16(r.Rows), Col: uint16(r.Columns)}
	return t.master == nil || control(t.master, func(fd int) error { return unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &t.size) }) == nil
}

// control calls do with f's descriptor. f.Fd would make reads block past Close.
func control(f *os.File, do func(fd int) error) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = do(int(fd)) }); err != nil {
		return err
	}
	return failed
}

// connect opens a terminal of the host's own devpts for the command.
func (t *terminal) connect(cmd *exec.Cmd) (*streams, error) {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("opening a terminal: %w", err)
	}
	var number uint32
	err = control(master, func(fd int) (err error) {
		if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
			return err
		}
		if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &t.size); err != nil {
			return err
		}
		number, err = unix.IoctlGetUint32(fd, unix.TIOCGPTN)
		return err
	})
	if err != nil {
		master.Close()
		return nil, fmt.Errorf("setting a terminal up: %w", err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		master.Close()
		return nil, fmt.Errorf("opening a terminal: %w", err)
	}
	t.master = master
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr.Setctty = true
	cmd.Env = append(cmd.Env, "TERM="+t.name, fmt.Sprintf("SSH_TTY=/dev/pts/%d", number))
	return &streams{stdin: master, stdout: master}, nil
}
