package action

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

const (
	// keepEnd is how much of a stream's beginning, and of its end, a result
	// keeps: 1 MiB together.
	keepEnd = 512 << 10
	// liveChunk is the most that Call.Output gets at once.
	liveChunk = 64 << 10
)

// kept hands a stream on as it comes and keeps its beginning and its end.
type kept struct {
	live  func([]byte)
	head  []byte
	tail  []byte // a ring once it is full
	start int    // where the ring begins
	total int64
}

var _ io.Writer = (*kept)(nil)

func (k *kept) Write(p []byte) (int, error) {
	n := len(p)
	for rest := p; len(rest) > 0; {
		chunk := rest[:min(len(rest), liveChunk)]
		k.live(chunk)
		rest = rest[len(chunk):]
	}
	k.total += int64(n)
	if room := keepEnd - len(k.head); room > 0 {
		take := min(room, len(p))
		k.head = append(k.head, p[:take]...)
		p = p[take:]
	}
	if len(p) > keepEnd {
		p = p[len(p)-keepEnd:]
	}
	if room := keepEnd - len(k.tail); room > 0 {
		take := min(room, len(p))
		k.tail = append(k.tail, p[:take]...)
		p = p[take:]
	}
	for len(p) > 0 {
		m := copy(k.tail[k.start:], p)
		k.start = (k.start + m) % keepEnd
		p = p[m:]
	}
	return n, nil
}

// text is what was kept as valid UTF-8, with a line that says how much is
// missing in the middle; truncated says whether any is.
func (k *kept) text() (s string, truncated bool) {
	tail := string(k.tail[k.start:]) + string(k.tail[:k.start])
	missing := k.total - int64(len(k.head)+len(k.tail))
	if missing == 0 {
		return text8(string(k.head) + tail), false
	}
	head := string(k.head)
	// A rune that the cut went through is not the command's fault.
	for i := 0; i < utf8.UTFMax-1 && head != ""; i++ {
		if r, size := utf8.DecodeLastRuneInString(head); r != utf8.RuneError || size != 1 {
			break
		}
		head = head[:len(head)-1]
	}
	for i := 0; i < utf8.UTFMax-1 && tail != "" && !utf8.RuneStart(tail[0]); i++ {
		tail = tail[1:]
	}
	return text8(head) + fmt.Sprintf("\n… %d bytes left out …\n", missing) + text8(tail), true
}

// live gives the function that takes a stream's output as it comes.
func (c *Call) live(stream string) func([]byte) {
	return func(p []byte) { c.Output(stream, p) }
}

// addOutput adds STREAM, STREAM_lines and, where it holds,
// STREAM_truncated.
func addOutput(values map[string]any, stream string, k *kept, args Args) {
	text, truncated := k.text()
	if args.Bool("strip_empty_ends") { // raw and script have no such parameter, and strip nothing
		text = strings.TrimRight(text, "\r\n")
	}
	values[stream], values[stream+"_lines"] = text, splitLines(text)
	if truncated {
		values[stream+"_truncated"] = true
	}
}

// splitLines splits text as Python's splitlines does at line feeds and
// carriage returns; a newline at the end begins no line.
func splitLines(text string) []any {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	text = strings.ReplaceAll(text, "\r", "\n")
	lines := []any{}
	if text == "" {
		return lines
	}
	for _, l := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		lines = append(lines, l)
	}
	return lines
}
