package docs

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// root is the repository, seen from here.
const root = "../.."

// page is one Markdown file.
type page struct {
	name   string // from the repository's root
	text   string // without its fenced blocks
	blocks []block
}

// block is a fenced block.
type block struct {
	lang, text string
	line       int // of its fence
}

// at says where a block is, for messages and names of tests.
func (p *page) at(b block) string { return fmt.Sprintf("%s:%d", p.name, b.line) }

// pages reads README.md and the pages of docs/; with decisions, also those of
// docs/adr.
func pages(t *testing.T, decisions bool) []*page {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil || len(files) < 5 {
		t.Fatalf("docs/: %v, %v", files, err)
	}
	if decisions {
		more, err := filepath.Glob(filepath.Join(root, "docs", "adr", "*.md"))
		if err != nil || len(more) < 5 {
			t.Fatalf("docs/adr: %v, %v", more, err)
		}
		files = append(files, more...)
	}
	var out []*page
	for _, file := range append([]string{filepath.Join(root, "README.md")}, files...) {
		out = append(out, readPage(t, file))
	}
	return out
}

func readPage(t *testing.T, file string) *page {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	name, err := filepath.Rel(root, file)
	if err != nil {
		t.Fatal(err)
	}
	p := &page{name: name}
	var open *block
	n := 0
	for line := range strings.Lines(string(data)) {
		n++
		lang, fence := strings.CutPrefix(line, "```")
		switch {
		case fence && open == nil:
			open = &block{lang: strings.TrimSpace(lang), line: n}
		case fence:
			p.blocks = append(p.blocks, *open)
			open = nil
		case open != nil:
			open.text += line
		default:
			p.text += line
		}
	}
	if open != nil {
		t.Fatalf("%s: a fence is not closed", p.at(*open))
	}
	return p
}

// table gives the rows of the first table below a heading, without its head.
func (p *page) table(t *testing.T, heading string) [][]string {
	t.Helper()
	_, section, ok := strings.Cut(p.text, "\n"+heading+"\n")
	if !ok {
		t.Fatalf("%s has no %q", p.name, heading)
	}
	var rows [][]string
	for line := range strings.Lines(section) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") {
			if len(rows) > 0 || strings.HasPrefix(line, "#") {
				break
			}
			continue
		}
		line = strings.ReplaceAll(strings.Trim(line, "|"), `\|`, "\x00")
		var cells []string
		for cell := range strings.SplitSeq(line, "|") {
			cells = append(cells, strings.ReplaceAll(strings.TrimSpace(cell), "\x00", "|"))
		}
		rows = append(rows, cells)
	}
	if len(rows) < 3 {
		t.Fatalf("%s: %q has no table", p.name, heading)
	}
	return rows[2:]
}

var code = regexp.MustCompile("`([^`]+)`")

// codes lists what a text has in backquotes.
func codes(text string) []string {
	var out []string
	for _, m := range code.FindAllStringSubmatch(text, -1) {
		out = append(out, m[1])
	}
	return out
}
