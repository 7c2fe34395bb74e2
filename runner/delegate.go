package runner

import (
	"thordeploy/inventory"
)

// delegated is where a task is done: the scope that it is evaluated in, and
// the host it is delegated to; nil where that is its own.
func (h *hostRun) delegated(f *frame, sc *scope) (*scope, *subject, error) {
	name, err := text(f.delegate, sc)
	if err != nil || name == "" {
		return sc, nil, err
	}
	of := h.subjectNamed(name)
	if of == nil {
		of = h.stranger(name)
	}
	if of.err != nil {
		return sc, nil, of.err
	}
	return sc.with("ansible_delegated_vars", map[string]any{name: of.mem.asHostvars(h.run, of)}), of, nil
}

// stranger is a host that the inventory doesn't list. The controller's own
// names mean a local connection, as with Ansible's implicit localhost.
func (h *hostRun) stranger(name string) *subject {
	if list, _, err := h.world.Load().inv.Select(name); err == nil && len(list) == 1 {
		return h.run.subject(list[0])
	}
	vars := map[string]any{}
	if name == "localhost" || name == "127.0.0.1" || name == "::1" {
		vars["ansible_connection"] = "local"
	}
	return h.run.subject(&inventory.Host{Name: name, Vars: vars})
}
