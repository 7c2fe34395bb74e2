package journal

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// ErrLocked is that another controller works on the run.
var ErrLocked = errors.New("another controller works on this run")

// lock is held on a run's folder for as long as its process lives: the kernel
// gives it back, so a dead controller never keeps one.
type lock struct{ file *os.File }

// takeLock takes the lock of dir. The file says who holds it, for a person.
func takeLock(dir string) (*lock, error) {
	path := filepath.Join(dir, "lock")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the run's folder: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		who := holder(f)
		_ = f.Close() // only read
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("%s: %w%s", dir, ErrLocked, who)
		}
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	host, _ := os.Hostname()
	text := fmt.Sprintf("process %d on %s since %s\n", os.Getpid(), host, time.Now().Format(time.RFC3339))
	if err := f.Truncate(0); err == nil {
		_, _ = f.WriteAt([]byte(text), 0) // a remark: the lock itself is the kernel's
	}
	return &lock{f}, nil
}

// Locked reports whether a controller works on the run in dir now.
func Locked(dir string) bool {
	f, err := os.Open(filepath.Join(dir, "lock"))
	if err != nil {
		return false
	}
	defer f.Close()
	return errors.Is(unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB), unix.EWOULDBLOCK)
}

// holder is what the file says of who holds it.
func holder(f *os.File) string {
	text, err := io.ReadAll(io.LimitReader(f, 200))
	line, _, _ := strings.Cut(strings.ToValidUTF8(string(text), "?"), "\n")
	if err != nil || line == "" {
		return ""
	}
	return " (" + line + ")"
}

// release gives the lock back. The file stays: another controller may wait
// with it open.
func (l *lock) release() { _ = l.file.Close() }
