package runner

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
)

const (
	maxOutput   = 64 << 10 // bytes of one Output event
	maxLine     = 1 << 20  // bytes of a line that may be a finding; a longer one isn't
	maxFindings = 10_000   // findings told of one task; the report on the host has the rest
	maxWord     = 4 << 10  // bytes of a text in a finding
	maxTries    = 4        // times that a line is looked at before its end has come
)

// live hands on what a task prints while it runs, and picks the scanner's
// findings from its standard output.
type live struct {
	host  *hostRun
	task  int
	quiet bool // no_log: nothing of the output is shown

	mu       sync.Mutex
	over     bool
	line     []byte
	skipping bool // inside a line that is too long, or told already
	tries    int  // looks at the line before its end
	findings int
}

func newLive(h *hostRun, task int, quiet bool) *live {
	return &live{host: h, task: task, quiet: quiet}
}

// write takes output as it comes, from any goroutine. It waits until the run
// has taken it: a host that prints fast is slowed down rather than kept in
// memory.
func (l *live) write(stream string, p []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		return
	}
	if !l.quiet {
		for rest := p; len(rest) > 0; {
			n := min(len(rest), maxOutput)
			l.host.events <- Output{Time: now(), Host: l.host.host.Name, Task: l.task, Stream: stream, Data: bytes.Clone(rest[:n])}
			rest = rest[n:]
		}
	}
	if stream == "stdout" {
		l.scan(p)
	}
}

// close ends the task's output: what comes later is dropped.
func (l *live) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.endLine()
	l.over = true
}

// scan cuts p into lines and looks at each that may be a finding.
func (l *live) scan(p []byte) {
	for len(p) > 0 {
		part, rest, whole := bytes.Cut(p, []byte("\n"))
		p = rest
		if !l.skipping {
			l.skipping = len(l.line)+len(part) > maxLine
			if !l.skipping && mayBeFinding(l.line, part) {
				l.line = append(l.line, part...)
			} else {
				l.line, l.skipping = l.line[:0], true
			}
		}
		if whole {
			l.endLine()
		}
	}
	l.peek()
}

// peek tells a finding whose newline has not come yet: it may come with the
// next line only, which may be hours away.
func (l *live) peek() {
	if n := len(l.line); l.tries == maxTries || n == 0 || l.line[n-1] != '}' {
		return
	}
	l.tries++
	if l.tell(l.line) {
		l.line, l.skipping = l.line[:0], true
	}
}

// mayBeFinding reports whether a line of these two parts begins as an object.
func mayBeFinding(a, b []byte) bool {
	start := a
	if len(start) == 0 {
		start = b
	}
	return len(start) == 0 || start[0] == '{'
}

func (l *live) endLine() {
	line := l.line
	skip := l.skipping
	l.line, l.skipping, l.tries = l.line[:0], false, 0
	if !skip && len(line) > 0 {
		l.tell(line)
	}
}

// tell reports the finding that line is, and whether it is one.
func (l *live) tell(line []byte) bool {
	f, ok := parseFinding(line)
	if !ok {
		return false
	}
	l.findings++
	if l.findings > maxFindings {
		if l.findings == maxFindings+1 {
			l.host.events <- Notice{Time: now(), Host: l.host.host.Name, Text: fmt.Sprintf("more than %d findings: the rest is in the host's report alone", maxFindings)}
		}
		return true
	}
	f.Time, f.Host, f.Task = now(), l.host.host.Name, l.task
	if l.quiet {
		f.Module, f.Subject, f.Reason, f.Message = "", "", "", ""
	}
	l.host.events <- f
	return true
}

// parseFinding reads one line of the THOR JSON log, version 3: an object whose
// type is "THOR assessment" (older programs write "THOR finding"). Only what an
// event carries is looked at; anything else on the line is left alone.
func parseFinding(line []byte) (Finding, bool) {
	var head struct {
		Type string `json:"type"`
	}
	if json.Unmarshal(line, &head) != nil || head.Type != "THOR assessment" && head.Type != "THOR finding" {
		return Finding{}, false
	}
	var w struct {
		Meta struct {
			Level  string `json:"level"`
			Module string `json:"module"`
		} `json:"meta"`
		Message string          `json:"message"`
		Score   float64         `json:"score"`
		Subject json.RawMessage `json:"subject"`
		Reasons []struct {
			Summary string `json:"summary"`
		} `json:"reasons"`
	}
	if json.Unmarshal(line, &w) != nil {
		return Finding{}, false
	}
	// A score that no scanner should write still tells of a finding.
	w.Score = min(max(w.Score, 0), 100)
	f := Finding{
		Score: int(w.Score), Level: level(w.Meta.Level, w.Score), Module: word(w.Meta.Module),
		Subject: subjectOf(w.Subject, 0), Message: word(w.Message),
	}
	if len(w.Reasons) > 0 {
		f.Reason = word(w.Reasons[0].Summary)
	}
	return f, true
}

// level is the finding's level as written, or by its score:
// Notice from 40, Warning from 60, Alert from 81.
func level(written string, score float64) string {
	for _, l := range []string{"Notice", "Warning", "Alert"} {
		if strings.EqualFold(written, l) {
			return l
		}
	}
	switch {
	case score >= 81:
		return "Alert"
	case score >= 60:
		return "Warning"
	}
	return "Notice"
}

// subjectOf names what a finding is about: a file's path, a process's or another
// object's name, or the subject itself where it is a text.
func subjectOf(raw json.RawMessage, depth int) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return word(text)
	}
	var o map[string]json.RawMessage
	if depth > 2 || json.Unmarshal(raw, &o) != nil {
		return ""
	}
	for _, key := range []string{"path", "name", "command", "file", "image", "type"} {
		if v, ok := o[key]; ok {
			if s := subjectOf(v, depth+1); s != "" {
				return s
			}
		}
	}
	return ""
}

func word(s string) string {
	if len(s) > maxWord {
		s = s[:maxWord]
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
