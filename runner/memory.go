package runner

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"thordeploy/inventory"
	"thordeploy/playbook"
)

// memory is what a run has learned about one host: it lasts for the run, and
// other hosts read it through hostvars.
type memory struct {
	mu       sync.RWMutex
	set      layer          // register and set_fact
	included layer          // include_vars
	facts    layer          // under their ansible_ names
	merged   map[string]any // of asHostvars; nil when something was learned since
}

// register keeps a task's result, or a variable set by set_fact.
func (m *memory) register(name string, v any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.set == nil {
		m.set = layer{}
	}
	m.set[name] = v
	m.merged = nil
}

// learn keeps facts that a host reported. A host can't rename itself, nor say
// how it is to be reached or which account is to be become: such names are
// dropped.
func (m *memory) learn(facts map[string]any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.facts == nil {
		m.facts = layer{}
	}
	for k, v := range facts {
		if !strings.HasPrefix(k, "ansible_") {
			k = "ansible_" + k
		}
		if !connectionVars[k] && !slices.Contains(magicNames, k) {
			m.facts[k] = v
		}
	}
	m.merged = nil
}

// absorb keeps the facts and variables that a task gave.
func (m *memory) absorb(o outcome) {
	for k, v := range o.Vars {
		m.register(k, v)
	}
	if o.Facts != nil {
		m.learn(o.Facts)
	}
}

// include keeps variables that include_vars has read.
func (m *memory) include(vars layer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.included == nil {
		m.included = layer{}
	}
	maps.Copy(m.included, vars)
	m.merged = nil
}

// changed notes that the host's groups or inventory variables have changed.
func (m *memory) changed() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.merged = nil
}

// forget drops the facts.
func (m *memory) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.facts, m.merged = nil, nil
}

// setVar finds a variable that register, set_fact or include_vars has set.
func (m *memory) setVar(name string) (any, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	v, ok := m.set[name]
	if !ok {
		v, ok = m.included[name]
	}
	return v, ok
}

// fact finds a fact by its ansible_ name; ansible_facts is all of them, under
// their names without the prefix.
func (m *memory) fact(name string) (any, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if name == "ansible_facts" && m.facts != nil {
		return m.plainFacts(), true
	}
	v, ok := m.facts[name]
	return v, ok
}

func (m *memory) plainFacts() map[string]any {
	all := make(map[string]any, len(m.facts))
	for k, v := range m.facts {
		all[strings.TrimPrefix(k, "ansible_")] = v
	}
	return all
}

// asHostvars is the host's entry in hostvars: what was learned over its
// inventory variables, and -e over all. The map is shared: whoever reads it
// doesn't change it.
func (m *memory) asHostvars(x *run, s *subject) map[string]any {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.merged == nil {
		m.merged = make(map[string]any, len(s.vars)+len(m.facts)+len(m.set)+len(m.included)+len(x.extra)+4)
		maps.Copy(m.merged, s.vars)
		maps.Copy(m.merged, m.facts)
		if m.facts != nil {
			m.merged["ansible_facts"] = m.plainFacts()
		}
		maps.Copy(m.merged, m.included)
		maps.Copy(m.merged, m.set)
		maps.Copy(m.merged, x.extra)
		for name, v := range m.merged {
			if t, ok := v.(*playbook.Value); ok {
				m.merged[name] = t.Bound(foreign{x, s})
			}
		}
		m.merged["inventory_hostname"] = s.host.Name
		m.merged["inventory_hostname_short"] = shortName(s.host.Name)
		m.merged["group_names"] = anyList(s.host.Groups)
	}
	return m.merged
}

// hasFacts reports whether the host has told its facts in this run.
func (m *memory) hasFacts() bool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.facts != nil
}

func (m *memory) names() []string {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var out []string
	for k := range m.set {
		out = append(out, k)
	}
	for k := range m.included {
		out = append(out, k)
	}
	for k := range m.facts {
		out = append(out, k)
	}
	return out
}

// connectionVars say how a host is reached and which account is become there.
var connectionVars = func() map[string]bool {
	m := map[string]bool{}
	for _, name := range inventory.ConnectionVars() {
		m[name] = true
	}
	return m
}()
