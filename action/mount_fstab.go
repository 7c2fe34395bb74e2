package action

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"path"
	"strings"

	"thordeploy/transport/shell"
)

// fstabEntry is one line of fstab(5).
type fstabEntry struct{ src, point, fstype, opts, dump, passno string }

// fstab brings states that fstab(5) knows about. The file is read first, what
// is mounted is altered next, and fstab is written last, so that a mount that
// fails leaves it as it was.
func (m *mounting) fstab(ctx context.Context, state string) Result {
	look, r := m.half(ctx, "look")
	if r.Failed {
		return m.finish(look, r)
	}
	if look.Values["fstab"] == "" {
		return failed("the host did not say where fstab is", "")
	}
	old := []byte(look.Values["text"])
	var next []byte
	var edited bool
	switch state {
	case "present", "mounted":
		next, edited = setFstab(old, m.entry())
	default:
		next, edited = dropFstab(old, m.path)
	}
	reply, r := m.alongside(ctx, state, look, edited)
	r = m.finish(reply, r)
	if r.Failed || !edited {
		return r
	}
	r.Changed = true
	if m.call.Check {
		return r
	}
	if bad := m.writeFstab(ctx, look, next, &r); bad.Failed {
		return bad
	}
	return r
}

// alongside does what a state asks for besides fstab.
func (m *mounting) alongside(ctx context.Context, state string, look shell.Reply, edited bool) (shell.Reply, Result) {
	mounted := look.Values["count"] != "0"
	switch {
	case state == "absent":
		return m.half(ctx, "detach_rmdir")
	case state != "mounted":
		return look, Result{}
	case !mounted:
		return m.half(ctx, "attach")
	case look.Values["same"] != "1":
		return look, failed(m.path+" already has something else mounted on it", "unmount it first (state: unmounted), or choose another path")
	case edited && m.call.Args.Bool("boot"):
		return m.half(ctx, "remount")
	}
	return look, Result{}
}

func (m *mounting) entry() fstabEntry {
	e := fstabEntry{src: m.src, point: m.path, fstype: m.fstype, opts: m.opts, dump: m.call.Args.Str("dump"), passno: m.call.Args.Str("passno")}
	if e.src == "" {
		e.src = m.fstype // a RAM drive
	}
	if e.opts == "" {
		e.opts = "defaults"
	}
	if !m.call.Args.Bool("boot") && !m.hasOption("noauto") {
		e.opts += ",noauto"
	}
	return e
}

// hasOption reports whether name is among the mount options.
func (m *mounting) hasOption(name string) bool {
	return strings.Contains(","+m.opts+",", ","+name+",")
}

// writeFstab replaces the file as a whole, unless it changed since it was read.
func (m *mounting) writeFstab(ctx context.Context, look shell.Reply, text []byte, r *Result) Result {
	file := look.Values["fstab"]
	var was found
	was.mode = 0o644
	owner := ""
	if at := look.Values["at"]; at != "" {
		was.readAt(at + " - - 0")
		owner = was.uid + ":" + was.gid
		if m.call.Args.Bool("backup") {
			reply, bad := half(ctx, m.call, "copy_attrs", attrArgs(nil, "backup", "-", []string{file})...)
			if bad.Failed {
				return bad
			}
			r.Values["backup_file"] = text8(reply.Values["backup"])
		}
	}
	_, bad := incoming{
		target: file, size: int64(len(text)), mode: was.mode, owner: owner, old: look.Values["sum"],
		write: func(w io.Writer) error { _, err := w.Write(text); return err },
	}.send(ctx, m.call)
	return bad
}

// escapeFstab writes a field as fstab(5) wants blanks in it; unescapeFstab is
// the reverse.
var (
	escapeFstab   = strings.NewReplacer(`\`, `\134`, " ", `\040`, "\t", `\011`, "\n", `\012`).Replace
	unescapeFstab = strings.NewReplacer(`\134`, `\`, `\040`, " ", `\011`, "\t", `\012`, "\n").Replace
)

func (e fstabEntry) line() string {
	f := []string{e.src, e.point, e.fstype, e.opts, e.dump, e.passno}
	for i := range f {
		f[i] = escapeFstab(f[i])
	}
	return strings.Join(f, " ")
}

// readFstabLine reads one line; false for comments and what is no entry.
func readFstabLine(line []byte) (fstabEntry, bool) {
	f := strings.Fields(string(line))
	if len(f) < 3 || strings.HasPrefix(f[0], "#") {
		return fstabEntry{}, false
	}
	for i := range f {
		f[i] = unescapeFstab(f[i])
	}
	f = append(f, []string{"defaults", "0", "0"}[min(max(len(f)-3, 0), 3):]...)
	return fstabEntry{f[0], path.Clean(f[1]), f[2], f[3], f[4], f[5]}, true
}

// setFstab replaces the first line of want's mount point, or appends one. All
// other lines stay as they are, byte for byte.
func setFstab(text []byte, want fstabEntry) ([]byte, bool) {
	var out []byte
	done := false
	for line := range bytes.Lines(text) {
		e, ok := readFstabLine(line)
		switch {
		case done || !ok || e.point != want.point:
			out = append(out, line...)
		case e == want:
			return text, false
		default:
			done = true
			out = append(out, want.line()+"\n"...)
		}
	}
	if !done {
		if len(out) > 0 && out[len(out)-1] != '\n' {
			out = append(out, '\n')
		}
		out = append(out, want.line()+"\n"...)
	}
	return out, true
}

// dropFstab takes every line of a mount point out.
func dropFstab(text []byte, point string) ([]byte, bool) {
	var out []byte
	dropped := false
	for line := range bytes.Lines(text) {
		if e, ok := readFstabLine(line); ok && e.point == point {
			dropped = true
			continue
		}
		out = append(out, line...)
	}
	if !dropped {
		return text, false
	}
	return out, true
}

// checkFstab refuses what would break the file's form.
func (m *mounting) checkFstab() error {
	for _, f := range []struct{ name, value string }{{"dump", m.call.Args.Str("dump")}, {"passno", m.call.Args.Str("passno")}} {
		if strings.Trim(f.value, "0123456789") != "" || f.value == "" {
			return fmt.Errorf("%s must be a number: %q", f.name, shorten(f.value))
		}
	}
	return nil
}
