package runner_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	"thordeploy/playbook"
	"thordeploy/runner"
)

// steps is lines, with those of one task in the order of the hosts' names.
func (r *told) steps() string {
	var out, step []string
	task := ""
	flush := func() {
		slices.Sort(step)
		out, step = append(out, step...), nil
	}
	for line := range strings.Lines(r.lines()) {
		line = strings.TrimSuffix(line, "\n")
		words := strings.Fields(line)
		name := strings.TrimSuffix(words[min(2, len(words)-1)], ":")
		if name != task {
			flush()
		}
		task, step = name, append(step, line)
	}
	flush()
	return strings.Join(out, "\n")
}

// What is expected here was tried with ansible-core 2.14, but for the plays that
// say nothing of their strategy.
func TestLockstep(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, playbook, steps string
	}{
		{"handlers and includes", `
- hosts: all
  strategy: linear
  tasks:
  - {name: a, command: changed, notify: h, when: inventory_hostname != 'b'}
  - {name: i, include_tasks: f.yml, when: inventory_hostname != 'a'}
  - {name: c, command: ok}
  handlers: [{name: h, command: ok}]
  post_tasks: [{name: p, command: ok}]
`, `
			a changed a
			b skipped a
			c changed a
			a skipped i
			b ok i
			c ok i
			b ok f: b
			c ok f: c
			a ok c
			b ok c
			c ok c
			a ok h
			c ok h
			a ok p
			b ok p
			c ok p
		`},
		{"a rescue waits for those that go on, always for all", `
- hosts: all
  strategy: linear
  tasks:
  - block: [{name: one, command: fail x, when: inventory_hostname == 'b'}, {name: two, command: ok}]
    rescue: [{name: res, command: ok}]
    always: [{name: alw, command: ok}]
`, `
			a skipped one
			b rescued one: x
			c skipped one
			a ok two
			c ok two
			b ok res
			a ok alw
			b ok alw
			c ok alw
		`},
		{"run_once", `
- hosts: all
  tasks:
  - {name: once, command: "changed {{ inventory_hostname }}", run_once: true, register: r}
  - {name: seen, debug: {msg: "{{ r.stdout }}"}}
  - {name: fact, set_fact: {f: "{{ inventory_hostname }}"}, run_once: true}
  - {name: saw, debug: {msg: "{{ f }}"}}
  - block: [{name: bad, command: fail x, run_once: true}]
    rescue: [{name: res, command: ok}]
  - {name: worse, command: fail x, run_once: true}
  - {name: never, command: ok}
`, `
			notice play "all" runs in lockstep (strategy linear), since it uses run_once (test.yml:4:5)
			a changed once
			a ok seen: a
			b ok seen: a
			c ok seen: a
			a ok fact
			a ok saw: a
			b ok saw: a
			c ok saw: a
			a rescued bad: x
			a ok res
			b ok res
			c ok res
			a failed worse: x
			notice a task that any_errors_fatal or run_once is set for failed: the run ends for all hosts
		`},
		{"run_once where hosts run on their own is for each", `
- {hosts: all, strategy: free, tasks: [{name: once, command: ok, run_once: true}]}
`, `
			a ok once
			b ok once
			c ok once
		`},
		{"any_errors_fatal ends the run after rescue and always", `
- hosts: all
  any_errors_fatal: true
  tasks:
  - block: [{name: one, command: fail x, when: inventory_hostname == 'b'}, {name: two, command: ok}]
    rescue: [{name: res, command: ok}]
  - block: [{name: three, command: fail x, when: inventory_hostname == 'b'}, {name: four, command: ok}]
    always: [{name: alw, command: ok}]
  - {name: five, command: ok}
- {hosts: all, tasks: [{name: six, command: ok}]}
`, `
			notice play "all" runs in lockstep (strategy linear), since it uses any_errors_fatal
			a skipped one
			b rescued one: x
			c skipped one
			a ok two
			c ok two
			b ok res
			a skipped three
			b failed three: x
			c skipped three
			a ok alw
			b ok alw
			c ok alw
			notice a task that any_errors_fatal or run_once is set for failed: the run ends for all hosts
		`},
		{"max_fail_percentage", `
- hosts: all
  strategy: linear
  max_fail_percentage: 33
  tasks: [{name: a, command: fail x, when: inventory_hostname == 'a'}, {name: b, command: ok}, {name: c, command: fail x, when: inventory_hostname == 'b'}, {name: d, command: ok}]
- {hosts: all, tasks: [{name: e, command: ok}]}
`, `
			a failed a: x
			b skipped a
			c skipped a
			notice 1 of 3 hosts failed, more than max_fail_percentage (33) allows: the run ends for all hosts
		`},
		{"max_fail_percentage that isn't reached, and ignored failures", `
- hosts: all
  strategy: linear
  max_fail_percentage: 34
  tasks: [{name: i, command: fail x, ignore_errors: true}, {name: a, command: fail x, when: inventory_hostname == 'a'}, {name: b, command: ok}]
`, `
			a ignored i: x
			b ignored i: x
			c ignored i: x
			a failed a: x
			b skipped a
			c skipped a
			b ok b
			c ok b
		`},
		{"serial, in an order", `
- hosts: all
  serial: [1, "70%"]
  order: reverse_sorted
  strategy: linear
  tasks: [{name: x, debug: {msg: "{{ ansible_play_batch | sort | join }} {{ ansible_play_hosts | length }}"}}]
`, `
			a ok x: ab 3
			b ok x: ab 3
			c ok x: c 3
		`},
		{"a batch of which nobody is left ends the run", `
- hosts: all
  serial: 1
  tasks: [{name: x, command: fail x, when: inventory_hostname == 'b'}]
- {hosts: all, tasks: [{name: y, command: ok}]}
`, `
			a skipped x
			b failed x: x
		`},
		{"but not where it could not be reached", `
- hosts: all
  serial: 1
  tasks: [{name: x, command: lost, when: inventory_hostname == 'b'}]
- {hosts: all, strategy: linear, tasks: [{name: y, command: ok}]}
`, `
			a skipped x
			b unreachable x: gone
			c skipped x
			a ok y
			c ok y
		`},
		{"end_host, end_batch and end_play", `
- hosts: all
  serial: 2
  strategy: linear
  tasks:
  - {meta: end_host, when: inventory_hostname == 'a'}
  - {name: one, command: changed, notify: h}
  - {meta: end_batch, when: inventory_hostname == 'b'}
  - {name: two, command: ok}
  handlers: [{name: h, command: ok}]
- hosts: all
  serial: 2
  strategy: linear
  tasks: [{name: three, command: ok}, {meta: end_play}, {name: four, command: ok}]
- {hosts: a, tasks: [{name: five, command: ok}]}
`, `
			b changed one
			c changed one
			c ok two
			c ok h
			a ok three
			b ok three
			a ok five
		`},
		{"clear_host_errors lets hosts take part again from the next play on", `
- {hosts: all, strategy: linear, tasks: [{name: one, command: fail x, when: inventory_hostname == 'a'}]}
- {hosts: all, strategy: linear, tasks: [{meta: clear_host_errors}, {name: two, command: ok}]}
- {hosts: all, strategy: linear, tasks: [{name: three, command: ok}]}
`, `
			a failed one: x
			b skipped one
			c skipped one
			b ok two
			c ok two
			a ok three
			b ok three
			c ok three
		`},
		{"ignore_unreachable", `
- hosts: a
  tasks: [{name: one, command: lost, ignore_unreachable: true}, {name: two, command: ok}]
`, `
			a ignored one: gone
			a ok two
		`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := play(t, scenario{inventory: "a,b,c,", playbook: tt.playbook, files: map[string]string{"f.yml": "- {name: f, debug: {msg: \"{{ inventory_hostname }}\"}}\n"}})
			if got, want := r.steps(), strings.TrimSpace(dedent(tt.steps)); got != want {
				t.Errorf("the run was\n%s\nwant\n%s", got, want)
			}
			if err := consistent(r.state, r.events); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAnsiblesWayOfEndingARun(t *testing.T) {
	t.Parallel()
	book := `
- {hosts: a, tasks: [{name: one, command: lost}]}
- {hosts: b, tasks: [{name: two, command: ok}]}
`
	for ansible, want := range map[bool]string{false: "a unreachable one: gone\nb ok two", true: "a unreachable one: gone"} {
		r := play(t, scenario{inventory: "a,b,", playbook: book, runner: func(r *runner.Runner) { r.Ansible = ansible }})
		if got := r.steps(); got != want {
			t.Errorf("Ansible %v:\n%s\nwant\n%s", ansible, got, want)
		}
	}
}

func TestThrottle(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	now, most := 0, 0
	counting := sinkFunc(func(e runner.Event) {
		mu.Lock()
		defer mu.Unlock()
		switch e := e.(type) {
		case runner.Output:
			now++
			most = max(most, now)
		case runner.TaskFinished:
			if e.Name == "x" {
				now--
			}
		}
	})
	r := play(t, scenario{inventory: "a,b,c,d,e,", sink: counting, playbook: `
- hosts: all
  strategy: linear
  tasks: [{name: x, command: print sleep, throttle: "{{ 1 + 1 }}"}]
`})
	if most != 2 && most != 1 {
		t.Errorf("%d hosts were in the task at once", most)
	}
	if n := len(r.state.Hosts); n != 5 {
		t.Errorf("%d hosts", n)
	}
}

type sinkFunc func(runner.Event)

func (f sinkFunc) Event(e runner.Event) error { f(e); return nil }

func TestStep(t *testing.T) {
	t.Parallel()
	var asked []string
	r := play(t, scenario{inventory: "a,b,", runner: func(r *runner.Runner) {
		answers := []runner.StepAnswer{runner.StepYes, runner.StepNo, runner.StepContinue}
		r.Strategy = playbook.Linear
		r.Step = func(_ context.Context, task, host string) (runner.StepAnswer, error) {
			asked = append(asked, task+host)
			return answers[len(asked)-1], nil
		}
	}, playbook: "- {hosts: all, tasks: [{name: one, command: ok}, {name: two, command: ok}, {name: three, command: ok}, {name: four, command: ok}]}"})
	if got := strings.Join(asked, " "); got != "one two three" {
		t.Errorf("asked %q", got)
	}
	if got := r.steps(); got != "a ok one\nb ok one\na ok three\nb ok three\na ok four\nb ok four" {
		t.Errorf("ran\n%s", got)
	}
}
