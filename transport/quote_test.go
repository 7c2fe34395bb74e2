package transport_test

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"

	"thordeploy/transport"
)

// shells are the ones that a host's login shell or /bin/sh may be.
var shells = map[string][]string{
	"dash":    {"dash", "-c"},
	"bash":    {"bash", "-c"},
	"busybox": {"busybox", "sh", "-c"},
}

// echoed gives the words that shell makes of line, each ended by a NUL.
func echoed(t *testing.T, shell []string, locale string, words []string) []string {
	t.Helper()
	line := `printf '%s\0' ` + transport.Quote(words...)
	cmd := exec.Command(shell[0], append(shell[1:], line)...)
	cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=" + locale}
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %q: %v", shell, line, err)
	}
	return strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
}

func wantSame(t *testing.T, words []string) {
	t.Helper()
	for name, shell := range shells {
		for _, locale := range []string{"C", "C.UTF-8"} {
			got := echoed(t, shell, locale, words)
			if strings.Join(got, "\x00") != strings.Join(words, "\x00") {
				t.Errorf("%s, %s: %q came back as %q", name, locale, words, got)
			}
		}
	}
}

var hardWords = []string{
	"", "plain", " ", "two words", "'", "''", `'"'"'`, `it's`, `"`, "`id`", "$(id)", "$HOME", "${x}", `\`, `\\`, `\n`, `a\`,
	"\n", "a\nb\n", "\r\n", "\t", "~", "~root", "a=b", "-n", "-e", "--", "-", "*", "?", "[a-z]*", "{a,b}", "!", "!!", "#", "#x", "a#b",
	";", "&", "|", "<", ">", "2", "(", ")", "if", "done", "\xff\xfe", "ü", "\x80", "a\x01\x1b[0m\x7f", "/etc/passwd", "%s", "a,b:c@d+e.f",
	strings.Repeat("x'", 5000),
}

func TestQuoteGivesEveryWordBack(t *testing.T) {
	t.Parallel()
	wantSame(t, hardWords)
	for _, w := range hardWords {
		wantSame(t, []string{w, "end"})
	}
	var every []byte
	for b := 1; b < 256; b++ {
		every = append(every, byte(b))
	}
	wantSame(t, []string{string(every), "", ""})
}

// A first word is a command's name whatever it is, never syntax.
func TestQuoteMakesNoSyntaxOfTheFirstWord(t *testing.T) {
	t.Parallel()
	for _, word := range []string{"if", "while", "done", "case", "{", "!", "time", "function", "a=b", "[[", "select", "in"} {
		for name, shell := range shells {
			if name == "busybox" && (word == "time" || word == "[[") {
				continue // commands of busybox's own
			}
			cmd := exec.Command(shell[0], append(shell[1:], transport.Quote(word)+"; echo $?")...)
			cmd.Env = []string{"PATH=/nowhere"}
			if out, err := cmd.Output(); err != nil || string(out) != "127\n" {
				t.Errorf("%s: %q as a command gives %q, %v; want 127, not found", name, word, out, err)
			}
		}
	}
}

func TestQuoteLeavesPlainWordsReadable(t *testing.T) {
	t.Parallel()
	const want = `tar -x -C /mnt/temp_ram --owner '' 'it'\''s' 'a=b' user@host:22,23 'done'`
	got := transport.Quote("tar", "-x", "-C", "/mnt/temp_ram", "--owner", "", "it's", "a=b", "user@host:22,23", "done")
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := transport.Quote(); got != "" {
		t.Errorf("no words give %q", got)
	}
}

func FuzzQuote(f *testing.F) {
	for _, w := range hardWords {
		f.Add([]byte(w), []byte("x"))
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		words := []string{string(bytes.ReplaceAll(a, []byte{0}, nil)), string(bytes.ReplaceAll(b, []byte{0}, nil))}
		if len(a)+len(b) > 20_000 {
			return
		}
		wantSame(t, words)
	})
}

func TestCheckLine(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"true":                                   "",
		"\xff\n":                                 "",
		strings.Repeat("x", transport.MaxLine):   "",
		"":                                       "empty",
		transport.Quote("a", "b\x00c"):           "NUL byte (at offset 4)",
		strings.Repeat("x", transport.MaxLine+1): "131072 bytes, a process can be given 131071",
	} {
		err := transport.CheckLine(line)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("CheckLine(%.20q): %v, want %q", line, err, want)
		}
	}
}
