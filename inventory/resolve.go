package inventory

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"thordeploy/internal/diag"
)

// resolve checks what can only be known when every source is read, and merges
// the variables.
func (d *draft) resolve(sources []string) *Inventory {
	inv := &Inventory{byName: map[string]*Host{}, members: map[string][]*Host{}}
	if len(d.hosts) == 0 && !d.failed {
		d.add(diag.Diagnostic{
			Range:   diag.Range{File: strings.Join(sources, " ")},
			Summary: "nothing in the inventory is a host",
			Hint:    "hosts go one a line in a plain list, under [group] in INI, under `all: hosts:` in YAML",
		})
	}
	if d.failed {
		return inv
	}
	d.breakCycles()
	if d.failed {
		return inv
	}
	d.sameNames()
	d.settleUngrouped()
	d.setDepths()
	if d.failed {
		return inv
	}
	d.mergeHosts(inv)
	d.listGroups(inv)
	return inv
}

// breakCycles reports every group that is, through its children, its own
// child, at the mention that closes the cycle.
func (d *draft) breakCycles() {
	const (
		open = 1 // on the path from the root
		done = 2
	)
	var path []string
	var walk func(g *draftGroup)
	walk = func(g *draftGroup) {
		g.visit = open
		path = append(path, g.name)
		for _, e := range g.children {
			switch e.group.visit {
			case open:
				from := slices.Index(path, e.group.name)
				e.place.error(d, "group `"+e.group.name+"` is its own child: "+
					strings.Join(append(slices.Clone(path[from:]), e.group.name), " > "),
					"take one of these groups out of the other's children")
			case 0:
				walk(e.group)
			}
		}
		path = path[:len(path)-1]
		g.visit = done
	}
	for _, g := range d.groups {
		if g.visit == 0 {
			walk(g)
		}
	}
}

// sameNames warns where a host and a group share a name: a pattern with that
// name means both.
func (d *draft) sameNames() {
	for _, g := range d.groups {
		if _, both := d.host[g.name]; !both {
			continue
		}
		g.place.warn(d, "`"+g.name+"` is a group and a host", "rename one of them: a host pattern with that name means the host alone")
	}
}

// settleUngrouped makes "ungrouped" hold exactly the hosts of no other group.
func (d *draft) settleUngrouped() {
	u := d.group["ungrouped"]
	u.hosts = nil
	for _, h := range d.hosts {
		if len(h.groups) == 0 {
			u.hosts = append(u.hosts, h)
			h.groups = []*draftGroup{u}
		}
	}
}

// maxDepth is how deep groups may nest below "all".
const maxDepth = 100

// setDepths links parents and gives each group its greatest distance from
// "all", which is above every group without another parent.
func (d *draft) setDepths() {
	for _, g := range d.groups {
		for _, e := range g.children {
			e.group.parents = append(e.group.parents, g)
		}
	}
	all := d.group["all"]
	seen := map[*draftGroup]bool{all: true}
	var depth func(g *draftGroup) int
	depth = func(g *draftGroup) int {
		if seen[g] {
			return g.depth
		}
		seen[g] = true
		for _, p := range g.parents {
			g.depth = max(g.depth, depth(p))
		}
		g.depth++
		return g.depth
	}
	for _, g := range d.groups {
		if depth(g) == maxDepth+1 {
			g.place.error(d, "group `"+g.name+"` is nested more than "+strconv.Itoa(maxDepth)+" levels deep", "put it under a group nearer to the top")
		}
	}
}

// above lists g and every group above it except "all", each once.
func above(groups []*draftGroup) []*draftGroup {
	seen := map[*draftGroup]bool{}
	var found []*draftGroup
	todo := slices.Clone(groups)
	for len(todo) > 0 {
		g := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if seen[g] || g.name == "all" {
			continue
		}
		seen[g] = true
		found = append(found, g)
		todo = append(todo, g.parents...)
	}
	return found
}

// membership is what all hosts with the same direct groups share.
type membership struct {
	names []string
	vars  map[string]any
}

func (d *draft) membershipOf(groups []*draftGroup) membership {
	in := above(groups)
	slices.SortFunc(in, func(a, b *draftGroup) int {
		return cmp.Or(cmp.Compare(a.depth, b.depth), cmp.Compare(a.priority, b.priority), cmp.Compare(a.name, b.name))
	})
	m := membership{vars: maps.Clone(d.group["all"].vars)}
	for _, g := range in {
		m.names = append(m.names, g.name)
		maps.Copy(m.vars, g.vars)
	}
	slices.Sort(m.names)
	return m
}

// mergeHosts makes the hosts. Fleets are large and their groups few, so the
// groups' share is merged once for each set of groups that occurs.
func (d *draft) mergeHosts(inv *Inventory) {
	index := map[*draftGroup]string{}
	for i, g := range d.groups {
		index[g] = strconv.Itoa(i) + ","
	}
	shared := map[string]membership{}
	var key strings.Builder
	inv.hosts = make([]*Host, 0, len(d.hosts))
	for _, dh := range d.hosts {
		key.Reset()
		for _, g := range dh.groups {
			key.WriteString(index[g])
		}
		m, ok := shared[key.String()]
		if !ok {
			m = d.membershipOf(dh.groups)
			shared[key.String()] = m
		}
		h := &Host{Name: dh.name, Port: dh.port, Groups: m.names, Vars: m.vars, File: dh.file}
		if len(dh.vars) > 0 || dh.port != 0 {
			h.Vars = make(map[string]any, len(m.vars)+len(dh.vars)+1)
			maps.Copy(h.Vars, m.vars)
			if dh.port != 0 {
				h.Vars["ansible_port"] = dh.port // wins over a group's, not over the host's own
			}
			maps.Copy(h.Vars, dh.vars)
		}
		inv.hosts = append(inv.hosts, h)
		inv.byName[h.Name] = h
	}
}

// listGroups makes the groups and their members.
func (d *draft) listGroups(inv *Inventory) {
	all := d.group["all"]
	for _, g := range d.groups {
		if g != all && len(g.parents) == 0 {
			all.children = append(all.children, childEdge{group: g})
		}
	}
	for _, g := range d.groups {
		out := &Group{Name: g.name, Vars: g.vars}
		for _, h := range g.hosts {
			out.Hosts = append(out.Hosts, h.name)
		}
		for _, e := range g.children {
			out.Children = append(out.Children, e.group.name)
		}
		inv.groups = append(inv.groups, out)
		inv.order = append(inv.order, g.name)
		inv.members[g.name] = membersOf(inv, g)
	}
	inv.members["all"] = inv.hosts
	inv.allVars = all.vars
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
