package inventory

import (
	"regexp"
	"strings"

	"thordeploy/internal/diag"
)

// place is a spot in a source that a problem can be reported at: width runes
// (0: unknown) from a line and column, both from 1. The zero place is nowhere.
type place struct {
	s                *source
	line, col, width int
}

func (s *source) at(line, col, width int) place { return place{s, line, col, width} }

// error reports an error. Neither the text nor the line shown with it lets a
// password through.
func (p place) error(d *draft, summary, hint string) { p.report(d, diag.Error, summary, hint) }

func (p place) warn(d *draft, summary, hint string) { p.report(d, diag.Warning, summary, hint) }

// maxShown is the longest line, in bytes, that is shown with a problem.
const maxShown = 4096

func (p place) report(d *draft, sev diag.Severity, summary, hint string) {
	if len(d.diags.All()) > maxProblems {
		d.failed = d.failed || sev == diag.Error
		return
	}
	out := diag.Diagnostic{Severity: sev, Summary: mask(secretInText, summary), Hint: mask(secretInText, hint)}
	if p.s != nil {
		out.Range = diag.Range{File: p.s.name, Line: p.line, Column: p.col}
		if p.width > 0 {
			out.Range.EndColumn = p.col + p.width
		}
		if !p.s.sealed && p.line >= 1 && p.line <= len(p.s.lines) && len(p.text()) <= maxShown {
			out.Source = mask(secretInLine, p.text())
		}
	}
	d.add(out)
}

// text is the line that p is on.
func (p place) text() string { return strings.TrimSuffix(p.s.lines[p.line-1], "\r") }

// whole reports an error about the source as a whole.
func (s *source) whole(summary, hint string) {
	s.add(diag.Diagnostic{Range: diag.Range{File: s.name}, Summary: summary, Hint: hint})
}

// wholeWarning reports what is odd about the source as a whole.
func (s *source) wholeWarning(summary, hint string) {
	s.add(diag.Diagnostic{Severity: diag.Warning, Range: diag.Range{File: s.name}, Summary: summary, Hint: hint})
}

const secretName = `(?i)(?:pass|passwd|password|secret|token|api_?key)[\w-]*["']?`

var (
	secretInLine = regexp.MustCompile(secretName + `[\s=:]+`)
	secretInText = regexp.MustCompile(secretName + `\s*[=:]\s*`)
)

// mask hides what follows the first variable that sounds like a password, so
// that a message can show the line. The line keeps its length.
func mask(secret *regexp.Regexp, line string) string {
	at := secret.FindStringIndex(line)
	if at == nil {
		return line
	}
	return line[:at[1]] + strings.Repeat("*", len([]rune(line[at[1]:])))
}
