package action

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// defaultMax is the most that a file may have where the task doesn't say: a
// host that was taken over must not fill this machine's disk.
const defaultMax = 10 << 30

// bound is the most bytes that the file may have.
type bound struct {
	limit int64
	why   string // of an error's text
	hint  string
}

// readMax reads the parameter max: a number of bytes, or with K, M, G, T behind
// it, 1024 each.
func readMax(text string) (int64, error) {
	number, unit := strings.TrimSpace(text), int64(1)
	number = strings.TrimSuffix(strings.TrimSuffix(strings.ToUpper(number), "B"), "I")
	if i := strings.IndexByte("KMGT", last(number)); i >= 0 {
		unit, number = int64(1)<<(10*(i+1)), number[:len(number)-1]
	}
	n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64/unit {
		return 0, &typeError{text: fmt.Sprintf("max is not a size: %q", shorten(text)), hint: "write bytes, or 500M, 20G"}
	}
	return n * unit, nil
}

// last is the last byte of s, or 0.
func last(s string) byte {
	if s == "" {
		return 0
	}
	return s[len(s)-1]
}

// bound is what the task says, else 10 GiB and half of what is free where the
// file goes: no host takes the last room from the others' reports.
func (f *fetching) bound() (bound, error) {
	if text := f.call.Args.Str("max"); text != "" {
		n, err := readMax(text)
		return bound{n, "max allows " + bytesText(n), "raise max, if a file of this size is to be expected"}, err
	}
	b := bound{defaultMax, "without max at most " + bytesText(defaultMax) + " are taken", "say how large it may be: max: 20G"}
	if free := freeAt(f.dest); free >= 0 && free/2 < b.limit {
		b = bound{
			free / 2, fmt.Sprintf("without max at most half of what is free here is taken, and %s are free at %s", bytesText(free), filepath.Dir(f.dest)),
			"make room here, name a folder on another disk in dest, or say how large it may be: max: 20G",
		}
	}
	return b, nil
}

// freeAt is how many bytes this account may still write where file goes, -1
// where that is not known.
func freeAt(file string) int64 {
	dir := filepath.Dir(file)
	for {
		var fs unix.Statfs_t
		if unix.Statfs(dir, &fs) == nil {
			if fs.Bavail > math.MaxInt64/uint64(max(fs.Bsize, 1)) {
				return -1
			}
			return int64(fs.Bavail) * fs.Bsize
		}
		if up := filepath.Dir(dir); up != dir {
			dir = up
			continue
		}
		return -1
	}
}

// fits says why the file is not taken, or nil.
func (f *fetching) fits() error {
	b, err := f.bound()
	if err != nil || f.head.size <= b.limit {
		return err
	}
	return &typeError{text: fmt.Sprintf("fetching %s: it has %s, and %s; nothing was taken", f.src, bytesText(f.head.size), b.why), hint: b.hint}
}

// syncFolder makes the name of a file that was put into dir outlast a crash, as
// far as the filesystem can.
func syncFolder(dir string) {
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync() // some filesystems can't
		_ = d.Close()
	}
}
