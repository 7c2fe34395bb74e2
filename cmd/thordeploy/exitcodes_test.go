package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"thordeploy/runner"
)

func TestDocumentedExitCodes(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/exit-codes.md")
	if err != nil {
		t.Fatal(err)
	}
	var documented []string
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "| ") && !strings.HasPrefix(line, "| code") && !strings.HasPrefix(line, "| ---") {
			documented = append(documented, strings.TrimSpace(line))
		}
	}
	var want []string
	for _, c := range exitCodes {
		want = append(want, fmt.Sprintf("| %d | %s |", c.code, c.meaning))
	}
	if got, want := strings.Join(documented, "\n"), strings.Join(want, "\n"); got != want {
		t.Errorf("docs/exit-codes.md has\n%s\nthe program has\n%s", got, want)
	}
}

func TestExitCode(t *testing.T) {
	t.Parallel()
	host := func(e ...runner.Event) *runner.State {
		s := &runner.State{}
		for _, e := range e {
			s.Apply(e)
		}
		return s
	}
	ended := func(name string, status runner.Status) runner.Event {
		return runner.TaskFinished{Host: name, Status: status}
	}
	alert := runner.Finding{Host: "a", Level: "Alert", Score: 90}
	notice := runner.Finding{Host: "a", Level: "Notice", Score: 45}
	tests := []struct {
		name   string
		failOn string
		states []*runner.State
		want   exitCode
	}{
		{"all well", "", []*runner.State{host(ended("a", runner.OK))}, exitOK},
		{"failed", "", []*runner.State{host(ended("a", runner.Failed))}, exitFailed},
		{"ignored and rescued", "", []*runner.State{host(ended("a", runner.Ignored), ended("a", runner.Rescued))}, exitOK},
		{"unreachable wins over failed", "", []*runner.State{host(ended("a", runner.Unreachable)), host(ended("b", runner.Failed))}, exitUnreachable},
		{"failed then unreachable", "", []*runner.State{host(ended("b", runner.Failed)), host(ended("a", runner.Unreachable))}, exitUnreachable},
		{"interrupted wins", "", []*runner.State{host(ended("a", runner.Unreachable), runner.RunFinished{Interrupted: true})}, exitInterrupted},
		{"findings without --fail-on", "", []*runner.State{host(alert)}, exitOK},
		{"alert at alert", "alert", []*runner.State{host(alert)}, exitFindings},
		{"notice below alert", "alert", []*runner.State{host(notice)}, exitOK},
		{"notice at notice", "Notice", []*runner.State{host(notice)}, exitFindings},
		{"alert above warning", "warning", []*runner.State{host(alert)}, exitFindings},
		{"score reached", "90", []*runner.State{host(alert)}, exitFindings},
		{"score not reached", "91", []*runner.State{host(alert)}, exitOK},
		{"failed wins over findings", "alert", []*runner.State{host(alert, ended("a", runner.Failed))}, exitFailed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var failOn threshold
			if tt.failOn != "" {
				if err := failOn.Set(tt.failOn); err != nil {
					t.Fatal(err)
				}
			}
			if got := codeOf(tt.states, failOn); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}
