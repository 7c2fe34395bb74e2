// Package runner turns plays and hosts into a stream of events.
//
// One goroutine owns the run's [State], a pure fold over the events; workers,
// one a host, only return results. Sinks are called in order from that one
// goroutine, so none needs a lock. Everything that is said about a run (recap,
// exit code, live view, JSON lines) is derived from the same events.
package runner

import (
	"time"

	"thordeploy/action"
)

// Event is one thing that happened in a run. The set is closed: RunStarted,
// PlayStarted, HostStarted, HostHeld, TaskStarted, TaskRetried, Output, Finding,
// TaskFinished, ErrorsCleared, HostCleaned, HostFinished, Notice, RunFinished. MarshalEvent
// gives the versioned JSON form, one object with "v", "type" and "time".
type Event interface {
	EventType() string // "run_started", …
}

// Status is how a task ended on a host.
type Status string

// The statuses. An ignored failure is Ignored, a failure that a rescue section
// took over is Rescued.
const (
	OK          Status = "ok"
	Changed     Status = "changed"
	Skipped     Status = "skipped"
	Failed      Status = "failed"
	Unreachable Status = "unreachable"
	Ignored     Status = "ignored"
	Rescued     Status = "rescued"
)

// RunStarted is the first event.
type RunStarted struct {
	Time     time.Time `json:"time"`
	RunID    string    `json:"run_id"`
	Playbook string    `json:"playbook"`
	Hosts    []string  `json:"hosts"` // every host selected by any play, in inventory order
	Forks    int       `json:"forks"`
	Check    bool      `json:"check,omitempty"`
	Job      int       `json:"job,omitempty"` // which playbook of the command line, from 0
	// Resumed: it goes on with a run that was cut short. Hosts are those that
	// begin anew; what the others came to stays.
	Resumed bool `json:"resumed,omitempty"`
}

// PlayStarted opens a play.
type PlayStarted struct {
	Time  time.Time `json:"time"`
	Play  int       `json:"play"` // index from 0
	Name  string    `json:"name"`
	Hosts []string  `json:"hosts"`
	Tasks int       `json:"tasks"`           // tasks that are there at load and that tags select, not counting blocks and handlers
	Batch int       `json:"batch,omitempty"` // with serial: which batch of the play, from 0
}

// HostStarted says that a host got its fork and is being connected to.
type HostStarted struct {
	Time time.Time `json:"time"`
	Play int       `json:"play"`
	Host string    `json:"host"`
}

// HostHeld says which paths the host's guard has been told of: what the play
// puts there for its own duration, undone if the host ends before its time.
type HostHeld struct {
	Time  time.Time `json:"time"`
	Play  int       `json:"play"`
	Host  string    `json:"host"`
	Paths []string  `json:"paths"`
}

// TaskStarted says that a task begins on a host.
type TaskStarted struct {
	Time   time.Time `json:"time"`
	Play   int       `json:"play"`
	Host   string    `json:"host"`
	Task   int       `json:"task"` // playbook.Task.Order; -1 for facts gathered by the play itself
	Name   string    `json:"name"`
	Role   string    `json:"role,omitempty"` // the role that the task stands in
	Module string    `json:"module"`
	// Handler: it is a notified handler, or what one includes.
	Handler bool `json:"handler,omitempty"`
}

// TaskRetried says that a task's until did not hold and that it is tried again.
type TaskRetried struct {
	Time      time.Time `json:"time"`
	Play      int       `json:"play"`
	Host      string    `json:"host"`
	Task      int       `json:"task"`
	Name      string    `json:"name"`
	Role      string    `json:"role,omitempty"`
	Module    string    `json:"module"`
	Attempt   int       `json:"attempt"` // the try that it was, from 1
	Left      int       `json:"left"`    // tries that are left
	Msg       string    `json:"msg,omitempty"`
	Delegated string    `json:"delegated_to,omitempty"`
}

// Output is output of a running command as it came, at most 64 KiB of it in
// one event. Bytes that are not UTF-8 are kept in Data.
type Output struct {
	Time   time.Time `json:"time"`
	Host   string    `json:"host"`
	Task   int       `json:"task"`
	Stream string    `json:"stream"` // "stdout" or "stderr"
	Data   []byte    `json:"data"`   // base64 in JSON
}

// Finding is one line of the scanner's documented stream (JSON lines of the
// version 3 log on a command's standard output whose type is "THOR
// assessment"), already checked and bounded.
type Finding struct {
	Time    time.Time `json:"time"`
	Host    string    `json:"host"`
	Task    int       `json:"task"`
	Score   int       `json:"score"`
	Level   string    `json:"level"` // Notice, Warning, Alert
	Module  string    `json:"module"`
	Subject string    `json:"subject"` // path of a file, name of a process
	Reason  string    `json:"reason"`  // the first reason's summary
	Message string    `json:"message"`
}

// TaskFinished is a task's (or one loop item's: Item set, Last false) result.
type TaskFinished struct {
	Time     time.Time     `json:"time"`
	Play     int           `json:"play"`
	Host     string        `json:"host"`
	Task     int           `json:"task"`
	Name     string        `json:"name"`
	Role     string        `json:"role,omitempty"`
	Module   string        `json:"module"`
	Status   Status        `json:"status"`
	Changed  bool          `json:"changed,omitempty"`
	Msg      string        `json:"msg,omitempty"`
	Hint     string        `json:"hint,omitempty"`
	Place    string        `json:"place,omitempty"` // file:line:column of the task
	Item     string        `json:"item,omitempty"`
	IsItem   bool          `json:"is_item,omitempty"`
	Duration time.Duration `json:"duration_ns"`
	TimedOut bool          `json:"timed_out,omitempty"`
	Handler  bool          `json:"handler,omitempty"`
	// Delegated is the host that the task was done on, where that isn't Host.
	Delegated string `json:"delegated_to,omitempty"`
	// Result is what register would get, without secrets; output bounded to
	// 64 KiB a stream. Nil with no_log.
	Result map[string]any `json:"result,omitempty"`
	// Diff is what changed, with --diff. Nil with no_log.
	Diff []action.Change `json:"diff,omitempty"`
}

// HostCleaned says what the guard undid on a host that ended before its time.
type HostCleaned struct {
	Time  time.Time `json:"time"`
	Play  int       `json:"play"`
	Host  string    `json:"host"`
	Lines []string  `json:"lines"`          // "unmounted /mnt/temp_ram"
	Left  []string  `json:"left,omitempty"` // what could not be undone, and why
}

// ErrorsCleared says that hosts that failed take part again from the next play
// on (meta: clear_host_errors).
type ErrorsCleared struct {
	Time  time.Time `json:"time"`
	Play  int       `json:"play"`
	Hosts []string  `json:"hosts"`
}

// HostFinished says that a host is through with a play.
type HostFinished struct {
	Time        time.Time     `json:"time"`
	Play        int           `json:"play"`
	Host        string        `json:"host"`
	Status      Status        `json:"status"` // OK, Failed or Unreachable
	Interrupted bool          `json:"interrupted,omitempty"`
	Duration    time.Duration `json:"duration_ns"`
}

// Notice is a remark for the person about the run: a warning, a departure from
// Ansible that matters here.
type Notice struct {
	Time time.Time `json:"time"`
	Host string    `json:"host,omitempty"`
	Text string    `json:"text"`
}

// RunFinished is the last event.
type RunFinished struct {
	Time        time.Time     `json:"time"`
	Duration    time.Duration `json:"duration_ns"`
	Interrupted bool          `json:"interrupted,omitempty"`
}

// EventType is "run_started".
func (RunStarted) EventType() string { return "run_started" }

// EventType is "play_started".
func (PlayStarted) EventType() string { return "play_started" }

// EventType is "host_started".
func (HostStarted) EventType() string { return "host_started" }

// EventType is "host_held".
func (HostHeld) EventType() string { return "host_held" }

// EventType is "task_started".
func (TaskStarted) EventType() string { return "task_started" }

// EventType is "task_retried".
func (TaskRetried) EventType() string { return "task_retried" }

// EventType is "errors_cleared".
func (ErrorsCleared) EventType() string { return "errors_cleared" }

// EventType is "output".
func (Output) EventType() string { return "output" }

// EventType is "finding".
func (Finding) EventType() string { return "finding" }

// EventType is "task_finished".
func (TaskFinished) EventType() string { return "task_finished" }

// EventType is "host_cleaned".
func (HostCleaned) EventType() string { return "host_cleaned" }

// EventType is "host_finished".
func (HostFinished) EventType() string { return "host_finished" }

// EventType is "notice".
func (Notice) EventType() string { return "notice" }

// EventType is "run_finished".
func (RunFinished) EventType() string { return "run_finished" }

// Sink receives every event of a run, in order, from one goroutine. An error
// stops the run.
type Sink interface {
	Event(Event) error
}
