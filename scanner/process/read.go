package process

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Bounds of what is read of one process.
const (
	maxText  = 64 << 10 // of cmdline and environ, in bytes
	maxMaps  = 4 << 20
	maxFiles = 4096 // open files looked at
)

// errGone is that a process ended while it was read.
var errGone = errors.New("the process is gone")

// process is what /proc tells of one.
type process struct {
	pid, ppid int
	comm      string
	args      []string
	env       []string
	exe       string // without " (deleted)"; empty for a kernel thread, and where it may not be read
	deleted   bool   // the executable has no name any more
	replaced  bool   // another file has its name now, as after an update
	kernel    bool   // a kernel thread
	tracer    int    // the process that traces it, 0: none
	owner     string
	started   time.Time
	files     []openFile
	maps      []mapping
	sockets   []socket
	parent    *process // pid, exe and args alone
	hidden    []string // what could not be read
}

type openFile struct {
	fd     int
	target string // what the link in /proc/PID/fd says
}

// mapping is a line of /proc/PID/maps.
type mapping struct {
	perms string // "rwxp"
	path  string // empty: anonymous
	size  uint64 // bytes
}

// reader reads processes. It is used by one goroutine after the other, and by
// those left behind at a process that hangs.
type reader struct {
	proc string
	boot time.Time

	mu     sync.Mutex
	owners map[uint32]string
	nets   map[string]map[uint64]socket // network namespace -> inode -> socket
}

func newReader(proc string) *reader {
	return &reader{proc: proc, boot: bootTime(proc), owners: map[uint32]string{}, nets: map[string]map[uint64]socket{}}
}

func bootTime(proc string) time.Time {
	data, err := readBounded(filepath.Join(proc, "stat"), 1<<20)
	if err != nil {
		return time.Time{}
	}
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, "btime "); ok {
			if n, err := strconv.ParseInt(strings.TrimSpace(rest), 10, 64); err == nil {
				return time.Unix(n, 0)
			}
		}
	}
	return time.Time{}
}

// readBounded reads at most limit bytes of a file in /proc.
func readBounded(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, limit))
}

// read reads one process. What may not be read is noted in hidden.
func (r *reader) read(pid int) (*process, error) {
	p := &process{pid: pid}
	dir := filepath.Join(r.proc, strconv.Itoa(pid))
	info, err := os.Stat(dir)
	if err != nil {
		return nil, gone(err)
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		p.owner = r.ownerName(st.Uid)
	}
	if err := p.readStat(dir, r.boot); err != nil {
		return nil, gone(err)
	}
	if p.kernel {
		return p, nil
	}
	p.readExe(dir)
	p.args = p.words(dir, "cmdline")
	p.env = p.words(dir, "environ")
	p.readTracer(dir)
	p.readMaps(dir)
	inodes := p.readFiles(dir)
	if len(inodes) > 0 {
		p.sockets = r.socketsOf(dir, inodes)
	}
	if p.ppid > 0 {
		p.parent = &process{pid: p.ppid}
		above := filepath.Join(r.proc, strconv.Itoa(p.ppid))
		p.parent.readExe(above)
		p.parent.args = p.parent.words(above, "cmdline")
	}
	return p, nil
}

// gone turns what the kernel says of a process that has just ended into one
// error.
func gone(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
		return errGone
	}
	return err
}

// hide notes that something could not be read.
func (p *process) hide(what string, err error) {
	if err != nil && !errors.Is(gone(err), errGone) {
		reason := err
		var pe *fs.PathError
		if errors.As(err, &pe) {
			reason = pe.Err
		}
		p.hidden = append(p.hidden, fmt.Sprintf("%s: %v", what, reason))
	}
}

// kernelThread is PF_KTHREAD of the kernel's task flags.
const kernelThread = 0x00200000

// clockTicks is USER_HZ, which is 100 on every architecture that Go runs on.
const clockTicks = 100

// readStat reads /proc/PID/stat, proc(5): the name stands in brackets and may
// hold some itself.
func (p *process) readStat(dir string, boot time.Time) error {
	data, err := readBounded(filepath.Join(dir, "stat"), 4096)
	if err != nil {
		return err
	}
	open, end := bytes.IndexByte(data, '('), bytes.LastIndexByte(data, ')')
	if open < 0 || end < open {
		return fmt.Errorf("stat of process %d can't be read", p.pid)
	}
	p.comm = string(data[open+1 : end])
	fields := strings.Fields(string(data[end+1:])) // from the third one on
	if len(fields) < 20 {
		return fmt.Errorf("stat of process %d can't be read", p.pid)
	}
	p.ppid, _ = strconv.Atoi(fields[1])
	flags, _ := strconv.ParseUint(fields[6], 10, 64)
	p.kernel = flags&kernelThread != 0
	if ticks, err := strconv.ParseInt(fields[19], 10, 64); err == nil && !boot.IsZero() {
		p.started = boot.Add(time.Duration(ticks) * time.Second / clockTicks)
	}
	return nil
}

const deletedMark = " (deleted)"

// readExe reads where the executable lies, and whether it still does.
func (p *process) readExe(dir string) {
	target, err := os.Readlink(filepath.Join(dir, "exe"))
	if err != nil {
		p.hide("executable", err)
		return
	}
	p.exe, p.deleted = strings.CutSuffix(target, deletedMark)
	if p.deleted {
		_, err := os.Lstat(filepath.Join(dir, "root", p.exe))
		p.replaced = err == nil
	}
}

// words reads texts that end with a NUL each.
func (p *process) words(dir, name string) []string {
	data, err := readBounded(filepath.Join(dir, name), maxText)
	if err != nil {
		p.hide(name, err)
		return nil
	}
	data = bytes.TrimRight(data, "\x00")
	if len(data) == 0 {
		return nil
	}
	return strings.Split(string(data), "\x00")
}

func (p *process) readTracer(dir string) {
	data, err := readBounded(filepath.Join(dir, "status"), maxText)
	if err != nil {
		p.hide("status", err)
		return
	}
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, "TracerPid:"); ok {
			p.tracer, _ = strconv.Atoi(strings.TrimSpace(rest))
		}
	}
}

func (p *process) readMaps(dir string) {
	data, err := readBounded(filepath.Join(dir, "maps"), maxMaps)
	if err != nil {
		p.hide("maps", err)
		return
	}
	for line := range strings.Lines(string(data)) {
		// address perms offset dev inode, then the path after blanks
		head, rest, ok := strings.Cut(strings.TrimRight(line, "\n"), " ")
		fields := strings.SplitN(rest, " ", 5)
		if !ok || len(fields) < 4 {
			continue
		}
		m := mapping{perms: fields[0]}
		if len(fields) == 5 {
			m.path = strings.TrimLeft(fields[4], " ")
		}
		from, to, _ := strings.Cut(head, "-")
		a, errA := strconv.ParseUint(from, 16, 64)
		b, errB := strconv.ParseUint(to, 16, 64)
		if errA == nil && errB == nil && b > a {
			m.size = b - a
		}
		p.maps = append(p.maps, m)
	}
}

// readFiles reads the open files and returns the inodes of its sockets.
func (p *process) readFiles(dir string) map[uint64]bool {
	d, err := os.Open(filepath.Join(dir, "fd"))
	if err != nil {
		p.hide("open files", err)
		return nil
	}
	defer d.Close()
	names, err := d.Readdirnames(maxFiles)
	if err != nil && !errors.Is(err, io.EOF) {
		p.hide("open files", err)
	}
	inodes := map[uint64]bool{}
	for _, name := range names {
		fd, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		target, err := os.Readlink(filepath.Join(dir, "fd", name))
		if err != nil {
			continue // closed meanwhile
		}
		p.files = append(p.files, openFile{fd, target})
		if inode, ok := socketInode(target); ok {
			inodes[inode] = true
		}
	}
	return inodes
}

func (r *reader) ownerName(id uint32) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	name, known := r.owners[id]
	if !known {
		name = strconv.FormatUint(uint64(id), 10)
		if u, err := user.LookupId(name); err == nil {
			name = u.Username
		}
		r.owners[id] = name
	}
	return name
}
