package playbook

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"thordeploy/internal/diag"
)

// decode reads all of the documents of a file.
func decode(data []byte) (docs []*yaml.Node, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("yaml: %v", r)
		}
	}()
	d := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var doc yaml.Node
		err := d.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return docs, nil
		}
		if err != nil {
			return nil, err
		}
		docs = append(docs, &doc)
	}
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)

// syntax reports what yaml.v3 couldn't read, at the line where it noticed.
func (ld *loader) syntax(data []byte, err error) {
	text := strings.SplitN(err.Error(), "\n", 2)[0]
	said := 0
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		said, _ = strconv.Atoi(m[1])
		text = m[2]
	}
	at := ld.noticed(data, err)
	if at == 0 {
		at = max(1, said)
	}
	d := diag.Diagnostic{Summary: "this is not YAML: " + text, Rule: RuleYAML}
	d.Range = diag.Range{File: ld.src.file, Line: at, Column: 1}
	d.Hint, d.Range.Line, d.Range.Column = ld.cause(text, at)
	d.Source = ld.src.line(d.Range.Line)
	if d.Range.Column == 0 {
		d.Range.Column = len(d.Source) - len(strings.TrimLeft(d.Source, " \t")) + 1
		d.Range.EndColumn = utf8.RuneCountInString(d.Source) + 1
	}
	ld.list.Add(d)
}

// maxSearch bounds the files that are read again and again to find the line of
// a syntax error, in bytes.
const maxSearch = 256 << 10

// noticed finds the first line with which the text up to it fails as the
// whole does. yaml.v3's own line is that of the surrounding list or mapping,
// or one off.
func (ld *loader) noticed(data []byte, err error) int {
	if len(data) > maxSearch {
		return 0
	}
	ends := []int{}
	for i, c := range data {
		if c == '\n' {
			ends = append(ends, i+1)
		}
	}
	if len(data) > 0 && data[len(data)-1] != '\n' {
		ends = append(ends, len(data))
	}
	i := sort.Search(len(ends), func(i int) bool {
		_, e := decode(data[:ends[i]])
		return e != nil && e.Error() == err.Error()
	})
	if i == len(ends) {
		return 0
	}
	return i + 1
}

var (
	bareTemplate = regexp.MustCompile(`(?:^|\s)(?:[\w.-]+:\s+|-\s+)(\{\{)`)
	noSpace      = regexp.MustCompile(`^\s*(?:- +)?([A-Za-z_][\w.]*):[^\s:/]`)
	innerColon   = regexp.MustCompile(`^\s*(?:- +)?[\w.-]+:\s+[^"'\s{\[|>&*!#].*?(: |:$)`)
	openKey      = regexp.MustCompile(`^\s*(?:- +)?[\w.-]+:(?:\s|$)`)
)

// cause looks for the usual reasons around a line, and gives a hint with the
// place to show; column 0 is the whole line.
func (ld *loader) cause(text string, at int) (hint string, line, column int) {
	for n := at; n >= max(1, at-1); n-- {
		src := ld.src.line(n)
		indent := src[:len(src)-len(strings.TrimLeft(src, " \t"))]
		if tab := strings.IndexByte(indent, '\t'); tab >= 0 {
			return "YAML is indented with spaces: replace the tab", n, tab + 1
		}
		if m := bareTemplate.FindStringSubmatchIndex(src); m != nil && !strings.HasPrefix(strings.TrimSpace(src), "#") {
			return "put a value that begins with {{ in quotes: \"{{ … }}\"", n, utf8.RuneCountInString(src[:m[2]]) + 1
		}
	}
	src := ld.src.line(at)
	if strings.Contains(text, "mapping values are not allowed") {
		if above := ld.above(at); above > 0 {
			if m := noSpace.FindStringSubmatchIndex(ld.src.line(above)); m != nil {
				return "a space is missing after the colon", above, m[3] + 2
			}
			if ld.lost(at, above) {
				return "the indentation is lost: a task's keys stand below its name, two spaces further in than its `-`", at, 0
			}
		}
		if m := innerColon.FindStringSubmatchIndex(src); m != nil {
			return "a value with `: ` in it has to be quoted", at, utf8.RuneCountInString(src[:m[2]]) + 1
		}
	}
	if above := ld.above(at); above > 0 && ld.lost(at, above) {
		return "the indentation is lost: a play's and a task's keys stand below each other, two spaces further in than their `-`", at, 0
	}
	switch {
	case strings.Contains(text, "unknown anchor"):
		return "an alias `*name` needs an anchor `&name` above it", at, 0
	case strings.Contains(text, "found unexpected end of stream"), strings.Contains(text, "did not find expected ',' or"):
		return "a quote or a bracket is not closed", at, 0
	case strings.Contains(text, "cannot start any token"):
		return "a value that begins with a special character such as % @ ` has to be quoted", at, 0
	case strings.Contains(text, "did not find expected"):
		return "look at the indentation of this line and the one above", at, 0
	}
	return "", at, 0
}

// above gives the number of the last line before n with text in it.
func (ld *loader) above(n int) int {
	for n--; n > 0; n-- {
		if t := strings.TrimSpace(ld.src.line(n)); t != "" && !strings.HasPrefix(t, "#") {
			return n
		}
	}
	return 0
}

// lost reports a key that stands no deeper than the `- key:` above it, which
// it should belong to.
func (ld *loader) lost(n, above int) bool {
	line, over := ld.src.line(n), ld.src.line(above)
	depth := func(s string) int { return len(s) - len(strings.TrimLeft(s, " ")) }
	if !openKey.MatchString(line) {
		return false
	}
	for above > 0 && !strings.HasPrefix(strings.TrimSpace(over), "- ") {
		if depth(over) != depth(line) {
			return false
		}
		above = ld.above(above)
		over = ld.src.line(above)
	}
	return above > 0 && depth(line) <= depth(over) && !strings.HasPrefix(strings.TrimSpace(line), "- ")
}
