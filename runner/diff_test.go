package runner_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"thordeploy/runner"
)

// TestDiffKeyword: a task's own word wins over the block's, that over the
// play's, and that over the flag; no_log hides what changed.
func TestDiffKeyword(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		flag bool
		play string
		want string
	}{
		{true, "", "flag block task"},
		{false, "", "block"},
		{false, "diff: true\n  ", "flag block"},
	} {
		dir := t.TempDir()
		r, _ := onThisMachine(t, scenario{runner: func(r *runner.Runner) { r.Diff = c.flag }, playbook: `
- hosts: all
  ` + c.play + `vars: {dir: ` + dir + `}
  tasks:
  - {name: flag, copy: {content: new, dest: "{{ dir }}/flag"}, register: r}
  - {name: hidden, copy: {content: new, dest: "{{ dir }}/hidden"}, no_log: true}
  - block:
    - {name: block, copy: {content: "{{ (r.diff | default([{'after': ''}]))[0].after }}", dest: "{{ dir }}/block"}}
    - {name: task, copy: {content: new, dest: "{{ dir }}/task"}, diff: "{{ ` + map[bool]string{true: "true", false: "false"}[c.flag] + ` }}"}
    diff: true
`})
		r.diffs(c.want)
		text, err := os.ReadFile(filepath.Join(dir, "block"))
		if err != nil || (string(text) == "new") != strings.Contains(c.want, "flag") {
			t.Errorf("%s: registered %q, %v", c.want, text, err)
		}
	}
}

func (r *told) diffs(want string) {
	r.t.Helper()
	var got []string
	for _, e := range r.events {
		if f, ok := e.(runner.TaskFinished); ok && len(f.Diff) > 0 {
			got = append(got, f.Name)
		}
	}
	if strings.Join(got, " ") != want {
		r.t.Errorf("diffs of %q, want %q", got, want)
	}
}
