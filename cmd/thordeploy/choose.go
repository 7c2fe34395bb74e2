package main

import (
	"errors"
	"fmt"
	"strings"

	"thordeploy/internal/diag"
	"thordeploy/inventory"
	"thordeploy/playbook"
	"thordeploy/runner"
)

// chooser chooses the hosts of plays by their patterns and --limit.
type chooser struct {
	*Main
	limit  string
	warned map[string]bool
}

func (m *Main) newChooser() (*chooser, error) {
	limit, err := inventory.ReadLimit(m.limit)
	if err != nil {
		return nil, wrong("", "%w", err)
	}
	return &chooser{Main: m, limit: limit, warned: map[string]bool{}}, nil
}

// chooseHosts fills in each play's hosts. It is an error if no play has any,
// unless a play before may add some.
func (m *Main) chooseHosts(jobs []job, extra map[string]any) error {
	c, err := m.newChooser()
	if err != nil {
		return err
	}
	total, grows := 0, false
	for i := range jobs {
		for _, p := range jobs[i].playbook.Plays {
			leg, err := c.leg(jobs[i].inventory, p, extra, grows)
			if err != nil {
				return err
			}
			if len(leg.Hosts) == 0 && !m.ansible && !leg.Late {
				fmt.Fprintf(m.err, "warning: %s: play %q has no hosts and is skipped\n", p.Range, p.Name)
				continue
			}
			total += len(leg.Hosts)
			grows = grows || len(leg.Hosts) > 0 && mayAdd(p)
			jobs[i].legs = append(jobs[i].legs, leg)
		}
	}
	if total == 0 && (!m.ansible || c.limit != "") {
		return wrong("compare the plays' `hosts:` and --limit with the inventory", "no host is selected")
	}
	return nil
}

// leg is a play with its hosts. They are told only when the play begins where a
// play before may add hosts, or set what the pattern asks for.
func (c *chooser) leg(inv *inventory.Inventory, p *playbook.Play, extra map[string]any, grows bool) (runner.Leg, error) {
	leg := runner.Leg{Play: p}
	pattern, err := patternOf(p, playVars{extra, p, inv})
	var unset *playbook.EvalError
	if grows && errors.As(err, &unset) {
		leg.Late = true
		return leg, nil
	}
	if err != nil {
		return leg, err
	}
	leg.Hosts, err = c.hosts(inv, p, pattern, grows)
	leg.Late = grows && len(leg.Hosts) == 0
	return leg, err
}

// choose is the runner's Choose: the hosts of a play that begins.
func (m *Main) chooser() func(*inventory.Inventory, *playbook.Play, playbook.Scope) ([]*inventory.Host, error) {
	return func(inv *inventory.Inventory, p *playbook.Play, sc playbook.Scope) ([]*inventory.Host, error) {
		c, err := m.newChooser()
		if err != nil {
			return nil, err
		}
		pattern, err := patternOf(p, sc)
		if err != nil {
			return nil, err
		}
		return c.hosts(inv, p, pattern, false)
	}
}

// patternOf is a play's host pattern.
func patternOf(p *playbook.Play, sc playbook.Scope) (string, error) {
	v, err := p.Hosts.Eval(sc)
	if err != nil {
		return "", wrong("a play's hosts can use -e, the play's vars, groups, and what a play before has set: hostvars['NAME'].x", "%s: hosts: %w", p.Range, err)
	}
	pattern, ok := v.(string)
	if list, isList := v.([]any); isList {
		var names []string
		for _, name := range list {
			names = append(names, fmt.Sprint(name))
		}
		pattern, ok = strings.Join(names, ","), true
	}
	if !ok || strings.TrimSpace(pattern) == "" {
		return "", wrong("write a host pattern, such as all", "%s: hosts: %v is not a host pattern", p.Range, v)
	}
	return pattern, nil
}

// hosts is what a pattern and --limit select. quiet: a name that isn't there is
// not a mistake, it may be added.
func (c *chooser) hosts(inv *inventory.Inventory, p *playbook.Play, pattern string, quiet bool) ([]*inventory.Host, error) {
	hosts, unknown, err := inv.Select(pattern)
	if err != nil {
		return nil, wrong("", "%s: hosts: %w", p.Range, err)
	}
	if !quiet {
		c.warnUnknown(inv, unknown, p.Range.String()+": hosts", c.warned)
	}
	if c.limit == "" {
		return hosts, nil
	}
	hosts, unknown, err = inv.Limit(hosts, c.limit)
	if err != nil {
		return nil, wrong("", "%w", err)
	}
	if !quiet {
		c.warnUnknown(inv, unknown, "--limit", c.warned)
	}
	return hosts, nil
}

// mayAdd reports whether a play may change the inventory or set variables for
// the patterns of later plays.
func mayAdd(p *playbook.Play) bool {
	for _, list := range [][]*playbook.Task{p.PreTasks, p.Roles, p.Tasks, p.PostTasks, p.Handlers} {
		if adds(list) {
			return true
		}
	}
	return false
}

func adds(list []*playbook.Task) bool {
	for _, t := range list {
		if t.Spec != nil {
			switch t.Spec.Name {
			case "add_host", "group_by", "set_fact", "include_tasks", "include_role", "include_vars":
				return true
			}
			if t.Register != "" {
				return true
			}
		}
		if adds(t.Block) || adds(t.Rescue) || adds(t.Always) {
			return true
		}
	}
	return false
}

// playVars is what is known of a play before there are hosts: -e over its
// vars and its files of variables, and the inventory's groups.
type playVars struct {
	extra map[string]any
	play  *playbook.Play
	inv   *inventory.Inventory
}

// Lookup finds a variable.
func (s playVars) Lookup(name string) (any, bool) {
	if v, ok := s.extra[name]; ok {
		return v, true
	}
	for _, v := range s.vars() {
		if v.Name == name {
			return v.Value, true
		}
	}
	if name != "groups" {
		return nil, false
	}
	groups := map[string]any{}
	for _, g := range s.inv.Groups() {
		members := []any{}
		for _, h := range s.inv.Members(g.Name) {
			members = append(members, h.Name)
		}
		groups[g.Name] = members
	}
	return groups, true
}

// vars lists the play's variables, the winning one of a name first.
func (s playVars) vars() []playbook.Var {
	var out []playbook.Var
	for i := len(s.play.VarsFiles) - 1; i >= 0; i-- {
		out = append(out, s.play.VarsFiles[i].Vars...)
	}
	return append(out, s.play.Vars...)
}

// Names lists the variables.
func (s playVars) Names() []string {
	out := []string{"groups"}
	for k := range s.extra {
		out = append(out, k)
	}
	for _, v := range s.vars() {
		out = append(out, v.Name)
	}
	return out
}

// warnUnknown says, once each, which terms of a pattern name nothing.
func (m *Main) warnUnknown(inv *inventory.Inventory, terms []string, where string, warned map[string]bool) {
	for _, term := range terms {
		if warned[where+term] {
			continue
		}
		warned[where+term] = true
		var known []string
		for _, h := range inv.Hosts() {
			known = append(known, h.Name)
		}
		for _, g := range inv.Groups() {
			known = append(known, g.Name)
		}
		hint := ""
		if near := diag.Nearest(term, known); near != "" {
			hint = fmt.Sprintf("; did you mean %s?", near)
		}
		if m.ansible {
			fmt.Fprintf(m.err, "[WARNING]: Could not match supplied host pattern, ignoring: %s%s\n", diag.Escape(term), hint)
			continue
		}
		fmt.Fprintf(m.err, "warning: %s: no host or group is named %s%s\n", where, diag.Escape(term), hint)
	}
}
