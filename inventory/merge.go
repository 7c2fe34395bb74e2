package inventory

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// membership is what all hosts with the same direct groups share.
type membership struct {
	names []string
	vars  map[string]any
}

// merger merges the variables of an inventory, low to high as ansible-core's
// VARIABLE_PRECEDENCE has it: `all`, the other groups, group_vars/all beside the
// sources and beside the playbook, those of the other groups, the host's own,
// host_vars/ beside the sources and beside the playbook.
type merger struct {
	*draft
	play *varsFolders // beside the playbook; nil: none
}

// merged makes an inventory of the draft, which stays as it is.
func (d *draft) merged(play *varsFolders) *Inventory {
	m := merger{draft: d, play: play}
	inv := &Inventory{byName: map[string]*Host{}, named: map[string]*Group{}, members: map[string][]*Host{}, draft: d}
	m.hosts(inv)
	m.groups(inv)
	return inv
}

// folders are those beside the sources and, where play is true, the playbook.
func (m merger) folders(play bool) []varsFolders {
	if !play {
		return m.varsBesideSources
	}
	if m.play == nil {
		return nil
	}
	return []varsFolders{*m.play}
}

func (m merger) membershipOf(groups []*draftGroup) membership {
	in := above(groups)
	slices.SortFunc(in, func(a, b *draftGroup) int {
		return cmp.Or(cmp.Compare(a.depth, b.depth), cmp.Compare(a.priority, b.priority), cmp.Compare(a.name, b.name))
	})
	out := membership{vars: maps.Clone(m.group["all"].vars)}
	for _, g := range in {
		out.names = append(out.names, g.name)
		maps.Copy(out.vars, g.vars)
	}
	for _, play := range []bool{false, true} {
		for _, f := range m.folders(play) {
			maps.Copy(out.vars, f.groups["all"])
		}
	}
	for _, play := range []bool{false, true} {
		for _, f := range m.folders(play) { // a later source wins over a deeper group
			for _, g := range in {
				maps.Copy(out.vars, f.groups[g.name])
			}
		}
	}
	slices.Sort(out.names)
	return out
}

// foldersVars are a host's or group's variables in the folders, merged.
func (m merger) foldersVars(of func(varsFolders) map[string]any) map[string]any {
	var out map[string]any
	for _, play := range []bool{false, true} {
		for _, f := range m.folders(play) {
			if add := of(f); len(add) > 0 && out == nil {
				out = maps.Clone(add)
			} else {
				maps.Copy(out, add)
			}
		}
	}
	return out
}

// hosts makes the hosts. Fleets are large and their groups few, so the groups'
// share is merged once for each set of groups that occurs.
func (m merger) hosts(inv *Inventory) {
	index := map[*draftGroup]string{}
	for i, g := range m.draft.groups {
		index[g] = strconv.Itoa(i) + ","
	}
	shared := map[string]membership{}
	var key strings.Builder
	inv.hosts = make([]*Host, 0, len(m.draft.hosts))
	for _, dh := range m.draft.hosts {
		key.Reset()
		for _, g := range dh.groups {
			key.WriteString(index[g])
		}
		in, ok := shared[key.String()]
		if !ok {
			in = m.membershipOf(dh.groups)
			shared[key.String()] = in
		}
		h := &Host{Name: dh.name, Port: dh.port, Groups: in.names, Vars: in.vars, File: dh.file}
		h.own = func() map[string]any { return m.ownVars(dh) }
		if own := m.ownVars(dh); len(own) > 0 {
			h.Vars = make(map[string]any, len(in.vars)+len(own))
			maps.Copy(h.Vars, in.vars)
			maps.Copy(h.Vars, own)
		}
		inv.hosts = append(inv.hosts, h)
		inv.byName[h.Name] = h
	}
}

// ownVars are a host's variables without those of its groups.
func (m merger) ownVars(h *draftHost) map[string]any {
	beside := m.foldersVars(func(f varsFolders) map[string]any { return f.hosts[h.name] })
	if len(beside) == 0 && h.port == 0 {
		return h.vars
	}
	out := make(map[string]any, len(h.vars)+len(beside)+1)
	if h.port != 0 {
		out["ansible_port"] = h.port // wins over a group's, not over the host's own
	}
	maps.Copy(out, h.vars)
	maps.Copy(out, beside)
	return out
}

// groups makes the groups and lists their members.
func (m merger) groups(inv *Inventory) {
	for _, g := range m.draft.groups {
		out := &Group{Name: g.name, Vars: g.vars, Priority: g.priority}
		if beside := m.foldersVars(func(f varsFolders) map[string]any { return f.groups[g.name] }); len(beside) > 0 {
			out.Vars = maps.Clone(g.vars)
			maps.Copy(out.Vars, beside)
		}
		for _, h := range g.hosts {
			out.Hosts = append(out.Hosts, h.name)
		}
		for _, e := range g.children {
			out.Children = append(out.Children, e.group.name)
		}
		inv.groups = append(inv.groups, out)
		inv.named[g.name] = out
		inv.order = append(inv.order, g.name)
		inv.members[g.name] = membersOf(inv, g)
		if g.name == "all" {
			inv.allVars = out.Vars
		}
	}
	inv.members["all"] = inv.hosts
	if own := m.foldersVars(func(f varsFolders) map[string]any { return f.hosts["localhost"] }); len(own) > 0 {
		inv.allVars = maps.Clone(inv.allVars)
		maps.Copy(inv.allVars, own)
	}
	slices.SortFunc(inv.groups, func(a, b *Group) int { return cmp.Compare(a.Name, b.Name) })
}

// membersOf walks g and the groups below it level by level, as ansible-core
// orders a group's hosts.
func membersOf(inv *Inventory, g *draftGroup) []*Host {
	if g.name == "all" {
		return nil // the caller's: every host
	}
	var members []*Host
	in := map[*draftHost]bool{}
	seen := map[*draftGroup]bool{g: true}
	for level := []*draftGroup{g}; len(level) > 0; {
		var next []*draftGroup
		for _, k := range level {
			for _, h := range k.hosts {
				if !in[h] {
					in[h] = true
					members = append(members, inv.byName[h.name])
				}
			}
			for _, e := range k.children {
				if !seen[e.group] {
					seen[e.group] = true
					next = append(next, e.group)
				}
			}
		}
		level = next
	}
	return members
}
