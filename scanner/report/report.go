// Package report writes what a scan has to say: the text log, the version 3
// JSON log, and lines for a person at a terminal.
//
// A [Reporter] fills in what events share (time, scan id, host) and hands each
// to its [Sink]s in turn, from one goroutine at a time. A sink that fails is
// kept out from then on and its error returned at the end, so that a full disk
// under one log doesn't silence the others.
package report

import (
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"thordeploy/scanner/finding"
)

// Sink takes events, *finding.Assessment or *finding.Message.
type Sink interface {
	Event(event any) error
}

// Reporter sends events to sinks.
type Reporter struct {
	ScanID   string // see [NewScanID]
	Hostname string

	mu     sync.Mutex
	sinks  []Sink
	errs   []error
	events int
}

// NewReporter returns a reporter that sends to sinks in their order.
func NewReporter(scanID, hostname string, sinks ...Sink) *Reporter {
	return &Reporter{ScanID: scanID, Hostname: finding.PathText(hostname), sinks: sinks}
}

// NewScanID returns a new random scan id: "S-" and 12 letters and digits.
func NewScanID() string { return "S-" + rand.Text()[:12] }

// Finding reports a finding. Its meta carries level and module already.
func (r *Reporter) Finding(a *finding.Assessment) {
	r.send(&a.Meta, a)
}

// Message reports something about the scan itself.
func (r *Reporter) Message(level finding.Level, module, text string, fields map[string]any) {
	m := finding.NewMessage(text, fields)
	m.Meta.Level, m.Meta.Module = level, module
	r.send(&m.Meta, m)
}

func (r *Reporter) send(meta *finding.Meta, event any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events++
	meta.Time = time.Now()
	meta.ScanID, meta.Hostname = r.ScanID, r.Hostname
	meta.EventID = fmt.Sprintf("%s-%d", r.ScanID, r.events)
	for i, sink := range r.sinks {
		if sink == nil {
			continue
		}
		if err := sink.Event(event); err != nil {
			r.errs = append(r.errs, err)
			r.sinks[i] = nil
		}
	}
}

// Err returns the errors of sinks that failed, joined.
func (r *Reporter) Err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return errors.Join(r.errs...)
}
