package runner

import (
	"fmt"
	"slices"

	"thordeploy/playbook"
)

// metaName is which meta task t is; empty for another task.
func metaName(t *playbook.Task) string {
	if t.Spec == nil || t.Spec.Name != "meta" {
		return ""
	}
	return fmt.Sprint(constantArg(t, t.Spec.FreeForm))
}

func constantArg(t *playbook.Task, name string) any {
	x, _ := t.Args[name].Const()
	return x
}

// metaForAll reports whether t is a meta task that, in lockstep, the first host
// does for all.
func metaForAll(t *playbook.Task) bool {
	return slices.Contains([]string{"end_play", "end_batch", "clear_facts", "clear_host_errors", "refresh_inventory"}, metaName(t))
}

// meta does a meta task. It leaves no trace in the recap, as with Ansible.
func (h *hostRun) meta(t *playbook.Task, in inside) fate {
	h.showStart(t, in)
	sc := h.scope(in.f, in.in)
	if ok, err := holds(in.f.when, sc); err != nil {
		return h.report(t, in, h.evalFailed("when", err), now())
	} else if !ok {
		return fine
	}
	switch metaName(t) {
	case "flush_handlers":
		if in.handler {
			return h.report(t, in, failedOutcome("flush_handlers cannot be a handler", "notify the handlers that it is to run"), now())
		}
		return h.flush(in.at)
	case "end_host":
		return ended
	case "end_batch":
		h.playRun.closed.Store(true)
		return ended
	case "end_play":
		h.playRun.ended.Store(true)
		h.playRun.closed.Store(true)
		return ended
	case "clear_facts":
		h.clearFacts()
	case "clear_host_errors":
		h.events <- ErrorsCleared{Time: now(), Play: h.index, Hosts: h.all}
	case "reset_connection":
		h.disconnect()
	}
	return fine // noop; refresh_inventory: what was read stays, with what was added to it
}

// clearFacts drops the facts of the play's hosts; where hosts run on their own,
// of this one.
func (h *hostRun) clearFacts() {
	if h.line == nil {
		h.mem.forget()
		h.gathered = h.play.GatherFacts != nil
		return
	}
	for _, name := range h.all {
		h.memory(name).forget()
	}
}

// disconnect ends the host's sessions and connections, but for one whose guard
// holds something; the next task opens new ones.
func (h *hostRun) disconnect() {
	var kept []*session
	inUse := map[*login]bool{}
	for _, s := range h.sessions {
		if len(s.held) > 0 { // its guard is needed to the end
			kept = append(kept, s)
			inUse[s.login] = true
			continue
		}
		_, _, _ = s.shell.Close(h.ctx, false) // whatever it says, it is over
	}
	h.sessions = kept
	for key, l := range h.logins {
		if inUse[l] {
			continue
		}
		if l.conn != nil {
			_ = l.conn.Close() // nothing runs on it
		}
		delete(h.logins, key)
	}
}
