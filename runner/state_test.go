package runner_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"thordeploy/runner"
)

// randomRun makes up the events of a run as workers would send them: each
// host's in order, the hosts' mixed.
func randomRun(rng *rand.Rand) []runner.Event {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	tick := func() time.Time { at = at.Add(time.Millisecond); return at }
	hosts := []string{"web1", "web2", "db1"}[:1+rng.IntN(3)]
	events := []runner.Event{
		runner.RunStarted{Time: tick(), RunID: "r", Hosts: hosts, Forks: 2},
		runner.PlayStarted{Time: tick(), Name: "p", Hosts: hosts, Tasks: 4},
	}
	perHost := make([][]runner.Event, len(hosts))
	for i, h := range hosts {
		perHost[i] = randomHost(rng, h)
	}
	for left := len(hosts); left > 0; {
		i := rng.IntN(len(hosts))
		if len(perHost[i]) == 0 {
			continue
		}
		events = append(events, perHost[i][0])
		if perHost[i] = perHost[i][1:]; len(perHost[i]) == 0 {
			left--
		}
	}
	return append(events, runner.RunFinished{Time: tick(), Interrupted: rng.IntN(5) == 0})
}

func randomHost(rng *rand.Rand, h string) []runner.Event {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	events := []runner.Event{runner.HostStarted{Time: at, Host: h}}
	status := runner.OK
	for task := range 1 + rng.IntN(4) {
		events = append(events, runner.TaskStarted{Time: at, Host: h, Task: task, Name: "t"})
		if rng.IntN(3) == 0 {
			events = append(events, runner.HostHeld{Time: at, Host: h, Paths: []string{fmt.Sprintf("/mnt/%d", rng.IntN(2))}})
		}
		if rng.IntN(3) == 0 {
			events = append(events, runner.Finding{Time: at, Host: h, Level: "Alert", Score: 81 + rng.IntN(10)})
		}
		if rng.IntN(3) == 0 {
			events = append(events, runner.TaskFinished{Time: at, Host: h, Task: task, Status: runner.Failed, IsItem: true, Item: "i"})
		}
		all := []runner.Status{runner.OK, runner.Changed, runner.Skipped, runner.Ignored, runner.Rescued, runner.Failed, runner.Unreachable}
		s := all[rng.IntN(len(all))]
		events = append(events, runner.TaskFinished{Time: at, Host: h, Task: task, Status: s, Changed: s == runner.Changed || rng.IntN(2) == 0})
		if s == runner.Failed || s == runner.Unreachable {
			status = s
			events = append(events, runner.HostCleaned{Time: at, Host: h, Lines: []string{"removed /mnt/0"}})
			break
		}
	}
	return append(events, runner.HostFinished{Time: at, Host: h, Status: status})
}

func fold(events []runner.Event) *runner.State {
	s := &runner.State{}
	for _, e := range events {
		s.Apply(e)
	}
	return s
}

// consistent finds what can't be true of a run, however far it is.
func consistent(s *runner.State, events []runner.Event) error {
	if len(s.Order) != len(s.Hosts) {
		return fmt.Errorf("%d hosts in order, %d in all", len(s.Order), len(s.Hosts))
	}
	finished := map[string]int{}
	for _, e := range events {
		if f, ok := e.(runner.TaskFinished); ok && !f.IsItem {
			finished[f.Host]++
		}
	}
	for name, h := range s.Hosts {
		c := h.Counts
		switch {
		case c.OK+c.Unreachable+c.Failed+c.Skipped+c.Rescued != finished[name]:
			return fmt.Errorf("%s: %+v after %d tasks", name, c, finished[name])
		case c.Changed > c.OK || c.Ignored > c.OK:
			return fmt.Errorf("%s: %+v: changed and ignored count in ok", name, c)
		case h.Task != nil && !h.Running:
			return fmt.Errorf("%s: runs task %d though it doesn't run", name, h.Task.Task)
		case !h.Running && h.Status == runner.OK && len(h.Held) > 0:
			return fmt.Errorf("%s: ended well but holds %v", name, h.Held)
		case !h.Finished.IsZero() && h.Running:
			return fmt.Errorf("%s: runs and is finished", name)
		}
		seen := map[string]bool{}
		for _, p := range h.Held {
			if seen[p] {
				return fmt.Errorf("%s: holds %s twice", name, p)
			}
			seen[p] = true
		}
	}
	return nil
}

func TestAnyPrefixIsConsistent(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		events := randomRun(rand.New(rand.NewPCG(seed, 1)))
		s := &runner.State{}
		for i, e := range events {
			s.Apply(e)
			if err := consistent(s, events[:i+1]); err != nil {
				t.Fatalf("seed %d, after event %d (%s): %v", seed, i, e.EventType(), err)
			}
		}
		if s.Finished.IsZero() {
			t.Fatalf("seed %d: the run is over but has no end", seed)
		}
		for name, h := range s.Hosts {
			if h.Running || h.Task != nil {
				t.Fatalf("seed %d: %s still runs at the end", seed, name)
			}
		}
	}
}

func TestReplayFromJSONGivesTheSameState(t *testing.T) {
	t.Parallel()
	for seed := range uint64(100) {
		events := randomRun(rand.New(rand.NewPCG(seed, 2)))
		var back []runner.Event
		for _, e := range events {
			b, err := runner.MarshalEvent(e)
			if err != nil {
				t.Fatal(err)
			}
			e, err := runner.UnmarshalEvent(b)
			if err != nil {
				t.Fatal(err)
			}
			back = append(back, e)
		}
		if diff := cmp.Diff(fold(events), fold(back)); diff != "" {
			t.Fatalf("seed %d: %s", seed, diff)
		}
	}
}

func TestApplyTakesAnyOrder(t *testing.T) {
	t.Parallel()
	for seed := range uint64(100) {
		rng := rand.New(rand.NewPCG(seed, 3))
		events := randomRun(rng)
		rng.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
		s := fold(events[:rng.IntN(len(events)+1)])
		if len(s.Order) != len(s.Hosts) {
			t.Fatalf("seed %d: %v and %v", seed, s.Order, s.Hosts)
		}
	}
}

func TestStateKeepsWhatCouldNotBeUndone(t *testing.T) {
	t.Parallel()
	s := fold([]runner.Event{
		runner.HostStarted{Host: "a"},
		runner.HostHeld{Host: "a", Paths: []string{"/mnt/x"}},
		runner.HostCleaned{Host: "a", Lines: []string{"unmounted /mnt/x"}, Left: []string{"could not remove /mnt/x"}},
		runner.HostFinished{Host: "a", Status: runner.Failed},
	})
	h := s.Hosts["a"]
	if diff := cmp.Diff([]string{"/mnt/x"}, h.Held); diff != "" {
		t.Error("held:", diff)
	}
	if diff := cmp.Diff([]string{"could not remove /mnt/x"}, h.Left); diff != "" {
		t.Error("left:", diff)
	}
	if !h.Broken() {
		t.Error("a failed host is not broken")
	}
}

func TestFetchedFilesAreKept(t *testing.T) {
	t.Parallel()
	file := func(dest string, status runner.Status, item bool) runner.Event {
		return runner.TaskFinished{Host: "a", Module: "fetch", Status: status, IsItem: item, Result: map[string]any{"dest": dest}}
	}
	s := fold([]runner.Event{
		file("/r/1", runner.Changed, false), file("/r/2", runner.OK, true), file("/r/3", runner.Failed, false),
		runner.TaskFinished{Host: "a", Module: "copy", Status: runner.OK, Result: map[string]any{"dest": "/there"}},
	})
	if diff := cmp.Diff([]string{"/r/1", "/r/2"}, s.Hosts["a"].Fetched); diff != "" {
		t.Error(diff)
	}
}
