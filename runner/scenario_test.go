package runner_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
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
	files     map[string]string // beside the playbook
	runner    func(*runner.Runner)
	ctx       context.Context
	sink      runner.Sink // beside the one that keeps the lines
	real      bool        // commands are real, on this machine
}

// told is what came of it.
type told struct {
	t      testing.TB
	events []runner.Event
	state  *runner.State
	err    error
	extra  runner.Sink
	// shorten drops the temporary folder from messages, and where they say what
	// was looked at.
	shorten bool
}

func (r *told) Event(e runner.Event) error {
	r.events = append(r.events, e)
	if r.extra != nil {
		return r.extra.Event(e)
	}
	return nil
}

func play(t testing.TB, s scenario) *told {
	t.Helper()
	inv := loadInventory(t, s.inventory)
	pb := loadPlaybook(t, s.playbook, s.files)
	var legs []runner.Leg
	for _, p := range pb.Plays {
		hosts, err := choose(inv, p, nil)
		legs = append(legs, runner.Leg{Play: p, Hosts: hosts, Late: err != nil})
		for _, list := range [][]*playbook.Task{p.PreTasks, p.Roles, p.Tasks, p.PostTasks, p.Handlers} {
			if !s.real {
				pretend(list)
			}
		}
	}
	r := &runner.Runner{Inventory: inv, Choose: choose, Connect: func(context.Context, *inventory.Host, string) (transport.Conn, error) {
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

func choose(inv *inventory.Inventory, p *playbook.Play, sc playbook.Scope) ([]*inventory.Host, error) {
	v, err := p.Hosts.Eval(sc)
	if err != nil {
		return nil, err
	}
	hosts, _, err := inv.Select(fmt.Sprint(v))
	return hosts, err
}

func loadInventory(t testing.TB, text string) *inventory.Inventory {
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

func loadPlaybook(t testing.TB, text string, files map[string]string) *playbook.Playbook {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pb, problems := playbook.Load("test.yml", dir, []byte(text))
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
			if e.Delegated != "" {
				fmt.Fprintf(&b, " on %s", e.Delegated)
			}
			if e.IsItem {
				fmt.Fprintf(&b, " [%s]", e.Item)
			}
			if e.Msg != "" && e.Status != runner.Skipped {
				fmt.Fprintf(&b, ": %s", r.short(e.Msg))
			}
			b.WriteByte('\n')
		case runner.TaskRetried:
			fmt.Fprintf(&b, "%s again %s, %d left\n", e.Host, e.Name, e.Left)
		case runner.Notice:
			fmt.Fprintf(&b, "notice %s\n", e.Text)
		case runner.HostCleaned:
			fmt.Fprintf(&b, "%s cleaned %v left %v\n", e.Host, e.Lines, e.Left)
		}
	}
	return b.String()
}

func (r *told) short(msg string) string {
	if !r.shorten {
		return msg
	}
	msg, _, _ = strings.Cut(msg, ": looked for")
	return regexp.MustCompile(`/\S*/00\d/`).ReplaceAllString(msg, "")
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
