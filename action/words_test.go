package action

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"thordeploy/transport"
)

func TestSplitWords(t *testing.T) {
	t.Parallel()
	for line, want := range map[string][]string{
		"":                          nil,
		"  \t\n ":                   nil,
		"echo hi":                   {"echo", "hi"},
		" echo  a\tb\nc ":           {"echo", "a", "b", "c"},
		`echo 'a b' "c d" e\ f`:     {"echo", "a b", "c d", "e f"},
		`a'b'"c"d`:                  {"abcd"},
		`'' ""`:                     {"", ""},
		`"a\"b\\c\d"`:               {`a"b\c\d`},
		`'a\b'`:                     {`a\b`},
		`"a'b" 'c"d'`:               {"a'b", `c"d`},
		`echo $HOME *.go | wc ; #x`: {"echo", "$HOME", "*.go", "|", "wc", ";", "#x"},
		"ä 'ö ü'":                   {"ä", "ö ü"},
	} {
		got, err := splitWords(line)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %q, %v; want %q", line, got, err, want)
		}
	}
	for line, want := range map[string]string{`a "b`: "quotation", `a 'b`: "quotation", `a \`: "backslash"} {
		if _, err := splitWords(line); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want one about a %s", line, err, want)
		}
	}
}

func TestFirstWord(t *testing.T) {
	t.Parallel()
	for line, want := range map[string][2]string{
		"x.sh":                    {"x.sh", ""},
		" x.sh a 'b c' | d ":      {"x.sh", " a 'b c' | d"},
		"'my script.sh' $HOME":    {"my script.sh", " $HOME"},
		`my\ script.sh "unclosed`: {"my script.sh", ` "unclosed`},
	} {
		word, rest, err := firstWord(line)
		if err != nil || word != want[0] || rest != want[1] {
			t.Errorf("%q: %q, %q, %v; want %q", line, word, rest, err, want)
		}
	}
}

// TestExpandable runs the text that it makes.
func TestExpandable(t *testing.T) {
	t.Parallel()
	env := []string{"HOME=/home/x y", "A=1  2*", "B_2=}'\"$A", "EMPTY=", "PATH=/usr/bin:/bin"}
	for word, want := range map[string]string{
		"$A":            "1  2*",
		"-o${A}/b":      "-o1  2*/b",
		"$B_2.$A":       "}'\"$A.1  2*",
		"$EMPTY":        "",
		"$UNSET":        "$UNSET",
		"a${UNSET}b":    "a${UNSET}b",
		"$1 $$ $? $ ${": "$1 $$ $? $ ${",
		"${A:-x}":       "${A:-x}",
		"$(id)`id`":     "$(id)`id`",
		"~":             "/home/x y",
		"~/a b":         "/home/x y/a b",
		"~root/$A":      "/root/1  2*",
		"a~":            "a~",
		"a=~/x":         "a=~/x",
		"$A'\"\\\n*":    "1  2*'\"\\\n*",
		"$IFS":          "$IFS",
	} {
		text, _ := expandable([]string{word})
		for _, sh := range [][]string{{"dash"}, {"bash"}, {"bash", "--posix"}, {"busybox", "sh"}} {
			c := exec.Command(sh[0], append(sh[1:], "-c", "printf '%s;' "+text)...)
			c.Env = env
			out, err := c.CombinedOutput()
			if err != nil || string(out) != want+";" {
				t.Errorf("%v: %q as %s: %q, %v; want %q", sh, word, text, out, err, want+";")
			}
		}
	}
	if text, found := expandable([]string{"no", "", "vars here"}); found || text != "no '' 'vars here'" {
		t.Errorf("nothing to expand, yet %q, %v", text, found)
	}
}

func FuzzSplitWords(f *testing.F) {
	for _, s := range []string{"\v", "a b", `'a' "b\"" c\ d`, `\`, `"`, "a\x00b", "é\xff '", "$A ~x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		words, err := splitWords(s)
		if err != nil {
			return
		}
		again, err := splitWords(transport.Quote(words...))
		if err != nil || !slices.Equal(words, again) {
			t.Errorf("%q: %q quoted again are %q, %v", s, words, again, err)
		}
		first, rest, err := firstWord(s)
		if err == nil && len(words) > 0 && first != words[0] {
			t.Errorf("%q: first word %q, rest %q; words %q", s, first, rest, words)
		}
	})
}
