package main

import (
	"fmt"
	"strconv"
	"strings"

	"thordeploy/runner"
)

// threshold is --fail-on: a level's name or a score from 1 to 100. The zero
// value is never reached.
type threshold struct {
	text   string
	levels []string // any finding of these levels
	score  int      // or any of this score or more; 0: not by score
}

// String is the flag as it was given.
func (t *threshold) String() string { return t.text }

// Type names the flag's value in the usage text.
func (t *threshold) Type() string { return "LEVEL" }

// Set reads the flag.
func (t *threshold) Set(text string) error {
	switch strings.ToLower(text) {
	case "notice":
		*t = threshold{text: text, levels: []string{"Notice", "Warning", "Alert"}}
	case "warning":
		*t = threshold{text: text, levels: []string{"Warning", "Alert"}}
	case "alert":
		*t = threshold{text: text, levels: []string{"Alert"}}
	default:
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 100 {
			return fmt.Errorf("%q is neither notice, warning or alert nor a score from 1 to 100", text)
		}
		*t = threshold{text: text, score: n}
	}
	return nil
}

// reached reports whether a finding on the host is at the threshold or above.
func (t *threshold) reached(h *runner.HostState) bool {
	for _, l := range t.levels {
		if h.Findings[l] > 0 {
			return true
		}
	}
	return t.score > 0 && h.MaxScore >= t.score
}
