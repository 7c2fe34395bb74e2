package runner_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"thordeploy/action"
	"thordeploy/inventory"
	"thordeploy/playbook"
	"thordeploy/runner"
	"thordeploy/transport"
)

// scenario is a playbook run on hosts that are not there: its command tasks
// are played by fakeCommand. The result is told in lines.
type scenario struct {
	inventory string // YAML or a comma list; empty: "web1,"
	playbook  string
	runner    func(*runner.Runner)
	ctx       context.Context
	sink      runner.Sink // beside the one that keeps the lines
	real      bool        // commands are real, on this machine
}

// told is what came of it.
type told struct {
	t      *testing.T
	events []runner.Event
	state  *runner.State
	err    error
	extra  runner.Sink
}

func (r *told) Event(e runner.Event) error {
	r.events = append(r.events, e)
	if r.extra != nil {
		return r.extra.Event(e)
	}
	return nil
}

func play(t *testing.T, s scenario) *told {
	t.Helper()
	inv := loadInventory(t, s.inventory)
	pb := loadPlaybook(t, s.playbook)
	var legs []runner.Leg
	for _, p := range pb.Plays {
		v, err := p.Hosts.Eval(nil)
		if err != nil {
			t.Fatal(err)
		}
		hosts, _, err := inv.Select(v.(string))
		if err != nil {
			t.Fatal(err)
		}
		legs = append(legs, runner.Leg{Play: p, Hosts: hosts})
		if !s.real {
			pretend(p.Tasks)
		}
	}
	r := &runner.Runner{Inventory: inv, Connect: func(context.Context, *inventory.Host, string) (transport.Conn, error) {
		return nil, &transport.Error{Phase: transport.PhaseDial, Err: errors.New("no network in this test")}
	}}
	if s.runner != nil {
		s.runner(r)
	}
	if s.ctx == nil {
		s.ctx = t.Context()
	}
	out := &told{t: t, extra: s.sink}
	out.state, out.err = r.Run(s.ctx, pb, legs, out)
	return out
}

func loadInventory(t *testing.T, text string) *inventory.Inventory {
	t.Helper()
	if text == "" {
		text = "web1,"
	}
	if strings.Contains(text, "\n") {
		text = writeFile(t, "hosts.yml", text)
	}
	inv, problems := inventory.Load([]string{text})
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	return inv
}

func loadPlaybook(t *testing.T, text string) *playbook.Playbook {
	t.Helper()
	pb, problems := playbook.Load("test.yml", t.TempDir(), []byte(text))
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	return pb
}

// pretend replaces command by a fake that needs no host.
func pretend(list []*playbook.Task) {
	for _, t := range list {
		if t.Spec != nil && t.Spec.Name == "command" {
			fake := *t.Spec
			fake.Local, fake.Run, fake.Ephemeral = true, fakeCommand, nil
			t.Spec = &fake
		}
		pretend(t.Block)
		pretend(t.Rescue)
		pretend(t.Always)
	}
}

// fakeCommand does what its command line says: ok, fail WHY, skip, lost, panic,
// rc N, print TEXT, sleep TIME, wait (until it is stopped), env.
func fakeCommand(ctx context.Context, c *action.Call) action.Result {
	verb, rest, _ := strings.Cut(c.Args.Str("cmd"), " ")
	r := action.Result{Changed: true, Values: map[string]any{"rc": 0, "stdout": rest}}
	switch verb {
	case "ok":
		r.Changed = false
	case "changed":
	case "fail":
		r.Failed, r.Msg, r.Values["rc"] = true, rest, 1
	case "skip":
		r = action.Result{Skipped: true, Msg: rest}
	case "lost":
		r = action.Result{Failed: true, Msg: "gone", Lost: &transport.Error{Phase: transport.PhaseLost, Err: errors.New("gone")}}
	case "panic":
		panic(rest)
	case "print":
		c.Output("stdout", []byte(rest+"\n"))
	case "env":
		r.Changed, r.Values["stdout"] = false, fmt.Sprint(c.Env)
	case "sleep", "wait":
		d, err := time.ParseDuration(rest)
		if err != nil {
			d = time.Hour
		}
		select {
		case <-time.After(d):
		case <-ctx.Done():
			return action.Result{Failed: true, Msg: ctx.Err().Error()}
		}
	default:
		return action.Result{Failed: true, Msg: "the test has no command " + verb}
	}
	return r
}

// lines tells the tasks' ends: "web1 ok Title", with the message of a failure
// and the text that debug printed.
func (r *told) lines() string {
	var b strings.Builder
	for _, e := range r.events {
		switch e := e.(type) {
		case runner.TaskFinished:
			fmt.Fprintf(&b, "%s %s %s", e.Host, e.Status, e.Name)
			if e.IsItem {
				fmt.Fprintf(&b, " [%s]", e.Item)
			}
			if e.Msg != "" && e.Status != runner.Skipped {
				fmt.Fprintf(&b, ": %s", e.Msg)
			}
			b.WriteByte('\n')
		case runner.Notice:
			fmt.Fprintf(&b, "notice %s\n", e.Text)
		case runner.HostCleaned:
			fmt.Fprintf(&b, "%s cleaned %v left %v\n", e.Host, e.Lines, e.Left)
		}
	}
	return b.String()
}

// counts is the recap of one host.
func (r *told) counts(host string) string {
	h := r.state.Hosts[host]
	if h == nil {
		r.t.Fatalf("no host %s in the state", host)
	}
	return fmt.Sprintf("ok=%d changed=%d unreachable=%d failed=%d skipped=%d rescued=%d ignored=%d", h.OK, h.Changed, h.Unreachable, h.Failed, h.Skipped, h.Rescued, h.Ignored)
}

func (r *told) want(lines, counts string) {
	r.t.Helper()
	if r.err != nil {
		r.t.Fatal(r.err)
	}
	if got := strings.TrimSpace(r.lines()); got != strings.TrimSpace(dedent(lines)) {
		r.t.Errorf("the run was\n%s\nwant\n%s", got, strings.TrimSpace(dedent(lines)))
	}
	if got := r.counts("web1"); counts != "" && got != counts {
		r.t.Errorf("recap %s\nwant  %s", got, counts)
	}
	if err := consistent(r.state, r.events); err != nil {
		r.t.Error(err)
	}
}

// dedent takes the test's own indentation off.
func dedent(s string) string {
	var out []string
	for line := range strings.Lines(s) {
		out = append(out, strings.TrimLeft(line, "\t"))
	}
	return strings.Join(out, "")
}

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
	if h := r.state.Hosts["web3"]; !h.Started.IsZero() || h.Broken() {
		t.Errorf("web3 had a turn: %+v", h)
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
