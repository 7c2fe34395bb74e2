package runner_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"thordeploy/playbook"
	"thordeploy/runner"
)

func TestHostsAreIndependent(t *testing.T) {
	t.Parallel()
	r := play(t, scenario{inventory: "web1,web2,web3,", playbook: `
- hosts: all
  tasks:
  - {name: a, command: "{{ {'web1': 'ok', 'web2': 'panic x', 'web3': 'lost'}[inventory_hostname] }}"}
  - {name: b, command: ok}
- hosts: all
  tasks:
  - {name: c, command: ok}
`})
	for host, want := range map[string]string{
		"web1": "ok=3 changed=0 unreachable=0 failed=0 skipped=0 rescued=0 ignored=0",
		"web2": "ok=0 changed=0 unreachable=0 failed=1 skipped=0 rescued=0 ignored=0",
		"web3": "ok=0 changed=0 unreachable=1 failed=0 skipped=0 rescued=0 ignored=0",
	} {
		if got := r.counts(host); got != want {
			t.Errorf("%s: %s, want %s", host, got, want)
		}
	}
	if !strings.Contains(r.lines(), "internal error: x (at scenario_test.go:") {
		t.Errorf("the panic isn't told:\n%s", r.lines())
	}
}

func TestForksBoundHostsAtOnce(t *testing.T) {
	t.Parallel()
	for _, strategy := range []playbook.Strategy{playbook.HostPinned, playbook.Free, playbook.Linear} {
		t.Run(string(strategy), func(t *testing.T) {
			t.Parallel()
			watch := &atOnce{running: map[string]bool{}}
			play(t, scenario{inventory: "h[1:8],", sink: watch, runner: func(r *runner.Runner) { r.Forks, r.Strategy = 3, strategy }, playbook: `
- hosts: all
  tasks:
  - {name: a, command: sleep 3ms}
  - {name: b, command: sleep 3ms}
`})
			if watch.most > 3 || watch.most < 2 {
				t.Errorf("%d hosts at once with 3 forks", watch.most)
			}
		})
	}
}

// atOnce counts tasks that run at the same time.
type atOnce struct {
	running map[string]bool
	most    int
}

func (a *atOnce) Event(e runner.Event) error {
	switch e := e.(type) {
	case runner.TaskStarted:
		a.running[e.Host] = true
		a.most = max(a.most, len(a.running))
	case runner.TaskFinished:
		delete(a.running, e.Host)
	}
	return nil
}

func TestStrategies(t *testing.T) {
	t.Parallel()
	order := func(s playbook.Strategy, keyword string) string {
		r := play(t, scenario{inventory: "web1,web2,", runner: func(r *runner.Runner) { r.Forks, r.Strategy = 1, s }, playbook: `
- hosts: all
` + keyword + `
  tasks:
  - {name: a, command: ok}
  - block:
    - {name: b, command: fail x, when: inventory_hostname == 'web1'}
    rescue:
    - {name: c, command: ok}
  - {name: d, command: ok}
`})
		var names []string
		for _, e := range r.events {
			if f, ok := e.(runner.TaskFinished); ok {
				names = append(names, f.Name)
			}
		}
		return strings.Join(names, "")
	}
	if got := order("", ""); got != "abcdabd" && got != "abdabcd" {
		t.Errorf("host_pinned is the default and takes one host to its end, but tasks ended as %s", got)
	}
	for _, got := range []string{order(playbook.Linear, ""), order("", "  strategy: linear"), order(playbook.HostPinned, "  strategy: linear")} {
		if got != "aabbcdd" {
			t.Errorf("linear: tasks ended as %s", got)
		}
	}
}

func TestTaskTimeout(t *testing.T) {
	t.Parallel()
	r := play(t, scenario{playbook: `
- hosts: all
  tasks:
  - {name: a, command: wait, timeout: 1, ignore_errors: true}
  - {name: b, command: ok, timeout: 5}
  - {name: c, command: ok, timeout: "{{ 'soon' }}"}
`})
	e := r.taskEnd("a")
	if e.Status != runner.Ignored || !e.TimedOut || !strings.HasPrefix(e.Msg, "timed out after") || e.Hint == "" {
		t.Errorf("%+v", e)
	}
	if e := r.taskEnd("b"); e.Status != runner.OK {
		t.Errorf("%+v", e)
	}
	if e := r.taskEnd("c"); e.Status != runner.Failed || !strings.Contains(e.Msg, "soon") {
		t.Errorf("%+v", e)
	}
}

func (r *told) taskEnd(name string) runner.TaskFinished {
	r.t.Helper()
	for _, e := range r.events {
		if f, ok := e.(runner.TaskFinished); ok && f.Name == name && !f.IsItem {
			return f
		}
	}
	r.t.Fatalf("task %s has no end:\n%s", name, r.lines())
	return runner.TaskFinished{}
}

func TestHostTimeoutRunsAlways(t *testing.T) {
	t.Parallel()
	play(t, scenario{runner: func(r *runner.Runner) { r.HostTimeout = 100 * time.Millisecond }, playbook: `
- hosts: all
  tasks:
  - block:
    - {name: a, command: wait}
    rescue:
    - {name: b, command: ok}
    always:
    - {name: c, command: ok}
  - {name: d, command: ok}
`}).want(`
		web1 failed a: the host's time is up: 100ms
		web1 ok c
	`, "")
}

// interruptOn cancels a run when a task begins.
type interruptOn struct {
	task   string
	cancel context.CancelFunc
}

func (i interruptOn) Event(e runner.Event) error {
	if s, ok := e.(runner.TaskStarted); ok && s.Name == i.task {
		time.AfterFunc(20*time.Millisecond, i.cancel)
	}
	return nil
}

func TestInterrupt(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, on, playbook, lines string }{
		{"in a block: rescue is skipped, always runs", "a", `
- hosts: all
  tasks:
  - block:
    - block:
      - {name: a, command: wait}
      - {name: b, command: ok}
      rescue:
      - {name: c, command: ok}
      always:
      - {name: d, command: ok}
    always:
    - {name: e, command: ok}
  - {name: f, command: ok}
`, `
			web1 failed a: interrupted
			web1 ok d
			web1 ok e
		`},
		{"in always: it is begun again", "a", `
- hosts: all
  tasks:
  - block:
    - {name: z, command: ok}
    always:
    - {name: a, command: sleep 120ms}
    - {name: b, command: ok}
  - {name: f, command: ok}
`, `
			web1 ok z
			web1 failed a: interrupted
			web1 changed a
			web1 ok b
		`},
		{"always takes no longer than the time for cleaning up", "a", `
- hosts: all
  tasks:
  - block:
    - {name: a, command: wait}
    always:
    - {name: b, command: wait}
    - {name: c, command: ok}
`, `
			web1 failed a: interrupted
			web1 failed b: not done within the 300ms for cleaning up
		`},
		{"later plays don't begin", "a", `
- hosts: all
  tasks:
  - {name: a, command: wait}
- hosts: all
  tasks:
  - {name: b, command: ok}
`, `
			web1 failed a: interrupted
		`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			r := play(t, scenario{ctx: ctx, sink: interruptOn{tt.on, cancel}, playbook: tt.playbook, runner: func(r *runner.Runner) { r.CleanupTime = 300 * time.Millisecond }})
			r.want(tt.lines, "")
			if !r.state.Interrupted || !r.state.Hosts["web1"].Interrupted {
				t.Error("the run isn't told to be interrupted")
			}
		})
	}
}

func TestInterruptLeavesHostsWithoutATurnAlone(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r := play(t, scenario{inventory: "web1,web2,web3,", ctx: ctx, sink: interruptOn{"a", cancel}, runner: func(r *runner.Runner) { r.Forks = 1 }, playbook: `
- hosts: all
  tasks:
  - {name: a, command: wait}
`})
	for _, name := range []string{"web2", "web3"} {
		if h := r.state.Hosts[name]; !h.Started.IsZero() || h.Broken() {
			t.Errorf("%s had a turn: %+v", name, h)
		}
	}
}

type failingSink struct{ after int }

func (f *failingSink) Event(runner.Event) error {
	if f.after--; f.after < 0 {
		return errors.New("disk full")
	}
	return nil
}

func TestASinkThatFailsEndsTheRun(t *testing.T) {
	t.Parallel()
	for _, strategy := range []playbook.Strategy{playbook.HostPinned, playbook.Linear} {
		for after := range 12 {
			r := play(t, scenario{inventory: "h[1:6],", sink: &failingSink{after}, runner: func(r *runner.Runner) { r.Strategy, r.Forks = strategy, 3 }, playbook: `
- hosts: all
  tasks:
  - {name: a, command: sleep 5ms}
  - {name: b, command: wait}
`})
			if r.err == nil || !strings.Contains(r.err.Error(), "disk full") {
				t.Errorf("%s, after %d events: got error %v", strategy, after, r.err)
			}
		}
	}
}

func TestManyHosts(t *testing.T) {
	t.Parallel()
	start := time.Now()
	r := play(t, scenario{inventory: "h[00001:02000],", runner: func(r *runner.Runner) { r.Forks = 50 }, playbook: `
- hosts: all
  tasks:
  - {name: a, command: "ok {{ inventory_hostname }}", register: r}
  - {name: b, debug: {msg: "{{ r.stdout }} {{ hostvars.h00001.inventory_hostname }}"}}
`})
	if r.err != nil || len(r.state.Order) != 2000 || r.state.Hosts["h02000"].OK != 2 {
		t.Fatalf("%v, %d hosts", r.err, len(r.state.Order))
	}
	if took := time.Since(start); took > 60*time.Second {
		t.Errorf("2000 hosts took %v", took)
	}
}

func TestOutputFloodIsSlowedDownNotKept(t *testing.T) {
	t.Parallel()
	var once sync.Once
	slow := slowSink(func() { once.Do(func() { time.Sleep(50 * time.Millisecond) }) })
	r := play(t, scenario{inventory: "h[1:20],", sink: slow, runner: func(r *runner.Runner) { r.Forks = 20 }, playbook: `
- hosts: all
  tasks:
  - {name: a, command: "print {{ 'x' * 100000 }}", loop: "{{ range(10) | list }}"}
`})
	n := 0
	for _, e := range r.events {
		if o, ok := e.(runner.Output); ok {
			n += len(o.Data)
		}
	}
	if want := 20 * 10 * 100_001; n != want {
		t.Errorf("%d bytes of output came, want %d", n, want)
	}
}

type slowSink func()

func (s slowSink) Event(e runner.Event) error {
	if _, ok := e.(runner.Output); ok {
		s()
	}
	return nil
}
