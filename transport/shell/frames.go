package shell

import (
	"bytes"
	"io"
)

// maxFrame bounds one framed line; a longer one is not from our programs.
const maxFrame = 1 << 20

// frameReader splits a stream into what tasks print and the lines that our own
// programs frame it with: a newline, the nonce, a space, words, a newline.
// A host that knows the nonce can lie about its own results and nothing else.
type frameReader struct {
	mark  []byte // "\n" + nonce + " "
	among []byte // nonce + "~": of a frame that may come anywhere; nil: none
	data  func([]byte)
	frame func(string)
}

// read runs to the end of r.
func (f *frameReader) read(r io.Reader) error {
	buf := make([]byte, 0, 64<<10)
	for {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = f.take(buf[:len(buf)+n])
		if err != nil {
			if len(buf) > 0 {
				f.data(buf)
			}
			if err == io.EOF {
				err = nil
			}
			return err
		}
	}
}

// take hands on all that can be told apart in buf and returns the rest, moved
// to the front.
func (f *frameReader) take(buf []byte) []byte {
	rest := buf
	for {
		i, mark := f.find(rest)
		if i < 0 {
			keep := max(overlap(rest, f.mark), overlap(rest, f.among))
			if n := len(rest) - keep; n > 0 {
				f.data(rest[:n])
				rest = rest[n:]
			}
			break
		}
		if i > 0 {
			f.data(rest[:i])
		}
		line := rest[i+len(mark):]
		j := bytes.IndexByte(line, '\n')
		if j < 0 {
			rest = rest[i:]
			if len(rest) > maxFrame {
				f.data(rest[:1])
				rest = rest[1:]
				continue
			}
			break
		}
		f.frame(string(line[:j]))
		rest = line[j+1:]
	}
	return append(buf[:0], rest...)
}

// find gives the place of the first mark in b, and which it is.
func (f *frameReader) find(b []byte) (int, []byte) {
	i := bytes.Index(b, f.mark)
	if f.among == nil {
		return i, f.mark
	}
	if j := bytes.Index(b, f.among); j >= 0 && (i < 0 || j < i) {
		return j, f.among
	}
	return i, f.mark
}

// overlap is the length of the longest end of b that is a beginning of mark.
func overlap(b, mark []byte) int {
	n := min(len(b), len(mark)-1)
	for ; n > 0; n-- {
		if bytes.HasPrefix(mark, b[len(b)-n:]) {
			return n
		}
	}
	return 0
}

// tail keeps the last bytes written to it.
type tail struct {
	max int
	buf []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.buf = append(t.buf, p...)
	if over := len(t.buf) - t.max; over > 0 {
		t.buf = append(t.buf[:0], t.buf[over:]...)
	}
	return len(p), nil
}
