package inventory

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"
)

// Bounds on one source. A list of a million hosts stays below them.
const (
	maxFileBytes = 16 << 20
	maxYAMLNodes = 2_000_000
	pipeWait     = 30 * time.Second // for a pipe (`-i <(…)`) to deliver
)

// source is one text being read: its name and lines for places in messages.
type source struct {
	*draft
	name  string // as the user gave it
	what  string // for messages; empty: "the inventory"
	file  string // absolute path; empty for a comma list
	text  string
	lines []string
	// sealed: the text was encrypted as a whole, so that messages show none of it.
	sealed bool
}

// readSource reads one `-i` value into the draft.
func readSource(d *draft, name string) {
	s := &source{draft: d, name: name}
	info, err := os.Stat(name)
	switch {
	case name == "":
		s.whole("the name of an inventory is empty", "name a hosts file with -i hosts.yml, or hosts with -i web1,web2,")
	case err != nil && strings.Contains(name, ","):
		s.name, s.text, s.lines = "-i", name, []string{name}
		readCommas(s)
	case errors.Is(err, fs.ErrNotExist):
		s.whole("no such inventory: "+name, "check the path; a single host is written with a comma after it: -i "+filepath.Base(name)+",")
	case err != nil:
		s.whole("the inventory can't be opened: "+plainCause(err), "check the path and its permissions")
	case info.IsDir():
		d.varsBeside(name)
		readFolder(d, name, 0)
	default:
		d.varsBeside(filepath.Dir(name))
		s.readFile(info)
	}
}

// varsBeside has the variables in dir read when all sources are. Of a folder
// that is named again the last place counts.
func (d *draft) varsBeside(dir string) {
	dir = filepath.Clean(dir)
	d.varsDirs = append(slices.DeleteFunc(d.varsDirs, func(known string) bool { return sameFolder(known, dir) }), dir)
}

// sameFolder reports whether two paths, each clean, name one folder.
func sameFolder(a, b string) bool {
	if a == b {
		return true
	}
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
}

// readFile reads a file, finds out its form and hands it to the form's reader.
// A program is run for its output instead.
func (s *source) readFile(info fs.FileInfo) {
	if abs, err := filepath.Abs(s.name); err == nil {
		s.file = abs
	}
	if info.Mode().IsRegular() && info.Mode()&0o111 != 0 && isProgram(s.name) {
		s.runScript()
		return
	}
	data, ok := s.bytes(info)
	if !ok {
		return
	}
	if bytes.HasPrefix(data, []byte("#!")) && s.setText(data) {
		s.at(1, 1, 0).error(s.draft, "the inventory is a script, but not executable", "make it so: chmod +x "+s.name+"; a list of hosts has no `#!` line")
		return
	}
	data, sealed, ok := s.opened(data)
	if !ok || !s.setText(data) {
		return
	}
	form := s.form()
	if form == nil {
		s.whole("the inventory is empty", "write host names into it, one a line")
		return
	}
	s.sealed = sealed
	form(s)
}

// isProgram tells an executable that can be run from a hosts file on a file
// system where every file is executable.
func isProgram(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }() // only read from
	begin := make([]byte, 4)
	n, _ := io.ReadFull(f, begin) // a shorter file is no program
	return bytes.HasPrefix(begin[:n], []byte("#!")) || string(begin[:n]) == "\x7fELF"
}

// bytes reads what s names.
func (s *source) bytes(info fs.FileInfo) (data []byte, ok bool) {
	data, err := readBounded(s.name, info)
	switch {
	case err != nil:
		s.whole(s.noun()+" can't be read: "+plainCause(err), "")
	case len(data) > maxFileBytes:
		s.whole(fmt.Sprintf("%s is larger than %d MiB", s.noun(), maxFileBytes>>20), "is it the right file? ranges such as web[001:500] keep an inventory small")
	default:
		return data, true
	}
	return nil, false
}

// setText takes the text of a file apart. It is false where that isn't text.
func (s *source) setText(data []byte) bool {
	s.text = strings.TrimPrefix(string(data), "\ufeff")
	s.lines = strings.Split(s.text, "\n")
	return s.isText()
}

func (s *source) noun() string {
	if s.what == "" {
		return "the inventory"
	}
	return s.what
}

// readBounded reads a regular file or a pipe, one byte past the bound at most.
func readBounded(name string, info fs.FileInfo) ([]byte, error) {
	flags := os.O_RDONLY
	switch {
	case info.Mode().IsRegular():
	case info.Mode()&fs.ModeNamedPipe != 0:
		flags |= syscall.O_NONBLOCK // a pipe that nobody writes to must not hang the run
	default:
		return nil, errors.New("it is neither a file nor a pipe")
	}
	f, err := os.OpenFile(name, flags, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()                // only read from
	_ = f.SetReadDeadline(time.Now().Add(pipeWait)) // no deadline on regular files, and none needed
	return io.ReadAll(io.LimitReader(f, maxFileBytes+1))
}

// plainCause is err without the operation and path, which the message has.
func plainCause(err error) string {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	return err.Error()
}

// isText reports bytes that no hosts file has.
func (s *source) isText() bool {
	for n, line := range s.lines {
		col := strings.IndexByte(line, 0)
		switch {
		case strings.HasPrefix(s.text, "\xff\xfe") || strings.HasPrefix(s.text, "\xfe\xff"):
			s.at(1, 1, 0).error(s.draft, s.noun()+" is UTF-16 text", "save it as UTF-8")
		case col >= 0:
			s.at(n+1, utf8.RuneCountInString(line[:col])+1, 0).error(s.draft, s.noun()+" is not a text file: it has a NUL byte", "is it the right file?")
		case !utf8.ValidString(line):
			col = utf8.RuneCountInString(line[:firstInvalid(line)]) + 1
			s.at(n+1, col, 0).error(s.draft, s.noun()+" is not UTF-8 text", "save it as UTF-8")
		default:
			continue
		}
		return false
	}
	return true
}

func firstInvalid(s string) int {
	for i, r := range s {
		if r == utf8.RuneError {
			if _, n := utf8.DecodeRuneInString(s[i:]); n == 1 {
				return i
			}
		}
	}
	return len(s)
}

// form chooses the reader by what the file looks like, whatever its name. It
// is nil for a file with nothing in it. The first line that says something
// decides, after any `---`: the published sample inventory is a `---` with
// bare host names under it.
func (s *source) form() func(*source) {
	var first string
	anyYAML := false
	for _, line := range s.lines {
		t := strings.TrimSpace(line)
		if idle(t) {
			continue
		}
		if first == "" {
			first = t
		}
		anyYAML = anyYAML || looksYAML(t)
	}
	switch ext := filepath.Ext(s.name); {
	case first == "":
		return nil
	case looksYAML(first):
		return readYAML
	case first[0] != '[' && anyYAML && (ext == ".yml" || ext == ".yaml" || ext == ".json"):
		return readYAML // and its complaints, not those of a list
	}
	return readINI
}

// idle reports whether a line, trimmed, says nothing: a comment, or a mark
// that a YAML document begins or ends.
func idle(t string) bool {
	if t == "" || t[0] == '#' || t[0] == ';' || t == "..." {
		return true
	}
	rest, ok := strings.CutPrefix(t, "---")
	rest = strings.TrimSpace(rest)
	return ok && (rest == "" || rest[0] == '#' && t[3] != '#')
}

// looksYAML reports whether a line can only be YAML: a key with its colon, a
// list item, an opening brace, a directive, a list in brackets.
func looksYAML(t string) bool {
	if t == "-" || strings.HasPrefix(t, "- ") || t[0] == '{' || strings.HasPrefix(t, "%YAML") || strings.HasPrefix(t, "--- ") {
		return true
	}
	if t[0] == '[' {
		return strings.Contains(t, ",") || t == "["
	}
	end := strings.Index(t, ": ")
	if end < 0 && strings.HasSuffix(t, ":") {
		end = len(t) - 1
	}
	if end <= 0 {
		return false
	}
	key := t[:end]
	return !strings.ContainsAny(key, "= \t") || key[0] == '"' || key[0] == '\''
}

// readCommas reads "web1,web2,".
func readCommas(s *source) {
	col := 1
	for item := range strings.SplitSeq(s.text, ",") {
		name := strings.TrimSpace(item)
		if name != "" {
			lead := len(item) - len(strings.TrimLeft(item, " \t"))
			at := s.at(1, col+lead, utf8.RuneCountInString(name))
			s.addHosts(name, at, s.group["ungrouped"])
		}
		col += utf8.RuneCountInString(item) + 1
	}
}
