package action

import (
	"bufio"
	"context"
	"crypto/md5"  //nolint:gosec // Ansible's md5sum, and where the host has nothing better
	"crypto/sha1" //nolint:gosec // Ansible's checksum of a file
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// fetchSpec is ansible.builtin.fetch. The file streams through a constant
// amount of memory into a private file beside its destination.
func fetchSpec() *Spec {
	return &Spec{
		Name: "fetch",
		Params: []Param{
			{Name: "src", Type: Path, Required: true, Doc: "file on the host"},
			{Name: "dest", Type: String, Required: true, Doc: "local folder; the file goes to dest/HOST/src"},
			{Name: "flat", Type: Bool, Default: false, Doc: "dest is the file itself, or a folder where it ends in /"},
			{Name: "fail_on_missing", Type: Bool, Default: true, Doc: "no: a file that is not there is no failure"},
			{Name: "max", Type: String, Doc: "most bytes that the file may have (500M, 20G); without it 10G, and half of what is free here"},
			{Name: "validate_checksum", Type: Bool, Default: true, Doc: "compare digests of both sides"},
		},
		Doc: "Fetch a file from the host.",
		Run: runFetch,
	}
}

// tempPrefix begins the names of files that are on their way here.
const tempPrefix = ".fetch-"

// fetching is one file on its way here.
type fetching struct {
	call  *Call
	src   string
	dest  string // local path; empty until the host has said what ~ is
	known []string
	// What the host said and what came.
	head   fetchHead
	sums   digests
	got    int64
	temp   string
	failed error // of this machine, not of the host
}

// fetchHead is the header line that fetch.sh writes.
type fetchHead struct {
	word string // file, same, missing, folder, special, unreadable
	size int64
	tool string
	sum  string
	mode fs.FileMode
	path string
}

func runFetch(ctx context.Context, c *Call) Result {
	f := &fetching{call: c, src: c.Args.Str("src")}
	if f.src == "" {
		return failed("src is empty", "name a file on the host")
	}
	if _, err := readMax(c.Args.Str("max")); err != nil && c.Args.Str("max") != "" {
		return failed(err.Error(), hintOf(err))
	}
	if c.Check {
		return Result{Skipped: true, Msg: "not fetched in check mode"}
	}
	if err := checkHostName(c.Host); err != nil && !c.Args.Bool("flat") {
		return failed(err.Error(), "")
	}
	if !strings.HasPrefix(f.src, "~") || c.Args.Bool("flat") {
		if err := f.settle(f.src); err != nil {
			return failed(err.Error(), hintOf(err))
		}
		f.known = knownDigests(f.dest)
	}
	s, err := streamHalf(ctx, c, "fetch", append([]string{f.src}, f.known...), nil, f.read)
	defer f.discard()
	switch {
	case f.failed != nil:
		return failed(f.failed.Error(), hintOf(f.failed))
	case err != nil:
		return broken(fmt.Errorf("fetching %s: %w", f.src, err))
	}
	return f.finish(s)
}

// checkHostName refuses a name that is more than one component of a path.
func checkHostName(name string) error {
	if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\x00") {
		return fmt.Errorf("the host's name %q can't be part of a local path", name)
	}
	return nil
}

// settle works out the local path for src, an absolute path on the host.
func (f *fetching) settle(src string) error {
	dest, err := homed(f.call.Args.Str("dest"))
	if err != nil {
		return err
	}
	if dest == "" {
		return errors.New("dest is empty")
	}
	asFolder := strings.HasSuffix(dest, "/")
	if !filepath.IsAbs(dest) {
		dest = filepath.Join(f.call.Local.Playbook, dest)
	}
	if !f.call.Args.Bool("flat") {
		// Cleaned from the root, src has no ".." left to climb with.
		f.dest = filepath.Join(dest, f.call.Host, path.Clean("/"+src))
		return nil
	}
	if asFolder {
		name := path.Base(path.Clean("/" + src))
		if name == "/" {
			return fmt.Errorf("src %q names no file", src)
		}
		f.dest = filepath.Join(dest, name)
		return nil
	}
	if info, err := os.Stat(dest); err == nil && info.IsDir() {
		return &typeError{text: fmt.Sprintf("dest %s is a folder", dest), hint: "end it with / to put the file into it"}
	}
	f.dest = filepath.Clean(dest)
	return nil
}

// read takes the header and the file from the host.
func (f *fetching) read(r io.Reader) error {
	in := bufio.NewReaderSize(r, 64<<10)
	line, err := in.ReadSlice('\n')
	if err != nil {
		if errors.Is(err, io.EOF) {
			return nil // finish says what the host's shell said
		}
		return fmt.Errorf("the host sent no header: %w", err)
	}
	if err := f.head.read(strings.TrimSuffix(string(line), "\n")); err != nil {
		return err
	}
	if f.head.word != "file" {
		_, err := io.Copy(io.Discard, io.LimitReader(in, 64<<10))
		return err
	}
	if f.dest == "" {
		if err := f.settleRemote(); err != nil {
			f.failed = err
			return err
		}
	}
	if err := f.fits(); err != nil {
		f.failed = err
		return err
	}
	return f.store(in)
}

// settleRemote settles where src began with ~. The host has
// the say about its home folder, but only below dest/HOST, and the path must
// end as the task has it.
func (f *fetching) settleRemote() error {
	tail := strings.TrimPrefix(path.Clean(f.src), "~")
	if i := strings.IndexByte(tail, '/'); i >= 0 {
		tail = tail[i:]
	}
	if !path.IsAbs(f.head.path) || path.Clean(f.head.path) != f.head.path && !strings.Contains(f.src, "..") || !strings.HasSuffix(path.Clean(f.head.path), path.Clean("/"+tail)) {
		return fmt.Errorf("the host says %s is %q, which it can't be", f.src, f.head.path)
	}
	return f.settle(f.head.path)
}

func (h *fetchHead) read(line string) error {
	w := strings.Fields(line)
	if len(w) == 0 {
		return errors.New("the host sent an empty header")
	}
	h.word = w[0]
	name, err := hex.DecodeString(w[len(w)-1])
	if err != nil || strings.ContainsRune(string(name), 0) {
		return fmt.Errorf("the host sent a header that can't be read: %q", shorten(text8(line)))
	}
	h.path = string(name)
	if h.word != "file" && h.word != "same" {
		return nil
	}
	if len(w) != 6 {
		return fmt.Errorf("the host sent a header that can't be read: %q", shorten(text8(line)))
	}
	h.size, err = strconv.ParseInt(w[1], 10, 64)
	if err != nil || h.size < 0 {
		return fmt.Errorf("the host sent a size that can't be read: %q", shorten(text8(w[1])))
	}
	h.tool, h.sum, h.mode = w[2], w[3], 0o666
	if mode, err := strconv.ParseUint(w[4], 8, 32); err == nil {
		h.mode = fs.FileMode(mode)&0o666 | 0o600
	}
	return nil
}

// store writes the bytes to a private file beside the destination.
func (f *fetching) store(in io.Reader) error {
	local := func(err error) error {
		f.failed = localError(f.dest, err)
		return f.failed
	}
	if err := os.MkdirAll(filepath.Dir(f.dest), 0o777); err != nil { // as the umask has it
		return local(err)
	}
	file, err := os.CreateTemp(filepath.Dir(f.dest), tempPrefix+"*") // 0600
	if err != nil {
		return local(err)
	}
	f.temp = file.Name()
	f.sums = newDigests()
	to := &localWriter{w: file}
	f.got, err = io.CopyBuffer(io.MultiWriter(to, f.sums.all()), struct{ io.Reader }{io.LimitReader(in, f.head.size+1)}, make([]byte, 64<<10))
	if to.err == nil && err == nil {
		to.err = file.Sync()
	}
	if cerr := file.Close(); to.err == nil {
		to.err = cerr
	}
	if to.err != nil {
		return local(to.err)
	}
	return err
}

// localError says why dest could not be written here, and what to try.
func localError(dest string, err error) error {
	var at *fs.PathError
	if errors.As(err, &at) && strings.HasPrefix(filepath.Base(at.Path), tempPrefix) {
		err = at.Err // nobody knows the private file's name
	}
	text := fmt.Sprintf("writing %s on this machine: %v", dest, err)
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EFBIG):
		return &typeError{text: text, hint: "make room here, or name a folder on another disk in dest; then run again for this host"}
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS), errors.Is(err, syscall.ENOTDIR):
		return &typeError{text: text, hint: "name a folder in dest that this account may write to"}
	}
	return errors.New(text)
}

// localWriter remembers its own error, to tell a full disk here from a host
// that went away.
type localWriter struct {
	w   io.Writer
	err error
}

func (l *localWriter) Write(p []byte) (int, error) {
	n, err := l.w.Write(p)
	if err != nil && l.err == nil {
		l.err = err
	}
	return n, err
}

// finish puts the file in its place.
func (f *fetching) finish(s streamed) Result {
	switch f.head.word {
	case "":
		return failed(fmt.Sprintf("fetching %s: the host's shell ended with exit status %d: %s", f.src, s.code, strings.TrimSpace(text8(s.stderr))), "")
	case "missing":
		return f.missing("the remote file does not exist, not transferring, ignored")
	case "unreadable":
		return f.missing("the remote file can't be read by the account of the task, not transferring, ignored")
	case "folder":
		return f.missing("the remote path is a folder and fetch takes single files, not transferring, ignored")
	case "special":
		return f.missing("the remote path is not a regular file, not transferring, ignored")
	case "same":
		return f.unchanged()
	}
	if f.got != f.head.size || s.code != 0 {
		return failed(fmt.Sprintf("fetching %s: %s of %s came, and the host's shell ended with exit status %d: %s",
			f.src, bytesText(f.got), bytesText(f.head.size), s.code, strings.TrimSpace(text8(s.stderr))), "try again")
	}
	if sum, ok := f.sums.by(f.head.tool); ok && sum != f.head.sum && f.call.Args.Bool("validate_checksum") {
		return failed(fmt.Sprintf("fetching %s: what came has the digest %s, the host's file has %s: it changed meanwhile", f.src, sum, text8(f.head.sum)), "fetch it when nothing writes to it any more")
	}
	mine := f.sums.sum(f.sums.sha256)
	if f.known == nil { // ~ in src: it could not be compared before
		f.known = knownDigests(f.dest)
	}
	if slices.Contains(f.known, mine) {
		return f.unchanged()
	}
	if err := f.place(); err != nil {
		err = localError(f.dest, err)
		return failed(err.Error(), hintOf(err))
	}
	r := f.unchanged()
	r.Changed = true
	return r
}

// missing is a failure, or a remark where the task says so.
func (f *fetching) missing(msg string) Result {
	if f.call.Args.Bool("fail_on_missing") {
		return failed(strings.TrimSuffix(msg, ", not transferring, ignored")+": "+f.src, "fail_on_missing: false makes this no failure")
	}
	return Result{Msg: msg, Values: map[string]any{"file": f.src}}
}

func (f *fetching) unchanged() Result {
	v := map[string]any{"file": f.src, "dest": f.dest, "size": f.head.size}
	if f.head.word == "file" {
		v["checksum"], v["md5sum"] = f.sums.sum(f.sums.sha1), f.sums.sum(f.sums.md5)
	} else if len(f.known) == 3 {
		v["checksum"], v["md5sum"] = f.known[1], f.known[2]
	}
	v["remote_checksum"] = v["checksum"]
	return Result{Values: v}
}

// place gives the temporary file the mode of the one it replaces, or what the
// umask leaves of the one that it has on the host, and its name. What is
// private there stays so here; nothing becomes executable.
func (f *fetching) place() error {
	mode := f.head.mode &^ umask()
	if old, err := os.Lstat(f.dest); err == nil && old.Mode().IsRegular() {
		mode = old.Mode().Perm()
	}
	if err := os.Chmod(f.temp, mode); err != nil {
		return err
	}
	if err := os.Rename(f.temp, f.dest); err != nil {
		return err
	}
	f.temp = ""
	syncFolder(filepath.Dir(f.dest))
	return nil
}

// discard removes what is still temporary.
func (f *fetching) discard() {
	if f.temp != "" {
		_ = os.Remove(f.temp)
	}
}

// umask is this process's, from proc(5): asking the system for it would mean
// to set it.
func umask() fs.FileMode {
	text, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(text)) {
		if v, ok := strings.CutPrefix(line, "Umask:"); ok {
			if n, err := strconv.ParseUint(strings.TrimSpace(v), 8, 32); err == nil {
				return fs.FileMode(n) & fs.ModePerm
			}
		}
	}
	return 0o077
}

// digests are a file's digests by every tool that a host may have.
type digests struct {
	sha256, sha1, md5 hash.Hash
}

func newDigests() digests {
	return digests{sha256: sha256.New(), sha1: sha1.New(), md5: md5.New()} //nolint:gosec // see the imports
}

func (d digests) all() io.Writer {
	return io.MultiWriter(d.sha256, d.sha1, d.md5)
}

func (d digests) sum(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }

func (d digests) by(tool string) (string, bool) {
	switch tool {
	case "sha256sum":
		return d.sum(d.sha256), true
	case "sha1sum":
		return d.sum(d.sha1), true
	case "md5sum":
		return d.sum(d.md5), true
	}
	return "", false
}

// knownDigests are those of a local regular file: SHA-256, SHA-1, MD5; none
// where it can't be read.
func knownDigests(file string) []string {
	info, err := os.Lstat(file)
	if err != nil || !info.Mode().IsRegular() {
		return nil
	}
	in, err := os.Open(file)
	if err != nil {
		return nil
	}
	defer in.Close() //nolint:errcheck // only read
	d := newDigests()
	if _, err := io.Copy(d.all(), in); err != nil {
		return nil
	}
	return []string{d.sum(d.sha256), d.sum(d.sha1), d.sum(d.md5)}
}
