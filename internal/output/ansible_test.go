package output

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"thordeploy/action"
	"thordeploy/runner"
)

// ansibleRun is a run of two hosts in which each form of line is there.
func ansibleRun(check bool) []runner.Event {
	at := time.Date(2026, 11, 23, 15, 0, 0, 0, time.UTC)
	hosts := []string{"web2", "web1"}
	out := []runner.Event{
		runner.RunStarted{Time: at, Playbook: "plays/site.yml", Hosts: hosts, Forks: 5, Check: check},
		runner.PlayStarted{Time: at, Name: "first", Hosts: hosts},
	}
	task, title := 0, ""
	start := func(name string) {
		task++
		title = name
		for _, h := range hosts {
			out = append(out, runner.TaskStarted{Time: at, Host: h, Task: task, Name: name, Module: "command"})
		}
	}
	done := func(host, module string, status runner.Status, e runner.TaskFinished) {
		e.Time, e.Host, e.Module, e.Status, e.Task, e.Name = at, host, module, status, task, title
		e.Changed = e.Changed || status == runner.Changed
		out = append(out, e)
	}
	cmd := map[string]any{"cmd": []any{"echo", "ü"}, "rc": 0, "stdout": "one\ntwo", "stderr": "", "start": "", "end": "", "delta": ""}
	start("Gathering Facts")
	task = -1
	out = out[:len(out)-2]
	for _, h := range hosts {
		out = append(out, runner.TaskStarted{Time: at, Host: h, Task: -1, Name: "Gathering Facts", Module: "setup"})
		done(h, "setup", runner.OK, runner.TaskFinished{Name: "Gathering Facts"})
	}
	task = 1
	start("run it")
	done("web1", "command", runner.Changed, runner.TaskFinished{Result: cmd})
	done("web2", "command", runner.OK, runner.TaskFinished{Result: cmd})
	start("say")
	done("web1", "debug", runner.OK, runner.TaskFinished{Msg: "hello", Result: map[string]any{}})
	done("web2", "debug", runner.OK, runner.TaskFinished{Msg: "x: …", Result: map[string]any{"x": map[string]any{"a": []any{1, 2.0, nil, true, map[string]any{}, []any{}}, "b": "q\"\\\n\t\x1b[31m"}}})
	start("not here")
	done("web1", "command", runner.Skipped, runner.TaskFinished{Msg: "Conditional result was False", Result: map[string]any{"skip_reason": "Conditional result was False"}})
	done("web2", "command", runner.Skipped, runner.TaskFinished{Msg: "No items in the list"})
	start("each")
	item := func(x any) map[string]any {
		return map[string]any{"ansible_loop_var": "item", "item": x, "rc": 0}
	}
	done("web1", "command", runner.Changed, runner.TaskFinished{IsItem: true, Item: "a", Result: item("a")})
	done("web2", "command", runner.OK, runner.TaskFinished{IsItem: true, Item: `{"k":[1,null,"it's"]}`, Result: item(map[string]any{"k": []any{1, nil, "it's"}})})
	done("web1", "command", runner.Failed, runner.TaskFinished{IsItem: true, Item: "b", Msg: "non-zero return code", Result: item("b")})
	done("web2", "command", runner.Skipped, runner.TaskFinished{IsItem: true, Item: "the label", Result: item(map[string]any{"x": 1})})
	done("web2", "command", runner.OK, runner.TaskFinished{Msg: "All items completed"})
	done("web1", "command", runner.Ignored, runner.TaskFinished{Msg: "One or more items failed", Place: "plays/site.yml:9:5"})
	start("a file")
	done("web1", "copy", runner.Changed, runner.TaskFinished{Result: map[string]any{"dest": "/a"}, Diff: []action.Change{{AfterHeader: "/a", After: "x\n"}}})
	done("web2", "copy", runner.OK, runner.TaskFinished{Result: map[string]any{"dest": "/a"}, Diff: []action.Change{{AfterHeader: "/a", After: "x\n"}}})
	start("hidden")
	hiddenMsg := "the result is hidden: no_log is set for this task"
	done("web1", "command", runner.Ignored, runner.TaskFinished{Msg: hiddenMsg, Place: "plays/site.yml:20:5"})
	done("web2", "command", runner.Changed, runner.TaskFinished{Msg: hiddenMsg, IsItem: true})
	done("web2", "command", runner.Changed, runner.TaskFinished{Msg: hiddenMsg})
	start("rescued")
	done("web1", "fail", runner.Rescued, runner.TaskFinished{Msg: "no", Place: "plays/site.yml:30:5"})
	done("web2", "assert", runner.Failed, runner.TaskFinished{Msg: "Assertion failed", Hint: "not true: 1 == 2", Result: map[string]any{"assertion": "1 == 2", "evaluated_to": false}})
	start("lost")
	done("web1", "command", runner.Unreachable, runner.TaskFinished{Msg: "connection refused", Hint: "is sshd running there?"})
	return append(out,
		runner.Notice{Time: at, Text: "a remark that is so long that it has to go on in the next line of a terminal of the usual width"},
		runner.Notice{Time: at, Text: "a remark that is so long that it has to go on in the next line of a terminal of the usual width"},
		runner.HostCleaned{Time: at, Host: "web1", Left: []string{"/mnt/x"}},
		runner.Finding{Time: at, Host: "web1", Score: 90, Level: "Alert"},
		runner.PlayStarted{Time: at, Play: 1, Name: "\x1b[31mnobody"},
		runner.RunFinished{Time: at})
}

// TestAnsible holds the form against golden files. The main one was compared
// with what ansible-playbook prints; the oracle's cases do that again.
func TestAnsible(t *testing.T) {
	for name, a := range map[string]*Ansible{
		"ansible":         {},
		"ansible-verbose": {Verbose: 3},
		"ansible-color":   {Color: true, Columns: 100},
		"ansible-hidden":  {HideSkipped: true, HideOK: true, FailedToStderr: true, CheckMarkers: true},
	} {
		var out, errs bytes.Buffer
		a.W, a.Err = &out, &errs
		for _, e := range ansibleRun(a.CheckMarkers) {
			if err := a.Event(e); err != nil {
				t.Fatal(err)
			}
		}
		golden(t, name+".txt", out.String()+"-- stderr --\n"+errs.String())
	}
}

// TestAnsibleHiddenDebug holds that no_log leaves nothing of debug, which shows
// its result without -v.
func TestAnsibleHiddenDebug(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	a := &Ansible{W: &out}
	e := runner.TaskFinished{Host: "a", Task: 1, Name: "d", Module: "debug", Status: runner.OK, Msg: "the result is hidden: no_log is set for this task", IsItem: true}
	if err := a.Event(e); err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(out.String(), "ok: [a] => (item=None)\n") {
		t.Errorf("%q", out.String())
	}
}

func TestAnsibleBanner(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		columns int
		want    int // stars
	}{{"x", 0, 79 - len("PLAY [x]")}, {"日本", 0, 79 - len("PLAY [aaaa]")}, {strings.Repeat("x", 90), 0, 3}, {"x", 119, 119 - len("PLAY [x]")}} {
		var out bytes.Buffer
		a := &Ansible{W: &out, Columns: tt.columns}
		if err := a.Event(runner.PlayStarted{Name: tt.name, Hosts: []string{"a"}}); err != nil {
			t.Fatal(err)
		}
		if got := strings.Count(out.String(), "*"); got != tt.want {
			t.Errorf("%s: %d stars, want %d", tt.name, got, tt.want)
		}
	}
}

func TestPyFloat(t *testing.T) {
	t.Parallel()
	for f, want := range map[float64]string{1: "1.0", 1.5: "1.5", 1e16: "1e+16", 1e15: "1000000000000000.0", 0.0001: "0.0001", 0.00001: "1e-05", -2: "-2.0", 0: "0.0"} {
		if got := pyFloat(f); got != want {
			t.Errorf("%g: %s, want %s", f, got, want)
		}
	}
}
