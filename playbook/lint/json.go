package lint

import (
	"encoding/json"
	"io"
)

// jsonReport is the form of `--format json`. Fields are only added to it;
// version changes when one goes or means something else.
type jsonReport struct {
	Version  int           `json:"version"`
	Findings []jsonFinding `json:"findings"`
}

type jsonFinding struct {
	File      string `json:"file"`
	Line      int    `json:"line,omitempty"`       // from 1
	Column    int    `json:"column,omitempty"`     // from 1, in characters
	EndColumn int    `json:"end_column,omitempty"` // the one after the last
	Rule      string `json:"rule"`
	Severity  string `json:"severity"` // error or warning
	Message   string `json:"message"`
	Reason    string `json:"reason"`
	Hint      string `json:"hint,omitempty"`
}

// WriteJSON writes findings as one JSON object.
func WriteJSON(w io.Writer, list []Finding) error {
	r := jsonReport{Version: 1, Findings: []jsonFinding{}}
	for _, f := range list {
		r.Findings = append(r.Findings, jsonFinding{
			File: f.Range.File, Line: f.Range.Line, Column: f.Range.Column, EndColumn: f.Range.EndColumn,
			Rule: f.Rule, Severity: f.Severity.String(), Message: f.Summary, Reason: f.Reason, Hint: f.Hint,
		})
	}
	return indented(w, r)
}

func indented(w io.Writer, x any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(x)
}
