package runner_test

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"thordeploy/action"
	"thordeploy/runner"
)

var update = flag.Bool("update", false, "write the golden files")

// oneOfEach is an event of every type with every field set.
func oneOfEach() []runner.Event {
	at := time.Date(2026, 11, 23, 15, 0, 0, 123456789, time.UTC)
	return []runner.Event{
		runner.RunStarted{Time: at, RunID: "4f", Playbook: "thor.yml", Hosts: []string{"a", "b"}, Forks: 10, Check: true},
		runner.PlayStarted{Time: at, Play: 1, Name: "sweep <all>", Hosts: []string{"a"}, Tasks: 8},
		runner.HostStarted{Time: at, Play: 1, Host: "a"},
		runner.HostHeld{Time: at, Play: 1, Host: "a", Paths: []string{"/mnt/temp_ram"}},
		runner.TaskStarted{Time: at, Play: 1, Host: "a", Task: 3, Name: "Copy", Module: "copy"},
		runner.Output{Time: at, Host: "a", Task: 3, Stream: "stdout", Data: []byte("a\xff\n")},
		runner.Finding{Time: at, Host: "a", Task: 3, Score: 95, Level: "Alert", Module: "Filescan", Subject: "/tmp/x", Reason: "EICAR", Message: "Malware file found"},
		runner.TaskFinished{
			Time: at, Play: 1, Host: "a", Task: 3, Name: "Copy", Module: "copy", Status: runner.Failed, Changed: true, Msg: "no\nspace", Hint: "free some",
			Place: "thor.yml:3:5", Item: "x", IsItem: true, Duration: 1500 * time.Millisecond, TimedOut: true,
			Result: map[string]any{"rc": 1.0, "stdout": "é", "list": []any{true, nil}},
			Diff:   []action.Change{{BeforeHeader: "/a", AfterHeader: "/b", Before: "1\n", After: "2\n", Note: "n"}},
		},
		runner.HostCleaned{Time: at, Play: 1, Host: "a", Lines: []string{"unmounted /mnt/temp_ram"}, Left: []string{"2 processes of the run would not end"}},
		runner.HostFinished{Time: at, Play: 1, Host: "a", Status: runner.Failed, Interrupted: true, Duration: time.Second},
		runner.Notice{Time: at, Host: "a", Text: "look"},
		runner.RunFinished{Time: at, Duration: time.Minute, Interrupted: true},
	}
}

func TestEventJSONIsStable(t *testing.T) {
	t.Parallel()
	var got bytes.Buffer
	for _, e := range oneOfEach() {
		b, err := runner.MarshalEvent(e)
		if err != nil {
			t.Fatal(err)
		}
		got.Write(append(b, '\n'))
	}
	const golden = "testdata/events.jsonl"
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("the JSON form changed; journals and programs read it (a new meaning needs a new version): %s", diff)
	}
}

func TestEventsComeBackFromJSON(t *testing.T) {
	t.Parallel()
	for _, e := range oneOfEach() {
		b, err := runner.MarshalEvent(e)
		if err != nil {
			t.Fatal(err)
		}
		got, err := runner.UnmarshalEvent(b)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(e, got); diff != "" {
			t.Errorf("%s: %s", e.EventType(), diff)
		}
	}
}

func TestUnknownEventsAreRefused(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"v":2,"type":"notice"}`:            "version 2",
		`{"v":1,"type":"surprise"}`:          `"surprise"`,
		`{"v":1,"type":"notice","text":[1]}`: "notice event",
		`not json`:                           "read an event",
		``:                                   "read an event",
	} {
		if _, err := runner.UnmarshalEvent([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want an error with %s", text, err, want)
		}
	}
}

func FuzzUnmarshalEvent(f *testing.F) {
	for _, e := range oneOfEach() {
		b, err := runner.MarshalEvent(e)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{"v":1,"type":"host_held","paths":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := runner.UnmarshalEvent(data)
		if err != nil {
			return
		}
		b, err := runner.MarshalEvent(e)
		if err != nil {
			t.Fatalf("%s came from JSON but doesn't go back: %v", e.EventType(), err)
		}
		again, err := runner.UnmarshalEvent(b)
		if err != nil {
			t.Fatalf("%s: %v", b, err)
		}
		b2, err := runner.MarshalEvent(again)
		if err != nil || !bytes.Equal(b, b2) {
			t.Fatalf("not stable: %s, then %s (%v)", b, b2, err)
		}
		s := &runner.State{}
		s.Apply(e)
	})
}
