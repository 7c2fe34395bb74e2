package output

import (
	"io"

	"thordeploy/runner"
)

// JSONLines writes each event in its versioned JSON form, one a line. Output
// events, which may be many, are written only when Verbose: a task's result
// has the end of its output anyway.
type JSONLines struct {
	W       io.Writer
	Verbose bool
}

var _ runner.Sink = (*JSONLines)(nil)

// Event writes one event.
func (j *JSONLines) Event(e runner.Event) error {
	if _, ok := e.(runner.Output); ok && !j.Verbose {
		return nil
	}
	b, err := runner.MarshalEvent(e)
	if err != nil {
		return err
	}
	_, err = j.W.Write(append(b, '\n'))
	return err
}
