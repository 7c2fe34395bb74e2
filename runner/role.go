package runner

import "thordeploy/playbook"

// roleState is how far a host is with a role.
type roleState struct {
	ran  bool // a task of it was done, and not skipped
	done bool // it came to its end
}

// role runs a role's tasks, unless the host has done the role before in this
// play and the role doesn't want to be done twice.
func (h *hostRun) role(t *playbook.Task, in inside) fate {
	key := t.Role.Key
	if h.roles[key].done && !t.Role.AllowDuplicates {
		return fine
	}
	end := h.block(t, in)
	if s := h.roles[key]; end == fine && s.ran {
		s.done = true
		h.roles[key] = s
	}
	return end
}

// ranIn notes that a task of a role was done.
func (h *hostRun) ranIn(f *frame, o outcome) {
	if f.role == nil || o.Skipped || o.Lost != nil {
		return
	}
	s := h.roles[f.role.call.Key]
	s.ran = true
	h.roles[f.role.call.Key] = s
}
