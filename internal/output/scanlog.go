package output

import (
	"encoding/json"
	"strings"
)

// stdoutOf is a command's standard output in clean lines, a scanner's JSON log
// in it as a person reads it.
func stdoutOf(result map[string]any) []string {
	s, _ := result["stdout"].(string)
	if !strings.Contains(s, `"THOR `) {
		return lines(s)
	}
	var out []string
	for l := range strings.Lines(s) {
		if text, ok := scanLine(l); ok {
			out = append(out, text)
		}
	}
	return lines(strings.Join(out, "\n"))
}

// scanLine is a line of a scanner's JSON log: of a message its level and text,
// of a finding nothing, since that was shown when it came. Any other line is
// itself.
func scanLine(l string) (text string, ok bool) {
	l = strings.TrimRight(l, "\r\n")
	var event struct {
		Type string `json:"type"`
		Meta struct {
			Level string `json:"level"`
		} `json:"meta"`
		Message string `json:"message"`
	}
	if !strings.HasPrefix(l, "{") || json.Unmarshal([]byte(l), &event) != nil {
		return l, true
	}
	switch event.Type {
	case "THOR assessment", "THOR finding":
		return "", false
	case "THOR message":
		return event.Meta.Level + ": " + event.Message, true
	}
	return l, true
}
