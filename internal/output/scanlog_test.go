package output

import (
	"bytes"
	"strings"
	"testing"

	"thordeploy/runner"
)

// An interrupted scan says its state in one readable line, and doesn't show
// its findings a second time.
func TestScanLogIsReadable(t *testing.T) {
	t.Parallel()
	log := strings.Join([]string{
		`{"type":"THOR message","meta":{"level":"Info"},"message":"scanning \u001b[31m","fields":{"a":1}}`,
		`{"type":"THOR assessment","meta":{"level":"Alert"},"message":"Malicious file found","score":90}`,
		`{"type":"THOR finding","meta":{"level":"Alert"},"message":"Malicious file found","score":90}`,
		`{"type":"THOR message","meta":{"level":"Warning"},"message":"Scan interrupted: 25 files"}`,
		`{"type":"other"}`,
		`{"type":"THOR message", half`,
		"plain",
	}, "\n") + "\n"
	var b bytes.Buffer
	show(t, &Human{W: &b}, []runner.Event{runner.TaskFinished{
		Host: "web1", Name: "Scan", Module: "command", Status: runner.Failed, Msg: "interrupted", Result: map[string]any{"stdout": log},
	}})
	want := `failed: [web1] Scan: interrupted
  stdout: Info: scanning \x1b[31m
          Warning: Scan interrupted: 25 files
          {"type":"other"}
          {"type":"THOR message", half
          plain
`
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}
