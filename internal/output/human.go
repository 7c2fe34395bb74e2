// Package output shows a run: as text for a person, or as JSON lines for a
// program.
//
// Each form is a runner.Sink over an io.Writer that the caller chooses; the
// closing tables (recap, findings, what is left) are pure functions of the
// folded runner.State. Sinks are called in order from one goroutine.
package output

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"thordeploy/internal/diag"
	"thordeploy/runner"
)

// Human shows a run as text: every line names its host, since with host_pinned
// the hosts' tasks are mixed.
type Human struct {
	W       io.Writer
	Color   bool // ANSI colours; for a terminal, and not with NO_COLOR
	Verbose int  // -v: 1 shows the output of tasks that went well too

	state  runner.State
	check  bool // nothing is changed on the hosts
	buf    strings.Builder
	looped map[string]int // by host: the task whose items were shown last
}

var _ runner.Sink = (*Human)(nil)

// tailLines and tailWidth are how much of a failed command's output is shown.
const (
	tailLines = 10  // lines
	tailWidth = 300 // characters of each
)

// Event shows one event.
func (h *Human) Event(e runner.Event) error {
	h.state.Apply(e)
	h.buf.Reset()
	switch e := e.(type) {
	case runner.RunStarted:
		h.check = e.Check
	case runner.PlayStarted:
		h.play(e)
	case runner.TaskFinished:
		h.task(e)
	case runner.TaskRetried:
		h.retried(e)
	case runner.Finding:
		h.finding(e)
	case runner.HostCleaned:
		for _, l := range e.Lines {
			h.line(cyan, "cleaned up", e.Host, diag.Escape(l))
		}
		for _, l := range e.Left {
			h.line(red, "left", e.Host, diag.Escape(l))
		}
	case runner.Notice:
		h.notice(e)
	case runner.RunFinished:
		h.end(e)
	}
	if h.buf.Len() == 0 {
		return nil
	}
	_, err := io.WriteString(h.W, h.buf.String())
	return err
}

func (h *Human) play(e runner.PlayStarted) {
	h.buf.WriteString("\n" + heading("PLAY ["+diag.Escape(e.Name)+"]"))
	tasks := "tasks"
	if e.Tasks == 1 {
		tasks = "task"
	}
	if e.Batch > 0 {
		fmt.Fprintf(&h.buf, "batch %d: ", e.Batch+1)
	}
	fmt.Fprintf(&h.buf, "%s, %d %s", hosts(len(e.Hosts)), e.Tasks, tasks)
	if h.check {
		h.buf.WriteString(", checked only: nothing is changed")
	}
	h.buf.WriteString("\n\n")
}

// style is how a status is named and coloured.
var style = map[runner.Status]struct{ word, color string }{
	runner.OK:          {"ok", green},
	runner.Changed:     {"changed", yellow},
	runner.Skipped:     {"skipping", cyan},
	runner.Failed:      {"failed", red},
	runner.Unreachable: {"unreachable", brightRed},
	runner.Ignored:     {"ignored", yellow},
	runner.Rescued:     {"rescued", yellow},
}

// taskName is a task's name, with its role's before it.
func taskName(role, name string) string {
	if role != "" {
		name = role + " : " + name
	}
	return diag.Escape(name)
}

// where is the host that a task is about, and the one that it was done on.
func where(host, delegated string) string {
	if delegated != "" {
		return host + " -> " + delegated
	}
	return host
}

func (h *Human) retried(e runner.TaskRetried) {
	h.line(cyan, "retrying", where(e.Host, e.Delegated), fmt.Sprintf("%s (%d left)", taskName(e.Role, e.Name), e.Left))
	if h.Verbose > 0 {
		h.indented("", lines(e.Msg))
	}
}

func (h *Human) task(e runner.TaskFinished) {
	st := style[e.Status]
	what := taskName(e.Role, e.Name)
	if e.IsItem {
		what += " (item=" + diag.Escape(e.Item) + ")"
	}
	total := h.isTotal(e)
	bad := e.Status == runner.Failed || e.Status == runner.Unreachable || e.Status == runner.Ignored || e.Status == runner.Rescued
	msg := lines(e.Msg)
	if (bad || e.Status == runner.Skipped && h.Verbose > 0) && len(msg) > 0 {
		what += ": " + msg[0]
		msg = msg[1:]
	} else if total || !h.chatty(e) {
		msg = nil
	}
	h.line(st.color, st.word, where(e.Host, e.Delegated), what)
	h.diff(e)
	h.indented("", msg)
	if bad {
		h.reasons(e)
		return
	}
	if e.Module == "debug" && e.Msg == "" {
		h.values(e.Result)
	}
	if h.Verbose > 0 {
		h.indented("stdout: ", stdoutOf(e.Result))
		h.indented("stderr: ", textOf(e.Result, "stderr"))
	}
}

// isTotal reports whether e closes a loop, whose items said what there is.
func (h *Human) isTotal(e runner.TaskFinished) bool {
	if h.looped == nil {
		h.looped = map[string]int{}
	}
	if e.IsItem {
		h.looped[e.Host] = e.Task
		return false
	}
	task, ok := h.looped[e.Host]
	delete(h.looped, e.Host)
	return ok && task == e.Task
}

// chatty reports whether a task that went well has its message shown.
func (h *Human) chatty(e runner.TaskFinished) bool {
	return e.Module == "debug" || h.Verbose > 0 && e.Status != runner.Skipped
}

// reasons are the lines under a failure: where it is in the playbook, what the
// command said last, what to try.
func (h *Human) reasons(e runner.TaskFinished) {
	stderr := textOf(e.Result, "stderr")
	h.indented("stderr: ", last(stderr))
	if stdout := stdoutOf(e.Result); len(stderr) == 0 || h.Verbose > 0 {
		h.indented("stdout: ", last(stdout))
	}
	if rc, ok := e.Result["rc"]; ok {
		h.indented("rc: ", []string{diag.Escape(fmt.Sprint(rc))})
	}
	if e.Place != "" {
		h.indented("at: ", []string{diag.Escape(e.Place)})
	}
	h.indented("hint: ", lines(e.Hint))
}

// values shows what debug was asked for, as JSON where it isn't text.
func (h *Human) values(result map[string]any) {
	for _, key := range slices.Sorted(maps.Keys(result)) {
		if s, ok := result[key].(string); ok {
			h.indented(diag.Escape(key)+": ", lines(s))
			continue
		}
		b, err := json.MarshalIndent(result[key], "", "  ")
		if err == nil {
			h.indented(diag.Escape(key)+": ", lines(string(b)))
		}
	}
}

func (h *Human) finding(e runner.Finding) {
	color := yellow
	if e.Level == "Alert" {
		color = brightRed
	}
	text := fmt.Sprintf("%s %d", e.Level, e.Score)
	for i, s := range []string{e.Subject, e.Reason} {
		if s != "" {
			text += []string{" ", ": "}[i] + diag.Escape(s)
		}
	}
	h.line(color, "finding", e.Host, text)
}

func (h *Human) notice(e runner.Notice) {
	if e.Host != "" {
		h.line(cyan, "notice", e.Host, diag.Escape(e.Text))
		return
	}
	h.indented("", []string{h.paint(cyan, "notice: "+diag.Escape(e.Text))})
}

func (h *Human) end(e runner.RunFinished) {
	h.buf.WriteString("\n")
	if e.Interrupted {
		h.buf.WriteString("The run was interrupted.\n\n")
	}
	h.buf.WriteString(recap(&h.state, h.paintHost))
	for _, part := range []string{Totals(&h.state), FindingsSummary(&h.state), Remains(&h.state), Fetched(&h.state)} {
		if part != "" {
			h.buf.WriteString("\n" + part)
		}
	}
}

// paintHost colours a host's line of the recap, as Ansible does.
func (h *Human) paintHost(s *runner.HostState, line string) string {
	switch {
	case s.Broken():
		return h.paint(red, line)
	case s.Changed > 0:
		return h.paint(yellow, line)
	}
	return h.paint(green, line)
}

// line is one line about a host; text is clean already.
func (h *Human) line(color, word, host, text string) {
	h.buf.WriteString(h.paint(color, fmt.Sprintf("%s: [%s] %s", word, diag.Escape(host), text)) + "\n")
}

// indented writes clean lines under the one before, the first with a label and
// the others in line with it.
func (h *Human) indented(label string, text []string) {
	for i, l := range text {
		if i > 0 {
			label = strings.Repeat(" ", len(label))
		}
		h.buf.WriteString("  " + label + l + "\n")
	}
}

func textOf(result map[string]any, key string) []string {
	s, _ := result[key].(string)
	return lines(s)
}

// last is the end of text, each line cut to what a person reads, with a word
// about what is left out.
func last(text []string) []string {
	var out []string
	n := max(0, len(text)-tailLines)
	if n > 0 {
		out = append(out, fmt.Sprintf("… (%d lines before)", n))
	}
	for _, l := range text[n:] {
		out = append(out, clip(l))
	}
	return out
}

// clip cuts a line to tailWidth characters.
func clip(l string) string {
	if len(l) <= tailWidth {
		return l
	}
	r := []rune(l)
	if len(r) <= tailWidth {
		return l
	}
	return fmt.Sprintf("%s… (%d characters more)", string(r[:tailWidth]), len(r)-tailWidth)
}

// lines is s cut into lines that are safe to show, without the empty ones at
// its end.
func lines(s string) []string {
	s = strings.TrimRight(s, "\r\n \t")
	if s == "" {
		return nil
	}
	out := strings.Split(strings.ReplaceAll(s, "\t", "    "), "\n")
	for i, l := range out {
		out[i] = diag.Escape(strings.TrimSuffix(l, "\r"))
	}
	return out
}
