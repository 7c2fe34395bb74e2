package finding

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// MaxLine is the longest line that [Parse] reads, in bytes. The scanner keeps
// its own lines far below it.
const MaxLine = 1 << 20

// ErrNotEvent is what [Parse] returns, wrapped, for a line that is not an event
// of the version 3 log.
var ErrNotEvent = errors.New("not an event of the THOR JSON log, version 3")

// AppendJSON appends event, an *[Assessment] or a *[Message], to dst as one
// line with its newline. The line is JSON in which every character that could
// act on a terminal is written as an escape.
func AppendJSON(dst []byte, event any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(event); err != nil {
		return dst, fmt.Errorf("writing an event as JSON: %w", err)
	}
	line := bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
	for i := 0; i < len(line); {
		if c := line[i]; c >= 0x20 && c < 0x7f {
			dst = append(dst, c)
			i++
			continue
		}
		// Outside of strings JSON is ASCII, so this character is in one.
		r, size := utf8.DecodeRune(line[i:])
		switch {
		case !unsafeRune(r):
			dst = append(dst, line[i:i+size]...)
		case r > 0xffff:
			r -= 0x10000
			dst = fmt.Appendf(dst, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			dst = fmt.Appendf(dst, `\u%04x`, r)
		}
		i += size
	}
	return append(dst, '\n'), nil
}

// Parse reads one line of the log. It returns an *[Assessment] or a
// *[Message]; errors wrap [ErrNotEvent]. Fields it doesn't know are ignored,
// so that a newer scanner can be read; a score outside 0 to 100 is an error.
func Parse(line []byte) (any, error) {
	if len(line) > MaxLine {
		return nil, fmt.Errorf("%w: the line has %d bytes, more than %d", ErrNotEvent, len(line), MaxLine)
	}
	var head struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(line, &head); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrNotEvent, err)
	}
	switch head.Type {
	case TypeAssessment, TypeFinding:
		return parseAssessment(line)
	case TypeMessage:
		m := &Message{}
		if err := json.Unmarshal(line, m); err != nil {
			return nil, fmt.Errorf("%w: %v", ErrNotEvent, err)
		}
		return m, nil
	}
	return nil, fmt.Errorf("%w: its type is %q", ErrNotEvent, head.Type)
}

func parseAssessment(line []byte) (*Assessment, error) {
	type plain Assessment // without methods of its own, so that no decoding recurses
	var raw struct {
		plain
		Subject json.RawMessage `json:"subject"`
		Context []struct {
			Object    json.RawMessage `json:"object"`
			Relations []Relation      `json:"relations"`
		} `json:"context"`
	}
	if err := json.Unmarshal(line, &raw); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrNotEvent, err)
	}
	a := Assessment(raw.plain)
	if a.Score < 0 || a.Score > 100 {
		return nil, fmt.Errorf("%w: score %d is not between 0 and 100", ErrNotEvent, a.Score)
	}
	var err error
	if a.Subject, err = parseSubject(raw.Subject); err != nil {
		return nil, err
	}
	a.Context = []Related{}
	for _, c := range raw.Context {
		object, err := parseSubject(c.Object)
		if err != nil {
			return nil, err
		}
		a.Context = append(a.Context, Related{Object: object, Relations: c.Relations})
	}
	return &a, nil
}

func parseSubject(data json.RawMessage) (Subject, error) {
	var fields map[string]any
	if err := json.Unmarshal(data, &fields); err != nil || fields == nil {
		return nil, fmt.Errorf("%w: it has no subject that is an object", ErrNotEvent)
	}
	kind, _ := fields["type"].(string)
	var known Subject
	switch kind {
	case "file":
		known = &File{}
	case "process":
		known = &Process{}
	default:
		return &Unknown{Type: kind, Fields: fields}, nil
	}
	if err := json.Unmarshal(data, known); err != nil {
		return nil, fmt.Errorf("%w: its %s subject: %v", ErrNotEvent, kind, err)
	}
	return known, nil
}

// MarshalJSON writes the object as it was read.
func (u *Unknown) MarshalJSON() ([]byte, error) { return json.Marshal(u.Fields) }
