package finding

import (
	"encoding/hex"
	"unicode/utf8"
)

// Reason is the match of one signature on an object.
type Reason struct {
	Type      string    `json:"type"`    // "reason"
	Summary   string    `json:"summary"` // one sentence: "YARA rule X / what it detects"
	Signature Signature `json:"signature"`
	Matched   []Matched `json:"matched"`
}

// Origin tells whose signature it is.
type Origin string

// Internal signatures come with the scanner's pack; Custom ones from the
// user's custom-signatures folder.
const (
	Internal Origin = "internal"
	Custom   Origin = "custom"
	External Origin = "external"
)

// Kind is the sort of a signature.
type Kind string

// The kinds of the version 3 log that this scanner family writes.
const (
	YARARule          Kind = "YARA Rule"
	FilenameIOC       Kind = "Filename IOC"
	HashIOC           Kind = "Hash IOC"
	KeywordIOC        Kind = "Keyword IOC"
	DomainIOC         Kind = "Domain IOC"
	SigmaRule         Kind = "Sigma Rule"
	STIXIOC           Kind = "STIX IOC"
	InternalHeuristic Kind = "Internal Heuristic"
)

// Signature is what a signature says about itself.
type Signature struct {
	Score          int      `json:"score"` // the subscore; rules in the field use more than 100, and less than 0
	Reference      []string `json:"reference"`
	Origin         Origin   `json:"origin"`
	Kind           Kind     `json:"kind"`
	Date           string   `json:"date,omitempty"`
	Tags           []string `json:"tags,omitempty"`
	RuleName       string   `json:"rule_name,omitempty"`
	Description    string   `json:"description,omitempty"`
	Author         string   `json:"author,omitempty"`
	ID             string   `json:"id,omitempty"`
	FalsePositives []string `json:"false_positives,omitempty"`
}

// Matched is one piece of the object that a signature matched on.
type Matched struct {
	Data    Text    `json:"data"`
	Context *Text   `json:"context,omitempty"` // Data with the bytes around it
	Offset  *uint64 `json:"offset,omitempty"`  // of Data within Field, in bytes
	Field   string  `json:"field,omitempty"`   // JSON pointer into the subject: "/path"; empty: the object's content
}

// Text carries bytes that may not be text.
type Text struct {
	Data     string `json:"data"`
	Encoding string `json:"encoding"` // "plain": Data is the bytes; "hex": Data is their lower-case hex
}

// NewText returns b as plain text where it is valid UTF-8, as hex otherwise.
func NewText(b []byte) Text {
	if utf8.Valid(b) {
		return Text{Data: string(b), Encoding: "plain"}
	}
	return Text{Data: hex.EncodeToString(b), Encoding: "hex"}
}

// NewReason returns a reason; matched may be nil.
func NewReason(summary string, sig Signature, matched []Matched) Reason {
	if sig.Reference == nil {
		sig.Reference = []string{}
	}
	if matched == nil {
		matched = []Matched{}
	}
	return Reason{Type: "reason", Summary: summary, Signature: sig, Matched: matched}
}
