package inventory

import (
	"maps"
	"slices"
	"strings"
)

// Listing is what of an inventory is shown, in the forms of ansible-inventory.
// The zero value of each option is that program's default.
type Listing struct {
	*Inventory
	Export bool           // variables where they are set, groups' among them, instead of all at the hosts
	Extra  map[string]any // -e: shown at every host
	Only   []*Host        // --limit; nil: every host
}

// List is the inventory in the form that a script prints for --list: groups,
// and the hosts' variables under _meta.
func (l Listing) List() map[string]any {
	out := map[string]any{}
	seen := map[string]bool{}
	only := l.names()
	var add func(name string)
	add = func(name string) {
		g := l.groupNamed(name)
		group := map[string]any{}
		if hosts := pick(g.Hosts, only); name != "all" && len(hosts) > 0 {
			group["hosts"] = hosts
		}
		if len(g.Children) > 0 {
			group["children"] = anyOf(g.Children)
		}
		if vars := l.groupVars(g); l.Export && len(vars) > 0 {
			group["vars"] = vars
		}
		if len(group) > 0 {
			out[name] = group
		}
		for _, child := range g.Children {
			if !seen[child] {
				seen[child] = true
				add(child)
			}
		}
	}
	add("all")
	vars := map[string]any{}
	for _, h := range l.Inventory.Hosts() {
		if v := l.HostVars(h); len(v) > 0 && (only == nil || only[h.Name]) {
			vars[h.Name] = v
		}
	}
	out["_meta"] = map[string]any{"hostvars": vars}
	return out
}

// Tree is the inventory in the form of a YAML hosts file. A host's variables
// stand where the host is mentioned first.
func (l Listing) Tree() map[string]any {
	seen := map[string]bool{}
	only := l.names()
	var group func(name string) map[string]any
	group = func(name string) map[string]any {
		g, out := l.groupNamed(name), map[string]any{}
		children := map[string]any{}
		for _, child := range g.Children {
			children[child] = group(child)
		}
		hosts := map[string]any{}
		for _, h := range g.Hosts {
			if name == "all" || only != nil && !only[h] {
				continue
			}
			hosts[h] = map[string]any{}
			if !seen[h] {
				seen[h] = true
				hosts[h] = l.HostVars(l.byName[h])
			}
		}
		for key, part := range map[string]map[string]any{"children": children, "hosts": hosts} {
			if len(part) > 0 {
				out[key] = part
			}
		}
		if vars := l.groupVars(g); l.Export && len(vars) > 0 {
			out["vars"] = vars
		}
		return out
	}
	return map[string]any{"all": group("all")}
}

// Graph draws a group with all below it, a line each; vars says whether
// variables are drawn too, encrypted ones opened. It is "" where there is no
// such group.
func (l Listing) Graph(group string, vars bool) (string, error) {
	var lines []string
	var failed error
	line := func(depth int, text string) {
		if depth > 0 {
			text = strings.Repeat("  |", depth) + "--" + text
		}
		lines = append(lines, text)
	}
	show := func(depth int, of map[string]any) {
		for _, name := range slices.Sorted(maps.Keys(of)) {
			if vars {
				v, err := l.draft.unsealed(of[name])
				if failed == nil {
					failed = err
				}
				line(depth, "{"+name+" = "+pythonText(v)+"}")
			}
		}
	}
	var draw func(name string, depth int)
	draw = func(name string, depth int) {
		g := l.groupNamed(name)
		line(depth, "@"+name+":")
		for _, child := range g.Children {
			draw(child, depth+1)
		}
		for _, h := range g.Hosts {
			if name != "all" {
				line(depth+1, h)
				show(depth+2, l.HostVars(l.byName[h]))
			}
		}
		show(depth+1, l.groupVars(g))
	}
	if !l.isGroup(group) {
		return "", nil
	}
	draw(group, 0)
	return strings.Join(lines, "\n"), failed
}

// HostVars are the variables that are shown for a host.
func (l Listing) HostVars(h *Host) map[string]any {
	if l.Export && h.own != nil {
		return shown(h.own())
	}
	if len(l.Extra) == 0 {
		return shown(h.Vars)
	}
	vars := maps.Clone(h.Vars)
	maps.Copy(vars, l.Extra)
	return shown(vars)
}

func (l Listing) groupVars(g *Group) map[string]any {
	vars := g.Vars
	if g.Priority != 1 {
		vars = maps.Clone(vars)
		vars["ansible_group_priority"] = g.Priority
	}
	return shown(vars)
}

// internalVars are given by a run, and never shown (ansible-core's
// INTERNAL_VARS).
var internalVars = []string{
	"ansible_diff_mode", "ansible_config_file", "ansible_facts", "ansible_forks", "ansible_inventory_sources", "ansible_limit",
	"ansible_playbook_python", "ansible_run_tags", "ansible_skip_tags", "ansible_verbosity", "ansible_version",
	"inventory_dir", "inventory_file", "inventory_hostname", "inventory_hostname_short", "groups", "group_names", "omit", "playbook_dir",
}

func shown(vars map[string]any) map[string]any {
	for _, name := range internalVars {
		if _, ok := vars[name]; ok {
			vars = maps.Clone(vars)
			maps.DeleteFunc(vars, func(k string, _ any) bool { return slices.Contains(internalVars, k) })
			break
		}
	}
	return vars
}

func (l Listing) names() map[string]bool {
	if l.Only == nil {
		return nil
	}
	out := map[string]bool{}
	for _, h := range l.Only {
		out[h.Name] = true
	}
	return out
}

// pick is those of names that are in only; all where only is nil.
func pick(names []string, only map[string]bool) []any {
	var out []any
	for _, n := range names {
		if only == nil || only[n] {
			out = append(out, n)
		}
	}
	return out
}

func anyOf(names []string) []any { return pick(names, nil) }
