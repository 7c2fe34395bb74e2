package runner

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// eventVersion is the "v" of an event's JSON form. It changes when a field
// changes its meaning or goes; a new field or type doesn't change it.
const eventVersion = 1

// MarshalEvent gives e's JSON form: one object on one line, without a newline,
// beginning with "v" and "type".
func MarshalEvent(e Event) ([]byte, error) {
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(e); err != nil {
		return nil, fmt.Errorf("write a %s event as JSON: %w", e.EventType(), err)
	}
	head := fmt.Sprintf(`{"v":%d,"type":%q,`, eventVersion, e.EventType())
	return append([]byte(head), bytes.TrimSuffix(body.Bytes()[1:], []byte("\n"))...), nil
}

// UnmarshalEvent reads what [MarshalEvent] wrote. A version or a type that
// this program doesn't know is an error; an unknown field is not.
func UnmarshalEvent(data []byte) (Event, error) {
	var head struct {
		V    int    `json:"v"`
		Type string `json:"type"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, fmt.Errorf("read an event: %w", err)
	}
	if head.V != eventVersion {
		return nil, fmt.Errorf("read an event: version %d is not known here, only %d", head.V, eventVersion)
	}
	switch head.Type {
	case "run_started":
		return decode[RunStarted](data)
	case "play_started":
		return decode[PlayStarted](data)
	case "host_started":
		return decode[HostStarted](data)
	case "host_held":
		return decode[HostHeld](data)
	case "task_started":
		return decode[TaskStarted](data)
	case "task_retried":
		return decode[TaskRetried](data)
	case "errors_cleared":
		return decode[ErrorsCleared](data)
	case "output":
		return decode[Output](data)
	case "finding":
		return decode[Finding](data)
	case "task_finished":
		return decode[TaskFinished](data)
	case "host_cleaned":
		return decode[HostCleaned](data)
	case "host_finished":
		return decode[HostFinished](data)
	case "notice":
		return decode[Notice](data)
	case "run_finished":
		return decode[RunFinished](data)
	}
	return nil, fmt.Errorf("read an event: type %q is not known", head.Type)
}

func decode[E Event](data []byte) (Event, error) {
	var e E
	if err := json.Unmarshal(data, &e); err != nil {
		return nil, fmt.Errorf("read a %s event: %w", e.EventType(), err)
	}
	return e, nil
}
