package playbook

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"thordeploy/internal/diag"
)

// Bounds of all files of a playbook together, far above any real one.
const (
	maxVarsFile = 16 << 20 // bytes of a file of variables
	maxBytes    = 64 << 20 // bytes of all files
)

// document is a file as it was read, once for all that use it.
type document struct {
	src   *source
	root  *yaml.Node // nil: empty, or wrong
	fine  bool       // it was read and is YAML; otherwise that is reported
	stamp stamp
}

// fileSystem is where files are: rooted at /, whose paths have no / in front.
func (l *Loader) fileSystem() fs.FS {
	if l.FS != nil {
		return l.FS
	}
	return os.DirFS("/")
}

// inFS is an absolute path as fs.FS has it.
func inFS(path string) string {
	return cmp.Or(strings.Trim(filepath.ToSlash(filepath.Clean(path)), "/"), ".")
}

// stat looks whether a path is there.
func (ld *loader) stat(path string) (fs.FileInfo, error) {
	return fs.Stat(ld.fsys, inFS(path))
}

func (ld *loader) isFile(path string) bool {
	info, err := ld.stat(path)
	return err == nil && !info.IsDir()
}

func (ld *loader) isDir(path string) bool {
	info, err := ld.stat(path)
	return err == nil && info.IsDir()
}

// stamp tells a file from what it was before.
type stamp struct {
	changed time.Time
	size    int64
}

// stampOf is a file's stamp now; the zero value where it isn't there.
func (ld *loader) stampOf(path string) stamp {
	if path == "" {
		return stamp{}
	}
	info, err := ld.stat(path)
	if err != nil {
		return stamp{}
	}
	return stamp{info.ModTime(), info.Size()}
}

// readFile reads a regular file within the bounds.
func (ld *loader) readFile(path string, most int64) ([]byte, error) {
	f, err := ld.fsys.Open(inFS(path))
	if err != nil {
		return nil, reason(err)
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, reason(err)
	case !info.Mode().IsRegular():
		return nil, errors.New("not a file")
	}
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	ld.bytes += int64(len(data))
	switch {
	case err != nil:
		return nil, reason(err)
	case int64(len(data)) > most:
		return nil, fmt.Errorf("larger than %d MiB", most>>20)
	case ld.bytes > maxBytes:
		return nil, errors.New("the playbook's files are larger than 64 MiB together")
	}
	return data, nil
}

// reason is a file error without the path, which the message around it names.
func reason(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// shown is how messages name a file: as the user would from where the playbook
// was named.
func (ld *loader) shown(path string) string {
	rel, err := filepath.Rel(ld.home, path)
	if err != nil || strings.HasPrefix(rel, "..") {
		return path
	}
	if strings.Contains(ld.file, ":") { // a built-in one
		return rel
	}
	return filepath.Join(filepath.Dir(ld.file), rel)
}

// document reads a file's YAML, once; what is wrong with the file itself is
// reported at n, which names it.
func (ld *loader) document(n *yaml.Node, path string, most int64) *document {
	now := ld.stampOf(path)
	if d, ok := ld.documents[path]; ok && d.stamp == now {
		return d
	}
	d := &document{src: &source{file: ld.shown(path)}, stamp: now}
	ld.documents[path] = d
	data, err := ld.readFile(path, most)
	if err != nil {
		ld.errorf(n, "", "%s: %s", d.src.file, err)
		return d
	}
	before := ld.place
	ld.place = place{chain: before.chain, src: newSource(d.src.file, data), dir: filepath.Dir(path)}
	defer func() { ld.place = before }()
	if data, ok := ld.decrypted(data); ok {
		d.root, d.fine = ld.yaml(data)
	}
	d.src = ld.src
	return d
}

// link is one step of the way to the file being read.
type link struct {
	what string // for a person: "tasks/a.yml", "role web"
	key  string // equal for the same thing
}

// into makes a file the one that is read, until the returned function is
// called; ok is false, and that is reported at n, where it is being read
// already.
func (ld *loader) into(n *yaml.Node, d *document, path string) (leave func(), ok bool) {
	if !ld.follow(n, link{d.src.file, path}) {
		return func() {}, false
	}
	before := ld.place
	ld.src, ld.dir, ld.open = d.src, filepath.Dir(path), nil
	ld.chain = append(before.chain[:len(before.chain):len(before.chain)], link{d.src.file, path})
	return func() { ld.place = before }, true
}

// maxChain is how many files, one in the other, lead to a task.
const maxChain = 100

// follow reports, at n, a step that leads back to where one is already.
func (ld *loader) follow(n *yaml.Node, to link) bool {
	for i, l := range ld.chain {
		if l.key != to.key {
			continue
		}
		var way []string
		for _, l := range ld.chain[i:] {
			way = append(way, l.what)
		}
		ld.errorf(n, "take one of these steps out",
			"this goes round in a circle: %s", strings.Join(append(way, to.what), " → "))
		return false
	}
	if len(ld.chain) >= maxChain {
		ld.errorf(n, "", "files are nested deeper than %d", maxChain)
		return false
	}
	return true
}

// missing reports what is in none of the places.
func (ld *loader) missing(s diag.Severity, n *yaml.Node, what string, places []string) {
	names := make([]string, len(places))
	for i, p := range places {
		names[i] = ld.shown(p)
	}
	ld.add(s, n, "looked for "+strings.Join(names, ", "), "%s", what)
}

// firstFile is the first of places that is a file.
func (ld *loader) firstFile(places []string) (string, bool) {
	for _, p := range places {
		if ld.isFile(p) {
			return p, true
		}
	}
	return "", false
}

// unique drops the places that are named before.
func unique(places []string) []string {
	seen := make(map[string]bool, len(places))
	out := places[:0]
	for _, p := range places {
		if p = filepath.Clean(p); !seen[p] {
			seen[p] = true
			out = append(out, p)
		}
	}
	return out
}
