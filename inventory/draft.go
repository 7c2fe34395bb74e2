package inventory

import (
	"context"
	"fmt"
	"maps"
	"strconv"

	"thordeploy/internal/diag"
)

// draft is an inventory while its sources are being read. Readers add to it;
// resolve turns it into an Inventory.
type draft struct {
	loader *Loader
	ctx    context.Context // ends scripts
	diags  *diag.List
	failed bool // an error was added

	topGroups []*draftGroup // named as children of all

	varsDirs          []string // folders whose group_vars/ and host_vars/ count, in order
	varsBesideSources []varsFolders

	hosts  []*draftHost
	host   map[string]*draftHost
	groups []*draftGroup
	group  map[string]*draftGroup
}

type draftHost struct {
	name   string
	port   int
	file   string
	vars   map[string]any
	groups []*draftGroup // direct ones, without "all" and "ungrouped"
}

type draftGroup struct {
	name     string
	place    place // where it is mentioned first
	hosts    []*draftHost
	has      map[*draftHost]bool
	children []childEdge
	hasChild map[*draftGroup]bool
	vars     map[string]any
	priority int // ansible_group_priority

	// Filled by resolve.
	parents []*draftGroup
	depth   int
	visit   int
}

// childEdge is one mention of a group as a child, with its place for the case
// that it closes a cycle.
type childEdge struct {
	group *draftGroup
	place place
}

func newDraft(ctx context.Context, l *Loader) *draft {
	d := &draft{
		loader: l, ctx: ctx,
		diags: &diag.List{},
		host:  map[string]*draftHost{},
		group: map[string]*draftGroup{},
	}
	d.addGroup("all", place{})
	d.addChild(d.group["all"], d.addGroup("ungrouped", place{}), place{})
	return d
}

// maxProblems bounds what a file that is no inventory at all can print.
const maxProblems = 100

// add reports a problem. Past maxProblems it says once that there are more.
func (d *draft) add(p diag.Diagnostic) {
	if p.Severity == diag.Error {
		d.failed = true
	}
	switch n := len(d.diags.All()); {
	case n < maxProblems:
		d.diags.Add(p)
	case n == maxProblems:
		d.diags.Add(diag.Diagnostic{
			Range:   diag.Range{File: p.Range.File},
			Summary: "there are more problems than these " + strconv.Itoa(maxProblems),
			Hint:    "mend the first ones and load again",
		})
		d.failed = true
	}
}

// addGroup finds or makes a group.
func (d *draft) addGroup(name string, place place) *draftGroup {
	if g, ok := d.group[name]; ok {
		return g
	}
	g := &draftGroup{
		name: name, place: place, priority: 1,
		has: map[*draftHost]bool{}, hasChild: map[*draftGroup]bool{}, vars: map[string]any{},
	}
	d.group[name] = g
	d.groups = append(d.groups, g)
	return g
}

// addHost finds or makes a host and puts it into a group. A port counts where
// the host is mentioned first with one.
func (d *draft) addHost(name string, port int, file string, g *draftGroup) *draftHost {
	h, ok := d.host[name]
	if !ok {
		h = &draftHost{name: name, file: file}
		d.host[name] = h
		d.hosts = append(d.hosts, h)
	}
	if h.port == 0 {
		h.port = port
	}
	if !g.has[h] {
		g.has[h] = true
		g.hosts = append(g.hosts, h)
		if g.name != "all" && g.name != "ungrouped" {
			h.groups = append(h.groups, g)
		}
	}
	return h
}

// addChild puts one group below another. What can't be is reported at place.
func (d *draft) addChild(parent, child *draftGroup, place place) {
	if child.name == "all" {
		place.error(d, "`all` can't be a child of another group", "`all` is above every group; take the line out")
		return
	}
	if parent.hasChild[child] {
		return
	}
	if parent.name == "all" {
		// Every group is below all, whether it is said or not; that it is said
		// matters only to who lists the children of all.
		parent.hasChild[child] = true
		d.topGroups = append(d.topGroups, child)
		return
	}
	if child.name == "ungrouped" || parent.name == "ungrouped" {
		place.error(d, "`ungrouped` can have neither parents nor children",
			"it holds the hosts that are in no other group; give the group a name of its own")
		return
	}
	parent.hasChild[child] = true
	parent.children = append(parent.children, childEdge{child, place})
}

// setGroupVar sets a variable of a group. ansible_group_priority is no
// variable but the group's place among those of its depth.
func (d *draft) setGroupVar(g *draftGroup, name string, v any, place place) {
	if name == "ansible_group_priority" {
		n, err := strconv.Atoi(fmt.Sprint(v))
		if err != nil {
			place.error(d, "ansible_group_priority of group `"+g.name+"` is not a whole number",
				"write a number, such as ansible_group_priority: 10; the higher one wins")
			return
		}
		g.priority = n
		return
	}
	setVar(g.vars, name, v)
}

// setHostVar sets a variable of a host.
func (h *draftHost) setHostVar(name string, v any) {
	if h.vars == nil {
		h.vars = map[string]any{}
	}
	setVar(h.vars, name, v)
}

// setVar sets a variable; a mapping that is set again on the same host or
// group gets the new keys beside its old ones, as with ansible-core.
func setVar(vars map[string]any, name string, v any) {
	old, ok1 := vars[name].(map[string]any)
	add, ok2 := v.(map[string]any)
	if ok1 && ok2 {
		both := maps.Clone(old)
		maps.Copy(both, add)
		v = both
	}
	vars[name] = v
}
