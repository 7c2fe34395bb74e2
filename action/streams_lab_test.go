package action

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"thordeploy/internal/lab"
	"thordeploy/internal/lab/labtest"
	"thordeploy/internal/lab/relay"
	"thordeploy/transport"
	"thordeploy/transport/shell"
	"thordeploy/transport/ssh"
)

// openBehind is openSSH through a link, as the account that become names.
func openBehind(t *testing.T, far *lab.Linked, become transport.Become) *host {
	t.Helper()
	known, err := ssh.LoadKnownHosts(far.KnownHosts)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	at := far.Hosts[0]
	conn, err := ssh.Dial(ctx, ssh.Config{Host: at.Addr, Port: at.Port, User: "root", KeyFiles: []string{far.Key}, KnownHosts: known})
	if err != nil {
		t.Fatal(err)
	}
	s, err := shell.Open(ctx, conn, shell.Options{Become: become})
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

func behind(t *testing.T, l *lab.Lab, link relay.Link) *lab.Linked {
	t.Helper()
	far, err := l.Behind(t.TempDir(), link)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { far.Close() })
	return far
}

func onHost(t *testing.T, h *lab.Host, script string) string {
	t.Helper()
	out, err := h.Run(t.Context(), script)
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return string(out)
}

// TestCutInMidCopy: what had come of a new folder is gone from the host, and
// the message says that it goes; a folder that was there keeps what is its own;
// a single file is not there.
func TestCutInMidCopy(t *testing.T) {
	t.Parallel()
	random := make([]byte, 6<<20) // which nothing compresses
	_, _ = rand.Read(random)      // never fails (crypto/rand)
	src := t.TempDir()
	for i := range 6 {
		write(t, fmt.Sprintf("%s/d%d/f", src, i), string(random[i<<20:][:1<<20]), 0o644)
	}
	one := write(t, t.TempDir()+"/one", string(random), 0o644)
	for _, sh := range []string{"dash", "bash", "busybox"} {
		t.Run(sh, func(t *testing.T) {
			t.Parallel()
			l := labtest.Start(t, lab.Options{N: 1, Shell: sh})
			onHost(t, l.Hosts[0], "mkdir /tmp/old && echo mine >/tmp/old/mine")
			labtest.LeavesNothing(t, l)
			for _, c := range []struct{ src, dest, say string }{
				{src + "/", "/tmp/new/deep/pack", "the host removes the folder that was being filled, /tmp/new"},
				{one, "/tmp/one", "one"},
			} {
				far := behind(t, l, relay.Link{Rate: 4 << 20})
				h := openBehind(t, far, transport.Become{})
				far.Relays["host01"].CutAfter(2 << 20)
				r := h.run(t, "copy", values{"src": c.src, "dest": c.dest})
				if r.Lost == nil || !strings.Contains(r.Msg, c.say) {
					t.Errorf("the result of a cut: %+v", r)
				}
			}
			if got := onHost(t, l.Hosts[0], "cat /tmp/old/mine"); got != "mine\n" {
				t.Errorf("what was there: %q", got)
			}
		})
	}
}

// TestRoundTrip: through copy and back through fetch on real hosts, as root and
// as another account: bytes, modes, owner, links, empty files and folders,
// sparse files, and names of every kind.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	src, files := oddPack(t)
	write(t, src+"/suid", "s", 0o4755)
	if err := os.Chmod(src+"/suid", 0o755|os.ModeSetuid); err != nil {
		t.Fatal(err)
	}
	write(t, src+"/sparse", "", 0o640)
	if err := os.Truncate(src+"/sparse", 5<<20); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(src+"/suid", src+"/hard link"); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("no\nwhere '", src+"/dangling"); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(src+"/-empty folder", 0o755); err != nil {
		t.Fatal(err)
	}
	files["sparse"] = strings.Repeat("\x00", 5<<20)
	for _, sh := range []string{"dash", "bash", "busybox"} {
		for _, as := range []string{"root", "worker"} {
			t.Run(sh+" as "+as, func(t *testing.T) {
				t.Parallel()
				l := labtest.Start(t, lab.Options{N: 1, Shell: sh, Accounts: []lab.Account{{Name: "worker"}}})
				become := transport.Become{}
				if as != "root" {
					if sh == "busybox" {
						t.Skip("busybox has no sudo")
					}
					become.User = as
				}
				h := openBehind(t, behind(t, l, relay.Link{}), become)
				task := values{"src": src + "/", "dest": "/tmp/new/pack", "mode": "preserve", "local_follow": false}
				mustOK(t, h.run(t, "copy", task), true)
				mustOK(t, h.run(t, "copy", task), false)
				stat := onHost(t, l.Hosts[0], "cd /tmp/new/pack && stat -c '%a %U %s' ./suid './hard link' ./sparse && [ -d './-empty folder' ] && readlink dangling")
				want := fmt.Sprintf("4755 %s 1\n4755 %s 1\n640 %s 5242880\n", as, as, as)
				if !strings.HasPrefix(stat, want) || !strings.HasSuffix(stat, "no\nwhere '\n") {
					t.Errorf("on the host:\n%s", stat)
				}
				out := t.TempDir()
				for name, text := range files {
					if text == "" && strings.HasSuffix(name, "/") {
						continue
					}
					mustOK(t, h.run(t, "fetch", values{"src": "/tmp/new/pack/" + name, "dest": out + "/got", "flat": true}), true)
					if got, err := os.ReadFile(filepath.Join(out, "got")); err != nil || string(got) != text {
						t.Errorf("%q came back as %d bytes, want %d, %v", name, len(got), len(text), err)
					}
					if err := os.Remove(out + "/got"); err != nil {
						t.Fatal(err)
					}
				}
			})
		}
	}
}
