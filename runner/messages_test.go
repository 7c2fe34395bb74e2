package runner_test

import (
	"strings"
	"testing"

	"thordeploy/runner"
)

// A task that was ended has no exit code to judge by, and what its conditions
// make of that must not hide why it ended.
func TestTimeoutIsNotJudged(t *testing.T) {
	t.Parallel()
	r := play(t, scenario{playbook: `
- hosts: all
  tasks:
  - {name: a, command: wait, timeout: 1, register: r, failed_when: "r.nosuch not in [0]", changed_when: r.nosuch > 0}
`})
	if e := r.taskEnd("a"); e.Status != runner.Failed || !e.TimedOut || !strings.HasPrefix(e.Msg, "timed out after 1") || e.Hint == "" {
		t.Errorf("%+v", e)
	}
}

func TestALostHostIsNamedInTheHint(t *testing.T) {
	t.Parallel()
	r := play(t, scenario{playbook: "- hosts: all\n  tasks: [{name: a, command: lost}]\n"})
	if e := r.taskEnd("a"); e.Status != runner.Unreachable || !strings.Contains(e.Hint, "--limit web1") {
		t.Errorf("%+v", e)
	}
}

// A variable of the inventory has no line in the playbook; the task that used
// it has.
func TestPlaceOfAFaultInAnInventorysVariable(t *testing.T) {
	t.Parallel()
	r := play(t, scenario{
		inventory: "all: {hosts: {web1: {v: '{{ nosuch }}'}}}\n",
		playbook:  "- hosts: all\n  tasks:\n  - {name: a, debug: {msg: '{{ v }}'}}\n",
	})
	if e := r.taskEnd("a"); e.Place != "test.yml:3:5" || !strings.HasSuffix(e.Msg, "`nosuch` is undefined (in a variable of host web1)") {
		t.Errorf("%+v", e)
	}
}
