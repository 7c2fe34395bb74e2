package main

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/term"

	"thordeploy/internal/output"
	"thordeploy/playbook"
	"thordeploy/runner"
	"thordeploy/transport"
)

// sweep runs the playbooks and gives the exit code of what became of it.
func (m *Main) sweep(ctx context.Context, names []string) (exitCode, error) {
	if err := m.checkFlags(names); err != nil {
		return 0, err
	}
	extra, err := readExtraVars(m.extra)
	if err != nil {
		return 0, err
	}
	keys, err := m.keyring(ctx, m.vault)
	if err != nil {
		return 0, err
	}
	jobs, err := m.load(ctx, names, extra, keys)
	if err != nil {
		return 0, err
	}
	switch {
	case m.syntaxCheck:
		m.sayChecked(jobs)
		return exitOK, nil
	case m.listHosts:
		m.sayHosts(jobs)
		return exitOK, nil
	}
	r, err := m.newRunner(ctx, jobs, extra)
	if err != nil {
		return 0, err
	}
	return m.runJobs(ctx, r, jobs)
}

// newRunner is the runner that the flags ask for. It is an error where one of
// the chosen hosts can't be reached as its variables say.
func (m *Main) newRunner(ctx context.Context, jobs []job, extra map[string]any) (*runner.Runner, error) {
	d, err := m.newDialer(jobs, extra)
	if err != nil {
		return nil, err
	}
	if err := m.checkHosts(d, jobs, extra); err != nil {
		return nil, err
	}
	if m.askPass {
		if d.password, err = m.ask(ctx, "SSH password: "); err != nil {
			return nil, err
		}
	}
	b := transport.Become{User: m.becomeUser, Method: m.becomeMethod}
	if m.askBecome {
		if b.Password, err = m.ask(ctx, "become password: "); err != nil {
			return nil, err
		}
	}
	r := &runner.Runner{
		Connect: d.connect, Forks: m.forks, Strategy: playbook.Strategy(m.strategy), Check: m.check, Diff: m.diff,
		ExtraVars: extra, HostTimeout: time.Duration(m.hostTimeout), User: m.user, BecomeDefault: b,
	}
	if m.become {
		if b.User == "" {
			b.User = "root"
		}
		r.Become = &b
	}
	return r, nil
}

// runJobs runs one playbook after the other. A host that a playbook broke
// takes no part in the next ones.
func (m *Main) runJobs(ctx context.Context, r *runner.Runner, jobs []job) (exitCode, error) {
	var states []*runner.State
	broken := map[string]bool{}
	for _, j := range jobs {
		legs := whole(j.legs, broken)
		if len(legs) == 0 {
			continue
		}
		r.Inventory = j.inventory
		state, err := r.Run(ctx, j.playbook, legs, m.sink())
		if err != nil {
			return 0, err
		}
		states = append(states, state)
		for name, h := range state.Hosts {
			broken[name] = broken[name] || h.Broken()
		}
		if state.Interrupted {
			break
		}
	}
	code := codeOf(states, m.failOn)
	if code == exitFindings && !m.json {
		fmt.Fprintf(m.out, "\nFindings reach --fail-on %s: exit code %d\n", m.failOn.text, code)
	}
	return code, nil
}

// whole is legs without the hosts that are broken already.
func whole(legs []runner.Leg, broken map[string]bool) []runner.Leg {
	var out []runner.Leg
	for _, l := range legs {
		kept := runner.Leg{Play: l.Play}
		for _, h := range l.Hosts {
			if !broken[h.Name] {
				kept.Hosts = append(kept.Hosts, h)
			}
		}
		if len(kept.Hosts) > 0 {
			out = append(out, kept)
		}
	}
	return out
}

// sink is how the run is shown.
func (m *Main) sink() runner.Sink {
	if m.json {
		return &output.JSONLines{W: m.out, Verbose: m.verbose > 0}
	}
	color := m.Getenv("NO_COLOR") == "" && m.Getenv("TERM") != "dumb" && term.IsTerminal(int(m.Stdout.Fd()))
	return &output.Human{W: m.out, Color: color, Verbose: m.verbose}
}

// sayChecked is the end of --syntax-check.
func (m *Main) sayChecked(jobs []job) {
	for _, j := range jobs {
		plays := "plays"
		if len(j.playbook.Plays) == 1 {
			plays = "play"
		}
		fmt.Fprintf(m.out, "%s: %d %s, no errors\n", j.playbook.File, len(j.playbook.Plays), plays)
	}
}

// sayHosts is --list-hosts.
func (m *Main) sayHosts(jobs []job) {
	for _, j := range jobs {
		fmt.Fprintf(m.out, "\nplaybook: %s\n", j.playbook.File)
		for i, l := range j.legs {
			fmt.Fprintf(m.out, "\n  play #%d (%s): hosts (%d):\n", i+1, l.Play.Name, len(l.Hosts))
			for _, h := range l.Hosts {
				fmt.Fprintf(m.out, "    %s\n", h.Name)
			}
		}
	}
}
