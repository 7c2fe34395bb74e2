package ioc

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"testing"

	"thordeploy/scanner/finding"
)

// realLists are the lists of signature-base, where they lie beside the
// checkout: real ones are what the search for literals has to be right for.
func realLists(tb testing.TB) *Lists {
	tb.Helper()
	dir := "../../../shared/corpora/signature-base/iocs"
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		tb.Skip("no signature-base beside the checkout")
	}
	l, problems, err := Load(finding.External, dir)
	if err != nil {
		tb.Fatal(err)
	}
	for _, p := range problems {
		if !p.Harmless {
			tb.Errorf("%s", p)
		}
	}
	return l
}

// every expression of the list matches through the literals what it matches by
// itself: a text made to match it is found, on others both say the same.
func TestLiteralsLoseNoMatch(t *testing.T) {
	l := realLists(t)
	if l.Count[Filenames] < 3000 {
		t.Fatalf("%d file names", l.Count[Filenames])
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	without := 0
	for _, p := range l.names.list {
		if literals(p.source) == nil {
			without++
		}
		re, err := syntax.Parse(p.source, syntax.Perl)
		if err != nil {
			t.Fatal(err)
		}
		compiled, except := p.compile()
		for range 3 {
			var b strings.Builder
			b.WriteString("/")
			write(&b, re, rnd)
			text := b.String()
			if !compiled.MatchString(text) || except != nil && except.MatchString(text) {
				continue // an anchor or a false positive: not what this test is about
			}
			if !slices.ContainsFunc(l.names.match(text), func(r finding.Reason) bool { return strings.HasPrefix(r.Summary, "Filename IOC "+p.Text) }) {
				t.Errorf("%s:%d: %s is lost on %q", p.File, p.Line, p.Text, text)
			}
		}
	}
	if without > 20 {
		t.Errorf("%d expressions have no literal: each is tried on every path", without)
	}
}

// write makes a text that re matches, but for anchors.
func write(b *strings.Builder, re *syntax.Regexp, rnd *rand.Rand) {
	switch re.Op {
	case syntax.OpLiteral:
		text := string(re.Rune)
		if re.Flags&syntax.FoldCase != 0 && rnd.IntN(2) == 0 {
			text = strings.ToUpper(text)
		}
		b.WriteString(text)
	case syntax.OpCharClass:
		i := 2 * rnd.IntN(len(re.Rune)/2)
		b.WriteRune(re.Rune[i] + rnd.Int32N(min(re.Rune[i+1]-re.Rune[i], 60)+1))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		b.WriteRune('a' + rnd.Int32N(26))
	case syntax.OpCapture, syntax.OpConcat:
		for _, sub := range re.Sub {
			write(b, sub, rnd)
		}
	case syntax.OpAlternate:
		write(b, re.Sub[rnd.IntN(len(re.Sub))], rnd)
	case syntax.OpStar, syntax.OpQuest, syntax.OpPlus, syntax.OpRepeat:
		from, to := 0, 1
		switch re.Op {
		case syntax.OpPlus:
			from, to = 1, 3
		case syntax.OpRepeat:
			from = re.Min
			to = max(re.Min, min(re.Max, re.Min+3))
		}
		for range from + rnd.IntN(to-from+1) {
			write(b, re.Sub[0], rnd)
		}
	}
}

// On real paths the search finds just what all expressions find one by one.
func TestRealPathsAsOneByOne(t *testing.T) {
	l := realLists(t)
	var all []*regexp.Regexp
	for _, p := range l.names.list {
		m, _ := p.compile()
		all = append(all, m)
	}
	for _, path := range somePaths(t, 300) {
		want := map[string]bool{}
		for i, m := range all {
			_, fp := l.names.list[i].compile()
			if m.MatchString(path) && (fp == nil || !fp.MatchString(path)) {
				want[l.names.list[i].Text] = true
			}
		}
		got := l.names.match(path)
		if len(got) < len(want) {
			t.Errorf("%s: %d of %d", path, len(got), len(want))
		}
	}
}

func somePaths(tb testing.TB, n int) []string {
	tb.Helper()
	var paths []string
	err := filepath.WalkDir("/usr", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			paths = append(paths, path)
		}
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	rand.New(rand.NewPCG(3, 4)).Shuffle(len(paths), func(i, j int) { paths[i], paths[j] = paths[j], paths[i] })
	return paths[:min(n, len(paths))]
}

// BenchmarkFilename is the time of the file name indicators for one path; the
// bar is 10 µs.
func BenchmarkFilename(b *testing.B) {
	l := realLists(b)
	paths := somePaths(b, 20_000)
	for _, p := range paths {
		l.names.match(p)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		l.names.match(paths[i%len(paths)])
	}
}

func FuzzRead(f *testing.F) {
	f.Add("filename", "\\\\Temp\\\\x\\.exe;80;(?i)fp\n")
	f.Add("hash", "900150983cd24fb0d6963f7d28e17f72;70;x\n")
	f.Add("c2", "198.51.100.0/24;4\nx.example\n")
	f.Add("keyword", "abc\n")
	f.Fuzz(func(t *testing.T, kind, text string) {
		k, ok := KindOf(kind)
		if !ok {
			return
		}
		l, _ := lists(t, k, text)
		l.names.match(text)
		l.Domain(text)
		l.Keyword([]byte(text))
	})
}
