package action

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"thordeploy/internal/bundle"
	"thordeploy/transport"
)

// unarchiveSpec is ansible.builtin.unarchive. The archive is read here, also
// where it lies on the host, so that each member is known before one is
// written; what differs goes to the host as one tar stream.
func unarchiveSpec() *Spec {
	return &Spec{
		Name: "unarchive",
		Params: []Param{
			{Name: "src", Type: Path, Required: true, Doc: "local archive: tar, alone or compressed with gzip, bzip2, xz or zstd, or zip; looked up in files/"},
			{Name: "dest", Type: Path, Required: true, Doc: "folder on the host to unpack it in; it must be there"},
			{Name: "remote_src", Type: Bool, Default: false, Doc: "src is on the host; it is read from there"},
			{Name: "copy", Type: Bool, Doc: "old word for remote_src's opposite"},
			{Name: "creates", Type: Path, Doc: "a path or glob; where it exists already, nothing is done"},
			{Name: "list_files", Type: Bool, Default: false, Doc: "return the members' names as files"},
			{Name: "exclude", Type: List, Default: []any{}, Doc: "members to leave out, by name or glob; a folder's name leaves out what is in it"},
			{Name: "include", Type: List, Default: []any{}, Doc: "members to unpack, by name or glob; without it all"},
			{Name: "keep_newer", Type: Bool, Default: false, Doc: "don't replace files that are newer than the archive's"},
			{Name: "extra_opts", Type: List, Default: []any{}, Doc: "of tar's options --strip-components=N, --no-same-owner and those that change nothing here"},
			{Name: "mode", Type: Mode, Doc: "permissions of all that is unpacked; without it the archive's"},
			{Name: "owner", Type: String, Doc: "account that owns it; without it, for root, the archive's"},
			{Name: "group", Type: String, Doc: "group that owns it"},
			{Name: "validate_certs", Type: Bool, Default: true, Doc: "accepted"},
			{Name: "decrypt", Type: Bool, Default: true, Doc: "accepted"},
			{Name: "io_buffer_size", Type: Int, Doc: "accepted"},
			{Name: "unsafe_writes", Type: Bool, Default: false, Doc: "accepted"},
		},
		Exclusive: [][]string{{"copy", "remote_src"}, {"include", "exclude"}},
		Doc:       "Unpack an archive on the host. A member with an absolute name, with .. or with a link that leads outside is refused before anything is written.",
		Run:       runUnarchive,
	}
}

// unpacking is one archive for one host.
type unpacking struct {
	call      *Call
	archive   *bundle.Archive
	members   []bundle.Member // those wanted, under the names they get
	original  map[string]string
	strip     int
	sameOwner bool
	src       string // for messages
	p         *probe
	plan      map[string]step
	changed   bool
}

func runUnarchive(ctx context.Context, c *Call) Result {
	u := &unpacking{call: c, sameOwner: true, src: c.Args.Str("src"), plan: map[string]step{}}
	if err := u.options(c.Args.List("extra_opts")); err != nil {
		return failed(err.Error(), hintOf(err))
	}
	if creates := c.Args.Str("creates"); creates != "" {
		reply, r := half(ctx, c, "matches", "", creates, "")
		switch {
		case r.Failed:
			return r
		case isYes(reply.Values["creates"]):
			return Result{Skipped: true, Msg: fmt.Sprintf("skipped, since %s exists", creates)}
		}
	}
	if c.Check && u.remote() {
		return Result{Skipped: true, Msg: "not unpacked in check mode: the archive is on the host"}
	}
	file, done, r := u.local(ctx)
	defer done()
	if r.Failed {
		return r
	}
	var err error
	if u.remote() {
		u.archive, err = bundle.ReadArchive(file)
	} else {
		u.archive, err = c.Trees.Archives.Open(file)
	}
	if err != nil {
		return unreadable(u.src, err)
	}
	if err := u.choose(); err != nil {
		return failed(err.Error(), hintOf(err))
	}
	return u.unpack(ctx)
}

// remote reports an archive that is on the host.
func (u *unpacking) remote() bool {
	a := u.call.Args
	return a.Bool("remote_src") || a.Has("copy") && !a.Bool("copy")
}

// unreadable is the Result of an archive that can't be, or must not be,
// unpacked.
func unreadable(src string, err error) Result {
	var hostile *bundle.HostileError
	if errors.As(err, &hostile) {
		return failed(fmt.Sprintf("%s: %s", src, text8(err.Error())), "nothing was written; look at who made the archive, and pack it anew if it is to be trusted")
	}
	return failed(fmt.Sprintf("Failed to find handler for %q: %v", src, err), "tar, tar.gz, tar.bz2, tar.xz, tar.zst and zip can be unpacked")
}

// local gives the archive as a file here; done removes one that was brought.
func (u *unpacking) local(ctx context.Context) (file string, done func(), r Result) {
	done = func() {}
	c := u.call
	if u.remote() {
		return u.bring(ctx)
	}
	at, err := c.Local.find(u.src, "files")
	if err != nil {
		hint := ""
		if errors.Is(err, fs.ErrNotExist) {
			hint = "put the archive there, or set remote_src: true if it is on the host"
		}
		return "", done, failed(strings.TrimSuffix(err.Error(), ": "+fs.ErrNotExist.Error()), hint)
	}
	if info, err := os.Stat(at); err != nil || !info.Mode().IsRegular() {
		return "", done, failed(fmt.Sprintf("%s is not a file", at), "")
	}
	u.src = at
	return at, done, Result{}
}

// bring reads an archive of the host into a private file here.
func (u *unpacking) bring(ctx context.Context) (file string, done func(), r Result) {
	done = func() {}
	if strings.Contains(u.src, "://") {
		return "", done, failed("an address as src is not done", "download it with get_url first")
	}
	temp, err := os.CreateTemp("", "thordeploy-")
	if err != nil {
		return "", done, failed("reading the archive: "+err.Error(), "")
	}
	done = func() { _ = errors.Join(temp.Close(), os.Remove(temp.Name())) }
	s, err := slurpTo(ctx, u.call, u.src, temp)
	switch {
	case err != nil:
		return "", done, broken(err)
	case s.word == "missing":
		return "", done, failed(fmt.Sprintf("Source '%s' does not exist", s.path), "without remote_src, src is a file here")
	case s.word != "file":
		return "", done, failed(fmt.Sprintf("Source '%s' not readable, or no file", s.path), "run the task with become: true, as an account that may read it")
	}
	u.src = s.path
	return temp.Name(), done, Result{}
}

// slurpTo is slurp for a file of any size.
func slurpTo(ctx context.Context, c *Call, src string, w io.Writer) (slurped, error) {
	return slurpStream(ctx, c, src, "-1", func(_ *slurped, r io.Reader) error {
		_, err := io.Copy(w, r)
		return err
	})
}

// unpack looks at what is there, and sends what differs.
func (u *unpacking) unpack(ctx context.Context) Result {
	a := u.call.Args
	if r := u.look(ctx); r.Failed {
		return r
	}
	if a.Bool("keep_newer") {
		if r := u.dropNewer(ctx); r.Failed {
			return r
		}
	}
	r := Result{Changed: u.changed, Values: map[string]any{
		"dest": text8(u.p.base), "src": u.src, "state": "directory", "handler": handlers[u.archive.Format],
	}}
	if a.Bool("list_files") {
		files := []any{}
		for _, m := range u.members {
			name := m.Path
			if m.Mode.IsDir() {
				name += "/"
			}
			files = append(files, name)
		}
		r.Values["files"] = files
	}
	if u.call.Check || !r.Changed {
		return r
	}
	if bad := u.send(ctx); bad.Failed {
		return bad
	}
	return r
}

// handlers are Ansible's names for what unpacks a format.
var handlers = map[string]string{
	"tar": "TarArchive", "tgz": "TgzArchive", "tbz": "TarBzipArchive", "txz": "TarXzArchive", "tzst": "TarZstdArchive", "zip": "ZipArchive",
}

// unpackTar is run with the folder as $1 and tar's words after it.
const unpackTar = `cd -- "$1"&&shift&&exec tar "$@"`

// send streams the members that the plan wants.
func (u *unpacking) send(ctx context.Context) Result {
	cp := &copying{call: u.call, dest: u.p.base, owner: ownerAndGroup(u.call.Args)}
	var need int64
	for _, m := range u.members {
		if u.plan[m.Path].send && m.Mode.IsRegular() {
			need += m.Size
		}
	}
	cp.ram, cp.ramSize = ramDrive(u.call.RAMSizes, u.p.base)
	if err := cp.room(u.p, need); err != nil {
		return failed(err.Error(), hintOf(err))
	}
	if !u.p.tar {
		return failed("the host has no tar to unpack with", "install tar or busybox on it")
	}
	flags := "-xpf"
	if !u.sameOwner || u.archive.Format == "zip" {
		flags = "-xopf"
	}
	line := "exec " + transport.Quote("/bin/sh", "-c", unpackTar, "unpack", u.p.base, flags, "-")
	byOriginal := map[string]bundle.Member{}
	for _, m := range u.members {
		byOriginal[u.original[m.Path]] = m
	}
	s, err := streamLine(ctx, u.call, line, func(w io.Writer) error {
		return u.archive.WriteTar(w, func(m *bundle.Member) bool {
			as, ok := byOriginal[m.Path]
			if !ok || !u.plan[as.Path].send {
				return false
			}
			*m = as
			return true
		})
	}, nil)
	if r := cp.sent(u.p, s, err); r.Failed {
		return r
	}
	return u.attributes(ctx, cp)
}

// attributes sets owners and modes that the task asks for.
func (u *unpacking) attributes(ctx context.Context, cp *copying) Result {
	modes := map[string][]string{}
	var owned, order []string
	for _, m := range u.members {
		s := u.plan[m.Path]
		at := path.Join(u.p.base, m.Path)
		if s.chown {
			owned = append(owned, at)
		}
		if s.chmod {
			text := chmodText(s.mode)
			if modes[text] == nil {
				order = append(order, text)
			}
			modes[text] = append(modes[text], at)
		}
	}
	after := attrArgs(nil, "owner", cp.owner, owned)
	for _, m := range order {
		after = attrArgs(after, "mode", m, modes[m])
	}
	return cp.attrs(ctx, after)
}
