package report

import (
	"fmt"
	"io"

	"thordeploy/scanner/finding"
)

// JSON writes events as lines of the THOR JSON log, version 3.
type JSON struct {
	Name string // of the log, for errors
	W    io.Writer

	line []byte
}

// Event implements [Sink].
func (j *JSON) Event(event any) error {
	var err error
	if j.line, err = finding.AppendJSON(j.line[:0], event); err == nil {
		_, err = j.W.Write(j.line)
	}
	if err != nil {
		return fmt.Errorf("writing the JSON log %s: %w", j.Name, err)
	}
	return nil
}

// Text writes events as lines of the text log.
type Text struct {
	Name string // of the log, for errors
	W    io.Writer
	Host string // "HOST/IP"

	line []byte
}

// Event implements [Sink].
func (t *Text) Event(event any) error {
	t.line = finding.AppendText(t.line[:0], t.Host, event)
	if _, err := t.W.Write(t.line); err != nil {
		return fmt.Errorf("writing the log %s: %w", t.Name, err)
	}
	return nil
}

// Human writes one or two lines for each finding and a line for each message
// worth a person's attention: those of level Notice and above, and what the
// scan says at its start and end (module [Main]).
type Human struct{ W io.Writer }

// Main is the module of messages about the scan as a whole.
const Main = "Thorscan"

// Event implements [Sink].
func (h *Human) Event(event any) error {
	var text string
	switch e := event.(type) {
	case *finding.Assessment:
		text = fmt.Sprintf("%-7s %3d  %s\n", e.Meta.Level, e.Score, finding.Printable(e.Subject.SubjectName()))
		for _, r := range e.Reasons {
			text += fmt.Sprintf("             %s (score %d)\n", finding.Printable(r.Summary), r.Signature.Score)
		}
	case *finding.Message:
		if e.Meta.Level != finding.Info && e.Meta.Level != finding.Debug || e.Meta.Module == Main {
			text = fmt.Sprintf("%-7s      %s\n", e.Meta.Level, finding.Printable(e.Message))
		}
	}
	if _, err := io.WriteString(h.W, text); err != nil {
		return fmt.Errorf("writing to standard output: %w", err)
	}
	return nil
}
