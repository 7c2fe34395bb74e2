package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// nohup(1) and a script's `cmd &` start a program with a signal ignored: a
// sweep started so goes on when the terminal is closed.
func TestAnIgnoredSignalStaysIgnored(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	begun := filepath.Join(dir, "begun")
	write(t, dir, "p.yml", "- hosts: all\n  tasks: [{name: Nap, shell: \"touch "+begun+"; sleep 1\"}]\n")
	for name, s := range map[string]syscall.Signal{"HUP": syscall.SIGHUP, "INT": syscall.SIGINT} {
		_ = os.Remove(begun)
		// sh, as it gives its own ignored signals on to what it becomes
		cmd := exec.Command("sh", "-c", `trap "" `+name+`; exec thordeploy -i here, -e ansible_connection=local p.yml`)
		var out strings.Builder
		cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for range 500 {
			if _, err := os.Stat(begun); err == nil {
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
		if err := cmd.Process.Signal(s); err != nil {
			t.Error(err)
		}
		if err := cmd.Wait(); err != nil || strings.Contains(out.String(), "interrupted") {
			t.Errorf("SIG%s: %v\n%s", name, err, out.String())
		}
	}
}
