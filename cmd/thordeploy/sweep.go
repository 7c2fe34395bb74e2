package main

import (
	"context"
	"errors"
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
	if err := m.checkValues(); err != nil {
		return 0, err
	}
	keys, err := m.keyring(ctx, m.vault)
	if err != nil {
		return 0, err
	}
	extra, err := m.readExtraVars(m.extra, keys)
	if err != nil {
		return 0, err
	}
	jobs, err := m.load(ctx, names, extra, keys)
	if err != nil {
		return 0, err
	}
	if m.syntaxCheck || m.listHosts || m.listTasks || m.listTags {
		m.sayList(jobs)
		return exitOK, nil
	}
	d, err := m.newDialer(jobs, extra)
	if err != nil {
		return 0, err
	}
	defer d.close()
	r, err := m.newRunner(ctx, d, jobs, extra)
	if err != nil {
		return 0, err
	}
	r.Controller = m.newController(ctx, keys)
	rec, err := m.keepRecord()
	if err != nil {
		return 0, err
	}
	code, err := m.runJobs(ctx, r, jobs, rec)
	if m.json {
		d.sayAccepted(m.err)
	} else {
		d.sayAccepted(m.out)
	}
	if err = errors.Join(err, rec.close()); err == nil && m.resuming != nil {
		fmt.Fprintf(m.err, "in all, with what was done before: %s\n", runLine(rec.dir))
	}
	return code, err
}

// newRunner is the runner that the flags ask for. It is an error where one of
// the chosen hosts can't be reached as its variables say.
func (m *Main) newRunner(ctx context.Context, d *dialer, jobs []job, extra map[string]any) (*runner.Runner, error) {
	err := m.checkHosts(ctx, d, jobs, extra)
	if err != nil {
		return nil, err
	}
	if m.askPass {
		if d.password, err = m.ask(ctx, "SSH password: "); err != nil {
			return nil, err
		}
	} else if m.passFile != "" {
		if d.password, err = m.passwordFrom(ctx, "connection-password-file", m.passFile); err != nil {
			return nil, err
		}
	}
	b := transport.Become{User: m.becomeUser, Method: m.becomeMethod}
	if m.askBecome {
		if b.Password, err = m.ask(ctx, "become password: "); err != nil {
			return nil, err
		}
	} else if m.becomePassFile != "" {
		if b.Password, err = m.passwordFrom(ctx, "become-password-file", m.becomePassFile); err != nil {
			return nil, err
		}
	}
	r := &runner.Runner{
		Connect: d.connect, Choose: m.chooser(), Ask: m.askVariable, Question: m.askTask, Ansible: m.ansible,
		Forks: m.forks, Strategy: playbook.Strategy(m.strategy), Check: m.check, Diff: m.diff, ForceHandlers: m.forceHandlers,
		Tags: m.tags, SkipTags: m.skipTags, StartAt: m.startAt,
		ExtraVars: extra, HostTimeout: time.Duration(m.hostTimeout), User: m.user, BecomeDefault: b,
		Verbosity: m.verbose, Limit: m.limit, Sources: m.inventories, ConfigFile: m.configFile,
	}
	if m.step {
		r.Step = m.askStep
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
func (m *Main) runJobs(ctx context.Context, r *runner.Runner, jobs []job, rec *record) (exitCode, error) {
	var states []*runner.State
	broken := map[string]bool{}
	sink := rec.sink(m.sink())
	rec.serve(r)
	for i, j := range jobs {
		legs := rec.remaining(i, m.whole(j.legs, broken))
		if state := rec.finished(i, legs); state != nil {
			states = append(states, state)
		}
		if len(legs) == 0 {
			continue
		}
		r.Inventory, r.Job, r.Resume = j.inventory, i, rec.state(i)
		state, err := r.Run(ctx, j.playbook, legs, sink)
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
	if code == exitFindings && !m.json && !m.ansible {
		fmt.Fprintf(m.out, "\nFindings reach --fail-on %s: exit code %d\n", m.failOn.text, code)
	}
	return code, nil
}

// whole is legs without the hosts that are broken already. ansible-playbook
// shows plays without hosts too.
func (m *Main) whole(legs []runner.Leg, broken map[string]bool) []runner.Leg {
	var out []runner.Leg
	for _, l := range legs {
		kept := runner.Leg{Play: l.Play}
		kept.Late = l.Late
		for _, h := range l.Hosts {
			if !broken[h.Name] {
				kept.Hosts = append(kept.Hosts, h)
			}
		}
		if len(kept.Hosts) > 0 || len(l.Hosts) == 0 && (m.ansible || l.Late) {
			out = append(out, kept)
		}
	}
	return out
}

// sink is how the run is shown.
func (m *Main) sink() runner.Sink {
	tty := term.IsTerminal(int(m.Stdout.Fd()))
	color := m.forceColor || !m.noColor && m.Getenv("TERM") != "dumb" && tty
	switch {
	case m.json:
		return &output.JSONLines{W: m.out, Verbose: m.verbose > 0}
	case m.ansible:
		m.sayConfig()
		form := m.form
		form.W, form.Err, form.Color, form.Verbose = m.out, m.err, color, m.verbose
		if width, _, err := term.GetSize(int(m.Stdout.Fd())); tty && err == nil {
			form.Columns = max(79, width-1)
		}
		return &form
	}
	return &output.Human{W: m.out, Color: color, Verbose: m.verbose}
}
