package action

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"thordeploy/internal/bundle"
	"thordeploy/internal/lab"
	"thordeploy/internal/lab/labtest"
	"thordeploy/transport/shell"
	"thordeploy/transport/ssh"
)

// TestTheTradeOverSSH: the six steps on real hosts, under each shell that
// targets have, several hosts at once from one packed tree. Afterwards nothing
// is left on them.
func TestTheTradeOverSSH(t *testing.T) {
	t.Parallel()
	src, files := oddPack(t)
	write(t, src+"/thorscan", "#!/bin/sh\necho \"scanned by $(id -un)\" >thor.txt\necho done\n", 0o755)
	trees := &bundle.Cache{}
	for _, sh := range []string{"dash", "bash", "busybox"} {
		t.Run(sh, func(t *testing.T) {
			t.Parallel()
			l := labtest.Start(t, lab.Options{N: 2, Shell: sh})
			labtest.LeavesNothing(t, l)
			reports := t.TempDir()
			for _, at := range l.Hosts {
				h := openSSH(t, l, at)
				sizes := map[string]int64{}
				with := func(c *Call) { c.Host, c.Trees, c.RAMSizes, c.Local.Playbook = at.Name, trees, sizes, reports }
				ram := "/mnt/temp_ram"
				do := func(module string, v values) Result { return mustOK(t, h.run(t, module, v, with), true) }
				do("mkdir", values{"path": ram})
				do("mount", values{"path": ram, "fstype": "ramfs", "opts": "size=60M", "state": "ephemeral"})
				do("copy", values{"src": src + "/", "dest": ram + "/"})
				mustOK(t, h.run(t, "copy", values{"src": src + "/", "dest": ram + "/"}, with), false)
				do("file", values{"path": ram + "/thorscan", "state": "touch", "mode": "0555"})
				do("command", values{"cmd": "./thorscan", "chdir": ram})
				do("copy", values{"content": "note", "dest": ram + "/note", "mode": "0600"})
				do("fetch", values{"src": ram + "/thor.txt", "dest": "out"})
				holds(t, filepath.Join(reports, "out", at.Name, ram, "thor.txt"), "scanned by root\n", 0o644)
				for name, text := range files {
					if text == "" {
						continue
					}
					do("fetch", values{"src": ram + "/" + name, "dest": filepath.Join(reports, at.Name, "odd"), "flat": true})
					holds(t, filepath.Join(reports, at.Name, "odd"), text, 0o644)
					if err := os.Remove(filepath.Join(reports, at.Name, "odd")); err != nil {
						t.Fatal(err)
					}
				}
				do("file", values{"path": ram + "/sub", "state": "absent"})
				do("unmount", values{"path": ram, "remove": true})
				mustOK(t, h.run(t, "unmount", values{"path": ram, "remove": true}, with), false)
			}
		})
	}
}

// TestTheOnlySession: copy and fetch of large files where the host opens one
// session a connection, under each shell.
func TestTheOnlySession(t *testing.T) {
	t.Parallel()
	src, text := rulesPack(t, 6, 700<<10)
	for _, sh := range []string{"dash", "bash", "busybox"} {
		t.Run(sh, func(t *testing.T) {
			t.Parallel()
			l := labtest.Start(t, lab.Options{N: 1, Shell: sh, Backend: lab.Sshd, SSHDConfig: []string{"MaxSessions 1"}})
			labtest.LeavesNothing(t, l)
			h := openSSH(t, l, l.Hosts[0])
			mustOK(t, h.run(t, "copy", values{"src": src + "/", "dest": "/tmp/new/pack"}), true)
			if !h.Shared() {
				t.Error("a second session was opened")
			}
			mustOK(t, h.run(t, "copy", values{"src": src + "/", "dest": "/tmp/new/pack"}), false)
			mustOK(t, h.run(t, "copy", values{"src": src + "/d0/f0", "dest": "/tmp/one"}), true)
			out := t.TempDir()
			for _, from := range []string{"/tmp/new/pack/d2/f5", "/tmp/one"} {
				mustOK(t, h.run(t, "fetch", values{"src": from, "dest": out + "/", "flat": true}), true)
				holds(t, filepath.Join(out, filepath.Base(from)), text, 0o644)
			}
			mustFail(t, h.run(t, "copy", values{"src": src + "/", "dest": "/proc/none"}), "/proc/none")
			mustOK(t, h.run(t, "file", values{"path": "/tmp/new", "state": "absent"}), true)
			mustOK(t, h.run(t, "file", values{"path": "/tmp/one", "state": "absent"}), true)
		})
	}
}

func openSSH(t *testing.T, l *lab.Lab, at *lab.Host) *host {
	t.Helper()
	known, err := ssh.LoadKnownHosts(l.KnownHosts)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	conn, err := ssh.Dial(ctx, ssh.Config{Host: at.Addr, Port: at.Port, User: "root", KeyFiles: []string{l.Key}, KnownHosts: known})
	if err != nil {
		t.Fatal(err)
	}
	s, err := shell.Open(ctx, conn, shell.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_, _, _ = s.Close(ctx, false)
		_ = conn.Close()
	})
	return &host{Session: s, shell: at.Name}
}
