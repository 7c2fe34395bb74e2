package main

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"thordeploy/runner"
	"thordeploy/runner/journal"
)

const (
	runsFolder = "runs"        // in the current folder: where runs are kept
	inputsName = "inputs.json" // in a run's folder
	noRecord   = "none"        // --run-dir none
)

// record is a run's folder: its journal and what it was started with. Nil:
// none is kept.
type record struct {
	dir     string
	id      string
	journal *journal.Journal
	past    journal.History // of a resumed run
	retry   map[runner.Status]bool
	accept  bool // go on with files that have changed
}

// started is what a run was started with, as inputs.json has it.
type started struct {
	Version int               `json:"v"`
	Program string            `json:"program"` // its version
	RunID   string            `json:"run_id"`
	Time    time.Time         `json:"time"`
	Folder  string            `json:"folder"` // where it was started
	Args    []string          `json:"args"`
	Secrets bool              `json:"secrets,omitempty"` // args held some, which were left out
	Files   map[string]string `json:"files"`             // path -> SHA-256 in hex
}

// keepRecord begins the run's folder, or goes on with that of a resumed run. A
// run that changes nothing keeps none, and neither does ansible-playbook.
func (m *Main) keepRecord() (*record, error) {
	if m.resuming != nil {
		return m.resuming, m.unchanged(m.resuming)
	}
	if m.runDir == noRecord || m.runDir == "" && (m.check || m.ansible) {
		return nil, nil
	}
	id := make([]byte, 4)
	_, _ = rand.Read(id) // never fails: crypto/rand
	now := time.Now()
	rec := &record{id: hex.EncodeToString(id), dir: m.runDir}
	if rec.dir == "" {
		rec.dir = journal.NewDir(runsFolder, rec.id, now)
	}
	var err error
	if rec.journal, err = journal.Create(rec.dir, journal.Options{Redact: m.secrets.Bytes}); err != nil {
		return nil, wrong("name another folder for the run's journal with --run-dir, or keep none: --run-dir none", "%w", err)
	}
	return rec, m.writeStarted(rec, now)
}

// writeStarted writes inputs.json.
func (m *Main) writeStarted(rec *record, now time.Time) error {
	folder, err := os.Getwd()
	if err != nil {
		return err
	}
	s := started{Version: 1, Program: versionLine(), RunID: rec.id, Time: now.UTC(), Folder: folder, Files: m.inputs.all()}
	for _, arg := range m.args {
		safe := m.secrets.String(arg)
		s.Secrets = s.Secrets || safe != arg
		s.Args = append(s.Args, safe)
	}
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(rec.dir, inputsName), append(data, '\n'), 0o600); err != nil {
		return wrong("name another folder with --run-dir", "keep what the run was started with: %w", err)
	}
	return nil
}

// unchanged compares the files of a resumed run with what they were.
func (m *Main) unchanged(rec *record) error {
	was, err := readStarted(rec.dir)
	if err != nil || rec.accept {
		return err
	}
	is := m.inputs.all()
	var changed []string
	for _, path := range slices.Sorted(maps.Keys(was.Files)) {
		if sum, read := is[path]; read && sum != was.Files[path] {
			changed = append(changed, path)
		}
	}
	if len(changed) > 0 {
		return wrong("look at what changed; --accept-changes goes on with the files as they are", "changed since the run began: %s", strings.Join(changed, ", "))
	}
	return nil
}

func readStarted(dir string) (*started, error) {
	data, err := os.ReadFile(filepath.Join(dir, inputsName))
	if err != nil {
		return nil, wrong("name a run's folder, such as runs/20260102-030405-1a2b3c4d", "run %s: %w", dir, cause(err))
	}
	s := &started{}
	if err := json.Unmarshal(data, s); err != nil || s.Version != 1 {
		return nil, wrong("", "run %s: %s can't be read", dir, inputsName)
	}
	return s, nil
}

// close ends the journal.
func (rec *record) close() error {
	if rec == nil {
		return nil
	}
	return rec.journal.Close()
}

// sink is the journal, then next.
func (rec *record) sink(next runner.Sink) runner.Sink {
	if rec == nil {
		return next
	}
	return sinks{rec.journal, next}
}

// sinks hands each event to one after the other.
type sinks []runner.Sink

// Event implements runner.Sink.
func (s sinks) Event(e runner.Event) error {
	for _, next := range s {
		if err := next.Event(e); err != nil {
			return err
		}
	}
	return nil
}

// serve has the runner wait for the journal.
func (rec *record) serve(r *runner.Runner) {
	if rec != nil {
		r.Durable, r.RunID = rec.journal.Durable, rec.id
	}
}

// state is what a playbook had come to before; nil: it hadn't begun.
func (rec *record) state(job int) *runner.State {
	if rec == nil {
		return nil
	}
	return rec.past.Jobs[job]
}

// remaining is legs without the hosts that are done: that went through all of
// their plays, or that failed or were unreachable and aren't to be tried again.
func (rec *record) remaining(job int, legs []runner.Leg) []runner.Leg {
	state := rec.state(job)
	if state == nil {
		return legs
	}
	plays := map[string]int{}
	for _, l := range legs {
		for _, h := range l.Hosts {
			plays[h.Name]++
		}
	}
	var out []runner.Leg
	for _, l := range legs {
		kept := runner.Leg{Play: l.Play}
		for _, h := range l.Hosts {
			if !rec.done(state.Hosts[h.Name], plays[h.Name]) {
				kept.Hosts = append(kept.Hosts, h)
			}
		}
		if len(kept.Hosts) > 0 {
			out = append(out, kept)
		}
	}
	return out
}

// done reports whether a host of the run's past is left as it is.
func (rec *record) done(h *runner.HostState, plays int) bool {
	switch {
	case h == nil || h.Running || h.Interrupted:
		return false
	case h.Unreachable > 0 && h.Broken():
		return !rec.retry[runner.Unreachable]
	case h.Broken():
		return !rec.retry[runner.Failed]
	}
	return h.Plays >= plays
}

// past is a playbook's state where nothing of it remains to be done.
func (rec *record) finished(job int, legs []runner.Leg) *runner.State {
	if len(legs) > 0 {
		return nil
	}
	return rec.state(job)
}

// String says where the record is.
func (rec *record) String() string { return fmt.Sprintf("run %s in %s", rec.id, rec.dir) }
