package filesystem

import (
	"encoding/binary"
	"errors"
	"io"

	"golang.org/x/sys/unix"
)

// openFolder opens a folder, relative to the folder dir, without following a
// symlink in the last part of name.
func openFolder(dir int, name string) (int, error) {
	return openat(dir, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC|unix.O_NONBLOCK)
}

// openFile opens a file for reading. O_NONBLOCK: should it have become a FIFO
// or a device since it was listed, the open must not hang.
func openFile(dir int, name string) (int, error) {
	return openat(dir, name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_CLOEXEC|unix.O_NONBLOCK|unix.O_NOCTTY)
}

// openat leaves the access time as it is where it may: O_NOATIME is for the
// owner and root, so that the scan doesn't destroy what an investigator reads.
func openat(dir int, name string, flags int) (int, error) {
	fd, err := retry(func() (int, error) { return unix.Openat(dir, name, flags|unix.O_NOATIME, 0) })
	if errors.Is(err, unix.EPERM) {
		fd, err = retry(func() (int, error) { return unix.Openat(dir, name, flags, 0) })
	}
	return fd, err
}

func retry(f func() (int, error)) (int, error) {
	for {
		n, err := f()
		if !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}

// content reads an open file. It closes the descriptor once.
type content struct{ fd int }

func (c *content) Read(p []byte) (int, error) {
	n, err := retry(func() (int, error) { return unix.Read(c.fd, p) })
	switch {
	case err != nil:
		return 0, err
	case n == 0 && len(p) > 0:
		return 0, io.EOF
	}
	return n, nil
}

func (c *content) Close() error {
	if c.fd < 0 {
		return nil
	}
	fd := c.fd
	c.fd = -1
	return unix.Close(fd)
}

// readFolder calls entry with the name and the DT_ type of each entry, in the
// order of the filesystem, until it returns false. It holds one block of names
// at a time, however many there are.
func readFolder(fd int, entry func(name string, kind uint8) bool) error {
	buf := make([]byte, 32<<10)
	for {
		n, err := retry(func() (int, error) { return unix.Getdents(fd, buf) })
		if err != nil {
			return err
		}
		if n <= 0 {
			return nil
		}
		if !parseFolder(buf[:n], entry) {
			return nil
		}
	}
}

// parseFolder reads what getdents64(2) returned: inode 8 bytes, offset 8 bytes,
// record length 2 bytes, type 1 byte, name ended by a zero byte.
func parseFolder(block []byte, entry func(name string, kind uint8) bool) bool {
	const header = 19
	for len(block) > header {
		length := int(binary.NativeEndian.Uint16(block[16:]))
		if length <= header || length > len(block) {
			return true
		}
		name := block[header:length]
		for i, c := range name {
			if c == 0 {
				name = name[:i]
				break
			}
		}
		kind := block[18]
		block = block[length:]
		if s := string(name); s != "." && s != ".." && s != "" && !entry(s, kind) {
			return false
		}
	}
	return true
}
