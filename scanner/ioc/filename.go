package ioc

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	ahocorasick "github.com/BobuSumisu/aho-corasick"

	"thordeploy/scanner/finding"
)

// filenames are regular expressions for full paths. Thousands of them can't be
// tried one by one on each path: of every expression a literal is known that
// all its matches contain, all literals are looked for at once, and only the
// expressions whose literal is there are compiled, once, and tried.
type filenames struct {
	list   []*namePattern
	trie   *ahocorasick.Trie // over the lower-case literals
	byText [][]int           // literal -> patterns
	always []int             // patterns without a literal
}

// namePattern is one expression. Compiling waits until its literal is met: all
// of a usual list compiled take a hundred megabytes.
type namePattern struct {
	*Indicator
	source, except string // as Go reads them; except may be empty
	compile        func() (match, fp *regexp.Regexp)
}

var driveLetter = regexp.MustCompile(`^(\^?(?:\(\?i\))?\^?)(?:[A-Za-z]|\[[A-Za-z]-[A-Za-z]\])?:(\\\\|/)`)

// unixPath writes an expression for Windows paths as one for paths here: `\\`
// is a slash and there are no drives.
func unixPath(expr string) string {
	expr = driveLetter.ReplaceAllString(expr, "${1}${2}")
	return strings.ReplaceAll(expr, `\\`, `/`)
}

// add reads REGEX;SCORE[;FALSE_POSITIVE_REGEX]. A semicolon may stand in the
// expression: the last field that is a number is the score.
func (f *filenames) add(ind *Indicator) error {
	expr, score, except, err := splitFilename(ind.Text)
	if err != nil {
		return err
	}
	p := &namePattern{Indicator: ind, source: unixPath(expr), except: unixPath(except)}
	ind.Text, ind.Score = expr, score
	for _, text := range []string{p.source, p.except} {
		if _, err := parse(text); err != nil {
			return fmt.Errorf("not a regular expression that can be used here: %w", err)
		}
	}
	p.compile = sync.OnceValues(func() (match, fp *regexp.Regexp) {
		match = regexp.MustCompile(p.source) // it was parsed above
		if p.except != "" {
			fp = regexp.MustCompile(p.except)
		}
		return match, fp
	})
	f.list = append(f.list, p)
	return nil
}

func splitFilename(line string) (expr string, score int, except string, err error) {
	fields := strings.Split(line, ";")
	for i := len(fields) - 1; i > 0; i-- {
		n, err := strconv.Atoi(strings.TrimSpace(fields[i]))
		if err != nil || i < len(fields)-2 {
			continue
		}
		return strings.Join(fields[:i], ";"), n, strings.Join(fields[i+1:], ";"), nil
	}
	if len(fields) == 1 {
		return line, filenameScore, "", nil
	}
	return "", 0, "", errors.New("a score is missing: write REGEX;SCORE or REGEX;SCORE;FALSE_POSITIVE_REGEX")
}

// finish builds the search for all literals.
func (f *filenames) finish() {
	index := map[string]int{}
	f.byText, f.always = nil, nil
	b := ahocorasick.NewTrieBuilder()
	for i, p := range f.list {
		set := literals(p.source)
		if set == nil {
			f.always = append(f.always, i)
			continue
		}
		for _, text := range set {
			at, known := index[text]
			if !known {
				at = len(f.byText)
				index[text] = at
				f.byText = append(f.byText, nil)
				b.AddString(text)
			}
			f.byText[at] = append(f.byText[at], i)
		}
	}
	f.trie = nil
	if len(f.byText) > 0 {
		f.trie = b.Build()
	}
}

// match returns a reason for each expression that matches path.
func (f *filenames) match(path string) []finding.Reason {
	var reasons []finding.Reason
	try := func(i int) {
		if r, ok := f.list[i].match(path); ok {
			reasons = append(reasons, r)
		}
	}
	for _, i := range f.always {
		try(i)
	}
	if f.trie == nil {
		return reasons
	}
	var tried []int // few: the literals that a path contains
	f.trie.Walk(lowered(path), func(_, _, literal int64) bool {
		for _, i := range f.byText[literal] {
			if !slices.Contains(tried, i) {
				tried = append(tried, i)
				try(i)
			}
		}
		return true
	})
	return reasons
}

func (p *namePattern) match(path string) (finding.Reason, bool) {
	re, fp := p.compile()
	at := re.FindStringIndex(path)
	if at == nil || fp != nil && fp.MatchString(path) {
		return finding.Reason{}, false
	}
	offset := uint64(at[0])
	return p.reason(finding.FilenameIOC, finding.Matched{
		Data: finding.NewText([]byte(path[at[0]:at[1]])), Offset: &offset, Field: "/path",
	}), true
}
