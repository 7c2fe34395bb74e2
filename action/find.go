package action

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"sort"
	"strconv"
	"strings"
)

// findSpec is ansible.builtin.find.
func findSpec() *Spec {
	return &Spec{
		Name: "find",
		Params: []Param{
			{Name: "paths", Aliases: []string{"name", "path"}, Type: List, Required: true, Doc: "folders on the host to look in"},
			{Name: "patterns", Aliases: []string{"pattern"}, Type: List, Doc: "globs of names, without their folders; any of them may match"},
			{Name: "excludes", Aliases: []string{"exclude"}, Type: List, Doc: "globs of names to leave out"},
			{Name: "use_regex", Type: Bool, Default: false, Doc: "patterns and excludes are regular expressions (RE2's) that match from a name's beginning"},
			{Name: "file_type", Type: String, Default: "file", Choices: []string{"any", "directory", "file", "link"}, Doc: "what to find"},
			{Name: "recurse", Type: Bool, Default: false, Doc: "look in the folders beneath too"},
			{Name: "depth", Type: Int, Doc: "with recurse, how many levels to look at; 0: all"},
			{Name: "hidden", Type: Bool, Default: false, Doc: "names that begin with a dot too"},
			{Name: "follow", Type: Bool, Default: false, Doc: "with recurse, look in folders that symlinks point to"},
			{Name: "age", Type: String, Doc: "at least this old; with - in front at most: seconds, or a number with s, m, h, d or w"},
			{Name: "age_stamp", Type: String, Default: "mtime", Choices: []string{"atime", "ctime", "mtime"}, Doc: "which time age is about"},
			{Name: "size", Type: String, Doc: "at least this large; with - in front at most: bytes, or a number with b, k, m, g or t"},
			{Name: "contains", Type: String, Doc: "for files: an extended regular expression (grep -E on the host) that matches a line from its beginning"},
			{Name: "get_checksum", Type: Bool, Default: false, Doc: "report the SHA-1 of regular files"},
		},
		Doc: "Find files and folders by name, age, size or content; at most 20,000.",
		Run: runFind,
	}
}

const (
	maxFound       = 20_000    // what is found is kept to the end of the run
	maxFoundStream = 256 << 20 // bytes of candidates from the host
)

// finding is one find on one host. The host sends what may be meant, the
// controller decides: a glob, an age or a regular expression means the same on
// every host.
type finding struct {
	args               Args
	patterns, excludes nameFilter
	age, size          *threshold
	depth              int // levels to look at, 0: all
	roots              []string
	// What the host says.
	now      int64
	root     int // that the records are about, from 1
	done     bool
	files    map[string]map[string]any
	last     map[string]any // that a checksum is of
	examined int
	skipped  map[string]any
}

func runFind(ctx context.Context, c *Call) Result {
	f, err := newFinding(c.Args)
	if err != nil {
		return failed(err.Error(), hintOf(err))
	}
	s, err := streamHalf(ctx, c, "find", f.words(), nil, f.read)
	switch {
	case err != nil:
		r := broken(fmt.Errorf("looking in %s: %w", text8(strings.Join(f.roots, ", ")), err))
		if h := hintOf(err); h != "" {
			r.Hint = h
		}
		return r
	case s.code != 0 || !f.done:
		return failed(fmt.Sprintf("the host's find ended early, with exit status %d: %s", s.code, strings.TrimSpace(text8(s.stderr))), "")
	}
	names := sortedKeys(f.files)
	list := make([]any, len(names))
	for i, n := range names {
		list[i] = f.files[n]
	}
	msg := "All paths examined"
	if len(f.skipped) > 0 {
		msg = "Not all paths examined, check warnings for details"
	}
	return Result{Msg: msg, Values: map[string]any{
		"files": list, "matched": len(list), "examined": f.examined, "skipped_paths": f.skipped, "msg": msg,
	}}
}

func newFinding(a Args) (*finding, error) {
	f := &finding{args: a, depth: a.Int("depth"), files: map[string]map[string]any{}, skipped: map[string]any{}}
	var err error
	if f.patterns, err = newNameFilter(a, "patterns"); err != nil {
		return nil, err
	}
	if f.excludes, err = newNameFilter(a, "excludes"); err != nil {
		return nil, err
	}
	if f.age, err = newThreshold(a, "age", map[string]int64{"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}); err != nil {
		return nil, err
	}
	if f.size, err = newThreshold(a, "size", map[string]int64{"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}); err != nil {
		return nil, err
	}
	if f.depth < 0 {
		return nil, fmt.Errorf("depth must not be negative: %d", f.depth)
	}
	if err := checkGrep(a.Str("contains")); err != nil {
		return nil, err
	}
	if !a.Bool("recurse") {
		f.depth = 1
	}
	for _, p := range a.List("paths") {
		if strings.TrimSpace(p) == "" || strings.ContainsRune(p, 0) {
			return nil, &typeError{text: fmt.Sprintf("paths holds %q, which is no folder", p), hint: "name the folders to look in"}
		}
		for strings.Contains(p, "//") { // begins a record
			p = strings.ReplaceAll(p, "//", "/")
		}
		if p != "/" {
			p = strings.TrimSuffix(p, "/")
		}
		f.roots = append(f.roots, p)
	}
	return f, nil
}

// checkGrep refuses what Python's expressions have and grep -E would take for
// something else without a word.
func checkGrep(expr string) error {
	for _, odd := range []string{`\d`, `\D`, "(?", "*?", "+?", "\n"} {
		if strings.Contains(expr, odd) {
			return &typeError{text: fmt.Sprintf("contains is an expression of grep -E, which has no %q", odd), hint: "[0-9] is a digit; see grep(1)"}
		}
	}
	return nil
}

// words are the half's: FOLLOW DEPTH EXAMINED CONTAINS CHECKSUM, the number of
// roots, the roots, and what narrows find(1) down.
func (f *finding) words() []string {
	a := f.args
	follow, depth, examined := "-H", "", ""
	if a.Bool("follow") {
		follow = "-L"
	}
	if f.depth > 0 {
		depth, examined = strconv.Itoa(f.depth), strconv.Itoa(f.depth)
		if a.Bool("recurse") { // the level below is looked at, and counted, but not taken: as in Ansible
			examined = strconv.Itoa(f.depth + 1)
		}
	}
	contains := ""
	if f.kind() == "file" && a.Has("contains") {
		contains = "^(" + a.Str("contains") + ")"
	}
	words := append([]string{follow, depth, examined, contains, yesNo(a.Bool("get_checksum")), strconv.Itoa(len(f.roots))}, f.roots...)
	if !a.Bool("hidden") {
		words = append(words, "!", "-name", ".*")
	}
	// With -L, find's types and sizes are those of what symlinks point to.
	if letter := map[string]string{"file": "f", "directory": "d", "link": "l"}[f.kind()]; letter != "" && (!a.Bool("follow") || contains != "") {
		words = append(words, "-type", letter)
	}
	if f.size != nil && f.kind() == "file" && !a.Bool("follow") {
		if f.size.atMost {
			words = append(words, "-size", fmt.Sprintf("-%dc", f.size.bound+1))
		} else if f.size.bound > 0 {
			words = append(words, "-size", fmt.Sprintf("+%dc", f.size.bound-1))
		}
	}
	return append(words, f.patterns.narrow()...)
}

func (f *finding) kind() string { return f.args.Str("file_type") }

// read takes the host's records. Each begins with // at the beginning of a
// line, which no clean path holds.
func (f *finding) read(r io.Reader) error {
	return eachRecord(io.LimitReader(r, maxFoundStream), func(record string) error {
		if word, ok := strings.CutPrefix(record, "="); ok {
			return f.word(word)
		}
		if f.done {
			return errors.New("the host went on after its end")
		}
		return f.candidate(record)
	})
}

// word is what is not about a file.
func (f *finding) word(text string) error {
	key, value, _ := strings.Cut(text, " ")
	n, _ := strconv.ParseInt(value, 10, 64) // what is no number is none
	switch key {
	case "now":
		f.now = n
	case "root":
		if f.root = int(n); f.root < 1 || f.root > len(f.roots) {
			return fmt.Errorf("the host spoke of folder %d of %d", n, len(f.roots))
		}
	case "examined":
		f.examined += int(max(n, 0))
	case "sum":
		if f.last != nil && value != "" {
			f.last["checksum"] = text8(value)
		}
	case "skip":
		if f.root > 0 {
			f.skipped[text8(f.roots[f.root-1])] = text8(value)
		}
	case "end":
		f.done = true
	}
	return nil
}

// candidate adds a file where it is meant.
func (f *finding) candidate(record string) error {
	f.last = nil
	w := strings.SplitN(record, ":", 13)
	if len(w) != 13 {
		return fmt.Errorf("the host's stat program answered in words that aren't known: %q", shorten(text8(record)))
	}
	raw, err := strconv.ParseUint(w[0], 16, 32)
	if err != nil {
		return fmt.Errorf("the host's stat program answered in words that aren't known: %w", err)
	}
	st := map[string]any{"path": text8(path.Clean(w[12])), "pw_name": "", "gr_name": ""}
	addMode(st, raw)
	for i, key := range []string{1: "size", "uid", "gid", "", "", "atime", "mtime", "ctime", "inode", "dev", "nlink"} {
		if key == "" {
			continue
		}
		n, err := strconv.ParseInt(w[i], 10, 64)
		if err != nil {
			return fmt.Errorf("the host's stat program answered in words that aren't known: %w", err)
		}
		st[key] = int(n)
	}
	for key, name := range map[string]string{"pw_name": w[4], "gr_name": w[5]} {
		if name != "UNKNOWN" {
			st[key] = text8(name)
		}
	}
	if !f.meant(path.Base(w[12]), st) {
		return nil
	}
	if len(f.files) >= maxFound {
		return &typeError{text: fmt.Sprintf("more than %d match", maxFound), hint: "narrow it with patterns, depth, size or age"}
	}
	f.files[fmt.Sprintf("%06d/%s", f.root, w[12])], f.last = st, st
	return nil
}

// meant applies everything that the host didn't, and what it did again.
func (f *finding) meant(name string, st map[string]any) bool {
	regular, _ := st["isreg"].(bool)
	dir, _ := st["isdir"].(bool)
	link, _ := st["islnk"].(bool)
	switch f.kind() {
	case "file":
		if !regular {
			return false
		}
	case "directory":
		if !dir {
			return false
		}
	case "link":
		if !link {
			return false
		}
	}
	if strings.HasPrefix(name, ".") && !f.args.Bool("hidden") {
		return false
	}
	stamp, _ := st[f.args.Str("age_stamp")].(int)
	size, _ := st["size"].(int)
	if !f.age.holds(f.now-int64(stamp)) || regular && !f.size.holds(int64(size)) {
		return false
	}
	return (len(f.patterns.tests) == 0 || f.patterns.matches(name)) && !f.excludes.matches(name)
}

// threshold is an age or a size: at least, or at most.
type threshold struct {
	bound  int64 // not negative
	atMost bool
}

// newThreshold reads a number and its unit. nil: there is none.
func newThreshold(a Args, which string, units map[string]int64) (*threshold, error) {
	if !a.Has(which) {
		return nil, nil
	}
	text := strings.ToLower(a.Str(which))
	digits := strings.TrimRight(text, "bsmhdwkgt")
	unit, ok := units[text[len(digits):]]
	n, err := strconv.ParseInt(digits, 10, 64)
	if !ok || err != nil || strings.HasPrefix(digits, "+") || n > (1<<62)/unit || n < -(1<<62)/unit {
		names := sortedKeys(units)[1:]
		sort.Slice(names, func(i, j int) bool { return units[names[i]] < units[names[j]] })
		return nil, &typeError{text: fmt.Sprintf("failed to process %s: %q", which, shorten(a.Str(which))), hint: "write a number, with " + strings.Join(names, ", ") + " perhaps"}
	}
	if n < 0 {
		return &threshold{bound: -n * unit, atMost: true}, nil
	}
	return &threshold{bound: n * unit}, nil
}

func (t *threshold) holds(n int64) bool {
	switch {
	case t == nil:
		return true
	case t.atMost:
		return n <= t.bound
	}
	return n >= t.bound
}
