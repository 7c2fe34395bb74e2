package runner

import (
	"slices"
	"time"
)

// State is a run as far as its events tell it: a pure fold, so that the recap,
// the exit code, a live view and a resumed run all see the same thing. The
// zero value is a run of which nothing has happened yet. It accepts events in
// any order, since a journal may be torn.
type State struct {
	RunID       string
	Playbook    string
	Forks       int
	Check       bool
	Started     time.Time
	Finished    time.Time // zero while it runs
	Interrupted bool

	Play     int    // index of the latest play
	PlayName string // its name

	Order []string              // hosts in inventory order, then any first met in an event
	Hosts map[string]*HostState // by inventory name

}

// Counts are the numbers of a host's recap line, counted as Ansible does: a
// changed task counts in OK too, an ignored failure in OK and Ignored, a
// rescued failure in Rescued and not in Failed.
type Counts struct {
	OK, Changed, Unreachable, Failed, Skipped, Rescued, Ignored int
}

// HostState is one host of a [State].
type HostState struct {
	Name string
	Counts
	Status      Status       // of the latest play it finished; empty before
	Running     bool         // between HostStarted and HostFinished
	Interrupted bool         // it ended because the run was interrupted
	Task        *TaskStarted // the task that runs now, nil between tasks
	Held        []string     // paths that the play put there for its own duration and that may still be there
	Cleaned     []string     // what the guard undid
	Left        []string     // what it could not undo
	Findings    map[string]int
	MaxScore    int      // highest score of a finding
	Fetched     []string // local paths of fetched files
	Started     time.Time
	Finished    time.Time // zero while it runs
	Out         bool      // it failed or was unreachable, and was not forgiven for it
	Plays       int       // plays that it went through to the end
}

// Broken reports whether the host failed or was unreachable, so that it takes
// no part in later plays.
func (h *HostState) Broken() bool { return h.Out }

// Apply folds one event into the state.
func (s *State) Apply(e Event) {
	switch e := e.(type) {
	case RunStarted:
		s.RunID, s.Playbook, s.Forks, s.Check = e.RunID, e.Playbook, e.Forks, e.Check
		if !e.Resumed || s.Started.IsZero() {
			s.Started = e.Time
		}
		s.Finished, s.Interrupted = time.Time{}, false
		for _, name := range e.Hosts {
			if h := s.host(name); e.Resumed {
				*h = HostState{Name: name, Held: h.Held}
			}
		}
	case PlayStarted:
		s.Play, s.PlayName = e.Play, e.Name
	case HostStarted:
		h := s.host(e.Host)
		h.Running, h.Finished, h.Status = true, time.Time{}, ""
		if h.Started.IsZero() {
			h.Started = e.Time
		}
	case HostHeld:
		h := s.host(e.Host)
		for _, p := range e.Paths {
			if !slices.Contains(h.Held, p) {
				h.Held = append(h.Held, p)
			}
		}
	case TaskStarted:
		s.host(e.Host).Task = &e
	case Finding:
		s.host(e.Host).found(e)
	case TaskFinished:
		s.host(e.Host).finished(e)
	case ErrorsCleared:
		for _, name := range e.Hosts {
			s.host(name).cleared()
		}
	case HostCleaned:
		h := s.host(e.Host)
		h.Cleaned = append(h.Cleaned, e.Lines...)
		h.Left = append(h.Left, e.Left...)
		if len(e.Left) == 0 {
			h.Held = nil
		}
	case HostFinished:
		s.host(e.Host).ended(e)
	case RunFinished:
		s.Finished, s.Interrupted = e.Time, e.Interrupted
	}
}

// host finds a host's state, or makes it: an event may be the first word of it.
func (s *State) host(name string) *HostState {
	if h, ok := s.Hosts[name]; ok {
		return h
	}
	if s.Hosts == nil {
		s.Hosts = map[string]*HostState{}
	}
	h := &HostState{Name: name}
	s.Hosts[name] = h
	s.Order = append(s.Order, name)
	return h
}

// cleared forgives what went wrong so far; the counts stay.
func (h *HostState) cleared() {
	h.Out = false
	if h.Status == Failed || h.Status == Unreachable {
		h.Status = OK
	}
}

func (h *HostState) found(e Finding) {
	if h.Findings == nil {
		h.Findings = map[string]int{}
	}
	h.Findings[e.Level]++
	h.MaxScore = max(h.MaxScore, e.Score)
}

func (h *HostState) finished(e TaskFinished) {
	if dest, ok := e.Result["dest"].(string); ok && e.Module == "fetch" && (e.Status == OK || e.Status == Changed) {
		h.Fetched = append(h.Fetched, dest)
	}
	if e.IsItem {
		return // the task's own result follows and is what counts
	}
	// Facts may be gathered while a task's templates are evaluated, between
	// its start and its end: only its own end ends it.
	if h.Task != nil && h.Task.Task == e.Task && h.Task.Play == e.Play {
		h.Task = nil
	}
	switch e.Status {
	case OK:
		h.OK++
	case Changed:
		h.OK++
		h.Changed++
	case Skipped:
		h.Skipped++
	case Failed:
		h.Failed++
		h.Out = true
	case Unreachable:
		h.Unreachable++
		h.Out = true
	case Rescued:
		h.Rescued++
	case Ignored:
		h.OK++
		h.Ignored++
		if e.Changed {
			h.Changed++
		}
	}
}

func (h *HostState) ended(e HostFinished) {
	h.Running, h.Task = false, nil
	h.Status, h.Finished = e.Status, e.Time
	h.Out = e.Status == Failed || e.Status == Unreachable // a failure may have been rescued after all
	h.Interrupted = h.Interrupted || e.Interrupted
	if e.Status == OK {
		h.Held = nil // the play took away what it meant to
		h.Plays++
	}
}
