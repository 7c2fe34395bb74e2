package output

import (
	"strings"
	"testing"

	"thordeploy/runner"
)

// As ansible-playbook 2.14 words them: a handler of a role, what is included
// once for all hosts, a retry, a delegated task.
func TestAnsibleWordsOfIncludesHandlersAndRetries(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	a := &Ansible{W: &b}
	inc := func(host, item string) runner.TaskFinished {
		return runner.TaskFinished{Host: host, Task: 1, Name: "inc", Module: "include_tasks", Status: runner.OK, Item: item,
			Result: map[string]any{"include": "/p/f.yml", "ansible_loop_var": "item", "item": item}}
	}
	for _, e := range []runner.Event{
		runner.RunStarted{Hosts: []string{"a", "b"}},
		runner.PlayStarted{Name: "all", Hosts: []string{"a", "b"}},
		runner.TaskStarted{Host: "b", Task: 1, Name: "inc"}, inc("b", "x"), inc("b", "y"),
		runner.TaskStarted{Host: "a", Task: 1, Name: "inc"}, inc("a", "x"),
		runner.TaskStarted{Host: "a", Task: 2, Role: "r", Name: "h", Handler: true},
		runner.TaskRetried{Host: "a", Task: 2, Role: "r", Name: "h", Left: 2},
		runner.TaskFinished{Host: "a", Task: 2, Role: "r", Name: "h", Handler: true, Status: runner.Changed, Delegated: "b"},
		runner.TaskStarted{Host: "a", Task: 2, Role: "r", Name: "h", Handler: true},
	} {
		if err := a.Event(e); err != nil {
			t.Fatal(err)
		}
	}
	want := `PLAY [all]
TASK [inc]
included: /p/f.yml for a, b => (item=x)
included: /p/f.yml for b => (item=y)
RUNNING HANDLER [r : h]
FAILED - RETRYING: [a]: r : h (2 retries left).
changed: [a -> b]
RUNNING HANDLER [r : h]
`
	got := ""
	for line := range strings.Lines(b.String()) {
		if line = strings.TrimRight(line, "* \n"); line != "" {
			got += line + "\n"
		}
	}
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
