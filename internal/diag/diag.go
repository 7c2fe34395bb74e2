// Package diag holds what is wrong with a user's files, as a list of problems
// that each know their place: file, line, column, the source line itself and a
// hint.
//
// Parsers append to a [List] and go on, so that a person sees every problem of
// a playbook or an inventory at once. [Diagnostic.String] draws one problem
// with its source line underlined; [List.Err] turns the list into one error.
// Nothing in this package does I/O: a parser hands over the source line when
// it reports a problem. Source text is the user's (or an attacker's), so
// everything drawn is escaped for a terminal.
package diag

import (
	"fmt"
	"sort"
	"strings"
)

// Range is a place in a source file. Line and Column count from 1; Column and
// EndColumn count runes, not bytes. EndColumn is the column after the last
// rune (0: unknown, underline one rune). A zero Line means "the whole file".
type Range struct {
	File      string
	Line      int
	Column    int
	EndColumn int
}

// String gives file:line:column, as far as known.
func (r Range) String() string {
	switch {
	case r.Line == 0:
		return Escape(r.File)
	case r.Column == 0:
		return fmt.Sprintf("%s:%d", Escape(r.File), r.Line)
	}
	return fmt.Sprintf("%s:%d:%d", Escape(r.File), r.Line, r.Column)
}

// Severity tells a problem that stops a run from one that doesn't.
type Severity int

// The two severities. The zero value is Error.
const (
	Error Severity = iota
	Warning
)

// String gives the word that a person reads: "error" or "warning".
func (s Severity) String() string {
	if s == Warning {
		return "warning"
	}
	return "error"
}

// Diagnostic is one problem at one place.
type Diagnostic struct {
	Severity Severity
	Range    Range
	Summary  string // what is wrong, one sentence without a full stop: "unknown module `comand`"
	Hint     string // what to try, may be empty: "did you mean `command`?"
	Source   string // the source line that Range.Line names, may be empty
	Rule     string // the id of the rule that it breaks, as `thordeploy lint` has it; empty: of none in particular
}

// List collects problems in the order they are found. The zero value is an
// empty list, ready for use.
type List struct {
	items []Diagnostic
}

// Add appends d.
func (l *List) Add(d Diagnostic) { l.items = append(l.items, d) }

// Errorf appends an error without a source line or a hint.
func (l *List) Errorf(r Range, format string, args ...any) {
	l.Add(Diagnostic{Severity: Error, Range: r, Summary: fmt.Sprintf(format, args...)})
}

// All returns the problems in the order they were added, or as [List.Sort]
// left them. The caller must not change the slice.
func (l *List) All() []Diagnostic { return l.items }

// Errors returns the problems that stop a run.
func (l *List) Errors() []Diagnostic { return l.of(Error) }

// Warnings returns the problems that don't stop a run.
func (l *List) Warnings() []Diagnostic { return l.of(Warning) }

func (l *List) of(s Severity) []Diagnostic {
	var out []Diagnostic
	for _, d := range l.items {
		if d.Severity == s {
			out = append(out, d)
		}
	}
	return out
}

// Sort orders the problems by file, line and column; problems of one place
// stay in the order they were found.
func (l *List) Sort() {
	sort.SliceStable(l.items, func(i, j int) bool {
		a, b := l.items[i].Range, l.items[j].Range
		if a.File != b.File {
			return a.File < b.File
		}
		if a.Line != b.Line {
			return a.Line < b.Line
		}
		return a.Column < b.Column
	})
}

// String draws every problem, one below the other. It is empty for an empty
// list and has no newline at its end.
func (l *List) String() string {
	parts := make([]string, len(l.items))
	for i, d := range l.items {
		parts[i] = d.String()
	}
	return strings.Join(parts, "\n")
}

// Err is nil when no problem is an error; otherwise an error whose text is
// the whole list as drawn by [List.String], the warnings in their places. Its
// Unwrap gives the list's errors one by one.
func (l *List) Err() error {
	if len(l.Errors()) == 0 {
		return nil
	}
	return &listError{text: l.String(), items: l.Errors()}
}

type listError struct {
	text  string
	items []Diagnostic
}

func (e *listError) Error() string { return e.text }

func (e *listError) Unwrap() []error {
	out := make([]error, len(e.items))
	for i := range e.items {
		out[i] = &e.items[i]
	}
	return out
}

// Error makes a single problem usable as an error; the text is drawn as by
// [Diagnostic.String].
func (d *Diagnostic) Error() string { return d.String() }
