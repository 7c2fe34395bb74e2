package journal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"thordeploy/runner"
)

var at = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// aRun is the events of a run of two hosts; the second was cut short.
func aRun() []runner.Event {
	return []runner.Event{
		runner.RunStarted{Time: at, RunID: "r1", Hosts: []string{"a", "b"}, Forks: 2},
		runner.PlayStarted{Time: at, Name: "p", Hosts: []string{"a", "b"}, Tasks: 2},
		runner.HostStarted{Time: at, Host: "a"},
		runner.HostStarted{Time: at, Host: "b"},
		runner.HostHeld{Time: at, Host: "a", Paths: []string{"/mnt/x"}},
		runner.TaskStarted{Time: at, Host: "a", Task: 1, Name: "t"},
		runner.TaskFinished{Time: at, Host: "a", Task: 1, Status: runner.Changed, Changed: true, Result: map[string]any{"stdout": "a\nb \u2028 \x00"}},
		runner.HostHeld{Time: at, Host: "b", Paths: []string{"/mnt/x"}},
		runner.HostFinished{Time: at, Host: "a", Status: runner.OK},
		runner.TaskStarted{Time: at, Host: "b", Task: 1, Name: "t"},
	}
}

func fold(events []runner.Event) *runner.State {
	s := &runner.State{}
	for _, e := range events {
		s.Apply(e)
	}
	return s
}

func written(t *testing.T, events []runner.Event) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "run")
	j, err := Create(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if err := j.Event(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// A journal that is cut at any byte gives the state of the events whose lines
// are whole, and goes on after them.
func TestCutAnywhere(t *testing.T) {
	dir := written(t, aRun())
	path := filepath.Join(dir, Name)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for cut := range len(whole) + 1 {
		if err := os.WriteFile(path, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		lines := strings.Count(string(whole[:cut]), "\n")
		j, history, err := Open(dir, Options{})
		if err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		state := history.Jobs[0]
		if state == nil {
			state = &runner.State{}
		}
		if diff := cmp.Diff(fold(aRun()[:lines]), state); diff != "" {
			t.Fatalf("cut at %d: (-want +got)\n%s", cut, diff)
		}
		next := runner.HostFinished{Time: at, Host: "b", Status: runner.Failed}
		if err := j.Event(next); err != nil {
			t.Fatal(err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		var last runner.Event
		count := 0
		if err := Read(dir, func(e runner.Event) error { last = e; count++; return nil }); err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		if count != lines+1 || cmp.Diff(runner.Event(next), last) != "" {
			t.Fatalf("cut at %d: %d events, the last is %v", cut, count, last)
		}
	}
}

// A block of the last line that never reached the disk reads as zeros, with the
// newline there.
func TestLastLineOfZeros(t *testing.T) {
	dir := written(t, aRun()[:3])
	f, err := os.OpenFile(filepath.Join(dir, Name), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("{\"v\":1,\x00\x00\x00}\n"); err != nil {
		t.Fatal(err)
	}
	f.Close()
	j, history, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(fold(aRun()[:3]), history.Jobs[0]); diff != "" {
		t.Error(diff)
	}
}

// A line in the middle that is no event is damage, and nothing is taken away.
func TestDamage(t *testing.T) {
	dir := written(t, aRun())
	path := filepath.Join(dir, Name)
	data, _ := os.ReadFile(path)
	broken := strings.Replace(string(data), `"type":"host_started"`, `"type":"nonsense"`, 1)
	if err := os.WriteFile(path, []byte(broken), 0o600); err != nil {
		t.Fatal(err)
	}
	_, _, err := Open(dir, Options{})
	var damage *Damage
	if !errors.As(err, &damage) || damage.Line != 3 {
		t.Fatalf("%v", err)
	}
	if after, _ := os.ReadFile(path); string(after) != broken {
		t.Error("the journal was changed")
	}
}

func TestOneControllerAtATime(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	j, err := Create(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := Open(dir, Options{}); !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), fmt.Sprintf("process %d on", os.Getpid())) {
		t.Errorf("second controller: %v", err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Create(dir, Options{}); !errors.Is(err, os.ErrExist) {
		t.Errorf("a second new run in the folder: %v", err)
	}
	j, _, err = Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestPrivateAndWithoutSecrets(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	j, err := Create(dir, Options{Redact: func(b []byte) []byte { return []byte(strings.ReplaceAll(string(b), "hunter2", "***")) }})
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Event(runner.Notice{Time: at, Text: "the word is hunter2"}); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	data, _ := os.ReadFile(filepath.Join(dir, Name))
	if strings.Contains(string(data), "hunter2") || !strings.Contains(string(data), "***") {
		t.Errorf("%s", data)
	}
	for _, name := range []string{"", Name, "lock"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: %v %v", name, info.Mode(), err)
		}
	}
}

// Many who wait share syncs, and whoever has returned finds the file synced as
// far as it was written when it asked.
func TestDurable(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	j, err := Create(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	events := make(chan runner.Event)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for e := range events {
			if err := j.Event(e); err != nil {
				t.Error(err)
			}
		}
	}()
	var hosts sync.WaitGroup
	for n := range 50 {
		hosts.Go(func() {
			events <- runner.HostStarted{Time: at, Host: fmt.Sprint(n)}
			if err := j.Durable(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	hosts.Wait()
	close(events)
	<-done
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := j.Event(runner.Notice{Time: at}); err != nil {
		t.Fatal(err)
	}
	if err := j.Durable(ended); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("a wait that is over: %v", err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if j.synced != j.wrote || j.wrote != 51 {
		t.Errorf("%d of %d events are synced", j.synced, j.wrote)
	}
}

// Where nothing can be written any more, the run and all who wait are told.
func TestWriteFails(t *testing.T) {
	j, err := Create(filepath.Join(t.TempDir(), "run"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("no /dev/full here")
	}
	own := j.file
	j.file = full
	if err := j.Event(runner.Notice{Time: at}); err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("%v", err)
	}
	if err := j.Event(runner.Notice{Time: at}); err == nil {
		t.Error("the next event was taken")
	}
	j.file = own
	if err := j.Close(); err == nil {
		t.Error("Close forgets the error")
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("{\"v\":1,\"type\":\"notice\",\"time\":\"2026-01-02T03:04:05Z\",\"text\":\"x\"}\n{"))
	f.Add([]byte("\n\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		n := 0
		whole, err := read(strings.NewReader(string(data)), func(runner.Event) error { n++; return nil })
		if whole > int64(len(data)) || err == nil && n > strings.Count(string(data), "\n") {
			t.Errorf("%d bytes, %d events of %q", whole, n, data)
		}
	})
}
