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
	for _, c := range e.Diff {
		if c.Note != "" {
			h.buf.WriteString(h.paint(cyan, "diff skipped: "+diag.Escape(c.Note)) + "\n")
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
			h.buf.WriteString(h.diffLine(strings.TrimSuffix(line, "\n")) + "\n")
		}
		h.buf.WriteString("\n")
	}
}

func (h *Human) diffLine(line string) string {
	clean := diag.Escape(strings.ReplaceAll(line, "\t", "    "))
	switch {
	case strings.HasPrefix(line, "+"):
		return h.paint(green, clean)
	case strings.HasPrefix(line, "-"):
		return h.paint(red, clean)
	case strings.HasPrefix(line, "@@"):
		return h.paint(cyan, clean)
	}
	return clean
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
