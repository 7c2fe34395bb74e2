package inventory

import (
	"slices"
	"strconv"
	"strings"

	"thordeploy/internal/diag"
)

// resolve checks what can only be known when every source is read, reads the
// variables beside them and merges all variables.
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
	for _, dir := range d.varsDirs {
		d.varsBesideSources = append(d.varsBesideSources, d.readVarsFolders(dir))
	}
	if d.failed {
		return inv
	}
	return d.merged(nil)
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
	for _, g := range d.topGroups {
		all.children = append(all.children, childEdge{group: g})
	}
	for _, g := range d.groups {
		if g != all && len(g.parents) == 0 && !all.hasChild[g] {
			all.children = append(all.children, childEdge{group: g})
		}
	}
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
