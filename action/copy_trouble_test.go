package action

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"thordeploy/transport"
)

// TestCopyRoundTrips: one look and one stream, and one look where nothing is
// to be done.
func TestCopyRoundTrips(t *testing.T) {
	t.Parallel()
	src, _ := oddPack(t)
	one := write(t, t.TempDir()+"/f", "x", 0o644)
	h := openHost(t, "dash", "dash")
	dir := t.TempDir()
	for _, c := range []struct {
		task         values
		first, again int
	}{
		{values{"src": src + "/", "dest": dir + "/tree"}, 2, 1},
		{values{"src": one, "dest": dir + "/one", "mode": "0600"}, 2, 1},
		{values{"content": "x", "dest": dir + "/content"}, 2, 1},
	} {
		h.trips.take()
		mustOK(t, h.run(t, "copy", c.task), true)
		if n := h.trips.take(); n != c.first {
			t.Errorf("%v took %d round trips, want %d", c.task, n, c.first)
		}
		mustOK(t, h.run(t, "copy", c.task), false)
		if n := h.trips.take(); n != c.again {
			t.Errorf("%v again took %d round trips, want %d", c.task, n, c.again)
		}
	}
}

// TestCopyWithoutTar: file by file, and the result says so.
func TestCopyWithoutTar(t *testing.T) {
	t.Parallel()
	src, files := oddPack(t)
	path := toolsWithout(t, "tar")
	h := openHost(t, "dash", "env PATH="+path+" /bin/dash")
	dest := filepath.Join(t.TempDir(), "a", "b")
	task := values{"src": src + "/", "dest": dest}
	r := mustOK(t, h.run(t, "copy", task), true)
	if !strings.Contains(r.Msg, "SFTP") {
		t.Errorf("the result says %q", r.Msg)
	}
	for name, text := range files {
		holds(t, filepath.Join(dest, name), text, 0o644)
	}
	hasMode(t, filepath.Join(dest, "thor64"), 0o755)
	outside := write(t, t.TempDir()+"/outside", "stays", 0o644)
	if err := os.Remove(dest + "/with space"); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, dest+"/with space"); err != nil {
		t.Fatal(err)
	}
	mustOK(t, h.run(t, "copy", task), true)
	holds(t, outside, "stays", 0o644)
	holds(t, dest+"/with space", "1", 0o644)
	mustOK(t, h.run(t, "copy", task), false)
}

// noFiles is a host without a file service for the account.
type noFiles struct{ transport.Conn }

func (noFiles) Files(context.Context) (transport.Files, error) {
	return nil, &transport.Error{Phase: transport.PhaseChannel, Err: errors.New("no SFTP")}
}

// TestCopyWithoutTarAndSFTP: one by one, symlinks and folders included.
func TestCopyWithoutTarAndSFTP(t *testing.T) {
	t.Parallel()
	src, files := oddPack(t)
	if err := os.Symlink("thor64", src+"/sym"); err != nil {
		t.Fatal(err)
	}
	h := openHostOver(t, "dash", "env PATH="+toolsWithout(t, "tar")+" /bin/dash", func(c transport.Conn) transport.Conn { return noFiles{c} })
	dest := filepath.Join(t.TempDir(), "a", "b")
	task := values{"src": src + "/", "dest": dest, "local_follow": false, "directory_mode": "0750"}
	r := mustOK(t, h.run(t, "copy", task), true)
	if !strings.Contains(r.Msg, "file by file, since") {
		t.Errorf("the result says %q", r.Msg)
	}
	for name, text := range files {
		holds(t, filepath.Join(dest, name), text, 0o644)
	}
	hasMode(t, filepath.Join(dest, "thor64"), 0o755)
	hasMode(t, filepath.Dir(dest), 0o750)
	if to, err := os.Readlink(dest + "/sym"); to != "thor64" {
		t.Errorf("sym: %q, %v", to, err)
	}
	mustOK(t, h.run(t, "copy", task), false)
}

// TestCopyToATroubledDisk: the host's own words are in the message.
func TestCopyToATroubledDisk(t *testing.T) {
	t.Parallel()
	src := t.TempDir()
	for _, n := range []string{"a", "b", "c", "d", "e", "f"} {
		write(t, filepath.Join(src, n), n, 0o644)
	}
	eachNamespace(t, func(t *testing.T, h *host) {
		full, readonly := t.TempDir(), t.TempDir()
		h.sh(t, "mount -t tmpfs -o nr_inodes=4 tmpfs '"+full+"' && mount -t tmpfs -o ro tmpfs '"+readonly+"'")
		// What came half is removed again, and that is said.
		mustFail(t, h.run(t, "copy", values{"src": src + "/", "dest": full}), full, "No space left", "make room", "what had come was removed")
		mustFail(t, h.run(t, "copy", values{"src": src + "/", "dest": full + "/in/deep"}), full, "what had come was removed")
		h.sh(t, "[ -z \"$(ls -A '"+full+"')\" ]")
		// A file that is to be replaced may be cut short, others are none of ours.
		h.sh(t, "echo old >'"+full+"/a' && echo mine >'"+full+"/mine'")
		mustFail(t, h.run(t, "copy", values{"src": src + "/", "dest": full}), "a file that was to be replaced may be incomplete")
		h.sh(t, "[ \"$(ls -A '"+full+"' | tr '\\n' ' ')\" = 'a mine ' ] && echo 3 >'"+full+"/third'")
		mustFail(t, h.run(t, "copy", values{"content": "x", "dest": full + "/file"}), full+"/file", "No space left", "make room")
		mustFail(t, h.run(t, "copy", values{"src": src + "/", "dest": readonly}), "Read-only", "another")
		mustFail(t, h.run(t, "copy", values{"content": "x", "dest": readonly + "/file"}), "Read-only", "another")
	})
}

// TestCopyFileIsWholeOrNotThere: when the stream ends early, what was there
// stays, and nothing half.
func TestCopyFileIsWholeOrNotThere(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, h *host) {
		dir := t.TempDir()
		f := write(t, dir+"/f", "old", 0o644)
		for _, target := range []string{f, dir + "/new"} {
			in := incoming{target: target, size: 1 << 20, mode: 0o644, write: func(w io.Writer) error {
				_, err := w.Write(make([]byte, 1000))
				return errors.Join(err, errors.New("cut off"))
			}}
			_, r := in.send(t.Context(), &Call{Shell: h.Session})
			mustFail(t, r, "whole", "cut off")
		}
		holds(t, f, "old", 0o644)
		nothingElse(t, dir, "f")
		in := incoming{target: f, size: 1, mode: 0o644, old: "1 2", write: func(w io.Writer) error { _, err := w.Write([]byte("x")); return err }}
		_, r := in.send(t.Context(), &Call{Shell: h.Session})
		mustFail(t, r, "somebody else")
		holds(t, f, "old", 0o644)
		nothingElse(t, dir, "f")
	})
}

// stuck is a host that takes no more of a stream than its buffers hold.
type stuck struct{ transport.Conn }

func (s stuck) Start(ctx context.Context, line string) (transport.Process, error) {
	if strings.Contains(line, "unpack") {
		line = "exec sleep 30"
	}
	return s.Conn.Start(ctx, line)
}

func TestCopyTimesOut(t *testing.T) {
	t.Parallel()
	src := t.TempDir()
	write(t, src+"/big", strings.Repeat("x", 4<<20), 0o644)
	h := openOver(t, func(conn transport.Conn) transport.Conn { return stuck{conn} })
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	r := h.runContext(ctx, t, "copy", values{"src": src + "/", "dest": t.TempDir()})
	if !r.TimedOut || !r.Failed {
		t.Errorf("result %+v", r)
	}
}

// dying is a host that is lost while it gets a stream.
type dying struct{ transport.Conn }

func (d dying) Start(ctx context.Context, line string) (transport.Process, error) {
	p, err := d.Conn.Start(ctx, line)
	if err == nil && strings.Contains(line, "unpack") {
		return lostProcess{p}, nil
	}
	return p, err
}

type lostProcess struct{ transport.Process }

func (l lostProcess) Wait() (transport.Exit, error) {
	_, _ = l.Process.Wait()
	return transport.Exit{}, &transport.Error{Phase: transport.PhaseLost, Err: errors.New("connection reset")}
}

func TestCopyToAHostThatDies(t *testing.T) {
	t.Parallel()
	src := t.TempDir()
	write(t, src+"/f", "x", 0o644)
	h := openOver(t, func(conn transport.Conn) transport.Conn { return dying{conn} })
	r := h.run(t, "copy", values{"src": src + "/", "dest": t.TempDir()})
	var lost *transport.Error
	if !r.Failed || !errors.As(r.Lost, &lost) || lost.Phase != transport.PhaseLost {
		t.Errorf("result %+v", r)
	}
}

// toolsWithout is a folder with busybox's programs except some.
func toolsWithout(t *testing.T, names ...string) string {
	t.Helper()
	tools, err := busyboxDir()
	if err != nil {
		t.Fatal(err)
	}
	list, err := os.ReadDir(tools)
	if err != nil {
		t.Fatal(err)
	}
	path := t.TempDir()
	for _, d := range list {
		if slices.Contains(names, d.Name()) {
			continue
		}
		if err := os.Symlink(filepath.Join(tools, d.Name()), filepath.Join(path, d.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// TestLesserDigests: where sha256sum is missing the next best is used, on both
// sides, and without any of them files are always sent.
func TestLesserDigests(t *testing.T) {
	t.Parallel()
	src := t.TempDir()
	write(t, src+"/f", "text", 0o644)
	write(t, src+"/g", "more", 0o644)
	for _, c := range []struct {
		name    string
		lacks   []string
		changed bool
	}{
		{"sha1", []string{"sha256sum"}, false},
		{"md5", []string{"sha256sum", "sha1sum"}, false},
		{"none", []string{"sha256sum", "sha1sum", "md5sum"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := openHost(t, "dash", "env PATH="+toolsWithout(t, c.lacks...)+" /bin/dash")
			dest := t.TempDir()
			task := values{"src": src + "/", "dest": dest}
			mustOK(t, h.run(t, "copy", task), true)
			mustOK(t, h.run(t, "copy", task), c.changed)
			write(t, dest+"/g", "MORE", 0o644)
			mustOK(t, h.run(t, "copy", task), true)
			holds(t, dest+"/g", "more", 0o644)
			one := values{"src": src + "/f", "dest": dest + "/one"}
			mustOK(t, h.run(t, "copy", one), true)
			mustOK(t, h.run(t, "copy", one), c.changed)
			out := t.TempDir()
			get := values{"src": dest + "/g", "dest": out + "/", "flat": true}
			mustOK(t, h.run(t, "fetch", get), true)
			mustOK(t, h.run(t, "fetch", get), false)
			holds(t, out+"/g", "more", 0o644)
		})
	}
}

// TestHomeOnTheHost: ~ in a path is the target account's.
func TestHomeOnTheHost(t *testing.T) {
	t.Parallel()
	src := t.TempDir()
	write(t, src+"/f", "x", 0o644)
	for _, s := range testShells {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			home := t.TempDir()
			h := openHost(t, s.name, "env HOME="+home+" "+strings.TrimPrefix(s.prefix, "env "))
			mustOK(t, h.run(t, "copy", values{"src": src + "/", "dest": "~/tree"}), true)
			holds(t, home+"/tree/f", "x", 0o644)
			mustOK(t, h.run(t, "copy", values{"content": "y", "dest": "~/one"}), true)
			holds(t, home+"/one", "y", 0o644)
			mustOK(t, h.run(t, "copy", values{"src": "~/one", "dest": "~/two", "remote_src": true}), true)
			holds(t, home+"/two", "y", 0o644)
			mustOK(t, h.run(t, "file", values{"path": "~/one", "state": "absent"}), true)
			mustOK(t, h.run(t, "mkdir", values{"path": "~/d"}), true)
			nothingElse(t, home, "d", "tree", "two")
		})
	}
}

// TestCopyLeavesSpecialFiles: a named pipe in the way is neither read, which
// would block, nor replaced.
func TestCopyLeavesSpecialFiles(t *testing.T) {
	t.Parallel()
	src := t.TempDir()
	write(t, src+"/p", "x", 0o644)
	write(t, src+"/q", "x", 0o644)
	eachShell(t, func(t *testing.T, h *host) {
		dir := t.TempDir()
		write(t, dir+"/q", "y", 0o644)
		if err := syscall.Mkfifo(dir+"/p", 0o600); err != nil {
			t.Fatal(err)
		}
		mustFail(t, h.run(t, "copy", values{"src": src + "/", "dest": dir}), dir+"/p", "special file")
		mustFail(t, h.run(t, "copy", values{"content": "x", "dest": dir + "/p"}), dir+"/p", "not a file")
		holds(t, dir+"/q", "y", 0o644)
	})
}
