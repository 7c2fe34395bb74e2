package inventory

import (
	"maps"
	"reflect"
	"slices"
)

// Addition is a host that a run puts into groups: a new one (add_host) or one
// that is there (group_by).
type Addition struct {
	Host    string
	Port    int // 0: none
	Groups  []string
	Parents []string       // groups that the new ones among Groups are children of; "all" is above every group
	Vars    map[string]any // of the host; win over what it has
}

// With is the inventory with a host added, and whether that changes anything.
// i itself stays as it is.
func (i *Inventory) With(add Addition) (*Inventory, bool) {
	old, known := i.byName[add.Host]
	if known && len(add.Vars) == 0 && !slices.ContainsFunc(add.Groups, func(g string) bool { return !i.holds(g, add.Host) }) {
		return i, false
	}
	out := i.clone()
	h := &Host{Name: add.Host, Port: add.Port, Vars: maps.Clone(i.allVars)}
	if known {
		*h = *old
		h.Vars = maps.Clone(old.Vars)
	}
	if h.Vars == nil {
		h.Vars = map[string]any{}
	}
	for _, name := range add.Groups {
		out.join(h, name, add.Parents)
	}
	maps.Copy(h.Vars, add.Vars)
	if add.Port != 0 {
		h.Port = add.Port
	}
	out.put(old, h)
	return out, !known || !reflect.DeepEqual(old.Groups, h.Groups) || !reflect.DeepEqual(old.Vars, h.Vars)
}

func (i *Inventory) clone() *Inventory {
	out := *i
	out.hosts = slices.Clone(i.hosts)
	out.byName = maps.Clone(i.byName)
	out.groups = slices.Clone(i.groups)
	out.order = slices.Clone(i.order)
	out.members = maps.Clone(i.members)
	return &out
}

func (i *Inventory) holds(group, host string) bool {
	return slices.ContainsFunc(i.members[group], func(h *Host) bool { return h.Name == host })
}

// join puts a host into a group and those above it, making what isn't there.
func (i *Inventory) join(h *Host, name string, parents []string) {
	if !slices.ContainsFunc(i.groups, func(g *Group) bool { return g.Name == name }) {
		i.addGroup(&Group{Name: name})
		for _, p := range parents {
			if p != "all" {
				i.adopt(p, name)
			}
		}
	}
	k := slices.IndexFunc(i.groups, func(g *Group) bool { return g.Name == name })
	g := *i.groups[k]
	if !slices.Contains(g.Hosts, h.Name) {
		g.Hosts = append(slices.Clone(g.Hosts), h.Name)
		i.groups[k] = &g
	}
	for _, up := range i.upwards(name) {
		if !i.holds(up, h.Name) {
			i.members[up] = append(slices.Clone(i.members[up]), h)
		}
		if up != "all" && !slices.Contains(h.Groups, up) {
			h.Groups = append(slices.Clone(h.Groups), up)
			slices.Sort(h.Groups)
		}
		i.inherit(h, up)
	}
	h.Groups = slices.DeleteFunc(slices.Clone(h.Groups), func(g string) bool { return g == "ungrouped" })
}

// inherit gives a host the variables of a group that it has joined: those that
// it doesn't have, or has from `all`. What it has from its other groups and of
// its own stays.
func (i *Inventory) inherit(h *Host, name string) {
	for _, g := range i.groups {
		if g.Name != name || name == "all" {
			continue
		}
		for k, v := range g.Vars {
			have, ok := h.Vars[k]
			if !ok || reflect.DeepEqual(have, i.allVars[k]) {
				h.Vars[k] = v
			}
		}
	}
}

func (i *Inventory) addGroup(g *Group) {
	at, _ := slices.BinarySearchFunc(i.groups, g.Name, func(g *Group, name string) int {
		switch {
		case g.Name < name:
			return -1
		case g.Name > name:
			return 1
		}
		return 0
	})
	i.groups = slices.Insert(i.groups, at, g)
	i.order = append(i.order, g.Name)
}

// adopt makes a group a child of another, which is made where it isn't there.
func (i *Inventory) adopt(parent, child string) {
	k := slices.IndexFunc(i.groups, func(g *Group) bool { return g.Name == parent })
	if k < 0 {
		i.addGroup(&Group{Name: parent, Children: []string{child}})
		return
	}
	g := *i.groups[k]
	g.Children = append(slices.Clone(g.Children), child)
	i.groups[k] = &g
}

// upwards is a group and every group above it.
func (i *Inventory) upwards(name string) []string {
	out := []string{name}
	for n := 0; n < len(out); n++ {
		for _, g := range i.groups {
			if slices.Contains(g.Children, out[n]) && !slices.Contains(out, g.Name) {
				out = append(out, g.Name)
			}
		}
	}
	return out
}

// put makes h one of the hosts, in the place of old where that isn't nil.
func (i *Inventory) put(old, h *Host) {
	i.byName[h.Name] = h
	if old == nil {
		i.hosts = append(i.hosts, h)
	} else {
		replace(i.hosts, old, h)
		for name, list := range i.members {
			if slices.Contains(list, old) {
				list = slices.Clone(list)
				replace(list, old, h)
				i.members[name] = list
			}
		}
	}
	i.members["all"] = i.hosts
	u := "ungrouped"
	i.members[u] = slices.DeleteFunc(slices.Clone(i.members[u]), func(m *Host) bool { return m.Name == h.Name && len(h.Groups) > 0 })
	if len(h.Groups) == 0 {
		h.Groups = []string{u}
		i.members[u] = append(i.members[u], h)
	}
}

func replace(list []*Host, old, h *Host) {
	for k := range list {
		if list[k] == old {
			list[k] = h
		}
	}
}
