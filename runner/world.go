package runner

import (
	"sync"

	"thordeploy/inventory"
	"thordeploy/playbook"
)

// world is the hosts of a run as they are now: the inventory with what
// add_host and group_by have added. It doesn't change; what they add makes a
// new one.
type world struct {
	inv        *inventory.Inventory
	groupsOnce sync.Once
	groupsMap  map[string]any
	subjects   sync.Map // by name: *subject
}

// subject is a host as templates see it.
type subject struct {
	host *inventory.Host
	mem  *memory
	vars layer // the inventory's, compiled
	err  error // why they could not be
}

// subject is the host's, made when it is asked for first.
func (x *run) subject(h *inventory.Host) *subject {
	w := x.world.Load()
	if s, ok := w.subjects.Load(h.Name); ok && s.(*subject).host == h {
		return s.(*subject)
	}
	s := &subject{host: h, mem: x.memory(h.Name)}
	s.vars, s.err = compileVars(h.Vars, "host "+h.Name)
	w.subjects.Store(h.Name, s)
	return s
}

// subjectNamed is the subject of the host that a name means, or nil.
func (x *run) subjectNamed(name string) *subject {
	if h, ok := x.world.Load().inv.Host(name); ok {
		return x.subject(h)
	}
	return nil
}

// memory is what the run knows of the host of that name.
func (x *run) memory(name string) *memory {
	if m, ok := x.mems.Load(name); ok {
		return m.(*memory)
	}
	m, _ := x.mems.LoadOrStore(name, &memory{})
	return m.(*memory)
}

// groups is the magic variable of that name: each group's hosts, those of its
// children too, in inventory order.
func (w *world) groups() map[string]any {
	w.groupsOnce.Do(func() {
		w.groupsMap = map[string]any{}
		for _, g := range w.inv.Groups() {
			hosts, _, err := w.inv.Select(g.Name)
			if err == nil {
				w.groupsMap[g.Name] = anyList(names(hosts))
			}
		}
	})
	return w.groupsMap
}

// hostvars is every host's variables. A host's are put together when a template
// asks for them, and shared until the host learns something new.
func (x *run) hostvars() playbook.Mapping { return hostvars{x, x.world.Load()} }

type hostvars struct {
	run *run
	*world
}

// Get gives one host's variables.
func (v hostvars) Get(name string) (any, bool) {
	h, ok := v.inv.Host(name)
	if !ok {
		return nil, false
	}
	return v.run.memory(name).asHostvars(v.run, v.run.subject(h)), true
}

// Keys lists the hosts in the order of the inventory.
func (v hostvars) Keys() []string { return names(v.inv.Hosts()) }

// Len counts the hosts.
func (v hostvars) Len() int { return len(v.inv.Hosts()) }

// foreign is another host's variables, for a template of its own that hostvars
// has reached: without the play's, as with Ansible.
type foreign struct {
	run *run
	of  *subject
}

var _ playbook.Scope = foreign{}

// Lookup finds a variable of the host.
func (s foreign) Lookup(name string) (any, bool) {
	switch name {
	case "groups":
		return s.run.world.Load().groups(), true
	case "hostvars":
		return s.run.hostvars(), true
	}
	v, ok := s.of.mem.asHostvars(s.run, s.of)[name]
	return v, ok
}

// Names lists the host's variables.
func (s foreign) Names() []string {
	var out []string
	for k := range s.of.mem.asHostvars(s.run, s.of) {
		out = append(out, k)
	}
	return out
}
