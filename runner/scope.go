package runner

import (
	"fmt"
	"maps"
	"path/filepath"
	"strings"

	"thordeploy/internal/diag"
	"thordeploy/playbook"
)

// scope is one host's variables while one task is looked at, as layers: the
// loop item and the task's result, -e, register and set_fact, vars: from the
// task outwards to the play, facts, the inventory, magic variables.
type scope struct {
	host *hostRun
	own  map[string]any   // loop item, registered result: seen by this task alone
	vars [][]playbook.Var // innermost first
	idle bool             // looking ahead: nothing is asked of the host
}

var _ playbook.Scope = (*scope)(nil)

// with is the scope with one more variable of its own.
func (s *scope) with(name string, v any) *scope {
	own := make(map[string]any, len(s.own)+1)
	maps.Copy(own, s.own)
	own[name] = v
	return &scope{host: s.host, own: own, vars: s.vars, idle: s.idle}
}

// Lookup finds a variable in the innermost layer that has it, or a magic one.
// A fact that nobody has asked for yet may be gathered for it.
func (s *scope) Lookup(name string) (any, bool) {
	if v, ok := s.layered(name); ok {
		return v, true
	}
	if v, ok := s.host.magic(name); ok {
		return v, true
	}
	if !s.idle && factNames[name] && s.host.gatherOnUse() {
		return s.host.mem.fact(name)
	}
	return nil, false
}

// layered finds a variable that somebody set.
func (s *scope) layered(name string) (any, bool) {
	if v, ok := s.own[name]; ok {
		return v, true
	}
	if v, ok := s.host.extra[name]; ok {
		return v, true
	}
	if v, ok := s.host.mem.setVar(name); ok {
		return v, true
	}
	for _, layer := range s.vars {
		for i := len(layer) - 1; i >= 0; i-- {
			if layer[i].Name == name {
				return layer[i].Value, true
			}
		}
	}
	if v, ok := s.host.mem.fact(name); ok {
		return v, true
	}
	v, ok := s.host.vars[name]
	return v, ok
}

// Names lists every name that Lookup knows.
func (s *scope) Names() []string {
	out := append([]string(nil), magicNames...)
	for k := range s.own {
		out = append(out, k)
	}
	for k := range s.host.extra {
		out = append(out, k)
	}
	for _, layer := range s.vars {
		for _, v := range layer {
			out = append(out, v.Name)
		}
	}
	for k := range s.host.vars {
		out = append(out, k)
	}
	return append(out, s.host.mem.names()...)
}

var magicNames = []string{
	"inventory_hostname", "inventory_hostname_short", "group_names", "groups", "hostvars",
	"ansible_play_hosts", "ansible_play_hosts_all", "ansible_play_batch", "play_hosts", "playbook_dir", "inventory_dir", "inventory_file",
	"ansible_check_mode", "ansible_forks", "ansible_version", "ansible_play_name", "omit",
	"ansible_host", "ansible_port", "ansible_user",
}

// ansibleVersion is what ansible_version says: the release whose behaviour
// this program follows.
var ansibleVersion = map[string]any{"full": "2.14.18", "string": "2.14.18", "major": 2, "minor": 14, "revision": 18}

// magic is a variable that the run itself gives a host.
func (h *hostRun) magic(name string) (any, bool) {
	switch name {
	case "inventory_hostname":
		return h.host.Name, true
	case "inventory_hostname_short":
		short, _, _ := strings.Cut(h.host.Name, ".")
		return short, true
	case "group_names":
		return anyList(h.host.Groups), true
	case "groups":
		return h.groups(), true
	case "hostvars":
		return h.hostvars(), true
	case "ansible_play_hosts", "ansible_play_batch", "play_hosts":
		return h.playHosts(), true
	case "ansible_play_hosts_all":
		return anyList(h.all), true
	case "playbook_dir":
		return h.pb.Dir, true
	case "inventory_file":
		return h.host.File, h.host.File != ""
	case "inventory_dir":
		return filepath.Dir(h.host.File), h.host.File != ""
	case "ansible_check_mode":
		return h.Check, true
	case "ansible_forks":
		return h.run.forks(), true
	case "ansible_version":
		return ansibleVersion, true
	case "ansible_play_name":
		return h.play.Name, true
	case "ansible_host":
		return h.host.Name, true
	case "ansible_port":
		if h.host.Port != 0 {
			return h.host.Port, true
		}
	case "ansible_user":
		if h.User != "" {
			return h.User, true
		}
	}
	return nil, false
}

// groups is the magic variable of that name: each group's hosts, those of its
// children too, in inventory order.
func (x *run) groups() map[string]any {
	x.groupsOnce.Do(func() {
		x.groupsMap = map[string]any{}
		for _, g := range x.Inventory.Groups() {
			hosts, _, err := x.Inventory.Select(g.Name)
			if err == nil {
				x.groupsMap[g.Name] = anyList(names(hosts))
			}
		}
	})
	return x.groupsMap
}

// hostvars is every host's variables. A host's are put together when a template
// asks for them, and shared until the host learns something new.
func (x *run) hostvars() playbook.Mapping { return hostvars{x} }

type hostvars struct{ *run }

// Get gives one host's variables.
func (v hostvars) Get(name string) (any, bool) {
	h, ok := v.Inventory.Host(name)
	if !ok {
		return nil, false
	}
	return v.mems[name].asHostvars(h), true
}

// Keys lists the hosts in the order of the inventory.
func (v hostvars) Keys() []string { return names(v.Inventory.Hosts()) }

// Len counts the hosts.
func (v hostvars) Len() int { return len(v.Inventory.Hosts()) }

func anyList(words []string) []any {
	out := make([]any, len(words))
	for i, w := range words {
		out[i] = w
	}
	return out
}

// compileVars makes templates of those variables whose text holds one. where
// says whose they are, for errors. What hosts report never comes here: it is
// not text to be evaluated.
func compileVars(vars map[string]any, where string) (map[string]any, error) {
	out := make(map[string]any, len(vars))
	for k, v := range vars {
		if !hasTemplate(v) {
			out[k] = v
			continue
		}
		t, err := playbook.NewValue(v, diag.Range{File: where})
		if err != nil {
			return nil, fmt.Errorf("variable %s of %s: %w", k, where, err)
		}
		out[k] = t
	}
	return out, nil
}

func hasTemplate(v any) bool {
	switch v := v.(type) {
	case string:
		return strings.Contains(v, "{{") || strings.Contains(v, "{%")
	case []any:
		for _, e := range v {
			if hasTemplate(e) {
				return true
			}
		}
	case map[string]any:
		for _, e := range v {
			if hasTemplate(e) {
				return true
			}
		}
	}
	return false
}
