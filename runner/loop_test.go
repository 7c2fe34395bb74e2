package runner_test

import (
	"testing"
)

// What is expected here was tried with ansible-core 2.14.
func TestLoopControl(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, tasks, lines, counts string }{
		{"index_var, label and what is registered", `
  - {name: a, command: "ok {{ i }}{{ item }}", loop: [x, y], loop_control: {index_var: i, label: "<{{ item }}>"}, register: r}
  - {name: b, debug: {msg: "{{ r.results[1].i }} {{ r.results[1].ansible_index_var }} {{ r.results[1].stdout }} {{ i | default('gone') }}"}}
`, `
			web1 ok a [<x>]
			web1 ok a [<y>]
			web1 ok a: All items completed
			web1 ok b: 1 i 1y gone
		`, ""},
		{"extended", `
  - {name: a, debug: {msg: "{{ ansible_loop.index }}{{ ansible_loop.revindex0 }}{{ ansible_loop.first }}{{ ansible_loop.last }}{{ ansible_loop.length }}{{ ansible_loop.previtem | default('-') }}{{ ansible_loop.nextitem | default('-') }}{{ ansible_loop.allitems | join }}"}, loop: [x, y], loop_control: {extended: true}}
`, `
			web1 ok a [x]: 11TrueFalse2-yxy
			web1 ok a [y]: 20FalseTrue2x-xy
			web1 ok a: All items completed
		`, ""},
		{"a label that can't be evaluated", "  - {name: a, command: ok, loop: [1], loop_control: {label: '{{ no }}'}}\n", `
			web1 failed a [1]: loop_control: label: variable ` + "`no`" + ` is undefined
			web1 failed a: One or more items failed
		`, ""},
		{"ignore_errors by item ignores only where all failures are", `
  - {name: a, command: fail x, loop: [1, 2], ignore_errors: "{{ item == 1 }}"}
`, `
			web1 failed a [1]: x
			web1 failed a [2]: x
			web1 failed a: One or more items failed
		`, ""},
		{"until", `
  - {name: a, command: "{{ n }}", until: r is succeeded, retries: 2, delay: 0, register: r, ignore_errors: true, vars: {n: fail x}}
  - {name: b, debug: {msg: "{{ r.attempts }} {{ r is failed }}"}}
  - {name: c, command: ok, until: true, register: r}
  - {name: d, debug: {msg: "{{ r.attempts }}"}}
  - {name: e, command: ok, until: r.stdout == 'never', retries: 1, delay: 0, register: r, ignore_errors: true}
  - {name: f, command: ok, until: false, retries: 0, delay: 0}
`, `
			web1 again a, 2 left
			web1 again a, 1 left
			web1 ignored a: x
			web1 ok b: 2 True
			web1 ok c
			web1 ok d: 1
			web1 again e, 1 left
			web1 ignored e: until did not hold in 2 tries: r.stdout == 'never'
			web1 ok f
		`, ""},
		{"until in a loop, with failed_when", `
  - {name: a, command: "print {{ item }}", loop: [1, 2], until: r.attempts > item, retries: 3, delay: 0, register: r, failed_when: false, changed_when: r.attempts == 3}
  - {name: b, debug: {msg: "{{ r.results | map(attribute='attempts') | join(',') }}"}}
`, `
			web1 again a, 3 left
			web1 ok a [1]
			web1 again a, 3 left
			web1 again a, 2 left
			web1 changed a [2]
			web1 changed a: All items completed
			web1 ok b: 2,3
		`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			play(t, scenario{playbook: "- hosts: all\n  tasks:\n" + tt.tasks}).want(tt.lines, tt.counts)
		})
	}
}

func TestDelegation(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, tasks, lines, counts string }{
		{"the result is the host's own, done elsewhere", `
  - {name: a, command: "ok {{ inventory_hostname }}", delegate_to: db1, register: r}
  - {name: b, debug: {msg: "{{ r.stdout }} {{ hostvars.db1.r | default('not there') }}"}}
  - {name: c, debug: {msg: "{{ ansible_delegated_vars.db1.color }} {{ color }}"}, delegate_to: "{{ 'db' ~ 1 }}"}
  - {name: d, command: ok, delegate_to: "{{ item }}", loop: [db1, web1]}
  - {name: e, command: lost, delegate_to: db1}
`, `
			web1 ok a on db1
			web1 ok b: web1 not there
			web1 ok c on db1: blue red
			web1 ok d on db1 [db1]
			web1 ok d [web1]
			web1 ok d: All items completed
			web1 unreachable e on db1: gone
		`, "ok=4 changed=0 unreachable=1 failed=0 skipped=0 rescued=0 ignored=0"},
		{"facts are of the host they are for", `
  - {name: a, set_fact: {x: 1}, delegate_to: db1, delegate_facts: true}
  - {name: b, set_fact: {y: 1}, delegate_to: db1}
  - {name: c, debug: {msg: "{{ x is defined }} {{ hostvars.db1.x }} {{ y }} {{ hostvars.db1.y is defined }}"}}
`, `
			web1 ok a on db1
			web1 ok b on db1
			web1 ok c: False 1 1 False
		`, ""},
		{"local_action", "  - {name: a, local_action: command ok}\n", "web1 ok a on localhost", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			play(t, scenario{inventory: "all: {hosts: {web1: {color: red}, db1: {color: blue}}}\n", playbook: "- hosts: web1\n  strategy: host_pinned\n  tasks:\n" + tt.tasks}).want(tt.lines, tt.counts)
		})
	}
}

func TestAsync(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, tasks, lines string }{
		{"waited for, it is bounded", `
  - {name: a, command: wait, async: 1, poll: 1, ignore_errors: true}
  - {name: b, command: changed, async: 100, register: r}
  - {name: c, debug: {msg: "{{ r.finished }} {{ r.started }}"}}
`, `
			web1 ignored a: async task did not complete within the requested time - 1s
			web1 changed b
			web1 ok c: 1 1
		`},
		{"of a module that can't be detached the result is kept", `
  - {name: a, debug: {msg: hi}, async: 100, poll: 0, register: r}
  - {name: b, async_status: {jid: "{{ r.ansible_job_id }}"}, register: s}
  - {name: c, debug: {msg: "{{ r.finished }} {{ r.started }} {{ s.finished }} {{ s.msg }}"}}
  - {name: d, async_status: {jid: "{{ r.ansible_job_id }}", mode: cleanup}, register: s}
  - {name: e, debug: {msg: "x {{ s.erased == r.ansible_job_id }}"}}
`, `
			web1 changed a
			web1 ok b: hi
			web1 ok c: 0 1 1 hi
			web1 ok d
			web1 ok e: x True
		`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			play(t, scenario{playbook: "- hosts: all\n  tasks:\n" + tt.tasks}).want(tt.lines, "")
		})
	}
}
