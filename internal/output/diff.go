package output

import (
	"strings"

	"github.com/pmezard/go-difflib/difflib"

	"thordeploy/internal/diag"
	"thordeploy/runner"
)

// diffContext is how many lines around a change are shown, as Ansible has it.
const diffContext = 3

// diff shows what a task changed as a unified diff, as ansible-playbook --diff
// words it.
func (h *Human) diff(e runner.TaskFinished) {
	for _, l := range diffOf(e) {
		h.buf.WriteString(h.paint(l.color, l.text) + "\n")
	}
}

// diffs does the same for ansible-playbook's form, which shows changes alone.
func (a *Ansible) diffs(e runner.TaskFinished) {
	if !e.Changed {
		return
	}
	for _, l := range diffOf(e) {
		if l.color == "" {
			a.buf.WriteString(l.text + "\n")
			continue
		}
		a.line(l.color, l.text)
	}
}

// diffLine is one line of a diff; an empty color is none.
type diffLine struct{ color, text string }

// diffOf is what a task changed, line by line.
func diffOf(e runner.TaskFinished) []diffLine {
	var out []diffLine
	for _, c := range e.Diff {
		if c.Note != "" {
			out = append(out, diffLine{cyan, "diff skipped: " + diag.Escape(c.Note)})
			continue
		}
		text, err := difflib.GetUnifiedDiffString(difflib.UnifiedDiff{
			A: diffLines(c.Before), B: diffLines(c.After), Context: diffContext,
			FromFile: diffHead("before", c.BeforeHeader), ToFile: diffHead("after", c.AfterHeader),
		})
		if err != nil || text == "" { // it writes to memory: nothing differs
			continue
		}
		for line := range strings.Lines(text) {
			line = strings.TrimSuffix(line, "\n")
			out = append(out, diffLine{diffColor(line), diag.Escape(strings.ReplaceAll(line, "\t", "    "))})
		}
		out = append(out, diffLine{})
	}
	return out
}

func diffColor(line string) string {
	switch {
	case strings.HasPrefix(line, "+"):
		return green
	case strings.HasPrefix(line, "-"):
		return red
	case strings.HasPrefix(line, "@@"):
		return cyan
	}
	return ""
}

func diffHead(word, what string) string {
	if what == "" {
		return word
	}
	return word + ": " + diag.Escape(what)
}

// diffLines are a text's lines; the last is marked where it has no end.
func diffLines(text string) []string {
	var out []string
	for line := range strings.Lines(text) {
		out = append(out, line)
	}
	if n := len(out); n > 0 && !strings.HasSuffix(out[n-1], "\n") {
		out[n-1] += "\n\\ No newline at end of file\n"
	}
	return out
}
