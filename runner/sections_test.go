package runner_test

import (
	"strings"
	"testing"

	"thordeploy/runner"
)

// What is expected here was tried with ansible-core 2.14.
func TestSections(t *testing.T) {
	t.Parallel()
	role := map[string]string{
		"listening.yml":              "- {name: heard, debug: {msg: it}}\n",
		"roles/r/tasks/main.yml":     "- {name: t, debug: {msg: '{{ d }} {{ v }} {{ p | default(0) }} {{ role_name }}'}, changed_when: true, notify: rh}\n",
		"roles/r/handlers/main.yml":  "- {name: rh, debug: {msg: '{{ d }}'}}\n",
		"roles/r/defaults/main.yml":  "d: default\n",
		"roles/r/vars/main.yml":      "v: var\n",
		"roles/r/meta/main.yml":      "dependencies: [{role: dep, dp: 1}]\n",
		"roles/dep/tasks/main.yml":   "- {name: dt, debug: {msg: '{{ dp }} {{ d }} {{ v }}'}}\n",
		"roles/twice/tasks/main.yml": "- {name: tw, debug: {msg: x}}\n",
		"roles/twice/meta/main.yml":  "allow_duplicates: true\n",
	}
	tests := []struct {
		name, playbook, lines, counts string
	}{
		{"the order of a play", `
- hosts: all
  post_tasks: [{name: post, command: changed, notify: h}]
  tasks: [{name: task, command: changed, notify: h}]
  pre_tasks: [{name: pre, command: changed, notify: h}]
  roles: [dep2]
  handlers: [{name: h, command: ok}]
`, `
			web1 changed pre
			web1 ok h
			web1 ok d2
			web1 changed task
			web1 ok h
			web1 changed post
			web1 ok h
		`, ""},
		{"roles, what they need and what they are given", `
- hosts: all
  roles: [r, r, {role: r, p: 2}]
  tasks: [{name: after, debug: {msg: "{{ d }} {{ v }} {{ p | default('gone') }}"}}]
`, `
			web1 ok dt: 1 default var
			web1 changed t: default var 0 r
			web1 changed t: default var 2 r
			web1 ok after: default var gone
			web1 ok rh: default
		`, ""},
		{"a role that may run twice", "- {hosts: all, roles: [twice, twice]}", `
			web1 ok tw: x
			web1 ok tw: x
		`, ""},
		{"a skipped role has not run", `
- hosts: all
  roles: [{role: dep2, when: false}, dep2]
`, `
			web1 skipped d2
			web1 ok d2
		`, ""},
		{"handlers run in the order they are defined, once, and may notify later ones", `
- hosts: all
  tasks:
  - {name: a, command: changed, notify: [two, topic]}
  - {name: b, command: changed, notify: two}
  - {name: c, command: ok, notify: four}
  handlers:
  - {name: zero, command: ok}
  - {name: one, command: changed, listen: topic, notify: [two, three, zero]}
  - {name: two, command: ok}
  - {name: three, command: ok}
  - {name: four, command: ok}
  - {name: five, command: ok, listen: [other, topic]}
`, `
			web1 changed a
			web1 changed b
			web1 ok c
			web1 changed one
			web1 ok two
			web1 ok three
			web1 ok five
			web1 ok zero
		`, ""},
		{"an include listens", `
- hosts: all
  tasks: [{name: a, command: changed, notify: topic}, {name: b, command: changed, notify: topic}]
  handlers:
  - {name: inc, include_tasks: listening.yml, listen: topic}
  - {name: other, include_tasks: listening.yml, listen: elsewhere}
`, `
			web1 changed a
			web1 changed b
			web1 ok inc
			web1 ok heard: it
		`, ""},
		{"of a name the first in the play's own block", `
- hosts: all
  tasks: [{name: a, command: changed, notify: h}]
  handlers: [{name: h, debug: {msg: first}}, {name: h, debug: {msg: second}}]
`, `
			web1 changed a
			web1 ok h: first
		`, ""},
		{"a handler that isn't there", `
- hosts: all
  tasks: [{name: a, command: changed, notify: "{{ 'no' }}"}, {name: b, command: ok}]
`, `
			web1 failed a: notify: no handler is named "no", and none listens to it
		`, ""},
		{"flush_handlers in a block whose rescue takes a handler's failure over", `
- hosts: all
  tasks:
  - block:
    - {name: a, command: changed, notify: bad}
    - meta: flush_handlers
    - {name: b, command: ok}
    rescue:
    - {name: c, command: ok}
  - {name: d, command: ok}
  handlers: [{name: bad, command: fail x}]
`, `
			web1 changed a
			web1 failed bad: x
			web1 ok c
			web1 ok d
		`, ""},
		{"a loop notifies for all of its items if one changed something", `
- hosts: all
  tasks: [{name: a, command: "{{ item }}", loop: [ok, changed], notify: "h {{ item }}"}]
  handlers: [{name: h ok, command: ok}, {name: h changed, command: ok}]
`, `
			web1 ok a [ok]
			web1 changed a [changed]
			web1 changed a: All items completed
			web1 ok h ok
			web1 ok h changed
		`, ""},
		{"a failure keeps handlers from running", `
- hosts: all
  tasks: [{name: a, command: changed, notify: h}, {name: b, command: fail x}]
  handlers: [{name: h, command: ok}]
`, `
			web1 changed a
			web1 failed b: x
		`, ""},
		{"force_handlers", `
- hosts: all
  force_handlers: true
  tasks: [{name: a, command: changed, notify: h}, {name: b, command: fail x}]
  post_tasks: [{name: c, command: ok}]
  handlers: [{name: h, command: ok}]
`, `
			web1 changed a
			web1 failed b: x
			web1 ok h
		`, "ok=2 changed=1 unreachable=0 failed=1 skipped=0 rescued=0 ignored=0"},
		{"module_defaults", `
- hosts: all
  module_defaults: {debug: {msg: "outer {{ inventory_hostname }}"}}
  tasks:
  - {name: a, debug: {verbosity: 0}}
  - {name: b, debug: {msg: own}}
  - {name: c, debug: {}, module_defaults: {debug: {msg: nearer}}}
`, `
			web1 ok a: outer web1
			web1 ok b: own
			web1 ok c: nearer
		`, ""},
	}
	role["roles/dep2/tasks/main.yml"] = "- {name: d2, command: ok}\n"
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			play(t, scenario{playbook: tt.playbook, files: role}).want(tt.lines, tt.counts)
		})
	}
}

func TestTags(t *testing.T) {
	t.Parallel()
	book := `
- hosts: all
  tasks:
  - {name: plain, command: ok}
  - {name: never, command: ok, tags: never}
  - {name: always, command: ok, tags: always}
  - tags: b
    block:
    - {name: inner, command: ok, tags: i}
  - {name: inc, include_tasks: {file: f.yml, apply: {tags: x}}, tags: x}
  - {name: bare, include_tasks: f.yml, tags: y}
`
	tests := []struct{ only, skip, want string }{
		{"", "", "plain always inner inc f fi bare f fi"},
		{"b", "", "always inner"},
		{"i", "", "always inner"},
		{"x", "", "always inc f fi"},
		{"y", "", "always bare"},
		{"y,i", "", "always inner bare fi"},
		{"tagged", "", "always inner inc f fi bare fi"},
		{"untagged", "", "plain always"},
		{"never", "", "never always"},
		{"all", "always,i", "plain inc f bare f"},
		{"", "tagged", "plain"},
	}
	for _, tt := range tests {
		t.Run(tt.only+" without "+tt.skip, func(t *testing.T) {
			t.Parallel()
			r := play(t, scenario{playbook: book, files: map[string]string{
				"f.yml": "- {name: f, debug: {}}\n- {name: fi, debug: {}, tags: i}\n",
			}, runner: func(r *runner.Runner) { r.Tags, r.SkipTags = words(tt.only), words(tt.skip) }})
			if got := strings.Join(r.names("web1"), " "); got != tt.want {
				t.Errorf("ran %q, want %q", got, tt.want)
			}
		})
	}
}

func words(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}

// names lists the tasks that a host has done.
func (r *told) names(host string) []string {
	var out []string
	for _, e := range r.events {
		if f, ok := e.(runner.TaskFinished); ok && f.Host == host && !f.IsItem {
			out = append(out, f.Name)
		}
	}
	return out
}

func TestStartAtTask(t *testing.T) {
	t.Parallel()
	book := `
- {hosts: all, tasks: [{name: zero, command: ok}]}
- hosts: all
  tasks:
  - {name: one, command: changed, notify: h}
  - block: [{name: two, command: ok}]
    always: [{name: three, command: ok}]
  roles: [r]
  handlers: [{name: h, command: ok}]
- {hosts: all, tasks: [{name: four, command: ok}]}
`
	for start, want := range map[string]string{"two": "two three four", "t*e": "three four", "r : rt": "rt one two three h four"} {
		r := play(t, scenario{playbook: book, files: map[string]string{"roles/r/tasks/main.yml": "- {name: rt, command: ok}"},
			runner: func(r *runner.Runner) { r.StartAt = start }})
		if got := strings.Join(r.names("web1"), " "); got != want {
			t.Errorf("from %q: %q, want %q", start, got, want)
		}
	}
	r := play(t, scenario{playbook: book, files: map[string]string{"roles/r/tasks/main.yml": "[]"}, runner: func(r *runner.Runner) { r.StartAt = "five" }})
	if r.err == nil || !strings.Contains(r.err.Error(), `no task is named "five"`) {
		t.Errorf("error %v", r.err)
	}
}
