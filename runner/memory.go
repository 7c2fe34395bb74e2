package runner

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"thordeploy/inventory"
)

// memory is what a run has learned about one host: it lasts for the run, and
// other hosts read it through hostvars.
type memory struct {
	mu     sync.RWMutex
	set    map[string]any // register and set_fact
	facts  map[string]any // under their ansible_ names
	merged map[string]any // of asHostvars; nil when something was learned since
}

// register keeps a task's result, or a variable set by set_fact.
func (m *memory) register(name string, v any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.set == nil {
		m.set = map[string]any{}
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
		m.facts = map[string]any{}
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

func (m *memory) setVar(name string) (any, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	v, ok := m.set[name]
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
// inventory variables. The map is shared: whoever reads it doesn't change it.
func (m *memory) asHostvars(h *inventory.Host) map[string]any {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.merged == nil {
		m.merged = make(map[string]any, len(h.Vars)+len(m.facts)+len(m.set)+3)
		m.merged["inventory_hostname"] = h.Name
		m.merged["group_names"] = anyList(h.Groups)
		maps.Copy(m.merged, h.Vars)
		maps.Copy(m.merged, m.facts)
		if m.facts != nil {
			m.merged["ansible_facts"] = m.plainFacts()
		}
		maps.Copy(m.merged, m.set)
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
