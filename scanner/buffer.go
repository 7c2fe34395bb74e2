package scanner

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// keepResident is how much of a buffer stays in memory between objects.
const keepResident = 4 << 20

// buffer is one worker's room for an object's content, used again for each.
// It is reserved once at the size limit, and takes memory only as far as it
// is written to; what a large file took is given back after it. Content is
// copied here rather than mapped, since a mapped file that shrinks kills the
// process that reads it.
type buffer struct{ mem []byte }

func newBuffer(size int64) (*buffer, error) {
	mem, err := unix.Mmap(-1, 0, int(size), unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE)
	if err != nil {
		return nil, fmt.Errorf("reserving %d bytes to read files into: %w (try a smaller --max_file_size)", size, err)
	}
	return &buffer{mem: mem}, nil
}

// trim gives back what the last object took, beyond keepResident.
func (b *buffer) trim(used int) {
	if used > keepResident {
		// A failure costs memory and nothing else.
		_ = unix.Madvise(b.mem[keepResident:], unix.MADV_DONTNEED)
	}
}

func (b *buffer) free() { _ = unix.Munmap(b.mem) }
