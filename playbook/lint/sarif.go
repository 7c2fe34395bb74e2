package lint

import (
	"io"
	"net/url"
	"path/filepath"
	"slices"
)

// The parts of SARIF 2.1.0 (OASIS, sarif-schema-2.1.0.json) that a finding
// needs.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool       sarifTool     `json:"tool"`
		ColumnKind string        `json:"columnKind"`
		Results    []sarifResult `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name    string      `json:"name"`
		Version string      `json:"version,omitempty"`
		Rules   []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID               string       `json:"id"`
		ShortDescription sarifText    `json:"shortDescription"`
		FullDescription  sarifText    `json:"fullDescription"`
		Default          sarifDefault `json:"defaultConfiguration"`
	}
	sarifDefault struct {
		Level string `json:"level"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifResult struct {
		RuleID    string          `json:"ruleId"`
		RuleIndex int             `json:"ruleIndex"`
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations"`
	}
	sarifLocation struct {
		Physical sarifPhysical `json:"physicalLocation"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   *sarifRegion  `json:"region,omitempty"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn,omitempty"`
		EndColumn   int `json:"endColumn,omitempty"`
	}
)

// WriteSARIF writes findings as a SARIF 2.1.0 log, which code hosts and editors
// read. version is the program's.
func WriteSARIF(w io.Writer, version string, list []Finding) error {
	run := sarifRun{ColumnKind: "unicodeCodePoints", Results: []sarifResult{}}
	run.Tool.Driver = sarifDriver{Name: "thordeploy lint", Version: version}
	all := rules()
	for _, r := range all {
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{
			ID: r.ID, ShortDescription: sarifText{r.Doc}, FullDescription: sarifText{r.Why}, Default: sarifDefault{r.Severity.String()},
		})
	}
	for _, f := range list {
		run.Results = append(run.Results, sarifResult{
			RuleID:    f.Rule,
			RuleIndex: slices.IndexFunc(all, func(r Rule) bool { return r.ID == f.Rule }),
			Level:     f.Severity.String(),
			Message:   sarifText{message(f)},
			Locations: []sarifLocation{{sarifPhysical{sarifArtifact{fileURI(f.Range.File)}, region(f)}}},
		})
	}
	return indented(w, sarifLog{
		Schema:  "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json",
		Version: "2.1.0", Runs: []sarifRun{run},
	})
}

func message(f Finding) string {
	text := f.Summary + ". " + f.Reason
	if f.Hint != "" {
		text += " To try: " + f.Hint + "."
	}
	return text
}

func region(f Finding) *sarifRegion {
	if f.Range.Line == 0 {
		return nil
	}
	r := &sarifRegion{StartLine: f.Range.Line, StartColumn: f.Range.Column}
	if f.Range.EndColumn > f.Range.Column {
		r.EndColumn = f.Range.EndColumn
	}
	return r
}

// fileURI is a file's name as a URI reference: relative where the name is.
func fileURI(name string) string {
	u := url.URL{Path: filepath.ToSlash(name)}
	if filepath.IsAbs(name) {
		u.Scheme = "file"
	}
	return u.String()
}
