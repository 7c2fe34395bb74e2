package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// openTerminal gives both ends of a pseudo-terminal.
func openTerminal(t *testing.T) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { person.Close() })
	n, err := unix.IoctlGetInt(int(person.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { program.Close() })
	return person, program
}

func echoes(t *testing.T, tty *os.File) bool {
	t.Helper()
	s, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return s.Lflag&unix.ECHO != 0
}

// asked starts a run that asks for a password and returns at the prompt.
func asked(t *testing.T) (person, tty *os.File, cmd *exec.Cmd, out *strings.Builder) {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "hosts", "web1 ansible_connection=local\n")
	write(t, dir, "site.yml", "- hosts: all\n  tasks: [{debug: {msg: x}}]\n")
	person, tty = openTerminal(t)
	cmd = exec.Command("thordeploy", "-K", "-i", "hosts", "site.yml")
	cmd.Dir, out = dir, &strings.Builder{}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(30*time.Second, func() {
		_ = cmd.Process.Kill()
		fmt.Fprintln(tty, "no password: asked for in time") // wakes the reader
	})
	t.Cleanup(func() { timer.Stop() })
	readUntil(t, person, "password: ")
	return person, tty, cmd, out
}

// readUntil reads what the terminal shows up to a text.
func readUntil(t *testing.T, person *os.File, text string) string {
	t.Helper()
	var seen strings.Builder
	buf := make([]byte, 256)
	for !strings.Contains(seen.String(), text) {
		n, err := person.Read(buf)
		if err != nil {
			t.Fatalf("%v after %q", err, seen.String())
		}
		seen.Write(buf[:n])
	}
	return seen.String()
}

func TestPasswordIsNotEchoed(t *testing.T) {
	t.Parallel()
	person, tty, cmd, out := asked(t)
	if echoes(t, tty) {
		t.Error("the terminal echoes at the prompt")
	}
	fmt.Fprint(person, "hunter2\n")
	if shown := readUntil(t, person, "\n"); strings.Contains(shown, "hunter2") {
		t.Errorf("the terminal shows %q", shown)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if !echoes(t, tty) {
		t.Error("the terminal has no echo afterwards")
	}
}

func TestInterruptAtThePasswordPrompt(t *testing.T) {
	t.Parallel()
	person, tty, cmd, out := asked(t)
	fmt.Fprint(person, "\x03") // Ctrl-C
	_ = cmd.Wait()             // the exit code is looked at
	if code := cmd.ProcessState.ExitCode(); code != 99 {
		t.Errorf("exit code %d, want 99\n%s", code, out)
	}
	if !echoes(t, tty) {
		t.Error("the terminal has no echo afterwards")
	}
}
