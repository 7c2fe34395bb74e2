package action

import (
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"thordeploy/transport"
)

func TestFetch(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, h *host) {
		book, remote := t.TempDir(), t.TempDir()
		in := func(c *Call) { c.Local.Playbook = book }
		text := "line\n\x00\xff" + strings.Repeat("x", 1<<20)
		src := write(t, remote+"/-a log\n", text, 0o600)
		want := filepath.Join(book, "out", "host01", src)
		r := h.run(t, "fetch", values{"src": src, "dest": "out"}, in, inCheck)
		if !r.Skipped {
			t.Errorf("in check mode: %+v", r)
		}
		r = mustOK(t, h.run(t, "fetch", values{"src": src, "dest": "out"}, in), true)
		holds(t, want, text, 0o600) // as on the host
		if r.Values["dest"] != want || r.Values["checksum"] == nil || r.Values["checksum"] != r.Values["remote_checksum"] {
			t.Errorf("values %v", r.Values)
		}
		again := mustOK(t, h.run(t, "fetch", values{"src": src, "dest": "out"}, in), false)
		if again.Values["checksum"] != r.Values["checksum"] {
			t.Errorf("values %v", again.Values)
		}
		md5sum := fmt.Sprintf("%x", md5.Sum([]byte(text)))
		if r.Values["md5sum"] != md5sum || again.Values["md5sum"] != md5sum {
			t.Errorf("md5sum %v, then %v, want %s", r.Values["md5sum"], again.Values["md5sum"], md5sum)
		}
		nothingElse(t, filepath.Dir(want), "-a log\n")
		write(t, src, "", 0o600)
		mustOK(t, h.run(t, "fetch", values{"src": src, "dest": "out"}, in), true)
		holds(t, want, "", 0o600)
	})
}

func TestFetchFlat(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, h *host) {
		book, remote := t.TempDir(), t.TempDir()
		in := func(c *Call) { c.Local.Playbook = book + "/plays" }
		src := write(t, remote+"/thor.txt", "found", 0o644)
		flat := func(dest string) Result { return h.run(t, "fetch", values{"src": src, "dest": dest, "flat": true}, in) }
		mustOK(t, flat("../out/host01/report.txt"), true)
		holds(t, book+"/out/host01/report.txt", "found", 0o644)
		mustOK(t, flat(book+"/dir/"), true)
		holds(t, book+"/dir/thor.txt", "found", 0o644)
		mustFail(t, flat(book+"/dir"), "is a folder", "end it with /")
		write(t, book+"/private", "old", 0o600)
		mustOK(t, flat(book+"/private"), true)
		holds(t, book+"/private", "found", 0o600)
		nothingElse(t, book, "dir", "out", "private")
	})
}

func TestFetchWhatIsNotAFile(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, h *host) {
		book, remote := t.TempDir(), t.TempDir()
		in := func(c *Call) { c.Local.Playbook = book }
		mustFail(t, h.run(t, "fetch", values{"src": remote + "/none", "dest": "out"}, in), "does not exist", remote+"/none")
		r := mustOK(t, h.run(t, "fetch", values{"src": remote + "/none", "dest": "out", "fail_on_missing": false}, in), false)
		if !strings.Contains(r.Msg, "does not exist") {
			t.Errorf("it says %q", r.Msg)
		}
		mustFail(t, h.run(t, "fetch", values{"src": remote, "dest": "out"}, in), "folder")
		if out, err := exec.Command("mkfifo", remote+"/pipe").CombinedOutput(); err != nil {
			t.Fatal(string(out), err)
		}
		mustFail(t, h.run(t, "fetch", values{"src": remote + "/pipe", "dest": "out"}, in), "regular file")
		for _, src := range []string{remote, remote + "/pipe"} { // as for any reason why it can't be fetched
			mustOK(t, h.run(t, "fetch", values{"src": src, "dest": "out", "fail_on_missing": false}, in), false)
		}
		mustFail(t, h.run(t, "fetch", values{"src": "", "dest": "out"}, in), "empty")
		nothingElse(t, book)
	})
}

// TestFetchModes: what is private on the host is private here, whatever the
// umask; nothing comes as a program; what was here keeps its mode.
func TestFetchModes(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, h *host) {
		book, remote := t.TempDir(), t.TempDir()
		in := func(c *Call) { c.Local.Playbook = book }
		for mode, want := range map[os.FileMode]os.FileMode{0o600: 0o600, 0o400: 0o600, 0o640: 0o640, 0o4755: 0o644, 0o666: 0o644} {
			name := fmt.Sprintf("%o", mode)
			write(t, remote+"/"+name, name, fileMode(uint32(mode)))
			mustOK(t, h.run(t, "fetch", values{"src": remote + "/" + name, "dest": "out/", "flat": true}, in), true)
			holds(t, book+"/out/"+name, name, want)
		}
		write(t, book+"/out/600", "older", 0o644)
		mustOK(t, h.run(t, "fetch", values{"src": remote + "/600", "dest": "out/", "flat": true}, in), true)
		hasMode(t, book+"/out/600", 0o644)
	})
}

// TestFetchHome: ~ is the account's home on the host, and the file still ends
// below dest/HOST.
func TestFetchHome(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	write(t, home+"/logs/x", "mine", 0o644)
	for _, s := range testShells {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			h := openHost(t, s.name, "env HOME="+home+" "+strings.TrimPrefix(s.prefix, "env "))
			book := t.TempDir()
			in := func(c *Call) { c.Local.Playbook = book }
			mustOK(t, h.run(t, "fetch", values{"src": "~/logs/x", "dest": "out"}, in), true)
			holds(t, filepath.Join(book, "out/host01", home, "logs/x"), "mine", 0o644)
			mustOK(t, h.run(t, "fetch", values{"src": "~/logs/x", "dest": "out"}, in), false)
			mustOK(t, h.run(t, "fetch", values{"src": "~/logs/x", "dest": book + "/f", "flat": true}), true)
			holds(t, book+"/f", "mine", 0o644)
		})
	}
}

// TestFetchRelative: a relative src starts from the account's home on the host,
// and its place here is as the task has it.
func TestFetchRelative(t *testing.T) {
	t.Parallel()
	home, err := os.UserHomeDir()
	if err != nil {
		t.Fatal(err)
	}
	eachShell(t, func(t *testing.T, h *host) {
		book := t.TempDir()
		src, err := filepath.Rel(home, write(t, t.TempDir()+"/logs/x", "mine", 0o644))
		if err != nil {
			t.Fatal(err)
		}
		task := values{"src": src, "dest": "out"}
		in := func(c *Call) { c.Local.Playbook = book }
		mustOK(t, h.run(t, "fetch", task, in), true)
		holds(t, filepath.Join(book, "out/host01", filepath.Clean("/"+src)), "mine", 0o644)
		mustOK(t, h.run(t, "fetch", task, in), false)
	})
}

// TestFetchStaysBelowDest: neither the host's name nor src climb out.
func TestFetchStaysBelowDest(t *testing.T) {
	t.Parallel()
	h := openHost(t, "dash", "dash")
	book := t.TempDir()
	src := write(t, t.TempDir()+"/f", "x", 0o644)
	for _, name := range []string{"../../evil", "..", ".", "a/b", ""} {
		r := h.run(t, "fetch", values{"src": src, "dest": "out"}, func(c *Call) { c.Local.Playbook, c.Host = book, name })
		mustFail(t, r, "local path")
	}
	nothingElse(t, book)
	climb := "/.." + filepath.Dir(src) + "/../" + filepath.Base(filepath.Dir(src)) + "/f"
	mustOK(t, h.run(t, "fetch", values{"src": climb, "dest": "out"}, func(c *Call) { c.Local.Playbook = book }), true)
	holds(t, filepath.Join(book, "out/host01", src), "x", 0o644)
	nothingElse(t, book, "out")
}

// lying is a host whose streams answer what a test says.
type lying struct {
	transport.Conn
	answer string
}

func (l lying) Start(ctx context.Context, line string) (transport.Process, error) {
	if strings.Contains(line, "fetch.sh") {
		line = "printf " + transport.Quote(l.answer) + "; cat >/dev/null"
	}
	return l.Conn.Start(ctx, line)
}

// TestFetchFromALyingHost: what a host sends chooses no path and is not
// believed.
func TestFetchFromALyingHost(t *testing.T) {
	t.Parallel()
	hex := func(s string) string { return fmt.Sprintf("%x", s) }
	sum := "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881" // of x
	for _, c := range []struct{ name, src, answer, say string }{
		{"another path", "~/f", "file 1 sha256sum " + sum + " 644 " + hex("/../../etc/passwd") + `\nx`, "can't be"},
		{"a path that climbs", "~/f", "file 1 sha256sum " + sum + " 644 " + hex("/home/../../../f") + `\nx`, "can't be"},
		{"wrong digest", "/f", "file 1 sha256sum " + sum + " 644 " + hex("/f") + `\ny`, "digest"},
		{"fewer bytes", "/f", "file 5 sha256sum " + sum + " 644 " + hex("/f") + `\nx`, "1 bytes of 5 bytes"},
		{"more bytes", "/f", "file 1 sha256sum " + sum + " 644 " + hex("/f") + `\nxyz`, "of 1 bytes"},
		{"no header", "/f", `\n`, "header"},
		{"an endless header", "/f", strings.Repeat("a", 100<<10), "header"},
		{"a negative size", "/f", "file -1 none - 644 " + hex("/f") + `\n`, "size"},
		{"nothing", "/f", "", "exit status"},
		{"NUL in the path", "~/f", "file 1 none - 644 2f00 " + `\nx`, "header"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			book := t.TempDir()
			h := openOver(t, func(conn transport.Conn) transport.Conn { return lying{conn, c.answer} })
			r := h.run(t, "fetch", values{"src": c.src, "dest": book + "/out/"}, func(c *Call) { c.Local.Playbook = book })
			mustFail(t, r, c.say)
			_ = filepath.WalkDir(book, func(p string, d os.DirEntry, err error) error {
				if err == nil && !d.IsDir() {
					t.Errorf("%s was left", p)
				}
				return nil
			})
		})
	}
}

// TestFetchToAFullDisk: the task fails with a clear message, the temporary
// file is gone, and the host goes on.
func TestFetchToAFullDisk(t *testing.T) {
	t.Parallel()
	needRoot(t)
	small := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", small).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Cleanup(func() { _ = exec.Command("umount", small).Run() })
	src := write(t, t.TempDir()+"/f", strings.Repeat("x", 1<<20), 0o644)
	h := openHost(t, "dash", "dash")
	r := h.run(t, "fetch", values{"src": src, "dest": small + "/", "flat": true, "max": "10M"})
	mustFail(t, r, "no space left", small)
	if r.Lost != nil {
		t.Error("the host counts as lost")
	}
	nothingElse(t, small)
	mustOK(t, h.run(t, "ping", values{}), false)
}

func TestFetchTimesOut(t *testing.T) {
	t.Parallel()
	h := openOver(t, func(conn transport.Conn) transport.Conn { return hanging{conn} })
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	book := t.TempDir()
	r := h.runContext(ctx, t, "fetch", values{"src": "/f", "dest": book + "/"})
	if !r.TimedOut || !r.Failed {
		t.Errorf("result %+v", r)
	}
	nothingElse(t, book)
}

// hanging is a host whose streams never answer.
type hanging struct{ transport.Conn }

func (h hanging) Start(ctx context.Context, line string) (transport.Process, error) {
	if strings.Contains(line, ".sh") {
		line = "exec sleep 30"
	}
	return h.Conn.Start(ctx, line)
}

// TestStreamHalfReportsTheWriter: an error of our own while sending is told,
// with the half's end.
func TestStreamHalfReportsTheWriter(t *testing.T) {
	t.Parallel()
	h := openHost(t, "dash", "dash")
	in := incoming{target: t.TempDir() + "/f", size: 3, mode: 0o644, write: func(io.Writer) error { return errors.New("it became shorter") }}
	_, r := in.send(t.Context(), &Call{Shell: h.Session})
	mustFail(t, r, "did not come whole", "it became shorter")
	nothingElse(t, filepath.Dir(in.target))
}
