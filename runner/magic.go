package runner

import (
	"path/filepath"
	"strings"
)

// magicNames are the variables that the run itself gives, for "did you mean"
// and so that no host may report a fact of such a name.
var magicNames = []string{
	"inventory_hostname", "inventory_hostname_short", "group_names", "groups", "hostvars",
	"ansible_play_hosts", "ansible_play_hosts_all", "ansible_play_batch", "play_hosts", "playbook_dir", "inventory_dir", "inventory_file",
	"ansible_check_mode", "ansible_diff_mode", "ansible_forks", "ansible_verbosity", "ansible_version", "ansible_play_name", "omit",
	"ansible_run_tags", "ansible_skip_tags", "ansible_limit", "ansible_inventory_sources", "ansible_config_file",
	"role_name", "role_path", "ansible_role_name", "ansible_role_names", "ansible_play_role_names", "ansible_dependent_role_names", "role_names",
	"ansible_parent_role_names", "ansible_parent_role_paths", "ansible_search_path", "ansible_delegated_vars",
	"ansible_host", "ansible_port", "ansible_user",
}

// ansibleVersion is what ansible_version says: the release whose behaviour
// this program follows.
var ansibleVersion = map[string]any{"full": "2.14.18", "string": "2.14.18", "major": 2, "minor": 14, "revision": 18}

// magic is a variable that the run itself gives a host: nobody can set it.
func (s *scope) magic(name string) (any, bool) {
	h := s.host
	switch name {
	case "inventory_hostname":
		return s.of.host.Name, true
	case "inventory_hostname_short":
		return shortName(s.of.host.Name), true
	case "group_names":
		return anyList(s.of.host.Groups), true
	case "groups":
		return h.world.Load().groups(), true
	case "hostvars":
		return h.hostvars(), true
	case "ansible_play_hosts":
		return h.playHosts(), true
	case "ansible_play_batch", "play_hosts":
		return h.playBatch(), true
	case "ansible_play_hosts_all":
		return anyList(h.all), true
	case "playbook_dir":
		return h.dir(), true
	case "inventory_file":
		return s.of.host.File, s.of.host.File != ""
	case "inventory_dir":
		return filepath.Dir(s.of.host.File), s.of.host.File != ""
	case "ansible_play_name":
		return h.name(), true
	case "ansible_search_path":
		return anyList(s.searchPath()), true
	}
	if v, ok := h.ofRun(name); ok {
		return v, true
	}
	return s.ofRole(name)
}

// ofRun is a variable that is the same in the whole run.
func (h *hostRun) ofRun(name string) (any, bool) {
	switch name {
	case "ansible_check_mode":
		return h.Check, true
	case "ansible_diff_mode":
		return h.Diff, true
	case "ansible_forks":
		return h.run.forks(), true
	case "ansible_verbosity":
		return h.Verbosity, true
	case "ansible_version":
		return ansibleVersion, true
	case "ansible_run_tags":
		return anyList(h.onlyTags()), true
	case "ansible_skip_tags":
		return anyList(h.SkipTags), true
	case "ansible_limit":
		return h.Limit, h.Limit != ""
	case "ansible_inventory_sources":
		return anyList(h.Sources), true
	case "ansible_config_file":
		return h.ConfigFile, h.ConfigFile != ""
	}
	return nil, false
}

// ofRole is a variable about the role that a task stands in and those of the
// play.
func (s *scope) ofRole(name string) (any, bool) {
	switch name {
	case "ansible_role_names":
		return s.host.roleNames(true, true), true
	case "ansible_play_role_names", "role_names":
		return s.host.roleNames(true, false), true
	case "ansible_dependent_role_names":
		return s.host.roleNames(false, true), true
	}
	r := s.frame.role
	if r == nil {
		return nil, false
	}
	switch name {
	case "role_name", "ansible_role_name":
		return r.call.Name, true
	case "role_path":
		return r.call.Dir, true
	case "ansible_parent_role_names":
		return s.parents(func(p *roleFrame) string { return p.call.Name })
	case "ansible_parent_role_paths":
		return s.parents(func(p *roleFrame) string { return p.call.Dir })
	}
	return nil, false
}

// parents is something of the roles around the one that a task stands in, the
// nearest first.
func (s *scope) parents(of func(*roleFrame) string) (any, bool) {
	var out []any
	for r := s.frame.role.outer; r != nil; r = r.outer {
		out = append(out, of(r))
	}
	return out, out != nil
}

// searchPath is the folders that a task's relative paths are looked for in:
// its role's and those of the roles around, its file's, the playbook's.
func (s *scope) searchPath() []string {
	var out []string
	for r := s.frame.role; r != nil; r = r.outer {
		out = append(out, r.call.Dir)
		for _, p := range r.call.Parents {
			out = append(out, p.Dir)
		}
	}
	if s.frame.dir != "" {
		out = append(out, s.frame.dir)
	}
	return unique(append(out, s.host.dir()))
}

// fallback is what a variable about the connection comes to where nobody set
// it.
func (s *scope) fallback(name string) (any, bool) {
	switch name {
	case "ansible_host":
		return s.of.host.Name, true
	case "ansible_port":
		return s.of.host.Port, s.of.host.Port != 0
	case "ansible_user":
		return s.host.User, s.host.User != ""
	}
	return nil, false
}

func shortName(name string) string {
	short, _, _ := strings.Cut(name, ".")
	return short
}

// unique is list without what came before in it.
func unique(list []string) []string {
	seen := map[string]bool{}
	out := list[:0:0]
	for _, s := range list {
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}
