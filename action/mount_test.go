package action

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"thordeploy/internal/bundle"
	"thordeploy/transport"
	"thordeploy/transport/local"
	"thordeploy/transport/shell"
)

// nsHost is a host whose programs run in a mount namespace of their own, on
// this machine.
type nsHost struct {
	transport.Conn
	pid    int
	prefix string
}

func (n nsHost) Start(ctx context.Context, line string) (transport.Process, error) {
	if rest, ok := strings.CutPrefix(line, "exec /bin/sh -c "); ok {
		line = "exec " + n.prefix + " -c " + rest
	}
	return n.Conn.Start(ctx, "exec "+transport.Quote("nsenter", "-t", strconv.Itoa(n.pid), "-m", "--", "/bin/sh", "-c", line))
}

// sh runs a script inside the host's namespace, past its session.
func (h *host) sh(t *testing.T, script string) string {
	t.Helper()
	ns, ok := h.Conn().(nsHost)
	if !ok {
		t.Fatal("not a host with a namespace")
	}
	out, err := exec.Command("nsenter", "-t", strconv.Itoa(ns.pid), "-m", "--", "/bin/sh", "-c", script).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return string(out)
}

// eachNamespace runs f once under each shell, in a mount namespace of its own
// with util-linux's mount, and busybox's for busybox.
func eachNamespace(t *testing.T, f func(t *testing.T, h *host)) {
	t.Helper()
	needRoot(t)
	for _, s := range testShells {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			f(t, openNamespace(t, s.name, s.prefix))
		})
	}
}

func openNamespace(t *testing.T, name, prefix string) *host {
	t.Helper()
	dir, err := busyboxDir()
	if err != nil {
		t.Fatal(err)
	}
	prefix = strings.ReplaceAll(prefix, "{busybox}", dir)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	keeper := exec.CommandContext(ctx, "unshare", "-m", "--propagation", "private", "sh", "-c", "echo ready; exec sleep 60")
	out, err := keeper.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := keeper.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = keeper.Wait() })
	if _, err := out.Read(make([]byte, 16)); err != nil {
		t.Fatal(err)
	}
	conn := nsHost{local.Dial(), keeper.Process.Pid, prefix}
	s, err := shell.Open(ctx, conn, shell.Options{Prefix: prefix})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_, _, _ = s.Close(ctx, false)
		_ = conn.Close()
	})
	return &host{Session: s, shell: name}
}

// mountsOn counts the mounts on a path.
func (h *host) mountsOn(t *testing.T, path string) int {
	t.Helper()
	return strings.Count(h.sh(t, "cat /proc/self/mountinfo"), " "+strings.NewReplacer(" ", `\040`, "\n", `\012`, `\`, `\134`).Replace(path)+" ")
}

func withSizes(m map[string]int64) func(*Call) { return func(c *Call) { c.RAMSizes = m } }

func TestMountEphemeral(t *testing.T) {
	t.Parallel()
	eachNamespace(t, func(t *testing.T, h *host) {
		for _, name := range []string{"temp_ram", "with blank", "new\nline", `back\slash\040`, "-x"} {
			at := filepath.Join(t.TempDir(), name)
			sizes := map[string]int64{}
			task := values{"path": at + "/", "fstype": "ramfs", "opts": "size=6M", "state": "ephemeral"}
			mustOK(t, h.run(t, "mount", task, inCheck, withSizes(sizes)), true)
			if _, err := os.Lstat(at); err == nil || len(sizes) > 0 {
				t.Error("check mode did something")
			}
			mustOK(t, h.run(t, "mount", task, withSizes(sizes)), true)
			if n := h.mountsOn(t, at); n != 1 {
				t.Fatalf("%q has %d mounts", at, n)
			}
			if sizes[at] != 6<<20 {
				t.Errorf("the sizes are %v", sizes)
			}
			delete(sizes, at)
			mustOK(t, h.run(t, "mount", task, withSizes(sizes)), false)
			if n := h.mountsOn(t, at); n != 1 || sizes[at] != 6<<20 {
				t.Errorf("the second time: %d mounts, sizes %v", n, sizes)
			}
			task["fstype"] = "tmpfs"
			mustFail(t, h.run(t, "mount", task), at, "ramfs", "unmount it first")
			end := values{"path": at, "remove": true}
			mustOK(t, h.run(t, "unmount", end, inCheck), true)
			mustOK(t, h.run(t, "unmount", end, withSizes(sizes)), true)
			if _, err := os.Lstat(at); err == nil || len(sizes) > 0 || h.mountsOn(t, at) != 0 {
				t.Errorf("after unmount: %v, sizes %v", err, sizes)
			}
			mustOK(t, h.run(t, "unmount", end), false)
		}
	})
}

func TestMountEphemeralRefuses(t *testing.T) {
	t.Parallel()
	eachNamespace(t, func(t *testing.T, h *host) {
		dir, elsewhere := t.TempDir(), t.TempDir()
		if err := os.Symlink(elsewhere, dir+"/link"); err != nil {
			t.Fatal(err)
		}
		ram := func(at string) values {
			return values{"path": at, "fstype": "tmpfs", "opts": "size=1M", "state": "ephemeral"}
		}
		mustFail(t, h.run(t, "mount", ram(dir+"/link")), "symlink")
		mustFail(t, h.run(t, "mount", ram(dir+"/link/sub")), "symlink", elsewhere)
		nothingElse(t, elsewhere)
		if h.mountsOn(t, elsewhere) != 0 {
			t.Error("mounted through a symlink")
		}
		mustFail(t, h.run(t, "mount", ram("relative/path")), "absolute")
		mustFail(t, h.run(t, "mount", ram(write(t, dir+"/file", "", 0o644))), "not a folder")
		mustFail(t, h.run(t, "mount", values{"path": dir + "/x/y", "src": "/no/device", "fstype": "ext4", "state": "ephemeral"}), "/no/device")
		nothingElse(t, dir, "file", "link") // what a failed mount made is gone
		mustFail(t, h.run(t, "mount", values{"path": dir + "/x", "fstype": "ext4", "state": "ephemeral"}), "src is required")
		mustFail(t, h.run(t, "mount", values{"path": dir + "/x", "state": "ephemeral"}), "fstype is required")
		mustFail(t, h.run(t, "mount", values{"path": dir + "/x", "fstype": "ramfs", "opts": "size=much", "state": "ephemeral"}), "size=")
		for _, fstype := range []string{"ramfs", "tmpfs"} {
			huge := values{"path": dir + "/x", "fstype": fstype, "opts": "size=900T", "state": "ephemeral"}
			mustFail(t, h.run(t, "mount", huge), "900.0 TiB", "GiB of memory available", "smaller size")
			huge["opts"] = "size=1000%"
			mustFail(t, h.run(t, "mount", huge), "does not fit")
		}
		nothingElse(t, dir, "file", "link")
	})
}

// TestMountSwapped: somebody who may write above the mount point puts a symlink
// in its place, or in that of a folder above it, between the look and the mount.
// Not under busybox, whose shell runs its own mount, whatever PATH says.
func TestMountSwapped(t *testing.T) {
	t.Parallel()
	needRoot(t)
	for _, s := range testShells {
		if s.name == "busybox" {
			continue
		}
		for name, task := range map[string]values{
			"ram drive": {"fstype": "ramfs", "opts": "size=1M"},
			"bind":      {"fstype": "none", "opts": "bind", "src": t.TempDir()},
		} {
			for _, swapped := range []string{"up/m", "up"} {
				t.Run(s.name+" "+name+" "+swapped, func(t *testing.T) {
					t.Parallel()
					dir, victim, shim := t.TempDir(), t.TempDir(), t.TempDir()
					if err := os.MkdirAll(dir+"/up/m", 0o755); err != nil {
						t.Fatal(err)
					}
					if err := os.Mkdir(victim+"/m", 0o755); err != nil {
						t.Fatal(err)
					}
					path, at := os.Getenv("PATH"), dir+"/"+swapped
					write(t, shim+"/mount", "#!/bin/sh\nPATH='"+path+"'\n[ -L '"+at+"' ] || { mv '"+at+"' '"+dir+"/moved' && ln -s '"+victim+"' '"+at+"'; }\nexec mount \"$@\"\n", 0o755)
					h := openNamespace(t, s.name, "env PATH='"+shim+":"+path+"' "+s.prefix)
					before := h.sh(t, "cat /proc/self/mountinfo")
					task := maps.Clone(task)
					task["path"], task["state"] = dir+"/up/m", "ephemeral"
					mustFail(t, h.run(t, "mount", task), "was replaced")
					if after := h.sh(t, "cat /proc/self/mountinfo"); after != before {
						t.Errorf("a stray mount is left: %s", after)
					}
				})
			}
		}
	}
}

func TestMountBind(t *testing.T) {
	t.Parallel()
	eachNamespace(t, func(t *testing.T, h *host) {
		dir, src := t.TempDir(), t.TempDir()
		task := values{"path": dir + "/m", "src": src, "opts": "bind", "fstype": "none", "state": "ephemeral"}
		mustOK(t, h.run(t, "mount", task), true)
		mustOK(t, h.run(t, "mount", task), false)
		task["src"] = dir
		mustFail(t, h.run(t, "mount", task), "unmount it first")
		mustOK(t, h.run(t, "mount", values{"path": dir + "/m", "state": "unmounted"}), true)
	})
}

func TestUnmount(t *testing.T) {
	t.Parallel()
	eachNamespace(t, func(t *testing.T, h *host) {
		dir := t.TempDir()
		at := dir + "/m"
		mount := "mkdir -p '" + at + "' && mount -t ramfs none '" + at + "'"
		mustOK(t, h.run(t, "mount", values{"path": at, "state": "unmounted"}), false)
		h.sh(t, mount+" && "+mount)
		mustOK(t, h.run(t, "mount", values{"name": at, "state": "unmounted"}), true)
		if h.mountsOn(t, at) != 0 {
			t.Error("of two mounts on the path, one is left")
		}
		nothingElse(t, dir, "m")
		write(t, at+"/mine", "", 0o644)
		mustFail(t, h.run(t, "unmount", values{"path": at, "remove": true}), "removing "+at)
		holds(t, at+"/mine", "", 0o644)
		if err := os.Symlink(at, dir+"/l"); err != nil {
			t.Fatal(err)
		}
		h.sh(t, mount)
		mustFail(t, h.run(t, "unmount", values{"path": dir + "/l", "remove": true}), "symlink")
		mustOK(t, h.run(t, "unmount", values{"path": dir + "/l"}), false)
		if h.mountsOn(t, at) != 1 {
			t.Error("unmounted through a symlink")
		}
	})
}

func TestUnmountBusy(t *testing.T) {
	t.Parallel()
	eachNamespace(t, func(t *testing.T, h *host) {
		at := filepath.Join(t.TempDir(), "m")
		mustOK(t, h.run(t, "mount", values{"path": at, "fstype": "ramfs", "state": "ephemeral"}), true)
		pid := h.hold(t, at, "30")
		mustFail(t, h.run(t, "unmount", values{"path": at, "remove": true}), "busy", "sleep (pid "+pid+")")
		if h.mountsOn(t, at) != 1 {
			t.Error("it was unmounted")
		}
		h.sh(t, "kill "+pid)
		h.hold(t, at, "0.5") // on its way out: waited for
		mustOK(t, h.run(t, "unmount", values{"path": at, "remove": true}), true)
	})
}

// hold starts a program that holds path for some seconds, and gives its id.
func (h *host) hold(t *testing.T, path, seconds string) string {
	t.Helper()
	return strings.TrimSpace(h.sh(t, "cd '"+path+"' && { sleep "+seconds+" >/dev/null 2>&1 & echo $!; }"))
}

func TestMountFstab(t *testing.T) {
	t.Parallel()
	eachNamespace(t, func(t *testing.T, h *host) {
		dir := t.TempDir()
		was := "# comment with /m\t\n\n/dev/sda1  /  ext4\tdefaults 0 1 # odd \xff\nno newline at the end"
		fstab := write(t, dir+"/fstab", was, 0o640)
		at := dir + "/with blank"
		line := "tmpfs " + strings.ReplaceAll(at, " ", `\040`) + " tmpfs size=1M 0 0\n"
		task := func(state string, more ...any) values {
			v := values{"path": at, "src": "tmpfs", "fstype": "tmpfs", "opts": "size=1M", "state": state, "fstab": fstab}
			for i := 0; i < len(more); i += 2 {
				v[fmt.Sprint(more[i])] = more[i+1]
			}
			return v
		}
		mustOK(t, h.run(t, "mount", task("present"), inCheck), true)
		holds(t, fstab, was, 0o640)
		mustOK(t, h.run(t, "mount", task("present")), true)
		holds(t, fstab, was+"\n"+line, 0o640)
		mustOK(t, h.run(t, "mount", task("present")), false)
		if h.mountsOn(t, at) != 0 {
			t.Error("present mounted it")
		}
		mustOK(t, h.run(t, "mount", task("mounted")), true)
		mustOK(t, h.run(t, "mount", task("mounted")), false)
		mustOK(t, h.run(t, "mount", task("mounted", "opts", "size=2M", "backup", true)), true)
		holds(t, fstab, was+"\n"+strings.Replace(line, "1M", "2M", 1), 0o640)
		if got := h.sh(t, "grep -c size=2048k /proc/self/mounts || :"); got != "1\n" {
			t.Errorf("it was not mounted again with the new size: %q", got)
		}
		mustOK(t, h.run(t, "mount", task("remounted", "opts", "size=3M")), true)
		if list, _ := filepath.Glob(fstab + ".*~"); len(list) != 1 {
			t.Errorf("backups: %q", list)
		}
		mustOK(t, h.run(t, "mount", task("absent_from_fstab")), true)
		holds(t, fstab, was+"\n", 0o640)
		if h.mountsOn(t, at) != 1 {
			t.Error("absent_from_fstab unmounted it")
		}
		mustOK(t, h.run(t, "mount", task("present", "boot", false, "dump", "1", "passno", "2")), true)
		holds(t, fstab, was+"\n"+strings.Replace(line, "size=1M 0 0", "size=1M,noauto 1 2", 1), 0o640)
		mustOK(t, h.run(t, "mount", task("absent")), true)
		holds(t, fstab, was+"\n", 0o640)
		if _, err := os.Stat(at); err == nil || h.mountsOn(t, at) != 0 {
			t.Error("absent left the mount or its folder")
		}
		mustOK(t, h.run(t, "mount", task("absent")), false)
		mustFail(t, h.run(t, "mount", task("mounted", "fstype", "ext4", "src", "/no/device")), "/no/device")
		holds(t, fstab, was+"\n", 0o640)
		mustFail(t, h.run(t, "mount", task("remounted")), "not mounted")
		mustFail(t, h.run(t, "mount", task("present", "passno", "x y")), "passno")
	})
}

func TestFstabText(t *testing.T) {
	t.Parallel()
	e := fstabEntry{"tmpfs", "/m", "tmpfs", "defaults", "0", "0"}
	for _, c := range []struct {
		name, text, want string
		changed          bool
	}{
		{"empty", "", "tmpfs /m tmpfs defaults 0 0\n", true},
		{"there, short form", "tmpfs\t/m/ tmpfs\n", "tmpfs\t/m/ tmpfs\n", false},
		{"other options", "a\ntmpfs /m tmpfs ro 0 0\nb", "a\ntmpfs /m tmpfs defaults 0 0\nb", true},
		{"commented out", "#tmpfs /m tmpfs\n", "#tmpfs /m tmpfs\ntmpfs /m tmpfs defaults 0 0\n", true},
		{"CR is kept", "x /y z\r\n", "x /y z\r\ntmpfs /m tmpfs defaults 0 0\n", true},
	} {
		got, changed := setFstab([]byte(c.text), e)
		if string(got) != c.want || changed != c.changed {
			t.Errorf("%s: %q, %v", c.name, got, changed)
		}
	}
}

func FuzzFstab(f *testing.F) {
	f.Add([]byte("# c\n/dev/sda1 / ext4 defaults 0 1\ntmpfs /m tmpfs\n"), "/m", "size=1M")
	f.Add([]byte("x \\040/m\n\n\xff"), "/a b", "ro")
	f.Fuzz(func(t *testing.T, text []byte, point, opts string) {
		if absolute(point) == nil || absolute(point)[0] != point || opts == "" || len(strings.Fields(point+"x")) == 0 || strings.ContainsAny(point+opts, "\v\f\r\u0085\u00a0#\\") || strings.ToValidUTF8(point+opts, "") != point+opts {
			t.Skip("not what a task has")
		}
		e := fstabEntry{"src", point, "tmpfs", opts, "0", "0"}
		once, _ := setFstab(text, e)
		if twice, changed := setFstab(once, e); changed || !bytes.Equal(once, twice) {
			t.Errorf("set twice: %q, then %q", once, twice)
		}
		gone, _ := dropFstab(once, point)
		if _, again := dropFstab(gone, point); again {
			t.Errorf("dropped twice: %q", gone)
		}
	})
}

// TestCopyRoom: what doesn't fit is not begun.
func TestCopyRoom(t *testing.T) {
	t.Parallel()
	src := t.TempDir()
	write(t, src+"/big", strings.Repeat("x", 3<<20), 0o644)
	write(t, src+"/more", strings.Repeat("y", 1<<20), 0o644)
	trees := &bundle.Cache{}
	eachNamespace(t, func(t *testing.T, h *host) {
		dir := t.TempDir()
		sizes := map[string]int64{}
		with := func(c *Call) { c.RAMSizes, c.Trees = sizes, trees }
		ram, small := dir+"/ram", dir+"/small"
		mustOK(t, h.run(t, "mount", values{"path": ram, "fstype": "ramfs", "opts": "size=2M", "state": "ephemeral"}, with), true)
		mustFail(t, h.run(t, "copy", values{"src": src + "/", "dest": ram + "/"}, with), ram, "4.0 MiB", "2.0 MiB", "nothing was sent")
		if got := h.sh(t, "ls -A '"+ram+"'"); got != "" {
			t.Errorf("something was sent: %q", got)
		}
		sizes[ram] = 5 << 20
		mustOK(t, h.run(t, "copy", values{"src": src + "/", "dest": ram + "/"}, with), true)
		if got := h.sh(t, "cat '"+ram+"/big' | wc -c"); strings.TrimSpace(got) != fmt.Sprint(3<<20) {
			t.Errorf("big has %q bytes there", got)
		}
		mustFail(t, h.run(t, "copy", values{"src": src + "/big", "dest": ram + "/again"}, with), "3.0 MiB", "4.0 MiB are in use")
		mustOK(t, h.run(t, "copy", values{"src": src + "/", "dest": ram}, with), false)
		mustOK(t, h.run(t, "mount", values{"path": small, "fstype": "tmpfs", "opts": "size=1M", "state": "ephemeral"}), true)
		mustFail(t, h.run(t, "copy", values{"src": src + "/", "dest": small + "/new"}), "4.0 MiB", "1.0 MiB are free", "nothing was sent")
		if got := h.sh(t, "ls -A '"+small+"'"); got != "" {
			t.Errorf("something was sent: %q", got)
		}
	})
}
