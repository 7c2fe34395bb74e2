package runner

import (
	"fmt"
	"maps"
	"net"
	"strconv"
	"strings"

	"thordeploy/action"
	"thordeploy/inventory"
	"thordeploy/playbook"
)

// control performs a module that steers the run: what it does is done here,
// not on the host.
type control func(h *hostRun, t *playbook.Task, sc *scope, args action.Args) outcome

// controlOf is how such a module is performed; nil for one of package action.
func controlOf(t *playbook.Task) control {
	switch t.Spec.Name {
	case "include_vars":
		return (*hostRun).includeVars
	case "add_host":
		return (*hostRun).addHost
	case "group_by":
		return (*hostRun).groupBy
	case "set_stats":
		return (*hostRun).setStats
	}
	return nil
}

// control evaluates the parameters and runs the module.
func (h *hostRun) control(run control, t *playbook.Task, f *frame, sc *scope) outcome {
	a, err := args(t, f, sc)
	if err != nil {
		return h.evalFailed("", err)
	}
	return run(h, t, sc, a)
}

// addHost is ansible.builtin.add_host.
func (h *hostRun) addHost(t *playbook.Task, _ *scope, args action.Args) outcome {
	add := inventory.Addition{Host: strings.TrimSpace(args.Str("name")), Groups: args.List("groups"), Vars: args.Others(t.Spec)}
	if host, port, err := net.SplitHostPort(add.Host); err == nil {
		if n, err := strconv.Atoi(port); err == nil {
			add.Host, add.Port = host, n
		}
	}
	if add.Host == "" {
		return failedOutcome("name or hostname arg needs to be provided", "")
	}
	changed := h.grow(add)
	vars := maps.Clone(add.Vars)
	if vars == nil {
		vars = map[string]any{}
	}
	return outcome{Result: action.Result{Changed: changed, Values: map[string]any{
		"add_host": map[string]any{"host_name": add.Host, "groups": anyList(add.Groups), "host_vars": vars},
	}}}
}

// groupBy is ansible.builtin.group_by.
func (h *hostRun) groupBy(_ *playbook.Task, _ *scope, args action.Args) outcome {
	name := strings.ReplaceAll(args.Str("key"), " ", "-")
	if name == "" {
		return failedOutcome("the 'key' param is required when using group_by", "")
	}
	var parents []string
	for _, p := range args.List("parents") {
		parents = append(parents, strings.ReplaceAll(p, " ", "-"))
	}
	changed := h.grow(inventory.Addition{Host: h.host.Name, Groups: []string{name}, Parents: parents})
	return outcome{Result: action.Result{Changed: changed, Values: map[string]any{"add_group": name, "parent_groups": anyList(parents)}}}
}

// grow adds to the run's inventory and reports whether that changed it. The
// host that asks sees its new groups at once.
func (h *hostRun) grow(add inventory.Addition) bool {
	h.growing.Lock()
	inv, changed := h.world.Load().inv.With(add)
	if changed {
		h.grown = true
		h.world.Store(&world{inv: inv})
	}
	h.growing.Unlock()
	if own, ok := inv.Host(h.host.Name); ok && changed {
		h.mem.changed()
		h.host, h.subject = own, h.run.subject(own)
	}
	return changed
}

// setStats is ansible.builtin.set_stats: what it sets is in its result alone,
// as with Ansible unless show_custom_stats is on.
func (h *hostRun) setStats(_ *playbook.Task, _ *scope, args action.Args) outcome {
	data := args.Dict("data")
	for name := range data {
		if !isVariableName(name) {
			return failedOutcome(fmt.Sprintf("The variable name '%s' is not valid. Variables must start with a letter or underscore character, and contain only letters, numbers and underscores.", name), "")
		}
	}
	return outcome{Result: action.Result{Values: map[string]any{
		"ansible_stats": map[string]any{"data": data, "per_host": args.Bool("per_host"), "aggregate": args.Bool("aggregate")},
	}}}
}

func isVariableName(s string) bool {
	for i, r := range s {
		letter := r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != ""
}
