package output

import (
	"bytes"
	"strings"
	"testing"

	"thordeploy/runner"
)

// Ansible names the role of a task before it, but not that of an include_role.
func TestAnsibleTitles(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	a := &Ansible{W: &out, Err: &out}
	for i, e := range []runner.TaskStarted{
		{Name: "ping", Module: "ping", Role: "web"},
		{Name: "include_role : db", Module: "ansible.builtin.include_role", Role: "web"},
		{Name: "include_tasks", Module: "include_tasks", Role: "web"},
	} {
		e.Task = i
		if err := a.Event(e); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{"TASK [web : ping] ***", "TASK [include_role : db] ***", "TASK [web : include_tasks] ***"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}
