package redact

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"go/build"
	"io"
	"strings"
	"sync"
	"testing"
)

func TestString(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		secrets  []string
		in, want string
	}{
		"none known":          {nil, "geheim", "geheim"},
		"plain":               {[]string{"geheim"}, "pw=geheim, geheimgeheim.", "pw=" + Mask + ", " + Mask + Mask + "."},
		"nothing to find":     {[]string{"geheim"}, "gehei geheI m", "gehei geheI m"},
		"one begins another":  {[]string{"abc", "abcdef"}, "abcdef abcde abc", Mask + " " + Mask + "de " + Mask},
		"overlapping begin":   {[]string{"aab"}, "aaab", "a" + Mask},
		"too short":           {[]string{"", "a", "ab"}, "a ab abc", "a ab abc"},
		"shell quoted":        {[]string{"it's me"}, `'it'\''s me' 'it'"'"'s me'`, "'" + Mask + "' '" + Mask + "'"},
		"JSON":                {[]string{"a\"b\\c"}, `{"pw":"a\"b\\c"}`, `{"pw":"` + Mask + `"}`},
		"JSON, HTML-safe":     {[]string{"a\"<b"}, `"a\"<b" "a\"\u003cb"`, `"` + Mask + `" "` + Mask + `"`},
		"URL":                 {[]string{"a/b c&d"}, "q=a%2Fb+c%26d p=a%2Fb%20c&d", "q=" + Mask + " p=" + Mask},
		"without its newline": {[]string{"geheim\n"}, "geheim.", Mask + "."},
		"line by line":        {[]string{"-----BEGIN KEY\r\nMIIabc\r\nQQ"}, "cat: MIIabc.", "cat: " + Mask + "."},
		"any bytes":           {[]string{"\xff\x00\xfe"}, "x\xff\x00\xfey", "x" + Mask + "y"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var r Redactor
			r.Add(c.secrets...)
			if got := r.String(c.in); got != c.want {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
			if got := string(r.Bytes([]byte(c.in))); got != c.want {
				t.Errorf("Bytes: got %q, want %q", got, c.want)
			}
		})
	}
}

func TestBase64AtEveryAlignment(t *testing.T) {
	t.Parallel()
	const secret = "correct horse?>"
	var r Redactor
	r.Add(secret)
	for before := range 4 {
		for after := range 4 {
			text := strings.Repeat("x", before) + secret + strings.Repeat("y", after)
			for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.RawURLEncoding} {
				in := enc.EncodeToString([]byte(text))
				got := r.String(in)
				if !strings.Contains(got, Mask) || len(got)-len(Mask) > before+after+8 {
					t.Errorf("%q as %q is still %q", text, in, got)
				}
			}
		}
	}
}

func TestWriterAtEverySplit(t *testing.T) {
	t.Parallel()
	var r Redactor
	r.Add("geheim", "ge", "geheimnis", "mmm")
	const in = "a geheim geheimni geheimnis g ge gehei mmmmmm geheimgeheimnis gehe"
	want := r.String(in)
	for i := range len(in) + 1 {
		for j := i; j <= len(in); j++ {
			var out bytes.Buffer
			w := r.Writer(&out)
			for _, part := range []string{in[:i], in[i:j], in[j:]} {
				if n, err := io.WriteString(w, part); n != len(part) || err != nil {
					t.Fatalf("Write: %d, %v", n, err)
				}
			}
			if err := w.Close(); err != nil || out.String() != want {
				t.Fatalf("split at %d and %d: %q, %v; want %q", i, j, out.String(), err, want)
			}
		}
	}
}

func TestWriterHoldsBackOnlyWhatMayBeASecret(t *testing.T) {
	t.Parallel()
	var r Redactor
	r.Add("geheim")
	var out bytes.Buffer
	w := r.Writer(&out)
	io.WriteString(w, "progress 50% geh")
	if out.String() != "progress 50% " {
		t.Errorf("shown so far: %q", out.String())
	}
	io.WriteString(w, "t\n")
	if out.String() != "progress 50% geht\n" {
		t.Errorf("shown so far: %q", out.String())
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestWriterTellsAnError(t *testing.T) {
	t.Parallel()
	var r Redactor
	r.Add("geheim")
	w := r.Writer(broken{})
	if _, err := w.Write([]byte("text")); err != io.ErrShortWrite {
		t.Errorf("Write: %v", err)
	}
	w.Write([]byte("geh"))
	if err := w.Close(); err != io.ErrShortWrite {
		t.Errorf("Close: %v", err)
	}
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	var r Redactor
	var out bytes.Buffer
	w := r.Writer(&out)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			secret := fmt.Sprintf("secret-%d", i)
			r.Add(secret)
			if got := r.String("is " + secret); got != "is "+Mask {
				t.Errorf("right after Add: %q", got)
			}
			io.WriteString(w, secret+"\n")
		})
	}
	all.Wait()
	w.Close()
	if strings.Contains(out.String(), "secret") {
		t.Errorf("written: %q", out.String())
	}
}

func TestEmptyCostsNothing(t *testing.T) {
	var r Redactor
	text := strings.Repeat("output ", 1000)
	p := []byte(text)
	w := r.Writer(io.Discard)
	if n := testing.AllocsPerRun(100, func() { r.String(text); r.Bytes(p); w.Write(p) }); n != 0 {
		t.Errorf("%v allocations where no secret is known", n)
	}
}

func FuzzRedact(f *testing.F) {
	f.Add("geheim", "ein geheimes Wort", 5)
	f.Add("aab", "aaaab", 2)
	f.Add("a'b\"c", `'a'\''b"c'`, 1)
	f.Fuzz(func(t *testing.T, secret, text string, split int) {
		var r Redactor
		r.Add(secret)
		got := r.String(text + secret)
		if len(secret) >= MinLength && !strings.Contains(Mask, secret) && strings.Contains(strings.ReplaceAll(got, Mask, "\x00\x00"), secret) && !strings.Contains(secret, "\x00") {
			t.Errorf("%q is still in %q", secret, got)
		}
		whole := text + secret
		if split < 0 || split > len(whole) {
			split = len(whole) / 2
		}
		var out bytes.Buffer
		w := r.Writer(&out)
		io.WriteString(w, whole[:split])
		io.WriteString(w, whole[split:])
		w.Close()
		if out.String() != got {
			t.Errorf("in two writes %q, in one %q", out.String(), got)
		}
		if quoted, err := json.Marshal(secret); err == nil && len(secret) >= MinLength {
			if got := r.String(string(quoted)); !strings.Contains(got, Mask) {
				t.Errorf("%s is left as %s", quoted, got)
			}
		}
	})
}

func BenchmarkWriter(b *testing.B) {
	var r Redactor
	for i := range 20 {
		r.Add(fmt.Sprintf("a secret value %d", i))
	}
	line := []byte("2026-01-01 12:00:00 host scanner: Info: MODULE: Filesystem MESSAGE: scanning /usr/share/doc\n")
	w := r.Writer(io.Discard)
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		w.Write(line)
	}
}

func TestImportsOnlyTheStandardLibrary(t *testing.T) {
	t.Parallel()
	pkg, err := build.ImportDir(".", 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, imp := range pkg.Imports {
		if first, _, _ := strings.Cut(imp, "/"); strings.Contains(first, ".") || first == "thordeploy" {
			t.Errorf("imports %s: every package must be able to use this one", imp)
		}
	}
}
