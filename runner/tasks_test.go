package runner_test

import (
	"strings"
	"testing"

	"thordeploy/runner"
)

func TestTasks(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, playbook, lines, counts string
	}{
		{"one of each", `
- hosts: all
  tasks:
  - {name: a, command: ok}
  - {name: b, command: changed}
  - {name: c, command: skip}
  - {name: d, command: ok, when: false}
  - {name: e, command: fail because}
  - {name: f, command: ok}
`, `
			web1 ok a
			web1 changed b
			web1 skipped c
			web1 skipped d
			web1 failed e: because
		`, "ok=2 changed=1 unreachable=0 failed=1 skipped=2 rescued=0 ignored=0"},
		{"ignored counts ok and changed", `
- hosts: all
  tasks:
  - {name: a, command: fail x, ignore_errors: true, register: r}
  - {name: b, command: ok, when: r is failed and r.rc == 1}
`, `
			web1 ignored a: x
			web1 ok b
		`, "ok=2 changed=1 unreachable=0 failed=0 skipped=0 rescued=0 ignored=1"},
		{"unreachable is not ignored", `
- hosts: all
  tasks:
  - {name: a, command: lost, ignore_errors: true}
  - {name: b, command: ok}
`, `
			web1 unreachable a: gone
		`, "ok=0 changed=0 unreachable=1 failed=0 skipped=0 rescued=0 ignored=0"},
		{"rescue and always", `
- hosts: all
  tasks:
  - block:
    - {name: a, command: fail x}
    - {name: b, command: ok}
    rescue:
    - {name: c, debug: {msg: "{{ ansible_failed_task.name }} {{ ansible_failed_result.msg }}"}}
    always:
    - {name: d, command: ok}
  - {name: e, command: ok}
`, `
			web1 rescued a: x
			web1 ok c: a x
			web1 ok d
			web1 ok e
		`, "ok=3 changed=0 unreachable=0 failed=0 skipped=0 rescued=1 ignored=0"},
		{"always after a failure without rescue", `
- hosts: all
  tasks:
  - block:
    - {name: a, command: fail x}
    always:
    - {name: b, command: ok}
  - {name: c, command: ok}
`, `
			web1 failed a: x
			web1 ok b
		`, "ok=1 changed=0 unreachable=0 failed=1 skipped=0 rescued=0 ignored=0"},
		{"a rescue that fails, rescued outside", `
- hosts: all
  tasks:
  - block:
    - block:
      - {name: a, command: fail x}
      rescue:
      - {name: b, command: fail y}
      always:
      - {name: c, command: ok}
    rescue:
    - {name: d, command: ok}
`, `
			web1 rescued a: x
			web1 rescued b: y
			web1 ok c
			web1 ok d
		`, "ok=2 changed=0 unreachable=0 failed=0 skipped=0 rescued=2 ignored=0"},
		{"a failure in always", `
- hosts: all
  tasks:
  - block:
    - {name: a, command: ok}
    always:
    - {name: b, command: fail x}
    - {name: c, command: ok}
  - {name: d, command: ok}
`, `
			web1 ok a
			web1 failed b: x
		`, "ok=1 changed=0 unreachable=0 failed=1 skipped=0 rescued=0 ignored=0"},
		{"a block's when and ignore_errors reach its tasks", `
- hosts: all
  tasks:
  - when: inventory_hostname == "other"
    block:
    - {name: a, command: ok}
  - ignore_errors: true
    block:
    - {name: b, command: fail x}
    - {name: c, command: fail y, ignore_errors: false}
`, `
			web1 skipped a
			web1 ignored b: x
			web1 failed c: y
		`, ""},
		{"changed_when and failed_when see the result", `
- hosts: all
  tasks:
  - {name: a, command: changed, changed_when: false}
  - {name: b, command: fail x, register: r, failed_when: r.rc == 2}
  - {name: c, command: ok, register: r, failed_when: [r.rc == 0, "'x' != r.stdout"]}
`, `
			web1 ok a
			web1 changed b: x
			web1 failed c: failed_when: r.rc == 0 and 'x' != r.stdout
		`, ""},
		{"a condition that can't be evaluated", `
- hosts: all
  tasks:
  - {name: a, command: ok, failed_when: nosuch.rc == 1}
`, `
			web1 failed a: failed_when: variable ` + "`nosuch` is undefined" + `
		`, ""},
		{"loops", `
- hosts: all
  tasks:
  - {name: a, command: "{{ item }}", loop: [ok, fail x, changed], register: r, ignore_errors: true}
  - {name: b, debug: {msg: "{{ r.results | length }} {{ r.results[1].msg }} {{ r.results[2].item }}"}}
  - {name: c, command: "ok", loop: [1, 2], when: item > 1}
  - {name: d, command: "ok", loop: []}
  - {name: e, command: "ok {{ x.k }}", loop: [{k: v}], loop_control: {loop_var: x}}
  - {name: f, command: ok, loop: "{{ nosuch }}", when: false}
  - {name: g, command: ok, loop: "{{ 'text' }}"}
`, `
			web1 ok a [ok]
			web1 failed a [fail x]: x
			web1 changed a [changed]
			web1 ignored a: One or more items failed
			web1 ok b: 3 x changed
			web1 skipped c [1]
			web1 ok c [2]
			web1 ok c: All items completed
			web1 skipped d
			web1 ok e [{"k":"v"}]
			web1 ok e: All items completed
			web1 skipped f
			web1 failed g: loop needs a list, but this is text
		`, "ok=4 changed=1 unreachable=0 failed=1 skipped=2 rescued=0 ignored=1"},
		{"registered of a skipped task", `
- hosts: all
  tasks:
  - {name: a, command: ok, when: false, register: r}
  - {name: b, debug: {msg: "{{ r is skipped }} {{ r.changed }}"}}
`, `
			web1 skipped a
			web1 ok b: True False
		`, ""},
		{"omit", `
- hosts: all
  tasks:
  - {name: a, debug: {msg: "{{ nosuch | default(omit) }}"}}
`, `
			web1 ok a: Hello world!
		`, ""},
		{"environment merges", `
- hosts: all
  environment: {A: play, B: play}
  tasks:
  - environment: {B: block, C: 1}
    block:
    - {name: a, command: env, environment: {C: true}, register: r}
    - {name: b, debug: {msg: "{{ r.stdout }}"}}
`, `
			web1 ok a
			web1 ok b: map[A:play B:block C:True]
		`, ""},
		{"a panic is this task's failure", `
- hosts: all
  tasks:
  - block:
    - {name: a, command: panic at the disco}
    rescue:
    - {name: b, command: ok}
`, "", "ok=1 changed=0 unreachable=0 failed=0 skipped=0 rescued=1 ignored=0"},
		{"no_log", `
- hosts: all
  tasks:
  - {name: a, command: fail secret, no_log: true}
`, `
			web1 failed a: the result is hidden: no_log is set for this task
		`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := play(t, scenario{playbook: tt.playbook})
			if tt.lines == "" {
				if got := r.counts("web1"); got != tt.counts {
					t.Errorf("recap %s\nwant  %s\n%s", got, tt.counts, r.lines())
				}
				return
			}
			r.want(tt.lines, tt.counts)
		})
	}
}

func TestNoLogHidesEverything(t *testing.T) {
	t.Parallel()
	r := play(t, scenario{playbook: `
- hosts: all
  tasks:
  - {name: a, command: "{{ item }}", loop: [print hunter2, fail hunter2], no_log: true, ignore_errors: true}
  - {name: b, command: print hunter2, no_log: true}
`})
	for _, e := range r.events {
		b, err := runner.MarshalEvent(e)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(b), "hunter2") {
			t.Errorf("%s", b)
		}
	}
}

func TestVariables(t *testing.T) {
	t.Parallel()
	inv := `
all:
  vars: {who: all, tmpl: "{{ who }}-{{ inventory_hostname_short }}"}
  children:
    web:
      hosts:
        web1.example.com: {own: 1}
        web2.example.com:
    db: {hosts: {db1: {color: "blue {{ 1 + 1 }}"}}}
`
	tests := []struct{ expr, want string }{
		{"{{ inventory_hostname }} {{ inventory_hostname_short }}", "web1.example.com web1"},
		{"{{ group_names }} {{ groups.web }} {{ groups.all | length }}", "['web'] ['web1.example.com', 'web2.example.com'] 3"},
		{"{{ hostvars.db1.inventory_hostname }} {{ hostvars['web2.example.com'].who }}", "db1 all"},
		{"{{ ansible_play_hosts }} {{ ansible_play_hosts_all | length }}", "['web1.example.com', 'web2.example.com'] 2"},
		{"{{ ansible_check_mode }} {{ ansible_forks }} {{ ansible_version.major }}", "False 7 2"},
		{"{{ playbook_dir | length > 0 }}", "true"},
		{"{{ inventory_file | dirname == inventory_dir }} {{ inventory_file | basename }}", "True hosts.yml"},
		{"{{ tmpl }}", "all-web1"},
		{"{{ p }} {{ b }} {{ t }} {{ s }} {{ e }}", "play block task set extra"},
	}
	for _, tt := range tests {
		t.Run(tt.expr, func(t *testing.T) {
			t.Parallel()
			r := play(t, scenario{inventory: inv, runner: func(r *runner.Runner) {
				r.Forks = 7
				r.ExtraVars = map[string]any{"e": "extra"}
			}, playbook: `
- hosts: web
  vars: {p: play, b: play, t: play, s: play, e: play}
  tasks:
  - set_fact: {s: set, e: set}
  - vars: {b: block, t: block, s: block, e: block}
    block:
    - name: x
      debug: {msg: '` + strings.ReplaceAll(tt.expr, "'", "''") + `'}
      vars: {t: task, s: task, e: task}
`})
			for _, e := range r.events {
				if f, ok := e.(runner.TaskFinished); ok && f.Name == "x" && f.Host == "web1.example.com" {
					if f.Msg != tt.want {
						t.Errorf("got %q, want %q", f.Msg, tt.want)
					}
					return
				}
			}
			t.Errorf("no result:\n%s", r.lines())
		})
	}
}

// What a host sends is data: text in it that looks like a template stays text.
func TestRegisteredOutputIsNotEvaluated(t *testing.T) {
	t.Parallel()
	play(t, scenario{playbook: `
- hosts: all
  tasks:
  - {name: a, command: "{{ '{{' }} 1 + 1 }}", register: r, failed_when: false}
  - {name: b, debug: {msg: "{{ r.msg }}"}}
`}).want(`
		web1 ok a: the test has no command {{
		web1 ok b: the test has no command {{
	`, "")
}
