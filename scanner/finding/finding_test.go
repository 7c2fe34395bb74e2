package finding

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// hostile is a path with what must never reach a terminal or break a line.
const hostile = "/tmp/a\nb\x1b[31mc\xff\u202ed\u009bx\x7f SCORE: 0 REASON_1: none"

func when() time.Time { return time.Date(2026, 7, 10, 9, 8, 47, 120_000_000, time.UTC) }

func meta(level Level) Meta {
	return Meta{Time: when(), Level: level, Module: "Filescan", ScanID: "S-1", EventID: "S-1-2", Hostname: "web01"}
}

// example is an assessment with every field filled.
func example(path string) *Assessment {
	f := NewFile(path)
	f.Extension, f.MagicHeader, f.Size = ".php", "PHP", 1234
	f.Hashes = &Hashes{MD5: "m", SHA1: "s1", SHA256: "s256"}
	f.FirstBytes = NewFirstBytes([]byte("<?php\x00 and more than twenty bytes"))
	accessed := when().Add(time.Hour)
	f.FileTimes = &FileTimes{Modified: when(), Accessed: &accessed}
	f.Permissions = NewPermissions("root", "www-data", 0o640)
	a := NewAssessment(f, "Malicious file found")
	a.Meta, a.Score, a.ReasonCount = meta(Alert), 91, 2
	offset := uint64(16)
	around := NewText([]byte("the needle here"))
	a.Reasons = []Reason{
		NewReason("YARA rule X / detects x", Signature{
			Score: 85, Reference: []string{"https://example.org", "second"}, Origin: Internal, Kind: YARARule, Date: "2026-01-01",
			Tags: []string{"T"}, RuleName: "X", Description: "detects x", Author: "me", ID: "x-1", FalsePositives: []string{"none"},
		}, []Matched{{Data: NewText([]byte("needle")), Context: &around, Offset: &offset}, {Data: NewText([]byte("\xff\x00"))}}),
		NewReason("Filename", Signature{Score: 40, Origin: Custom, Kind: FilenameIOC}, []Matched{{Data: NewText([]byte("x")), Field: "/path"}}),
	}
	a.Issues = []Issue{{Affected: "/reasons", Category: IssueTruncated, Description: "cut"}}
	return a
}

func message() *Message {
	m := NewMessage("Scan complete", map[string]any{"files": 3, "paths": []string{"/a", "/b\n"}})
	m.Meta = meta(Info)
	return m
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func TestJSONForm(t *testing.T) {
	var out []byte
	for _, event := range []any{example("/var/www/x.php"), example(hostile), message()} {
		var err error
		if out, err = AppendJSON(out, event); err != nil {
			t.Fatal(err)
		}
	}
	golden(t, "events.jsonl", out)
}

func TestTextForm(t *testing.T) {
	var out []byte
	for _, event := range []any{example("/var/www/x.php"), example(hostile), message()} {
		out = AppendText(out, "web01/192.0.2.7", event)
	}
	golden(t, "events.txt", out)

	counts := NewMessage("m", map[string]any{"counts": map[string]int64{"symlink": 2}, "names": []string{"a"}, "text": "mapped"})
	if line := string(AppendText(nil, "h", counts)); !strings.Contains(line, " COUNTS: [symlink:2] NAMES: [a] TEXT: mapped") {
		t.Errorf("fields are written as Go has them: %s", line)
	}
}

// checkLine fails unless line is one line of which every character shows.
func checkLine(t *testing.T, line []byte) {
	t.Helper()
	body, ended := strings.CutSuffix(string(line), "\n")
	if !ended || !utf8.ValidString(body) {
		t.Errorf("not one line of UTF-8: %q", line)
	}
	for _, r := range body {
		if r != ' ' && !unicode.IsPrint(r) {
			t.Errorf("%U stands in %q", r, line)
		}
	}
}

func TestHostileNamesStayWithinTheirLine(t *testing.T) {
	for _, name := range []string{hostile, "\xc3\x28", "\xed\xa0\x80", "\u2028", "\U000e0041", "\r\x00", "\u00a0", "\ue000"} {
		line, err := AppendJSON(nil, example(name))
		if err != nil {
			t.Fatal(err)
		}
		checkLine(t, line)
		checkLine(t, AppendText(nil, name, example(name)))
		event, err := Parse(line)
		if err != nil {
			t.Fatalf("%q: %v", name, err)
		}
		if got := event.(*Assessment).Subject.SubjectName(); got != PathText(name) {
			t.Errorf("%q was read back as %q", name, got)
		}
		checkLine(t, []byte(Printable(name)+"\n"))
	}
}

// A name can't add a key of its own to the text line.
func TestTextKeysCannotBeForged(t *testing.T) {
	line := string(AppendText(nil, "host", example(hostile)))
	if n := strings.Count(line, " SCORE: "); n != 1 {
		t.Errorf("SCORE: stands %d times in %s", n, line)
	}
	if n := strings.Count(line, " REASON_1: "); n != 1 {
		t.Errorf("REASON_1: stands %d times in %s", n, line)
	}
}

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"plain name.txt": "plain name.txt", "größe/日本": "größe/日本", "a\nb\rc\td": `a\nb\rc\td`, "\x1b[0m": `\x1b[0m`,
		"\u202egnp.exe": `\u202egnp.exe`, "\xff\xfe": `\xff\xfe`, "\u009b": `\x9b`, "\U000e0001": `\U000e0001`, "": "",
	} {
		if got := Printable(in); got != want {
			t.Errorf("Printable(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestEventsAreReadBack(t *testing.T) {
	for _, event := range []any{example("/var/www/x.php"), message()} {
		line, err := AppendJSON(nil, event)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Parse(line)
		if err != nil {
			t.Fatal(err)
		}
		if m, ok := event.(*Message); ok { // numbers and lists come back as JSON has them
			m.Fields = map[string]any{"files": 3.0, "paths": []any{"/a", "/b\n"}}
		}
		if diff := cmp.Diff(event, got); diff != "" {
			t.Errorf("read back (-want +got):\n%s", diff)
		}
	}
}

func TestOtherScannersEvents(t *testing.T) {
	line := `{"type":"THOR finding","meta":{"time":"2025-07-01T12:05:12.99+02:00","level":"Warning","module":"ProcessCheck",` +
		`"scan_id":"S-x","event_id":"","hostname":"h"},"message":"m","subject":{"type":"rootkit","pid":7,"name":"evil"},` +
		`"score":70,"reasons":null,"context":[{"object":{"type":"file","path":"/x","exists":"no","extension":""},` +
		`"relations":[{"relation_type":"derives from","relation_name":"parent","unique":true}]}],"new_field":1,"log_version":"v3.1.0"}`
	event, err := Parse([]byte(line))
	if err != nil {
		t.Fatal(err)
	}
	a := event.(*Assessment)
	if a.Subject.SubjectType() != "rootkit" || a.Subject.SubjectName() != "evil" || a.Score != 70 {
		t.Errorf("read as %+v", a)
	}
	if len(a.Context) != 1 || a.Context[0].Object.SubjectName() != "/x" || !a.Context[0].Relations[0].Unique {
		t.Errorf("context read as %+v", a.Context)
	}
	if _, err := AppendJSON(nil, a); err != nil {
		t.Errorf("it can't be written again: %v", err)
	}
	if text := string(AppendText(nil, "h", a)); !strings.Contains(text, " ROOTKIT: evil ") {
		t.Errorf("text line %s", text)
	}
}

func TestProcessSubject(t *testing.T) {
	created := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	p := NewProcess(7, "ev\xffil\n", "evil --now", "root")
	p.Image, p.Parent, p.Created, p.ListenPorts = NewFile("/tmp/evil"), &Parent{PID: 1, Exe: "/sbin/init", Command: "init"}, &created, []uint16{4444}
	p.Connections = []Connection{{"ESTABLISHED", "192.0.2.1", 4444, "198.51.100.7", 443, "tcp"}}
	a := NewAssessment(p, "m")
	line, err := AppendJSON(nil, a)
	if err != nil {
		t.Fatal(err)
	}
	read, err := Parse(line)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p, read.(*Assessment).Subject); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
	want := ` PID: 7 NAME: ev\xffil\n COMMAND: evil --now OWNER: root FILE: /tmp/evil PPID: 1 PARENT: /sbin/init PARENT_COMMAND: init CREATED: 2026-01-02T03:04:05.000Z LISTEN_PORTS: 4444 CONNECTION_1: tcp ESTABLISHED 192.0.2.1:4444 198.51.100.7:443 `
	if text := string(AppendText(nil, "h", a)); !strings.Contains(text, want) {
		t.Errorf("text line %s\nwant %s", text, want)
	}
}

func TestWhatIsNoEvent(t *testing.T) {
	for name, line := range map[string]string{
		"empty": "", "text": "hello", "list": "[]", "null": "null", "no type": "{}", "other type": `{"type":"x"}`,
		"score too high": `{"type":"THOR assessment","score":101,"subject":{"type":"file"}}`,
		"score negative": `{"type":"THOR assessment","score":-1,"subject":{"type":"file"}}`,
		"no subject":     `{"type":"THOR assessment","score":1}`, "subject text": `{"type":"THOR assessment","subject":"x"}`,
		"bad file":     `{"type":"THOR assessment","subject":{"type":"file","size":"big"}}`,
		"bad meta":     `{"type":"THOR message","meta":{"time":"yesterday"}}`,
		"bad context":  `{"type":"THOR assessment","subject":{"type":"file"},"context":[{"object":1}]}`,
		"longest line": `{"type":"THOR message","message":"` + strings.Repeat("x", MaxLine) + `"}`,
	} {
		if event, err := Parse([]byte(line)); !errors.Is(err, ErrNotEvent) {
			t.Errorf("%s: %v, error %v", name, event, err)
		}
	}
}

// FuzzParse reads any line: it is refused, or what was read can be written as
// lines that are safe to show.
func FuzzParse(f *testing.F) {
	// Short lines: the engine spends its time on making long ones shorter.
	f.Add([]byte(`{"type":"THOR assessment","subject":{"type":"file","path":"/\n\u009b"},"score":3,"reasons":[{"matched":[{"offset":1}]}]}`))
	f.Add([]byte(`{"type":"THOR message","fields":{"a":[1,"\u202e"]}}`))
	f.Add([]byte(`{"type":"THOR finding","subject":{"type":"process","pid":1e400},"score":3}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		event, err := Parse(line)
		if err != nil {
			if !errors.Is(err, ErrNotEvent) {
				t.Errorf("error %v is not ErrNotEvent", err)
			}
			return
		}
		checkLine(t, AppendText(nil, "host", event))
		out, err := AppendJSON(nil, event)
		if err != nil {
			t.Fatalf("%q was read but can't be written: %v", line, err)
		}
		checkLine(t, out)
	})
}
