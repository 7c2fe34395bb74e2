package report

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"thordeploy/scanner/finding"
)

func assessment(path string, level finding.Level) *finding.Assessment {
	a := finding.NewAssessment(finding.NewFile(path), "Suspicious file found")
	a.Meta.Level, a.Meta.Module, a.Score = level, "Filescan", 70
	a.Reasons = []finding.Reason{finding.NewReason("YARA rule X / finds x\x1b", finding.Signature{Score: 70}, nil)}
	return a
}

func TestEventsReachEverySinkWithTheirMeta(t *testing.T) {
	var text, json, human bytes.Buffer
	r := NewReporter("S-test", "web01", &Text{W: &text, Host: "web01/192.0.2.1"}, &JSON{W: &json}, &Human{W: &human})
	r.Message(finding.Info, Main, "begin", nil)
	r.Finding(assessment("/tmp/x\n\x1b[2J", finding.Warning))
	r.Message(finding.Info, "Filescan", "detail", map[string]any{"count": 3})
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	var ids []string
	for line := range strings.Lines(json.String()) {
		event, err := finding.Parse([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		meta := finding.Meta{}
		switch e := event.(type) {
		case *finding.Assessment:
			meta = e.Meta
		case *finding.Message:
			meta = e.Meta
		}
		if meta.ScanID != "S-test" || meta.Hostname != "web01" || meta.Time.IsZero() || meta.Module == "" || meta.Level == "" {
			t.Errorf("meta %+v", meta)
		}
		ids = append(ids, meta.EventID)
	}
	if len(ids) != 3 || ids[0] == ids[1] || ids[1] == ids[2] {
		t.Errorf("event ids %v", ids)
	}
	if n := strings.Count(text.String(), "\n"); n != 3 || !strings.Contains(text.String(), `FILE: /tmp/x\n\x1b[2J `) {
		t.Errorf("text log:\n%s", text.String())
	}
	want := "Info         begin\nWarning  70  /tmp/x\\n\\x1b[2J\n             YARA rule X / finds x\\x1b (score 70)\n"
	if human.String() != want {
		t.Errorf("for people:\n%s\nwant:\n%s", human.String(), want)
	}
}

// full is a writer whose disk is full after some lines.
type full struct{ left int }

func (f *full) Write(p []byte) (int, error) {
	if f.left--; f.left < 0 {
		return 0, unix.ENOSPC
	}
	return len(p), nil
}

func TestAFullDiskSilencesOneLogAndIsTold(t *testing.T) {
	var rest bytes.Buffer
	r := NewReporter("S-1", "h", &Text{Name: "thor.txt", W: &full{left: 1}}, &JSON{Name: "thor.json", W: &full{}}, &Human{W: &rest})
	for range 3 {
		r.Finding(assessment("/x", finding.Alert))
	}
	err := r.Err()
	if !errors.Is(err, unix.ENOSPC) || !strings.Contains(err.Error(), "thor.txt") || !strings.Contains(err.Error(), "thor.json") {
		t.Errorf("error %v", err)
	}
	if n := strings.Count(rest.String(), "Alert"); n != 3 {
		t.Errorf("the sink that works got %d of 3 findings", n)
	}
}

func TestScanIDsDiffer(t *testing.T) {
	a, b := NewScanID(), NewScanID()
	if a == b || len(a) != 14 || !strings.HasPrefix(a, "S-") {
		t.Errorf("scan ids %s and %s", a, b)
	}
}

func TestLogsArePrivateAndReplaceWhatWasThere(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "thor.txt")
	victim := filepath.Join(dir, "victim")
	if err := os.WriteFile(victim, []byte("keep"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(victim, path); err != nil { // a name that somebody linked to another file
		t.Fatal(err)
	}
	f, err := CreateLog(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := io.WriteString(f, "log"); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	data, _ := os.ReadFile(path)
	kept, _ := os.ReadFile(victim)
	if info.Mode() != 0o600 || string(data) != "log" || string(kept) != "keep" {
		t.Errorf("the log has mode %v and %q, the linked file %q", info.Mode(), data, kept)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 2 {
		t.Errorf("left over: %v", entries)
	}
}

func TestWhatALogIsNotWrittenTo(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink("target", dir+"/link"); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(dir+"/fifo", 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		dir + "/link": "symlink", dir + "/fifo": "not a regular file", dir: "not a regular file",
		dir + "/none/thor.txt": "no such file", "/dev/null": "not a regular file",
	} {
		f, err := CreateLog(path)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error %v, want one with %q", path, err, want)
		}
		if f != nil {
			f.Close()
		}
	}
	if _, err := os.Lstat(dir + "/target"); err == nil {
		t.Error("the log was written through the symlink")
	}
}
