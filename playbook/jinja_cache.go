package playbook

import (
	"strings"
	"sync"
)

// maxCached is how much text of compiled template files is kept, in bytes.
const maxCached = 16 << 20

// Templates renders template files. Each is compiled once, for all hosts and
// tasks that render it with the same options. The zero value is ready, and safe
// for concurrent use. A scope with a method Templates() *Templates that isn't
// nil has the files that its lookups render kept there.
type Templates struct {
	mu    sync.Mutex
	files map[fileKey]*compiledFile
	bytes int // of the texts in files
}

// fileKey is what a compiled template file depends on.
type fileKey struct {
	body, file string
	first      int  // lines of the file before body
	included   bool // another file asked for it
	syntax     syntax
}

// compiledFile is a place for one template, which the first that needs it
// compiles while the others wait.
type compiledFile struct {
	mu sync.Mutex
	t  *template
}

// get gives the compiled body of a template file. What can't be compiled isn't
// kept: each that asks gets a fault of its own.
func (c *Templates) get(body string, o origin, sx syntax, included bool) (*template, error) {
	kept := c.place(fileKey{body, o.rng.File, o.first, included, sx})
	kept.mu.Lock()
	defer kept.mu.Unlock()
	if kept.t != nil {
		return kept.t, nil
	}
	t, err := compileFileAt(body, o, sx)
	if err == nil {
		kept.t = t
	}
	return t, err
}

// place is a key's place. Where all of them hold too much, they are emptied:
// what is in use still is.
func (c *Templates) place(key fileKey) *compiledFile {
	c.mu.Lock()
	defer c.mu.Unlock()
	if kept, ok := c.files[key]; ok {
		return kept
	}
	if c.bytes += len(key.body); c.files == nil || c.bytes > maxCached {
		c.files, c.bytes = map[fileKey]*compiledFile{}, len(key.body)
	}
	kept := &compiledFile{}
	c.files[key] = kept
	return kept
}

// cache keeps the files that are rendered from within this evaluation.
func (ev *evaluation) cache() *Templates {
	if s, ok := bottom(ev.scope).(interface{ Templates() *Templates }); ok {
		return s.Templates()
	}
	return new(Templates)
}

// unixLines gives a text \n at the end of its lines.
func unixLines(text string) string {
	if !strings.Contains(text, "\r") {
		return text
	}
	return strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
}
