package runner

import (
	"context"
	"slices"

	"thordeploy/action"
	"thordeploy/transport/shell"
)

// connecting gives wait_for_connection a held shell: the one there is, or where
// fresh is true a new one on a new connection, since the host may have been
// started anew and what was opened before leads nowhere.
func (h *hostRun) connecting(f *frame, sc *scope, delegate *subject) action.Connecting {
	name := h.host.Name
	if delegate != nil {
		name = delegate.host.Name
	}
	return func(ctx context.Context, fresh bool) (*shell.Session, error) {
		outer := h.ctx
		h.ctx = ctx
		defer func() { h.ctx = outer }()
		if fresh {
			h.forget(name)
		}
		s, err := h.session(f, sc, delegate)
		if err != nil {
			h.forget(name) // why it could not be reached is asked again at the next try
			return nil, err
		}
		return s.shell, nil
	}
}

// forget drops the connections to a host and what runs on them. What their
// guards hold they undo when their lease is over, if the host still knows them.
func (h *hostRun) forget(host string) {
	for key, l := range h.logins {
		if key.host != host {
			continue
		}
		if l.conn != nil {
			_ = l.conn.Close() // it is of no use any more
		}
		delete(h.logins, key)
		h.sessions = slices.DeleteFunc(h.sessions, func(s *session) bool { return s.login == l })
	}
}
