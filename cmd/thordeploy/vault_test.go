package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"thordeploy/playbook/vault"
)

// vaultAsked runs a vault command at a terminal and types a line at each
// prompt. It gives the exit code, all that was printed, and what the terminal
// showed.
func vaultAsked(t *testing.T, dir string, typed []string, args ...string) (code int, out, shown string) {
	t.Helper()
	person, tty := openTerminal(t)
	cmd := exec.CommandContext(t.Context(), "thordeploy", append([]string{"vault"}, args...)...)
	var printed strings.Builder
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = dir, tty, &printed, &printed
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(30*time.Second, func() {
		_ = cmd.Process.Kill()
		fmt.Fprint(tty, strings.Repeat("no prompt: came in time\n", 1+len(typed))) // wakes the reader
	})
	defer timer.Stop()
	// A read may give the end of one line and the next prompt.
	seen := func(text string, times int) {
		for strings.Count(shown, text) < times {
			buf := make([]byte, 256)
			n, err := person.Read(buf)
			if err != nil {
				t.Fatalf("%v after %q", err, shown)
			}
			shown += string(buf[:n])
		}
	}
	for i, line := range typed {
		seen(": ", i+1)
		if echoes(t, tty) {
			t.Error("the terminal echoes at the prompt")
		}
		fmt.Fprintln(person, line)
	}
	seen("\n", len(typed))
	_ = cmd.Wait() // the exit code is looked at
	return cmd.ProcessState.ExitCode(), printed.String(), shown
}

func TestVaultAsksForThePassword(t *testing.T) {
	t.Parallel()
	const plain = "token: 17\n"
	dir := t.TempDir()
	write(t, dir, "secrets.yml", plain)
	path := filepath.Join(dir, "secrets.yml")

	code, out, shown := vaultAsked(t, dir, []string{"hunter2", "hunter3"}, "encrypt", "secrets.yml")
	if code != int(exitUsage) || !strings.Contains(out, "error: the two vault passwords differ") || strings.Contains(out+shown, "hunter") {
		t.Errorf("two passwords: exit code %d, %q, terminal %q", code, out, shown)
	}
	if data, err := os.ReadFile(path); err != nil || string(data) != plain {
		t.Errorf("two passwords leave %q, %v", data, err)
	}
	code, out, shown = vaultAsked(t, dir, []string{""}, "view", "secrets.yml")
	if code != int(exitUsage) || !strings.Contains(out, "error: the vault password is empty") {
		t.Errorf("no password: exit code %d, %q, terminal %q", code, out, shown)
	}
	code, out, shown = vaultAsked(t, dir, []string{"hunter2", "hunter2"}, "encrypt", "--vault-id", "prod", "secrets.yml")
	if code != 0 || out != "" || !strings.Contains(shown, "vault password (prod): ") || !strings.Contains(shown, "again: ") || strings.Contains(shown, "hunter") {
		t.Fatalf("encrypt: exit code %d, %q, terminal %q", code, out, shown)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := vault.Decrypt(data, vault.Secret{Password: []byte("hunter2")}); err != nil || string(got) != plain {
		t.Errorf("encrypt: %q, %v", got, err)
	}
	code, out, shown = vaultAsked(t, dir, []string{"hunter2"}, "view", "secrets.yml")
	if code != 0 || out != plain || strings.Contains(shown, "hunter") {
		t.Errorf("view: exit code %d, %q, terminal %q", code, out, shown)
	}
}

func TestInterruptWhileAPasswordProgramRuns(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "secrets.yml", "a: 1\n")
	write(t, dir, "pw.sh", "#!/bin/sh\necho begun >&2\nexec sleep 60\n")
	if err := os.Chmod(filepath.Join(dir, "pw.sh"), 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "thordeploy", "vault", "encrypt", "--vault-password-file", "pw.sh", "secrets.yml")
	cmd.Dir = dir
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := stderr.Read(make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // the exit code is looked at
	if code := cmd.ProcessState.ExitCode(); code != int(exitInterrupted) || time.Since(begin) > 30*time.Second {
		t.Errorf("exit code %d after %v", code, time.Since(begin))
	}
}
