// Package ioc reads lists of indicators of compromise and matches them: names
// of files, digests, addresses of command and control servers, keywords.
//
// A list is a text file of one indicator a line, in the formats that LOKI and
// THOR read; what it holds is told by a word in the file's name ([KindOf]).
// [Load] reads files into [Lists]; its [Lists.Matcher] is a scanner.Matcher
// for the objects of a scan, and [Lists.Address] and [Lists.Keyword] are asked
// by the checks that know what an address or a line of text is.
//
//	*.txt --Load--> Lists --Matcher--> reasons (file names, digests)
//	                   \---- Address, Keyword --> indicators
//
// A line that can't be read is a [Problem] with its place; the others count.
package ioc

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
	"unicode/utf8"

	"thordeploy/scanner/finding"
)

// Kind is what the indicators of a list are.
type Kind string

// The kinds of lists.
const (
	Filenames Kind = "filename" // REGEX;SCORE[;FALSE_POSITIVE_REGEX]
	Hashes    Kind = "hash"     // HASH[;COMMENT] or HASH;SCORE;COMMENT
	C2        Kind = "c2"       // DOMAIN, ADDRESS or CIDR[;SCORE]
	Keywords  Kind = "keyword"  // the text itself, case-sensitive
	Trusted   Kind = "trusted"  // HASH[;COMMENT]: content that is known to be harmless
)

// Scores of indicators whose line has none.
const (
	hashScore     = 100
	c2Score       = 100
	keywordScore  = 75
	filenameScore = 75
)

// Indicator is one line of a list.
type Indicator struct {
	Text        string // as written, without score and comment
	Score       int
	Description string // the line's comment, or else that of the lines above it
	File        string // base name of the list
	Line        int
	Origin      finding.Origin
}

// Problem is a line, or with Line 0 a file, that couldn't be read.
type Problem struct {
	File    string
	Line    int
	Message string
	// Harmless: the line was understood and left out since it would match
	// everywhere; nothing is missing without it.
	Harmless bool
}

// String returns "file:line: message".
func (p Problem) String() string {
	if p.Line == 0 {
		return fmt.Sprintf("%s: %s", p.File, p.Message)
	}
	return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Message)
}

// Lists are the indicators of all lists read. They may be used by several
// goroutines once they are loaded. The zero value has none.
type Lists struct {
	names    filenames
	digests  digests
	trusted  digests
	servers  servers
	keywords keywords

	Files []string // every list read
	Count map[Kind]int
}

// kindWords are the words in a file's name that tell its kind, the more
// telling first: "trusted-hashes.txt" is no list of bad ones.
var kindWords = []struct {
	word string
	kind Kind
}{
	{"trusted-hash", Trusted}, {"falsepositive-hash", Trusted},
	{"filename", Filenames}, {"hash", Hashes}, {"keyword", Keywords}, {"c2", C2}, {"domain", C2},
}

// KindOf tells by a file's name what the list holds: a name with "c2" or
// "domain", "filename", "hash", "keyword", "trusted-hash" or
// "falsepositive-hash" in it.
func KindOf(name string) (Kind, bool) {
	name = strings.ToLower(filepath.Base(name))
	for _, k := range kindWords {
		if strings.Contains(name, k.word) {
			return k.kind, true
		}
	}
	return "", false
}

// Bounds of a list, far above any real one.
const (
	maxFile = 256 << 20 // bytes
	maxLine = 64 << 10
)

// Load reads every *.txt below dirs whose name tells its kind. A folder that
// isn't there has no lists. The error is about a folder that can't be read.
func Load(origin finding.Origin, dirs ...string) (*Lists, []Problem, error) {
	l := &Lists{Count: map[Kind]int{}}
	problems, err := l.Add(origin, dirs...)
	return l, problems, err
}

// Add is [Load] into l, before it is used.
func (l *Lists) Add(origin finding.Origin, dirs ...string) ([]Problem, error) {
	if l.Count == nil {
		l.Count = map[Kind]int{}
	}
	var problems []Problem
	for _, dir := range dirs {
		files, err := listFiles(dir)
		if err != nil {
			return problems, err
		}
		for _, path := range files {
			problems = append(problems, l.addFile(origin, path)...)
		}
	}
	l.names.finish()
	l.keywords.finish()
	return problems, nil
}

func listFiles(dir string) ([]string, error) {
	var files []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil && path == dir && errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case d.Type().IsRegular() && strings.EqualFold(filepath.Ext(path), ".txt") && !strings.HasPrefix(d.Name(), "."):
			files = append(files, path)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("looking for lists of indicators: %w", err)
	}
	slices.Sort(files)
	return files, nil
}

func (l *Lists) addFile(origin finding.Origin, path string) []Problem {
	kind, ok := KindOf(path)
	if !ok {
		if strings.EqualFold(filepath.Base(path), "README.txt") {
			return nil
		}
		return []Problem{{File: path, Message: "the name doesn't tell what the list holds: put c2, filename, hash, keyword or trusted-hash into it"}}
	}
	f, err := os.Open(path)
	if err != nil {
		return []Problem{{File: path, Message: err.Error()}}
	}
	defer f.Close()
	l.Files = append(l.Files, path)
	return l.Read(origin, kind, path, f)
}

// Read adds the indicators of one list; path is its name in messages.
func (l *Lists) Read(origin finding.Origin, kind Kind, path string, r io.Reader) []Problem {
	data, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	switch {
	case err != nil:
		return []Problem{{File: path, Message: err.Error()}}
	case len(data) > maxFile:
		return []Problem{{File: path, Message: fmt.Sprintf("is larger than %d MiB", maxFile>>20)}}
	}
	add := map[Kind]func(*Indicator) error{
		Filenames: l.names.add, Hashes: l.digests.add, Trusted: l.trusted.add, C2: l.servers.add, Keywords: l.keywords.add,
	}[kind]
	var problems []Problem
	rd := reader{origin: origin, file: filepath.Base(path), scored: kind != Keywords}
	number := 0
	for line := range bytes.Lines(data) {
		number++
		ind, bad := rd.line(line, number)
		if bad == nil && ind != nil {
			if bad = add(ind); bad == nil {
				l.Count[kind]++
			}
		}
		if bad != nil {
			problems = append(problems, Problem{File: path, Line: number, Message: bad.Error(), Harmless: errors.Is(bad, errEverywhere)})
		}
	}
	return problems
}

// errEverywhere says of an indicator that it would match on every host.
var errEverywhere = errors.New("left out")

// reader turns the lines of a list into indicators.
type reader struct {
	origin  finding.Origin
	file    string
	scored  bool   // fields come after the indicator, behind semicolons
	comment string // of the lines above, until a blank one
}

// line reads one line; nil where it holds no indicator.
func (r *reader) line(raw []byte, number int) (*Indicator, error) {
	text := strings.TrimPrefix(strings.TrimRight(string(raw), "\r\n"), "\ufeff")
	trimmed := strings.TrimSpace(text)
	switch {
	case trimmed == "":
		r.comment = ""
		return nil, nil
	case strings.HasPrefix(trimmed, "#"):
		r.comment = strings.TrimSpace(strings.TrimLeft(trimmed, "# "))
		return nil, nil
	case len(text) > maxLine:
		return nil, fmt.Errorf("a line of more than %d bytes", maxLine)
	case !utf8.ValidString(text):
		return nil, errors.New("not UTF-8 text")
	}
	if r.scored {
		text = trimmed
	}
	return &Indicator{Text: text, Description: r.comment, File: r.file, Line: number, Origin: r.origin}, nil
}

// reason is a match of ind as a finding tells it.
func (ind *Indicator) reason(kind finding.Kind, matched ...finding.Matched) finding.Reason {
	summary := fmt.Sprintf("%s %s", kind, ind.Text)
	if ind.Description != "" {
		summary += " / " + ind.Description
	}
	return finding.NewReason(summary, finding.Signature{
		Score: ind.Score, Origin: ind.Origin, Kind: kind, RuleName: fmt.Sprintf("%s:%d", ind.File, ind.Line), Description: ind.Description,
	}, matched)
}
