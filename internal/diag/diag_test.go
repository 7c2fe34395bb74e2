package diag

import (
	"errors"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestString(t *testing.T) {
	tests := []struct {
		name string
		d    Diagnostic
		want string
	}{
		{"everything", Diagnostic{
			Range:   Range{"thor.yml", 4, 5, 11},
			Summary: "unknown module `comand`", Hint: "did you mean `command`?", Source: "  - comand: mount",
		}, "thor.yml:4:5: error: unknown module `comand`\n    - comand: mount\n      ^~~~~~\n  hint: did you mean `command`?"},
		{"whole file", Diagnostic{Range: Range{File: "a.yml"}, Summary: "empty", Source: "ignored"}, "a.yml: error: empty"},
		{"no file", Diagnostic{Severity: Warning, Summary: "odd"}, "warning: odd"},
		{"no column", Diagnostic{Range: Range{File: "a", Line: 2}, Summary: "s", Source: "text"}, "a:2: error: s\n  text"},
		{"unknown end underlines one rune", Diagnostic{Range: Range{"a", 1, 2, 0}, Summary: "s", Source: "abc"}, "a:1:2: error: s\n  abc\n   ^"},
		{"tab", Diagnostic{Range: Range{"a", 1, 3, 5}, Summary: "s", Source: "a\tbc"}, "a:1:3: error: s\n  a       bc\n          ^~"},
		{"wide and combining", Diagnostic{Range: Range{"a", 1, 5, 7}, Summary: "s", Source: "世e\u0301🚀xy"},
			"a:1:5: error: s\n  世e\u0301🚀xy\n       ^~"},
		{"wide underlined", Diagnostic{Range: Range{"a", 1, 1, 3}, Summary: "s", Source: "世界x"}, "a:1:1: error: s\n  世界x\n  ^~~~"},
		{"beyond the end", Diagnostic{Range: Range{"a", 1, 99, 120}, Summary: "s", Source: "abc"}, "a:1:99: error: s\n  abc\n     ^"},
		{"hostile source", Diagnostic{Range: Range{"a", 1, 3, 4}, Summary: "s", Source: "\x1b[x\x9b\xff\u202e"},
			"a:1:3: error: s\n  \\x1b[x\\xff\\xff\\u202e\n       ^"},
		{"hostile words", Diagnostic{Range: Range{File: "a\x1b"}, Summary: "b\n\x07", Hint: "c\r"},
			"a\\x1b: error: b\\n\\x07\n  hint: c\\r"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := tt.d.String()
			// A lone C1 byte is broken UTF-8 and shown as the byte it is.
			want := strings.Replace(tt.want, `\x1b[x\xff`, `\x1b[x\x9b`, 1)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestLongLineIsCutAroundThePlace(t *testing.T) {
	line := strings.Repeat("x", 5000) + "HERE" + strings.Repeat("y", 5000)
	got := Diagnostic{Range: Range{"a", 1, 5001, 5005}, Summary: "s", Source: line}.String()
	lines := strings.Split(got, "\n")
	if len(lines) != 3 {
		t.Fatalf("got %d lines: %q", len(lines), got)
	}
	if n := utf8.RuneCountInString(lines[1]); n > maxWidth+4 {
		t.Errorf("shown line is %d runes long", n)
	}
	at := utf8.RuneCountInString(lines[1][:strings.Index(lines[1], "HERE")])
	if want := strings.Repeat(" ", at) + "^~~~"; lines[2] != want {
		t.Errorf("underline %q, want %q", lines[2], want)
	}
}

func TestList(t *testing.T) {
	var l List
	if err := l.Err(); err != nil {
		t.Fatalf("empty list: %v", err)
	}
	l.Add(Diagnostic{Severity: Warning, Range: Range{"b", 1, 1, 0}, Summary: "w1"})
	if err := l.Err(); err != nil {
		t.Fatalf("a list of warnings is an error: %v", err)
	}
	l.Errorf(Range{"a", 9, 1, 0}, "e%d", 1)
	l.Errorf(Range{"a", 2, 7, 0}, "e2")
	l.Errorf(Range{"a", 2, 3, 0}, "e3")
	l.Sort()
	want := "a:2:3: error: e3\na:2:7: error: e2\na:9:1: error: e1\nb:1:1: warning: w1"
	err := l.Err()
	if err == nil || err.Error() != want {
		t.Errorf("Err() = %v\nwant %s", err, want)
	}
	if n := len(l.All()); n != 4 {
		t.Errorf("All has %d", n)
	}
	if w := l.Warnings(); len(w) != 1 || w[0].Summary != "w1" {
		t.Errorf("Warnings() = %v", w)
	}
	var d *Diagnostic
	if !errors.As(err, &d) || d.Summary != "e3" {
		t.Errorf("errors.As gives %v", d)
	}
}

func TestNearest(t *testing.T) {
	modules := []string{"command", "copy", "fetch", "file", "mount", "stat", "shell"}
	tests := []struct{ word, want string }{
		{"comand", "command"}, {"commnad", "command"}, {"Copy", "copy"}, {"cpoy", "copy"},
		{"mout", "mount"}, {"sta", "stat"}, {"zzz", ""}, {"", ""}, {"xy", ""},
		{"reboot", ""}, {strings.Repeat("command", 1000), ""},
	}
	for _, tt := range tests {
		if got := Nearest(tt.word, modules); got != tt.want {
			t.Errorf("Nearest(%q) = %q, want %q", tt.word, got, tt.want)
		}
	}
	if got := Nearest("cat", []string{"cut", "bat"}); got != "bat" {
		t.Errorf("a tie gives %q", got)
	}
	if got := DidYouMean("comand", modules); got != "did you mean `command`?" {
		t.Errorf("DidYouMean = %q", got)
	}
}

// FuzzString holds that nothing in a source line reaches the terminal raw,
// and that three lines at most are drawn.
func FuzzString(f *testing.F) {
	f.Add("a: b", 1, 2)
	f.Add("\x1b]0;x\a\t世\xff\u202e", 3, 9)
	f.Fuzz(func(t *testing.T, source string, col, end int) {
		got := Diagnostic{Range: Range{"f", 1, col, end}, Summary: source, Hint: source, Source: source}.String()
		if !utf8.ValidString(got) {
			t.Errorf("broken UTF-8: %q", got)
		}
		if n := strings.Count(got, "\n"); n > 3 {
			t.Errorf("%d newlines in %q", n, got)
		}
		for _, r := range got {
			if r != '\n' && unicode.IsControl(r) {
				t.Errorf("control character %U in %q", r, got)
			}
		}
	})
}
