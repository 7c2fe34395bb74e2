package playbook

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gopkg.in/yaml.v3"
)

// inlineText loads one task with the text of its module and gives its
// evaluated parameters, or the first error.
func inlineText(t *testing.T, module, text string) map[string]any {
	t.Helper()
	out, err := yaml.Marshal([]any{map[string]any{"hosts": "all", "tasks": []any{map[string]any{module: text}}}})
	if err != nil {
		t.Fatal(err)
	}
	pb, list := Load("p.yml", "", out)
	if list.Err() != nil {
		return map[string]any{"error": list.Errors()[0].Summary}
	}
	got := make(map[string]any)
	for name, v := range pb.Plays[0].Tasks[0].Args {
		x, err := v.Eval(vars{"a": "x y", "n": 5, "on": true, "list": []any{1}})
		if err != nil {
			x = err.Error()
		}
		got[name] = x
	}
	return got
}

func TestKeyValue(t *testing.T) {
	type args = map[string]any
	tests := []struct {
		module, text string
		want         args
	}{
		{"copy", `src=a dest="b c"`, args{"src": "a", "dest": "b c"}},
		{"copy", `src='it"s' dest=b\ c`, args{"src": `it"s`, "dest": `b\ c`}},
		{"copy", `src="a \"b\" \\ \x41\n" dest='x'`, args{"src": "a \"b\" \\ A\n", "dest": "x"}},
		{"copy", `src={{ a }}/b dest={{ 'p q' + "r" }}`, args{"src": "x y/b", "dest": "p qr"}},
		{"copy", `src="{{ a | default("z") }}" dest={{ n }}`, args{"src": "x y", "dest": 5}},
		{"copy", "src=a\n  dest=b force={{ on }}", args{"src": "a", "dest": "b", "force": true}},
		{"copy", `src=a=b dest=`, args{"src": "a=b", "dest": ""}},
		{"copy", `content={{ list }} dest=/a`, args{"content": []any{1}, "dest": "/a"}},
		{"copy", `src="a dest=b`, args{"error": "a quote or {{ is not closed in the text of `copy`"}},
		{"copy", `src={{ a dest=b`, args{"error": "a quote or {{ is not closed in the text of `copy`"}},
		{"copy", `src=a stray dest=b`, args{"error": "`stray` is not key=value text for module `copy`"}},
		{"command", `mkdir /mnt creates=/mnt`, args{"cmd": "mkdir /mnt", "creates": "/mnt"}},
		{"command", `chdir=/tmp dd if=/dev/zero of="a b" count=1`, args{"cmd": `dd if=/dev/zero of="a b" count=1`, "chdir": "/tmp"}},
		{"command", `echo "creates=/x" a=b`, args{"cmd": `echo "creates=/x" a=b`}},
		{"command", `echo  a   b creates="/x y" c  d`, args{"cmd": `echo  a   b c  d`, "creates": "/x y"}},
		{"command", `echo {{ a }} removes={{ n }}`, args{"cmd": "echo x y", "removes": 5}},
		{"command", `creates=/x`, args{"error": "module `command` needs one of the parameters `cmd`, `argv`"}},
		{"shell", "for i in 1 2; do\n  echo $i\ndone chdir=/tmp", args{"cmd": "for i in 1 2; do\n  echo $i\ndone", "chdir": "/tmp"}},
		{"shell", `echo it's fine`, args{"cmd": "echo it's fine"}},
		{"shell", `executable=/bin/bash echo "${a[0]}"`, args{"cmd": `echo "${a[0]}"`, "executable": "/bin/bash"}},
		{"shell", `awk '{print $1}' /x`, args{"cmd": `awk '{print $1}' /x`}},
		{"raw", `a=b c`, args{"cmd": "a=b c"}},
		{"execute", `./thorscan -l x creates=/y`, args{"cmd": "./thorscan -l x", "creates": "/y"}},
		{"mkdir", `/mnt/a`, args{"path": "/mnt/a"}},
		{"mkdir", `/mnt/{{ n }} mode=0700`, args{"path": "/mnt/5", "mode": "0700"}},
		{"mkdir", `path=/a`, args{"path": "/a"}},
	}
	for _, tt := range tests {
		t.Run(tt.module+" "+tt.text, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, inlineText(t, tt.module, tt.text)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestArgsKeyword(t *testing.T) {
	pb, list := Load("p.yml", "", []byte(`
- hosts: all
  tasks:
  - command: ls -l chdir=/a
    args: {chdir: /b, creates: /c, stdin: "{{ n }}"}
  - command:
    args: {cmd: ls}
`))
	if err := list.Err(); err != nil {
		t.Fatal(err)
	}
	want := []string{"0 command chdir=/a cmd=ls -l creates=/c stdin=5", "1 command cmd=ls"}
	if diff := cmp.Diff(want, describe(pb.Plays[0].Tasks, vars{"n": 5})); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// FuzzSplitWords holds that words are in order, apart, and cover all that
// isn't white space.
func FuzzSplitWords(f *testing.F) {
	for _, s := range []string{`a=b c="d e"`, `{{ a b }}c 'x`, "a\\ b\n\tc", `{% if "}" %}`, `"{{ "a" }}"`, "{#", `\`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		words, rest := splitWords(text)
		end := 0
		for _, w := range words {
			if w.start < end || w.end <= w.start || w.end > len(text) {
				t.Fatalf("word %v after %d in %q", w, end, text)
			}
			if strings.Trim(text[end:w.start], " \t\r\n") != "" {
				t.Fatalf("%q is in no word", text[end:w.start])
			}
			end = w.end
			unescapeOutside(text[w.start:w.end])
		}
		if strings.Trim(text[end:], " \t\r\n") != "" {
			t.Fatalf("%q is in no word", text[end:])
		}
		if rest >= len(text) {
			t.Fatalf("rest %d of %d", rest, len(text))
		}
		if len(words) > 0 {
			line, base := keep(text, words, make([]bool, len(words)))
			if base != words[0].start || line != text[base:end] {
				t.Fatalf("keep gives %q at %d", line, base)
			}
		}
	})
}
