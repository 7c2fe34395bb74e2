package output

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"thordeploy/action"
	"thordeploy/runner"
)

var update = flag.Bool("update", false, "write the golden files")

// aRun is a run in which everything happens once.
func aRun() []runner.Event {
	at := time.Date(2026, 11, 23, 15, 0, 0, 0, time.UTC)
	hosts := []string{"web1", "web2", "a-host-with-a-rather-long-name.example.com", "db1", "late"}
	done := func(host, name, module string, status runner.Status, e runner.TaskFinished) runner.Event {
		e.Time, e.Host, e.Name, e.Module, e.Status = at, host, name, module, status
		return e
	}
	return []runner.Event{
		runner.RunStarted{Time: at, RunID: "1", Playbook: "thor.yml", Hosts: hosts, Forks: 10},
		runner.PlayStarted{Time: at, Name: "all", Hosts: hosts, Tasks: 6},
		runner.HostStarted{Time: at, Host: "web1"},
		runner.HostStarted{Time: at, Host: "web2"},
		runner.TaskStarted{Time: at, Host: "web1", Name: "Make folder", Module: "file"},
		done("web1", "Make folder", "file", runner.Changed, runner.TaskFinished{Changed: true, Result: map[string]any{"path": "/mnt/x"}}),
		done("web1", "Look", "command", runner.OK, runner.TaskFinished{Result: map[string]any{"rc": 0, "stdout": "one\n\ttwo", "stderr": "warned"}}),
		done("web1", "Only on Debian", "command", runner.Skipped, runner.TaskFinished{Msg: "Conditional result was False"}),
		done("web1", "Say", "debug", runner.OK, runner.TaskFinished{Msg: "hello\nthere", Result: map[string]any{"once": "hello\nthere"}}),
		done("web1", "Say more", "debug", runner.OK, runner.TaskFinished{Result: map[string]any{"facts": map[string]any{"a": 1}, "text": "x"}}),
		done("web1", "Each", "command", runner.Changed, runner.TaskFinished{IsItem: true, Item: "one"}),
		done("web1", "Each", "command", runner.Failed, runner.TaskFinished{IsItem: true, Item: "two", Msg: "non-zero return code", Result: map[string]any{"rc": 1}}),
		done("web1", "Each", "command", runner.Ignored, runner.TaskFinished{Msg: "One or more items failed", Changed: true, Place: "thor.yml:9:5"}),
		done("web1", "Try", "command", runner.Rescued, runner.TaskFinished{Msg: "no", Place: "thor.yml:12:5"}),
		runner.Finding{Time: at, Host: "web1", Score: 95, Level: "Alert", Subject: "/tmp/\x1b[31mred", Reason: "YARA rule EICAR"},
		runner.Finding{Time: at, Host: "web1", Score: 61, Level: "Warning", Subject: "/tmp/y"},
		done("web1", "Fetch", "fetch", runner.Changed, runner.TaskFinished{Changed: true, Result: map[string]any{"dest": "/reports/web1/thor.txt"}}),
		runner.HostFinished{Time: at, Host: "web1", Status: runner.OK},
		done("web2", "Run", "command", runner.Failed, runner.TaskFinished{
			Msg: "non-zero return code", Hint: "look at stderr", Place: "thor.yml:5:7",
			Result: map[string]any{"rc": 3, "stdout": "out", "stderr": strings.Repeat("line\n", 15) + strings.Repeat("é", 400) + "\nlast \xff\x07 words\n"},
		}),
		runner.HostCleaned{Time: at, Host: "web2", Lines: []string{"unmounted /mnt/x", "removed /mnt/x"}, Left: []string{"could not remove /mnt/y"}},
		runner.HostFinished{Time: at, Host: "web2", Status: runner.Failed},
		runner.HostStarted{Time: at, Host: "a-host-with-a-rather-long-name.example.com"},
		done("a-host-with-a-rather-long-name.example.com", "Make folder", "file", runner.Unreachable, runner.TaskFinished{
			Msg: "dial 127.0.0.9:22: connection refused", Hint: "is sshd running there?", Place: "thor.yml:3:5",
		}),
		runner.HostFinished{Time: at, Host: "a-host-with-a-rather-long-name.example.com", Status: runner.Unreachable},
		runner.HostStarted{Time: at, Host: "db1"},
		done("db1", "Fetch", "fetch", runner.OK, runner.TaskFinished{Result: map[string]any{"dest": "/reports/db1/thor.txt"}}),
		runner.Finding{Time: at, Host: "db1", Score: 45, Level: "Notice", Reason: "odd"},
		runner.Notice{Time: at, Text: "linear: this play looks at other hosts"},
		runner.Notice{Time: at, Host: "db1", Text: "more than 10000 findings"},
		runner.HostFinished{Time: at, Host: "db1", Status: runner.OK},
		runner.RunFinished{Time: at.Add(83456 * time.Millisecond), Interrupted: true},
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func show(t *testing.T, sink runner.Sink, events []runner.Event) {
	t.Helper()
	for _, e := range events {
		if err := sink.Event(e); err != nil {
			t.Fatal(err)
		}
	}
}

func TestHuman(t *testing.T) {
	t.Parallel()
	for name, verbose := range map[string]int{"human.txt": 0, "human-verbose.txt": 1} {
		var b bytes.Buffer
		show(t, &Human{W: &b, Verbose: verbose}, aRun())
		golden(t, name, b.String())
	}
}

// A loop's items have said what there is; only a failure is worth a word more.
func TestHumanDoesNotSayThatALoopIsOver(t *testing.T) {
	t.Parallel()
	e := runner.TaskFinished{Host: "a", Task: 3, Name: "Say", Module: "debug", Status: runner.OK}
	item, total, next := e, e, e
	item.IsItem, item.Item, item.Msg = true, "x", "hello x"
	total.Msg, next.Msg = "All items completed", "next"
	var b bytes.Buffer
	show(t, &Human{W: &b}, []runner.Event{item, total, next})
	if want := "ok: [a] Say (item=x)\n  hello x\nok: [a] Say\nok: [a] Say\n  next\n"; b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}

// TestDiff: the form is ansible-playbook's.
func TestDiff(t *testing.T) {
	t.Parallel()
	e := runner.TaskFinished{Host: "web1", Name: "Copy", Module: "copy", Status: runner.Changed, Changed: true, Diff: []action.Change{
		{BeforeHeader: "/etc/a", AfterHeader: "a\x1b", Before: "1\n2\n3\n4\n5\n6\n7\n8", After: "1\n2\n3\n4\nfive\n6\n7\n8\n"},
		{AfterHeader: "/new", After: "x\x1b[31m\n"},
		{Before: "same\n", After: "same\n"},
		{Note: "source file appears to be binary"},
	}}
	for _, c := range []struct {
		color bool
		want  string
	}{
		{false, "changed: [web1] Copy\n--- before: /etc/a\n+++ after: a\\x1b\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n-8\n\\ No newline at end of file\n+8\n\n" +
			"--- before\n+++ after: /new\n@@ -0,0 +1 @@\n+x\\x1b[31m\n\ndiff skipped: source file appears to be binary\n"},
		{true, "\x1b[0;31m-5\x1b[0m\n\x1b[0;32m+five\x1b[0m\n"},
	} {
		var b bytes.Buffer
		h := &Human{W: &b, Color: c.color}
		if err := h.Event(e); err != nil {
			t.Fatal(err)
		}
		if got := b.String(); got != c.want && !(c.color && strings.Contains(got, c.want)) {
			t.Errorf("%s", cmp.Diff(c.want, got))
		}
	}
}

func TestHumanColoursLines(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	show(t, &Human{W: &b, Color: true}, aRun())
	for _, want := range []string{yellow + "changed: [web1] Make folder" + plain, green + "ok: [web1] Look" + plain, brightRed + "unreachable: [a-host",
		red + "web2                       : ok=0", yellow + "web1                       : ok=6", green + "db1                        : ok=1"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q", want)
		}
	}
}

// What a host sends must not reach the terminal as control characters.
func TestHostileTextIsEscaped(t *testing.T) {
	t.Parallel()
	evil := "a\x1b]0;title\x07\r\x00\u202egnp\u009b31m\xff\nfake: [web9] ok"
	var b bytes.Buffer
	h := &Human{W: &b, Verbose: 1}
	show(t, h, []runner.Event{
		runner.PlayStarted{Name: evil, Hosts: []string{evil}},
		runner.HostStarted{Host: evil},
		runner.TaskFinished{Host: evil, Name: evil, Module: "debug", Status: runner.OK, Msg: evil, Result: map[string]any{"stdout": evil, "stderr": evil, evil: evil, "m": map[string]any{evil: evil}}},
		runner.TaskFinished{Host: evil, Name: evil, Status: runner.Failed, Msg: evil, Hint: evil, Place: evil, IsItem: true, Item: evil, Result: map[string]any{"rc": evil, "stdout": evil}},
		runner.Finding{Host: evil, Level: "Alert", Subject: evil, Reason: evil},
		runner.HostCleaned{Host: evil, Lines: []string{evil}, Left: []string{evil}},
		runner.Notice{Host: evil, Text: evil}, runner.Notice{Text: evil},
		runner.TaskFinished{Host: evil, Module: "fetch", Status: runner.OK, Result: map[string]any{"dest": "/r/" + evil + "/x"}},
		runner.RunFinished{},
	})
	for i, line := range strings.Split(b.String(), "\n") {
		if strings.ContainsAny(line, "\x1b\x07\r\x00\u202e\u009b") || strings.Contains(line, "\xff") {
			t.Errorf("line %d: %q", i+1, line)
		}
		if strings.HasPrefix(line, "fake:") {
			t.Errorf("line %d looks as if it came from here: %q", i+1, line)
		}
	}
}

func TestRecap(t *testing.T) {
	t.Parallel()
	s := &runner.State{}
	for _, e := range aRun() {
		s.Apply(e)
	}
	golden(t, "recap.txt", Recap(s))
	if got, want := FindingsSummary(&runner.State{})+Fetched(&runner.State{})+Remains(&runner.State{}), ""; got != want {
		t.Errorf("a run without findings and files says %q", got)
	}
}

func TestTotals(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 23, 15, 0, 0, 0, time.UTC)
	s := &runner.State{}
	s.Apply(runner.RunStarted{Time: at})
	for i := range 800 {
		host := fmt.Sprintf("web%03d", i)
		s.Apply(runner.HostStarted{Time: at, Host: host})
		status := runner.OK
		switch {
		case i%30 == 7:
			status = runner.Failed
		case i == 5:
			status = runner.Unreachable
		}
		s.Apply(runner.TaskFinished{Host: host, Status: status})
	}
	s.Apply(runner.RunFinished{Time: at.Add(1234 * time.Millisecond)})
	golden(t, "totals.txt", Totals(s))
	if got, want := Totals(&runner.State{}), "0 hosts in 0s: 0 ok\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestHeadingsCountCharacters(t *testing.T) {
	t.Parallel()
	for text, stars := range map[string]int{"PLAY [a]": 70, "PLAY [é]": 70, "PLAY [" + strings.Repeat("x", 200) + "]": 3} {
		if got := strings.Count(heading(text), "*"); got != stars {
			t.Errorf("%s: %d stars, want %d", text, got, stars)
		}
	}
}

func TestFetchedNamesTheSharedFolder(t *testing.T) {
	t.Parallel()
	tests := []struct {
		files []string
		want  string
	}{
		{[]string{"/r/a/x"}, "1 file fetched from 1 host to /r/a\n"},
		{[]string{"/r/a/x", "/r/b/x"}, "2 files fetched from 1 host to /r\n"},
		{[]string{"/r/a/x", "/r/ab/x"}, "2 files fetched from 1 host to /r\n"},
		{[]string{"/r/a/x", "/r/a/b/x"}, "2 files fetched from 1 host to /r/a\n"},
		{[]string{"/a", "/b/c"}, "2 files fetched from 1 host to /\n"},
		{[]string{"r/a/x", "s/b"}, "2 files fetched from 1 host to .\n"},
	}
	for _, tt := range tests {
		s := &runner.State{}
		for _, f := range tt.files {
			s.Apply(runner.TaskFinished{Host: "h", Module: "fetch", Status: runner.OK, Result: map[string]any{"dest": f}})
		}
		if got := Fetched(s); got != tt.want {
			t.Errorf("%v: got %q, want %q", tt.files, got, tt.want)
		}
	}
}

func TestJSONLines(t *testing.T) {
	t.Parallel()
	out := runner.Output{Host: "a", Stream: "stdout", Data: []byte("x")}
	var quiet, loud bytes.Buffer
	show(t, &JSONLines{W: &quiet}, append(aRun(), out))
	show(t, &JSONLines{W: &loud, Verbose: true}, append(aRun(), out))
	if n := strings.Count(quiet.String(), "\n"); n != len(aRun()) {
		t.Errorf("%d lines for %d events", n, len(aRun()))
	}
	if strings.Contains(quiet.String(), `"type":"output"`) || !strings.Contains(loud.String(), `"type":"output"`) {
		t.Error("output events belong to the verbose form alone")
	}
	s := &runner.State{}
	for line := range strings.Lines(quiet.String()) {
		e, err := runner.UnmarshalEvent([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		s.Apply(e)
	}
	if s.Hosts["web1"].OK == 0 || !s.Interrupted {
		t.Errorf("the lines don't tell the run: %+v", s)
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestSinksReportWriteErrors(t *testing.T) {
	t.Parallel()
	for _, s := range []runner.Sink{&Human{W: fullDisk{}}, &JSONLines{W: fullDisk{}}} {
		if err := s.Event(runner.PlayStarted{Name: "p"}); err == nil {
			t.Errorf("%T says nothing of a full disk", s)
		}
	}
}
