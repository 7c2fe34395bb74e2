package runner

import (
	"errors"
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"thordeploy/action"
)

func TestReportedResultIsJSONAndBounded(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("é", maxText)
	o := outcome{Result: action.Result{
		Changed: true, Msg: "why",
		Values: map[string]any{
			"rc": 3, "stdout": big, "stdout_lines": []any{big}, "raw": []byte("a\xff"), "nan": math.NaN(), "list": []string{"a"},
			"odd": map[string]any{"err": errors.New("x")},
		},
		Facts: map[string]any{"ansible_system": "Linux"},
	}}
	got := reported(o.registered(), o.Msg)
	text := got["stdout"].(string)
	if len(text) > maxText+64 || !utf8.ValidString(text) || !strings.HasSuffix(text, "é") || !strings.Contains(text, "bytes left out") {
		t.Errorf("stdout of %d bytes: %.80q…", len(text), text)
	}
	delete(got, "stdout")
	want := map[string]any{"rc": 3, "raw": "a\uFFFD", "nan": "NaN", "list": []any{"a"}, "odd": map[string]any{"err": "x"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := MarshalEvent(TaskFinished{Result: got}); err != nil {
		t.Error(err)
	}
}

func TestRegisteredResult(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		o    outcome
		want map[string]any
	}{
		{"ok", outcome{Result: action.Result{Values: map[string]any{"rc": 0}}}, map[string]any{"rc": 0, "changed": false, "failed": false}},
		{"skipped", outcome{Result: action.Result{Skipped: true, Msg: "no"}}, map[string]any{"changed": false, "failed": false, "skipped": true, "msg": "no"}},
		{"own msg stays", outcome{Result: action.Result{Msg: "a", Values: map[string]any{"msg": []any{1}}}}, map[string]any{"changed": false, "failed": false, "msg": []any{1}}},
		{"set_fact", outcome{Result: action.Result{Vars: map[string]any{"a": 1}}}, map[string]any{"changed": false, "failed": false, "ansible_facts": map[string]any{"a": 1}}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, tt.o.registered()); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
}

func TestCombinedLoop(t *testing.T) {
	t.Parallel()
	ok, changed := outcome{}, outcome{Result: action.Result{Changed: true}}
	skipped, failed := outcome{Result: action.Result{Skipped: true}}, outcome{Result: action.Result{Failed: true, Msg: "x", Hint: "h"}}
	type verdict struct {
		Changed, Failed, Skipped bool
		Msg                      string
		Results                  int
	}
	tests := []struct {
		name  string
		items []outcome
		want  verdict
	}{
		{"none", nil, verdict{Skipped: true, Msg: "No items in the list"}},
		{"all skipped", []outcome{skipped, skipped}, verdict{Skipped: true, Msg: "All items skipped", Results: 2}},
		{"some skipped", []outcome{skipped, ok}, verdict{Msg: "All items completed", Results: 2}},
		{"one changed", []outcome{ok, changed, ok}, verdict{Changed: true, Msg: "All items completed", Results: 3}},
		{"one failed", []outcome{changed, failed, ok}, verdict{Changed: true, Failed: true, Msg: "One or more items failed", Results: 3}},
	}
	for _, tt := range tests {
		o := combined(tt.items)
		got := verdict{o.Changed, o.Failed, o.Skipped, o.Msg, len(o.registered()["results"].([]any))}
		if got != tt.want {
			t.Errorf("%s: got %+v, want %+v", tt.name, got, tt.want)
		}
	}
}
