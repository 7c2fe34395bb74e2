// Package finding is the wire record of a scan: the events of the THOR JSON
// log, version 3, one object a line.
//
// The scanner fills an [Assessment] for each object it found something on and a
// [Message] for what it has to say about the scan itself, and writes them as
// JSON lines ([AppendJSON]) or as lines of the text log ([AppendText]). A
// controller reads the same lines back with [Parse]. What a target sends is
// hostile input: Parse bounds it, and [Printable] is what stands between any
// string of a record and a terminal.
//
// The package imports the standard library alone, so that every binary of the
// project can read findings. Field names and values are those of the public
// version 3 format; readers of it reject fields they don't know, so nothing is
// added to it here.
package finding

import "time"

// LogVersion is the version of the format that this package writes.
const LogVersion = "v3.0.0"

// Types of the events. TypeFinding is an older name of TypeAssessment that
// [Parse] accepts.
const (
	TypeAssessment = "THOR assessment"
	TypeFinding    = "THOR finding"
	TypeMessage    = "THOR message"
)

// Level is the severity of an event.
type Level string

// The levels, most severe first. Alert, Warning and Notice are findings.
const (
	Error   Level = "Error"
	Alert   Level = "Alert"
	Warning Level = "Warning"
	Notice  Level = "Notice"
	Info    Level = "Info"
	Debug   Level = "Debug"
)

// Meta is what every event carries.
type Meta struct {
	Time     time.Time `json:"time"`
	Level    Level     `json:"level"`
	Module   string    `json:"module"`             // the part of the scanner that speaks: "Filescan"
	ScanID   string    `json:"scan_id"`            // "S-…", the same in all events of a scan
	EventID  string    `json:"event_id,omitempty"` // unique within a scan
	Hostname string    `json:"hostname"`
}

// Assessment is a finding: one object with the reasons that make it suspicious.
type Assessment struct {
	Type        string    `json:"type"` // TypeAssessment
	Meta        Meta      `json:"meta"`
	Message     string    `json:"message"`
	Score       int       `json:"score"` // 0 to 100
	Subject     Subject   `json:"subject"`
	Reasons     []Reason  `json:"reasons"`
	ReasonCount int       `json:"reason_count,omitempty"` // before truncation of Reasons
	Context     []Related `json:"context"`
	Issues      []Issue   `json:"issues,omitempty"`
	LogVersion  string    `json:"log_version"`
}

// Related is another object that helps to understand the subject, such as the
// archive a file came out of.
type Related struct {
	Object    Subject    `json:"object"`
	Relations []Relation `json:"relations"`
}

// Relation says how a [Related] object and the subject belong together.
type Relation struct {
	Type   string `json:"relation_type"` // "derives from", "related to"
	Name   string `json:"relation_name"` // "parent"
	Unique bool   `json:"unique"`
}

// Issue is something the record could not say in full.
type Issue struct {
	Affected    string `json:"affected"` // JSON pointer into the assessment: "/reasons/0/matched"
	Category    string `json:"category"` // IssueTruncated
	Description string `json:"description"`
}

// IssueTruncated is the category of an issue about a value that was cut.
const IssueTruncated = "truncated"

// Message says something about the scan itself: its start, its end, what was
// left out.
type Message struct {
	Type       string         `json:"type"` // TypeMessage
	Meta       Meta           `json:"meta"`
	Message    string         `json:"message"`
	Fields     map[string]any `json:"fields"` // values are what encoding/json writes; keys are lower case
	LogVersion string         `json:"log_version"`
}

// NewAssessment returns an assessment of subject whose meta is still to be
// filled.
func NewAssessment(subject Subject, message string) *Assessment {
	return &Assessment{
		Type: TypeAssessment, Message: message, Subject: subject,
		Reasons: []Reason{}, Context: []Related{}, LogVersion: LogVersion,
	}
}

// NewMessage returns a message whose meta is still to be filled. Nil fields
// become an empty object.
func NewMessage(text string, fields map[string]any) *Message {
	if fields == nil {
		fields = map[string]any{}
	}
	return &Message{Type: TypeMessage, Message: text, Fields: fields, LogVersion: LogVersion}
}
