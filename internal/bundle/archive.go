package bundle

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"compress/bzip2"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// Bounds of an archive, which may come from a host.
const (
	maxMembers  = 1 << 20
	maxLinkText = 4096 // of a symlink in a zip file
	// What a small archive may unpack to: so many bytes, and so many times its
	// own size.
	freeUnpacked = 64 << 20
	maxRatio     = 2000
)

// Member is one file, folder or link of an archive.
type Member struct {
	Path     string // slash-separated, relative, clean
	Mode     fs.FileMode
	Size     int64  // of regular files
	SHA256   string // of regular files, lower-case hex
	Link     string // target of a symlink; of a hard link, the other member's Path
	Hard     bool   // a hard link
	ModTime  time.Time
	UID, GID int    // -1: the archive doesn't say
	User     string // names, empty: the archive doesn't say
	Group    string
	index    int // its place in the archive
}

// Archive is a tar or zip file that was read once and found harmless: no
// member's name and no link leads out of the folder that it is unpacked in.
type Archive struct {
	Format  string   // "tar", "tgz", "tbz", "txz", "tzst" or "zip"
	Members []Member // of each path the last one, in the archive's order
	file    string
}

// HostileError says that an archive has a member that must not be unpacked.
type HostileError struct{ Member, Reason string }

func (e *HostileError) Error() string {
	return fmt.Sprintf("the archive is not unpacked: its member %q %s", e.Member, e.Reason)
}

// Archives reads each archive once, whatever the number of hosts that it is
// for. The zero value is ready for use.
type Archives struct {
	mu   sync.Mutex
	read map[archiveKey]*archiveOnce
}

type archiveKey struct {
	file  string
	size  int64
	mtime time.Time
}

type archiveOnce struct {
	sync.Once
	archive *Archive
	err     error
}

// Open reads the archive in file, or gives what an earlier call read. A
// *HostileError says that it must not be unpacked.
func (a *Archives) Open(file string) (*Archive, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	key := archiveKey{file, info.Size(), info.ModTime()}
	a.mu.Lock()
	if a.read == nil {
		a.read = map[archiveKey]*archiveOnce{}
	}
	one := a.read[key]
	if one == nil {
		one = &archiveOnce{}
		a.read[key] = one
	}
	a.mu.Unlock()
	one.Do(func() { one.archive, one.err = ReadArchive(file) })
	return one.archive, one.err
}

// ReadArchive reads the archive in file: tar, alone or compressed with gzip,
// bzip2, xz or zstd, or zip.
func ReadArchive(file string) (*Archive, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	a := &Archive{file: file}
	c := checker{seen: map[string]int{}}
	most := freeUnpacked + maxRatio*info.Size()
	err = a.walk(func(m Member, r io.Reader) error {
		if err := c.take(&m); err != nil {
			return err
		}
		if m.Mode.IsRegular() && !m.Hard {
			h := sha256.New()
			n, err := io.Copy(h, io.LimitReader(r, most-c.bytes+1))
			if err != nil {
				return fmt.Errorf("reading %q: %w", m.Path, err)
			}
			if c.bytes += n; c.bytes > most {
				return fmt.Errorf("it unpacks to more than %d MiB, %d times its size", most>>20, maxRatio)
			}
			m.Size, m.SHA256 = n, hex.EncodeToString(h.Sum(nil))
		}
		return c.keep(m)
	})
	if err != nil {
		return nil, err
	}
	a.Members, err = c.members()
	return a, err
}

// WriteTar writes the members for which want gives true as a tar stream, as
// want may have altered them.
func (a *Archive) WriteTar(w io.Writer, want func(*Member) bool) error {
	at := make(map[int]Member, len(a.Members))
	for _, m := range a.Members {
		at[m.index] = m
	}
	out := tar.NewWriter(w)
	err := a.walk(func(seen Member, r io.Reader) error {
		m, ok := at[seen.index]
		if !ok || !want(&m) {
			return nil
		}
		if err := out.WriteHeader(m.header()); err != nil {
			return err
		}
		if !m.Mode.IsRegular() || m.Hard {
			return nil
		}
		n, err := io.Copy(out, io.LimitReader(r, m.Size))
		if err == nil && n != m.Size {
			err = fmt.Errorf("%s changed while it was sent", a.file)
		}
		return err
	})
	if err != nil {
		return err
	}
	return out.Close()
}

func (m *Member) header() *tar.Header {
	h := &tar.Header{
		Name: m.Path, Mode: int64(m.Mode.Perm()), ModTime: m.ModTime, Uname: m.User, Gname: m.Group,
		Uid: max(m.UID, 0), Gid: max(m.GID, 0), Format: tar.FormatGNU, Typeflag: tar.TypeReg,
	}
	for bit, n := range map[fs.FileMode]int64{fs.ModeSetuid: 0o4000, fs.ModeSetgid: 0o2000, fs.ModeSticky: 0o1000} {
		if m.Mode&bit != 0 {
			h.Mode |= n
		}
	}
	switch {
	case m.Hard:
		h.Typeflag, h.Linkname = tar.TypeLink, m.Link
	case m.Mode&fs.ModeSymlink != 0:
		h.Typeflag, h.Linkname = tar.TypeSymlink, m.Link
	case m.Mode.IsDir():
		h.Typeflag, h.Name = tar.TypeDir, m.Path+"/"
	default:
		h.Size = m.Size
	}
	return h
}

// walk reads the archive from its beginning.
func (a *Archive) walk(each func(Member, io.Reader) error) error {
	f, err := os.Open(a.file)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // it was read
	buffered := bufio.NewReaderSize(f, 64<<10)
	head, _ := buffered.Peek(6) // a shorter file is no archive, which is said below
	var r io.Reader = buffered
	switch {
	case strings.HasPrefix(string(head), "PK\x03\x04"), strings.HasPrefix(string(head), "PK\x05\x06"):
		a.Format = "zip"
		return walkZip(f, each)
	case strings.HasPrefix(string(head), "\x1f\x8b"):
		a.Format = "tgz"
		r, err = gzip.NewReader(buffered)
	case strings.HasPrefix(string(head), "BZh"):
		a.Format = "tbz"
		r = bzip2.NewReader(buffered)
	case string(head) == "\xfd7zXZ\x00":
		a.Format = "txz"
		r, err = xz.NewReader(buffered)
	case strings.HasPrefix(string(head), "\x28\xb5\x2f\xfd"):
		a.Format = "tzst"
		var z *zstd.Decoder
		if z, err = zstd.NewReader(buffered, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(1<<30)); err == nil {
			defer z.Close()
			r = z
		}
	default:
		a.Format = "tar"
	}
	if err != nil {
		return fmt.Errorf("reading the archive: %w", err)
	}
	return walkTar(r, each)
}

// walkTar reads a tar stream.
func walkTar(r io.Reader, each func(Member, io.Reader) error) error {
	in := tar.NewReader(r)
	for i := 0; ; i++ {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("it is no tar or zip archive that can be read: %w", err)
		}
		m := Member{
			Path: h.Name, Mode: h.FileInfo().Mode(), Link: h.Linkname, ModTime: h.ModTime,
			UID: h.Uid, GID: h.Gid, User: h.Uname, Group: h.Gname, index: i,
		}
		switch h.Typeflag {
		case tar.TypeReg, tar.TypeDir, tar.TypeSymlink, tar.TypeGNUSparse:
		case tar.TypeLink:
			m.Hard = true
		case tar.TypeXGlobalHeader:
			continue
		default:
			return &HostileError{h.Name, "is a device or another special file"}
		}
		if err := each(m, in); err != nil {
			return err
		}
	}
}

// walkZip reads a zip file.
func walkZip(f *os.File, each func(Member, io.Reader) error) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	z, err := zip.NewReader(f, info.Size())
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) { // names are looked at by the checker
		return fmt.Errorf("it is no zip archive that can be read: %w", err)
	}
	for i, e := range z.File {
		m := Member{Path: e.Name, Mode: e.Mode(), ModTime: e.Modified, UID: -1, GID: -1, index: i}
		if e.CreatorVersion>>8 != 3 && m.Mode.Perm() != 0 && e.ExternalAttrs>>16 == 0 { // not made on Unix: modes are made up
			m.Mode = m.Mode.Type() | 0o644
			if m.Mode.IsDir() {
				m.Mode = fs.ModeDir | 0o755
			}
		}
		if m.Mode.Type()&^(fs.ModeDir|fs.ModeSymlink) != 0 {
			return &HostileError{e.Name, "is a device or another special file"}
		}
		if err := zipMember(e, m, each); err != nil {
			return err
		}
	}
	return nil
}

func zipMember(e *zip.File, m Member, each func(Member, io.Reader) error) error {
	r, err := e.Open()
	if err != nil {
		return fmt.Errorf("reading %q: %w", e.Name, err)
	}
	defer r.Close() //nolint:errcheck // it was read
	if m.Mode&fs.ModeSymlink != 0 {
		to, err := io.ReadAll(io.LimitReader(r, maxLinkText))
		if err != nil {
			return fmt.Errorf("reading %q: %w", e.Name, err)
		}
		m.Link = string(to)
	}
	return each(m, r)
}

// checker holds members against what may be unpacked.
type checker struct {
	list  []Member
	seen  map[string]int // path -> place in list
	bytes int64
}

// take cleans a member's path and refuses one that leads out.
func (c *checker) take(m *Member) error {
	name := m.Path
	switch {
	case len(c.list) >= maxMembers:
		return fmt.Errorf("it has more than %d members", maxMembers)
	case strings.ContainsAny(name+m.Link, "\x00"):
		return &HostileError{name, "has a NUL byte in its name"}
	case strings.HasPrefix(name, "/"):
		return &HostileError{name, "has an absolute name"}
	case slices.Contains(strings.Split(name, "/"), ".."):
		return &HostileError{name, "leads out of the folder (..)"}
	}
	m.Path = path.Clean(name)
	if m.Path == "." && !m.Mode.IsDir() {
		return &HostileError{name, "has no name"}
	}
	return nil
}

// keep adds a member; of two with one path the later wins.
func (c *checker) keep(m Member) error {
	if m.Hard {
		m.Link = path.Clean(m.Link)
	}
	if old, twice := c.seen[m.Path]; twice {
		c.list[old].index = -1
	}
	c.seen[m.Path] = len(c.list)
	c.list = append(c.list, m)
	return nil
}

// members gives what is left, once all links are known to stay inside.
func (c *checker) members() ([]Member, error) {
	var out []Member
	for _, m := range c.list {
		if m.index < 0 {
			continue
		}
		if err := c.inside(m); err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, nil
}

// inside refuses a link that leads out, and a member that lies behind one.
func (c *checker) inside(m Member) error {
	for dir := path.Dir(m.Path); dir != "."; dir = path.Dir(dir) {
		if i, there := c.seen[dir]; there && !c.list[i].Mode.IsDir() {
			return &HostileError{m.Path, fmt.Sprintf("lies behind %q, which is no folder", dir)}
		}
	}
	switch {
	case m.Hard:
		i, there := c.seen[m.Link]
		if !there || !c.list[i].Mode.IsRegular() || c.list[i].Hard {
			return &HostileError{m.Path, fmt.Sprintf("is a hard link to %q, which is no file of the archive", m.Link)}
		}
	case m.Mode&fs.ModeSymlink != 0:
		if m.Link == "" || strings.HasPrefix(m.Link, "/") || !c.staysInside(m) {
			return &HostileError{m.Path, fmt.Sprintf("is a symlink that leads out of the folder: %q", m.Link)}
		}
	}
	return nil
}

// staysInside follows a symlink's target a step at a time: it may neither climb
// above the folder nor go through another symlink, whose own steps up would
// start elsewhere.
func (c *checker) staysInside(m Member) bool {
	at := path.Dir(m.Path)
	steps := strings.Split(m.Link, "/")
	for i, step := range steps {
		switch step {
		case "", ".":
			continue
		case "..":
			if at == "." {
				return false
			}
			at = path.Dir(at)
			continue
		}
		at = path.Join(at, step)
		if n, there := c.seen[at]; there && i < len(steps)-1 && c.list[n].Mode&fs.ModeSymlink != 0 {
			return false
		}
	}
	return true
}
