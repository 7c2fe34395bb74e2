package runner_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"thordeploy/inventory"
	"thordeploy/runner"
	"thordeploy/transport"
	"thordeploy/transport/local"
)

// here makes the hosts of a scenario this machine, and keeps which logins were
// asked for.
type here struct {
	mu     sync.Mutex
	logins []string
	vars   map[string]any
}

func (h *here) connect(_ context.Context, host *inventory.Host, user string) (transport.Conn, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.logins = append(h.logins, host.Name+" as "+user)
	h.vars = host.Vars
	return local.Dial(), nil
}

func onThisMachine(t *testing.T, s scenario) (*told, *here) {
	t.Helper()
	h := &here{}
	change := s.runner
	s.real = true
	s.runner = func(r *runner.Runner) {
		r.Connect = h.connect
		if change != nil {
			change(r)
		}
	}
	return play(t, s), h
}

func TestCommandsOnAHost(t *testing.T) {
	t.Parallel()
	r, h := onThisMachine(t, scenario{playbook: `
- hosts: all
  tasks:
  - {name: a, command: echo one two, register: r}
  - {name: b, debug: {msg: "{{ r.stdout }} {{ r.rc }}"}}
  - {name: c, shell: "exit 3", ignore_errors: true}
  - {name: d, shell: "echo $X", environment: {X: y z}, register: e, changed_when: false}
  - {name: e, debug: {msg: "{{ e.stdout }}"}}
`})
	r.want(`
		web1 changed a
		web1 ok b: one two 0
		web1 ignored c: non-zero return code
		web1 ok d
		web1 ok e: y z
	`, "ok=5 changed=2 unreachable=0 failed=0 skipped=0 rescued=0 ignored=1")
	if len(h.logins) != 1 {
		t.Errorf("one connection is enough, got %v", h.logins)
	}
}

const threePlays = `
- hosts: all
  tasks: [{name: a, command: "true", changed_when: false}]
- hosts: web2,localhost
  tasks: [{name: b, command: "true", changed_when: false}]
- hosts: web1
  tasks: [{name: c, command: "true", changed_when: false}]
`

func TestOneConnectionForAllPlays(t *testing.T) {
	t.Parallel()
	open := &counted{}
	r, h := onThisMachine(t, scenario{inventory: "web1,web2,", playbook: threePlays, sink: open, runner: func(r *runner.Runner) {
		r.Forks = 1
		connect := r.Connect
		r.Connect = func(ctx context.Context, h *inventory.Host, user string) (transport.Conn, error) {
			conn, err := connect(ctx, h, user)
			open.now.Add(1)
			return &countedConn{Conn: conn, open: open}, err
		}
	}})
	r.want("web1 ok a\nweb2 ok a\nweb2 ok b\nlocalhost ok b\nweb1 ok c", "")
	slices.Sort(h.logins)
	if got := strings.Join(h.logins, ", "); got != "localhost as , web1 as , web2 as " {
		t.Errorf("logged in: %s", got)
	}
	if n := open.now.Load(); n != 0 {
		t.Errorf("%d connections were left open", n)
	}
	if open.beforeLast != 1 {
		t.Errorf("%d connections were open in the last play, which has one host", open.beforeLast)
	}
}

// counted knows how many connections are open, and how many were when the
// last play began.
type counted struct {
	now        atomic.Int32
	beforeLast int32
}

func (c *counted) Event(e runner.Event) error {
	if p, ok := e.(runner.PlayStarted); ok && p.Play == 2 {
		c.beforeLast = c.now.Load()
	}
	return nil
}

type countedConn struct {
	transport.Conn
	open *counted
}

func (c *countedConn) Close() error { c.open.now.Add(-1); return c.Conn.Close() }

// A firewall or sshd may end a connection that is idle while other hosts have
// their turn.
func TestAConnectionThatBrokeBetweenPlays(t *testing.T) {
	t.Parallel()
	r, h := onThisMachine(t, scenario{playbook: "- hosts: all\n  tasks: [{name: a, command: \"true\", changed_when: false}]\n" +
		"- hosts: all\n  tasks: [{name: b, command: \"true\", changed_when: false}]\n", runner: func(r *runner.Runner) {
		connect := r.Connect
		r.Connect = func(ctx context.Context, h *inventory.Host, user string) (transport.Conn, error) {
			conn, err := connect(ctx, h, user)
			return &oneStart{Conn: conn}, err
		}
	}})
	r.want("web1 ok a\nweb1 ok b", "ok=2 changed=0 unreachable=0 failed=0 skipped=0 rescued=0 ignored=0")
	if len(h.logins) != 2 {
		t.Errorf("logged in: %v", h.logins)
	}
}

// oneStart is lost after its first command.
type oneStart struct {
	transport.Conn
	started bool
}

func (c *oneStart) Start(ctx context.Context, line string) (transport.Process, error) {
	if c.started {
		return nil, &transport.Error{Phase: transport.PhaseLost, Err: errors.New("broken pipe")}
	}
	c.started = true
	return c.Conn.Start(ctx, line)
}

func TestDebugAloneConnectsNowhere(t *testing.T) {
	t.Parallel()
	r, h := onThisMachine(t, scenario{playbook: "- hosts: all\n  tasks: [{name: a, debug: {msg: x}}]\n"})
	r.want("web1 ok a: x", "")
	if len(h.logins) != 0 {
		t.Errorf("connected: %v", h.logins)
	}
}

func TestLoginAndBecome(t *testing.T) {
	t.Parallel()
	me := local.Dial().User()
	r, h := onThisMachine(t, scenario{
		inventory: "all:\n  hosts:\n    web1: {ansible_port: \"{{ 20 + 2 }}\", ansible_host: \"{{ inventory_hostname }}.lan\"}\n",
		runner:    func(r *runner.Runner) { r.User = "cli" },
		playbook: `
- hosts: all
  remote_user: deploy
  tasks:
  - {name: a, command: "true", changed_when: false}
  - {name: b, command: "true", changed_when: false, remote_user: other}
  - {name: c, command: "true", changed_when: false, become: true, become_user: ` + me + `}
  - {name: d, command: "true", changed_when: false, vars: {ansible_user: winner}}
`})
	r.want("web1 ok a\nweb1 ok b\nweb1 ok c\nweb1 ok d", "")
	if got := strings.Join(h.logins, ", "); got != "web1 as deploy, web1 as other, web1 as winner" {
		t.Errorf("logged in: %s", got)
	}
	if h.vars["ansible_port"] != "22" || h.vars["ansible_host"] != "web1.lan" {
		t.Errorf("connection variables are not evaluated: %v", h.vars)
	}
}

func TestConnectionKeyword(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ inventory, keyword, task, want string }{
		"of a play":          {"web1,", "connection: local", "", "local"},
		"of a task":          {"web1,", "connection: ssh", "connection: ansible.builtin.local, ", "local"},
		"a template":         {"web1,", "connection: \"{{ 'lo' ~ 'cal' }}\"", "", "local"},
		"the variable wins":  {"all: {hosts: {web1: {ansible_connection: ssh}}}\n", "connection: local", "", "ssh"},
		"neither is written": {"web1,", "gather_facts: false", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, h := onThisMachine(t, scenario{inventory: c.inventory, playbook: "- hosts: all\n  " + c.keyword +
				"\n  tasks: [{name: a, " + c.task + "command: \"true\", changed_when: false}]\n"})
			r.want("web1 ok a", "")
			got, _ := h.vars["ansible_connection"].(string)
			if got = strings.TrimPrefix(got, "ansible.builtin."); got != c.want {
				t.Errorf("connected by %q, want %q", got, c.want)
			}
		})
	}
}

func TestFactsAreGatheredWhenAsked(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, playbook, want string }{
		{"by a template", `
- hosts: all
  tasks:
  - {name: a, debug: {msg: "{{ ansible_system }} {{ ansible_facts.system }}"}}
`, "web1 ok Gathering Facts\nweb1 ok a: Linux Linux\n"},
		{"in every play once", `
- hosts: all
  tasks: [{name: a, debug: {msg: "{{ ansible_system }}"}}]
- hosts: all
  tasks: [{name: b, debug: {msg: "{{ ansible_system }}"}}]
`, "web1 ok Gathering Facts\nweb1 ok a: Linux\nweb1 ok b: Linux\n"},
		{"by the play", "- hosts: all\n  gather_facts: true\n  tasks: [{name: a, debug: {msg: x}}]\n", "web1 ok Gathering Facts\nweb1 ok a: x\n"},
		{"not where it says no", `
- hosts: all
  gather_facts: false
  tasks: [{name: a, debug: {msg: "{{ ansible_system | default('none') }}"}}]
`, "web1 ok a: none\n"},
		{"not for other names", "- hosts: all\n  tasks: [{name: a, debug: {msg: \"{{ ansible_port | default(22) }}\"}}]\n", "web1 ok a: 22\n"},
		{"registered", "- hosts: all\n  tasks:\n  - {name: s, setup: }\n  - {name: a, debug: {msg: \"{{ ansible_system }}\"}}\n", "web1 ok s\nweb1 ok a: Linux\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r, _ := onThisMachine(t, scenario{playbook: tt.playbook})
			if got := r.lines(); got != tt.want {
				t.Errorf("got\n%swant\n%s", got, tt.want)
			}
		})
	}
}

func TestFactsThatCantBeGatheredAreTheTasksFailure(t *testing.T) {
	t.Parallel()
	r := play(t, scenario{playbook: `
- hosts: all
  tasks:
  - {name: a, debug: {msg: "{{ ansible_system }}"}}
  - {name: b, debug: {msg: x}}
`})
	r.want("web1 unreachable a: gather facts: dial: no network in this test", "ok=0 changed=0 unreachable=1 failed=0 skipped=0 rescued=0 ignored=0")
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	r, _ := onThisMachine(t, scenario{inventory: "web1,web2,", runner: func(r *runner.Runner) {
		reach := r.Connect
		r.Connect = func(ctx context.Context, h *inventory.Host, user string) (transport.Conn, error) {
			if h.Name == "web1" {
				return nil, &transport.Error{Phase: transport.PhaseDial, Addr: "web1:22", Err: errors.New("refused"), Hint: "start sshd"}
			}
			return reach(ctx, h, user)
		}
	}, playbook: `
- hosts: all
  tasks:
  - {name: a, command: "true"}
  - {name: b, command: "true"}
`})
	if r.counts("web1") != "ok=0 changed=0 unreachable=1 failed=0 skipped=0 rescued=0 ignored=0" {
		t.Error(r.counts("web1"))
	}
	if r.counts("web2") != "ok=2 changed=2 unreachable=0 failed=0 skipped=0 rescued=0 ignored=0" {
		t.Error(r.counts("web2"))
	}
	for _, e := range r.events {
		if f, ok := e.(runner.TaskFinished); ok && f.Host == "web1" && (f.Hint != "start sshd" || f.Msg != "dial web1:22: refused" || !strings.HasPrefix(f.Place, "test.yml:4")) {
			t.Errorf("%+v", f)
		}
	}
}

func TestTimeoutEndsTheProcess(t *testing.T) {
	t.Parallel()
	pidfile := filepath.Join(t.TempDir(), "pid")
	r, _ := onThisMachine(t, scenario{playbook: `
- hosts: all
  tasks:
  - {name: a, shell: "echo $$ > ` + pidfile + `; sleep 60", timeout: 1}
`})
	if e := r.taskEnd("a"); e.Status != runner.Failed || !e.TimedOut {
		t.Errorf("%+v", e)
	}
	pid, err := os.ReadFile(pidfile)
	if err != nil {
		t.Fatal(err)
	}
	gone := func() bool { _, err := os.Stat("/proc/" + strings.TrimSpace(string(pid))); return err != nil }
	for deadline := time.Now().Add(5 * time.Second); !gone(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("process %s still runs", pid)
		}
	}
}

// What a play makes and takes away again is undone when it can't get so far.
func TestHeldPathsAreUndone(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, task string
		cleaned    bool // by the guard
	}{
		{"the play ends well", "{name: b, command: \"true\"}", false},
		{"a task fails", "{name: b, command: \"false\"}", true},
		{"a task fails in a block whose always takes it away", "{block: [{name: b, command: \"false\"}], always: [{name: c, file: {path: \"{{ dir }}/ram\", state: absent}}]}", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			r, _ := onThisMachine(t, scenario{runner: func(r *runner.Runner) { r.ExtraVars = map[string]any{"dir": dir} }, playbook: `
- hosts: all
  tasks:
  - {name: a, mkdir: "{{ dir }}/ram"}
  - {name: keep, mkdir: "{{ dir }}/keep"}
  - ` + tt.task + `
  - {name: d, file: {path: "{{ dir }}/ram", state: absent}}
`})
			if _, err := os.Stat(dir + "/ram"); err == nil {
				t.Errorf("%s/ram is left:\n%s", dir, r.lines())
			}
			if _, err := os.Stat(dir + "/keep"); err != nil {
				t.Errorf("what the play never takes away went too: %v", err)
			}
			if got := strings.Contains(r.lines(), "removed "+dir+"/ram"); got != tt.cleaned {
				t.Errorf("cleaned up: %v, want %v:\n%s", got, tt.cleaned, r.lines())
			}
		})
	}
}

func TestWhatWasThereBeforeIsNotUndone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Mkdir(dir+"/ram", 0o755); err != nil {
		t.Fatal(err)
	}
	onThisMachine(t, scenario{runner: func(r *runner.Runner) { r.ExtraVars = map[string]any{"dir": dir} }, playbook: `
- hosts: all
  tasks:
  - {name: a, mkdir: "{{ dir }}/ram"}
  - {name: b, command: "false"}
  - {name: c, file: {path: "{{ dir }}/ram", state: absent}}
`})
	if _, err := os.Stat(dir + "/ram"); err != nil {
		t.Error("a folder that was there before the play is gone")
	}
}

func TestInterruptCleansUp(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, _ := onThisMachine(t, scenario{ctx: ctx, sink: interruptOn{"b", cancel}, runner: func(r *runner.Runner) { r.ExtraVars = map[string]any{"dir": dir} }, playbook: `
- hosts: all
  tasks:
  - {name: a, mkdir: "{{ dir }}/ram"}
  - block:
    - {name: b, shell: "echo partial > {{ dir }}/ram/report; sleep 60"}
    always:
    - {name: f, fetch: {src: "{{ dir }}/ram/report", dest: "{{ dir }}/report", flat: true}}
  - {name: c, file: {path: "{{ dir }}/ram", state: absent}}
`})
	if text, err := os.ReadFile(dir + "/report"); err != nil || string(text) != "partial\n" {
		t.Errorf("the partial report is not here: %q %v\n%s", text, err, r.lines())
	}
	if e := r.taskEnd("b"); e.Status != runner.Failed || e.Msg != "interrupted" {
		t.Errorf("%+v", e)
	}
	if !r.state.Hosts["web1"].Interrupted {
		t.Error("the host isn't told to be interrupted")
	}
}

func TestFindingsOnTheStream(t *testing.T) {
	t.Parallel()
	r, _ := onThisMachine(t, scenario{playbook: `
- hosts: all
  tasks:
  - name: scan
    shell: |
      echo '{"type":"THOR assessment","meta":{"level":"Alert","module":"Filescan"},"score":95,"subject":{"type":"file","path":"/x"}}'
      echo '{"type":"THOR message","message":"done"}'
      exit 2
    register: scan
    failed_when: scan.rc == 1
`})
	h := r.state.Hosts["web1"]
	if h.Findings["Alert"] != 1 || h.MaxScore != 95 || h.Failed != 0 {
		t.Errorf("%+v\n%s", h, r.lines())
	}
}

// Every fact that setup reports is one that a template may ask for.
func TestEveryFactIsGatheredOnUse(t *testing.T) {
	t.Parallel()
	r, _ := onThisMachine(t, scenario{playbook: "- hosts: all\n  tasks:\n  - {name: s, setup: , register: r}\n  - {name: n, debug: {msg: \"{{ r.ansible_facts | list | join(' ') }}\"}}\n"})
	for name := range strings.FieldsSeq(r.taskEnd("n").Msg) {
		if !runner.FactName(name) {
			t.Errorf("%s is reported by setup but not gathered on use", name)
		}
	}
}

func TestCheckModeChangesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r, _ := onThisMachine(t, scenario{runner: func(r *runner.Runner) {
		r.ExtraVars = map[string]any{"dir": dir}
		r.Check = true
	}, playbook: `
- hosts: all
  tasks:
  - {name: a, mkdir: "{{ dir }}/x"}
  - {name: b, command: "touch {{ dir }}/y"}
  - {name: c, command: "touch {{ dir }}/z", check_mode: false}
`})
	r.want("web1 changed a\nweb1 skipped b\nweb1 changed c", "")
	for name, want := range map[string]bool{"x": false, "y": false, "z": true} {
		if _, err := os.Stat(dir + "/" + name); (err == nil) != want {
			t.Errorf("%s: there %v, want %v", name, err == nil, want)
		}
	}
}
