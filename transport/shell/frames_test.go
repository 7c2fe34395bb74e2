package shell

import (
	"bytes"
	"fmt"
	"go/build"
	"io"
	"os/exec"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// collect runs a frameReader over r and writes down what it handed on.
func collect(r io.Reader) (data, frames string) {
	var d, f strings.Builder
	fr := frameReader{
		mark:  []byte("\nNONCE "),
		data:  func(p []byte) { d.Write(p) },
		frame: func(s string) { fmt.Fprintf(&f, "[%s]", s) },
	}
	_ = fr.read(r)
	return d.String(), f.String()
}

func TestFramesAreToldFromData(t *testing.T) {
	t.Parallel()
	cases := []struct{ in, data, frames string }{
		{"", "", ""},
		{"abc", "abc", ""},
		{"abc\nNONCE end 0\n", "abc", "[end 0]"},
		{"abc\n\nNONCE end 0\n\nNONCE = k v\n", "abc\n", "[end 0][= k v]"},
		{"NONCE end 0\n", "NONCE end 0\n", ""}, // no newline before: not ours
		{"\nNONCEend\n\nNONC", "\nNONCEend\n\nNONC", ""},
		{"\nNONCE cut", "\nNONCE cut", ""},
		{"a\nNONCE x\nb", "ab", "[x]"},
	}
	for _, c := range cases {
		for _, r := range []io.Reader{strings.NewReader(c.in), iotest.OneByteReader(strings.NewReader(c.in))} {
			if data, frames := collect(r); data != c.data || frames != c.frames {
				t.Errorf("%q: data %q, frames %q", c.in, data, frames)
			}
		}
	}
}

func TestAFrameThatNeverEndsIsBounded(t *testing.T) {
	t.Parallel()
	in := "\nNONCE " + strings.Repeat("x", 3*maxFrame)
	if data, frames := collect(strings.NewReader(in)); data != in || frames != "" {
		t.Errorf("%d bytes of data, frames %.20q", len(data), frames)
	}
}

func FuzzFrames(f *testing.F) {
	f.Add([]byte("abc\nNONCE end 0\nrest"), byte(3))
	f.Add([]byte("\n\nNONCE \nNONCE  \n"), byte(1))
	f.Fuzz(func(t *testing.T, in []byte, step byte) {
		data, frames := collect(bytes.NewReader(in))
		slow, slowFrames := collect(&stepReader{in, int(step)%7 + 1})
		if data != slow || frames != slowFrames {
			t.Errorf("whole: %q %q, in steps: %q %q", data, frames, slow, slowFrames)
		}
	})
}

type stepReader struct {
	b []byte
	n int
}

func (r *stepReader) Read(p []byte) (int, error) {
	if len(r.b) == 0 {
		return 0, io.EOF
	}
	n := copy(p, r.b[:min(r.n, len(r.b))])
	r.b = r.b[n:]
	return n, nil
}

// The account's login shell may be any: the line it sees must mean the same to
// all of them.
func TestBootLineIsPlain(t *testing.T) {
	t.Parallel()
	const want = `exec /bin/sh -c 'eval "$(head -c 12)"'`
	got := bootLine("", "twelve bytes")
	if got != want {
		t.Errorf("%s", got)
	}
	if strings.Count(got, "'") != 2 || strings.ContainsAny(got, "!\n") {
		t.Error("csh would read it otherwise")
	}
}

func TestProgramsParseAndStaySmall(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{"guard.sh": guardText, "loop.sh": loopText} {
		for _, sh := range []string{"dash", "bash", "busybox sh"} {
			words := append(strings.Fields(sh), "-n")
			cmd := exec.Command(words[0], words[1:]...)
			cmd.Stdin = strings.NewReader(slim(text))
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s under %s: %s", name, sh, out)
			}
		}
	}
	if n := len(program("n", time.Minute, false)); n > 16<<10 {
		t.Errorf("a session starts with %d bytes", n)
	}
}

// A block that ends early looks like another command, which must not run.
func TestALoopRunsWholeBlocksAlone(t *testing.T) {
	t.Parallel()
	whole := tasks("emit a "+strings.Repeat("x", blockFrom), "emit b c").text
	_, whole, _ = strings.Cut(whole, "\n")
	for _, sh := range []string{"dash", "bash", "busybox sh"} {
		for _, cut := range []int{0, 1, 4, 5, 7} {
			words := strings.Fields(sh)
			text := "N='\n' Z=nonce\nexec 4>&2\n" + slim(loopText) + "loop\n"
			cmd := exec.Command(words[0], append(words[1:], "-c", text)...)
			cmd.Stdin = strings.NewReader(fmt.Sprintf("block %d\n%s", len(whole), whole[:len(whole)-cut]))
			out, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			if ran := strings.Contains(string(out), "nonce = b c"); ran != (cut == 0) {
				t.Errorf("%s: %d bytes short, ran: %v", sh, cut, ran)
			}
		}
	}
}

func TestImports(t *testing.T) {
	t.Parallel()
	pkg, err := build.ImportDir(".", 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, imp := range pkg.Imports {
		if first, _, _ := strings.Cut(imp, "/"); imp != "thordeploy/transport" && imp != "thordeploy/transport/internal/readahead" && (strings.Contains(first, ".") || first == "thordeploy") {
			t.Errorf("imports %s: the held shell is written against transport's contract alone", imp)
		}
	}
}
