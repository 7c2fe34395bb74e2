// Package samples builds a harmless sample for each of the project's own rules,
// for tests and for the demo, which plants some on lab hosts.
//
// A sample holds just what its rule looks for; none of them does anything.
// They exist at run time alone: the sources below carry them with ~ strewn in,
// so that neither this repository nor a program built from it holds a file
// that a scanner, ours or another, would take for the real thing.
package samples

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Sample is a file that one rule finds, or nearly does.
type Sample struct {
	Rule string      // the rule's name
	Path string      // where such a file lies on a host, relative to its root
	Mode fs.FileMode // with fs.ModeSetuid where the rule asks for it
	Data []byte
}

// Write creates the sample below root, with the folders it needs, and returns
// its full path.
func (s Sample) Write(root string) (string, error) {
	path := filepath.Join(root, filepath.FromSlash(s.Path))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", fmt.Errorf("planting the sample for %s: %w", s.Rule, err)
	}
	if err := os.WriteFile(path, s.Data, 0o600); err != nil {
		return "", fmt.Errorf("planting the sample for %s: %w", s.Rule, err)
	}
	if err := os.Chmod(path, s.Mode); err != nil { // WriteFile's mode is subject to the umask, and has no setuid bit
		return "", fmt.Errorf("planting the sample for %s: %w", s.Rule, err)
	}
	return path, nil
}

// All returns one sample for each rule.
func All() []Sample {
	var out []Sample
	for _, e := range entries() {
		out = append(out, e.sample(e.path, e.hit))
	}
	return out
}

// Near returns samples that look alike but that the named rule must not find.
func Near() []Sample {
	var out []Sample
	for _, e := range entries() {
		path := e.path
		if e.nearPath != "" {
			path = e.nearPath
		}
		out = append(out, e.sample(path, e.near))
	}
	return out
}

// For returns the sample of one rule.
func For(rule string) (Sample, bool) {
	for _, s := range All() {
		if s.Rule == rule {
			return s, true
		}
	}
	return Sample{}, false
}

// entry is a rule's sample and near miss, with ~ strewn in.
type entry struct {
	rule, path string
	hit, near  string
	nearPath   string // empty: path
	mode       fs.FileMode
}

func (e entry) sample(path, body string) Sample {
	mode := e.mode
	if mode == 0 {
		mode = 0o644
	}
	return Sample{Rule: e.rule, Path: path, Mode: mode, Data: []byte(strings.ReplaceAll(body, "~", ""))}
}

func entries() []entry {
	var out []entry
	for _, group := range [][]entry{test, webshells(), reverseShells(), miners(), rootkits(), accounts(), persistence(), tools()} {
		out = append(out, group...)
	}
	return out
}

// elf returns the first bytes of an ELF file of the given type (2: program,
// 3: shared library, 1: object such as a kernel module) followed by strings,
// each ended by a zero byte. It is no program.
func elf(kind byte, words ...string) string {
	head := make([]byte, 64)
	copy(head, "\x7fELF\x02\x01\x01")
	head[16], head[18] = kind, 62
	return string(head) + strings.Join(words, "\x00") + "\x00"
}

var test = []entry{{
	rule: "Test_EICAR_File", path: "tmp/eicar.com",
	hit:  `X5O!P%@AP[4\PZ~X54(P^)7CC)7}$EIC~AR-STAND~ARD-ANTIVI~RUS-TEST-FI~LE!$H+~H*`,
	near: `X5O!P%@AP[4\PZ~X54(P^)7CC)7}$EIC~AR-STAND~ARD-ANTIVI~RUS-TEST-FI~LE!`,
}}
