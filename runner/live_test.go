package runner

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"thordeploy/inventory"
)

const assessment = `{"type":"THOR assessment","meta":{"time":"2026-01-01T00:00:00Z","level":"Alert","module":"Filescan"},"message":"Malware file found","score":95,` +
	`"subject":{"type":"file","path":"/tmp/x"},"reasons":[{"type":"reason","summary":"YARA rule EICAR"}],"reason_count":1,"log_version":"v3.0.0"}`

// listen feeds chunks of a task's standard output and gives its events but Output.
func listen(t *testing.T, quiet bool, chunks ...string) []Event {
	t.Helper()
	x := &run{events: make(chan Event)}
	h := &hostRun{playRun: &playRun{plan: &plan{run: x}}, host: &inventory.Host{Name: "web1"}}
	go func() {
		defer close(x.events)
		l := newLive(h, 4, quiet)
		for _, c := range chunks {
			l.write("stdout", []byte(c))
		}
		l.close()
		l.write("stdout", []byte(assessment+"\n")) // too late: dropped
	}()
	var got []Event
	for e := range x.events {
		if _, ok := e.(Output); !ok || quiet {
			got = append(got, e)
		}
	}
	return got
}

func TestFindingsAreReadFromOutput(t *testing.T) {
	t.Parallel()
	want := Finding{Host: "web1", Task: 4, Score: 95, Level: "Alert", Module: "Filescan", Subject: "/tmp/x", Reason: "YARA rule EICAR", Message: "Malware file found"}
	other := func(f func(*Finding)) Finding { w := want; f(&w); return w }
	long := strings.Repeat("x", maxLine)
	tests := []struct {
		name   string
		chunks []string
		want   []Event
	}{
		{"a line", []string{assessment + "\n"}, []Event{want}},
		{"without a newline at the end", []string{assessment}, []Event{want}},
		{"in pieces", []string{assessment[:1], assessment[1:40], assessment[40:], "\n"}, []Event{want}},
		{"carriage return", []string{assessment + "\r\n"}, []Event{want}},
		{"among other lines", []string{"scanning\n{\"a\":1}\n" + assessment + "\nnot {json}\n" + assessment + "\n"}, []Event{want, want}},
		{"older type", []string{strings.Replace(assessment, "assessment", "finding", 1)}, []Event{want}},
		{"level from the score", []string{strings.Replace(assessment, `"level":"Alert"`, `"level":"Odd"`, 1)}, []Event{want}},
		{"score of a notice", []string{strings.NewReplacer(`"level":"Alert",`, "", `"score":95`, `"score":41`).Replace(assessment)}, []Event{other(func(f *Finding) { f.Level, f.Score = "Notice", 41 })}},
		{"a process", []string{strings.Replace(assessment, `{"type":"file","path":"/tmp/x"}`, `{"type":"process","pid":4,"name":"xmrig","image":{"path":"/tmp/y"}}`, 1)}, []Event{other(func(f *Finding) { f.Subject = "xmrig" })}},
		{"subject as text", []string{strings.Replace(assessment, `{"type":"file","path":"/tmp/x"}`, `"cron"`, 1)}, []Event{other(func(f *Finding) { f.Subject = "cron" })}},
		{"no subject", []string{strings.Replace(assessment, `{"type":"file","path":"/tmp/x"}`, `7`, 1)}, []Event{other(func(f *Finding) { f.Subject = "" })}},
		{"messages of the scanner", []string{strings.Replace(assessment, "assessment", "message", 1) + "\n"}, nil},
		{"score out of range", []string{strings.Replace(assessment, "95", "101", 1), "\n", strings.Replace(assessment, "95", "-1", 1)}, []Event{
			other(func(f *Finding) { f.Score = 100 }), other(func(f *Finding) { f.Score = 0 })}},
		{"broken", []string{assessment[:len(assessment)-1] + "\n"}, nil},
		{"wrong types", []string{`{"type":"THOR assessment","score":"high"}`}, nil},
		{"a line too long, then a good one", []string{"{" + long + "\n" + assessment + "\n"}, []Event{want}},
		{"a line too long in pieces", []string{"{" + long[:maxLine/2], long, "\n", assessment}, []Event{want}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := listen(t, false, tt.chunks...)
			if diff := cmp.Diff(tt.want, got, cmpopts.IgnoreFields(Finding{}, "Time")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A host's shell can't tell a last newline from the begin of its own answer,
// so it comes late: a finding must not wait for it.
func TestAFindingDoesNotWaitForItsNewline(t *testing.T) {
	t.Parallel()
	x := &run{events: make(chan Event, 100)}
	l := newLive(&hostRun{playRun: &playRun{plan: &plan{run: x}}, host: &inventory.Host{Name: "web1"}}, 4, true)
	l.write("stdout", []byte(assessment[:50]))
	l.write("stdout", []byte(assessment[50:]))
	if len(x.events) != 1 {
		t.Fatalf("%d events after a whole finding without its newline", len(x.events))
	}
	l.write("stdout", []byte("\n"+assessment+"\n"))
	l.close()
	if len(x.events) != 2 {
		t.Errorf("%d events for two findings", len(x.events))
	}
}

// A host that ends piece after piece in a brace must not make each of them
// cost a look at the whole line.
func TestALineIsNotLookedAtForEachPiece(t *testing.T) {
	t.Parallel()
	x := &run{events: make(chan Event, 10)}
	l := newLive(&hostRun{playRun: &playRun{plan: &plan{run: x}}, host: &inventory.Host{Name: "web1"}}, 4, true)
	start := time.Now()
	l.write("stdout", []byte(`{"type":"THOR assessment","x":"`))
	for range maxLine / 2 {
		l.write("stdout", []byte("}"))
	}
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("half a MiB in pieces took %v", took)
	}
}

func TestNoLogCountsFindingsAndHidesThem(t *testing.T) {
	t.Parallel()
	got := listen(t, true, "secret\n"+assessment+"\n")
	want := []Event{Finding{Host: "web1", Task: 4, Score: 95, Level: "Alert"}}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(Finding{}, "Time")); diff != "" {
		t.Error(diff)
	}
}

func TestFindingsAreBounded(t *testing.T) {
	t.Parallel()
	got := listen(t, false, strings.Repeat(assessment+"\n", maxFindings+5))
	notices := 0
	for _, e := range got {
		if n, ok := e.(Notice); ok {
			notices++
			if !strings.Contains(n.Text, fmt.Sprint(maxFindings)) {
				t.Error(n.Text)
			}
		}
	}
	if len(got) != maxFindings+1 || notices != 1 {
		t.Errorf("%d events with %d notices, want %d findings and one notice", len(got), notices, maxFindings)
	}
}

func TestOutputEventsAreBounded(t *testing.T) {
	t.Parallel()
	x := &run{events: make(chan Event)}
	h := &hostRun{playRun: &playRun{plan: &plan{run: x}}, host: &inventory.Host{Name: "web1"}}
	big := strings.Repeat("0123456789abcdef\n", 3*maxOutput/16)
	go func() {
		defer close(x.events)
		newLive(h, 0, false).write("stderr", []byte(big))
	}()
	var all strings.Builder
	for e := range x.events {
		o := e.(Output)
		if len(o.Data) > maxOutput || o.Stream != "stderr" {
			t.Errorf("%d bytes of %s in one event", len(o.Data), o.Stream)
		}
		all.Write(o.Data)
	}
	if all.String() != big {
		t.Error("the output did not come whole")
	}
}

func FuzzFinding(f *testing.F) {
	f.Add([]byte(assessment))
	f.Add([]byte(`{"type":"THOR finding","score":40,"subject":{"file":{"image":{"name":"x"}}}}`))
	f.Add([]byte(`{"type":"THOR assessment","reasons":[{}],"subject":[]}`))
	f.Add([]byte("{\"type\":\"THOR assessment\",\"message\":\"\xff\x1b[2J\"}"))
	f.Fuzz(func(t *testing.T, line []byte) {
		got, ok := parseFinding(line)
		if !ok {
			return
		}
		if got.Score < 0 || got.Score > 100 || got.Level != "Notice" && got.Level != "Warning" && got.Level != "Alert" {
			t.Errorf("%+v", got)
		}
		if _, err := MarshalEvent(got); err != nil {
			t.Error(err)
		}
	})
}
