package journal

import (
	"maps"
	"slices"

	"thordeploy/runner"
)

// History is what a journal tells: the state that each playbook of the command
// line had come to, by its place there from 0. The zero value is that of an
// empty journal.
type History struct {
	Jobs map[int]*runner.State
	last int // the job of the latest event
}

// Apply folds one event into the history. Its error is always nil.
func (h *History) Apply(e runner.Event) error {
	if begun, ok := e.(runner.RunStarted); ok {
		h.last = begun.Job
	}
	if h.Jobs == nil {
		h.Jobs = map[int]*runner.State{}
	}
	if h.Jobs[h.last] == nil {
		h.Jobs[h.last] = &runner.State{}
	}
	h.Jobs[h.last].Apply(e)
	return nil
}

// States are the jobs' states in their order.
func (h *History) States() []*runner.State {
	var out []*runner.State
	for _, job := range slices.Sorted(maps.Keys(h.Jobs)) {
		out = append(out, h.Jobs[job])
	}
	return out
}

// Ended is the state of the latest job, nil where it has not come to its end.
func (h *History) Ended() *runner.State {
	if s := h.Jobs[h.last]; s != nil && !s.Finished.IsZero() {
		return s
	}
	return nil
}
