package runner

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"thordeploy/inventory"
	"thordeploy/playbook"
	"thordeploy/transport"
	"thordeploy/transport/shell"
)

// login is a connection to the host, as one account.
type login struct {
	conn transport.Conn
	user string // the account logged in as, empty where the connection can't tell
	err  error  // why there is none: asked once, not again at each task
}

// session is a held shell on a login, as the account that tasks run as.
type session struct {
	shell  *shell.Session
	asked  string // the account asked for in logging in
	become transport.Become
	held   []string // paths its guard was told of
}

// session gives the held shell for the accounts that a task asks for, opening
// the connection and the shell at their first use.
func (h *hostRun) session(f frame, sc *scope) (*session, error) {
	vars, err := h.connectionVars(sc)
	if err != nil {
		return nil, err
	}
	said, err := inventory.ConnectionOf(h.host.Name, vars)
	if err != nil {
		return nil, err
	}
	// A variable wins over the keyword, and the keyword over -u.
	user, err := h.text(f.user, sc)
	if err != nil {
		return nil, err
	}
	asked := firstText(said.User, user, h.User)
	l := h.login(asked, vars)
	if l.err != nil {
		return nil, l.err
	}
	b, err := h.identity(f, sc, said.Become, l.user)
	if err != nil {
		return nil, err
	}
	for _, s := range h.sessions {
		if s.asked == asked && s.become == b {
			return s, nil
		}
	}
	sh, err := shell.Open(h.ctx, l.conn, shell.Options{Become: b, Lease: h.Lease})
	if err != nil {
		return nil, err
	}
	s := &session{shell: sh, asked: asked, become: b}
	h.sessions = append(h.sessions, s)
	return s, nil
}

// login connects as the asked-for account, once.
func (h *hostRun) login(asked string, vars map[string]any) login {
	if l, ok := h.logins[asked]; ok {
		return l
	}
	target := *h.host
	target.Vars = vars
	conn, err := h.Connect(h.ctx, &target, asked)
	if err != nil && h.ctx.Err() != nil {
		return login{err: err} // stopped, which says nothing about the host
	}
	l := login{conn: conn, err: err, user: asked}
	if c, ok := conn.(interface{ User() string }); ok {
		l.user = c.User()
	}
	h.logins[asked] = l
	return l
}

// connectionVars is what the task's variables say about reaching the host,
// evaluated, over the rest of the host's own.
func (h *hostRun) connectionVars(sc *scope) (map[string]any, error) {
	vars := maps.Clone(h.host.Vars)
	if vars == nil {
		vars = map[string]any{}
	}
	for name := range connectionVars {
		v, ok := sc.layered(name)
		if !ok {
			continue
		}
		if t, isTemplate := v.(*playbook.Value); isTemplate {
			var err error
			if v, err = t.Eval(sc); err != nil {
				return nil, fmt.Errorf("variable %s: %w", name, err)
			}
		}
		vars[name] = v
		if isOmitted(v) {
			delete(vars, name)
		}
	}
	return vars, nil
}

// close ends the host's sessions and connections. A host that ended before its
// time is cleaned up by its guards first.
func (h *hostRun) close(end fate) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(h.run.ctx), h.cleanupTime())
	defer cancel()
	clean := end != fine
	var done, left []string
	for _, s := range slices.Backward(h.sessions) {
		d, l, err := s.shell.Close(ctx, clean)
		done, left = append(done, d...), append(left, l...)
		if err != nil && clean && len(s.held) > 0 {
			left = append(left, h.unanswered(s, err))
		}
	}
	for _, l := range h.logins {
		if l.conn != nil {
			_ = l.conn.Close() // its streams have ended already, or never will
		}
	}
	if len(done)+len(left) > 0 {
		h.events <- HostCleaned{Time: now(), Play: h.index, Host: h.host.Name, Lines: done, Left: left}
	}
}

// unanswered says what is known of a host whose guard could not be asked.
func (h *hostRun) unanswered(s *session, err error) string {
	why := err.Error()
	var te *transport.Error
	if errors.As(err, &te) {
		why = te.Error()
	}
	lease := h.Lease
	if lease == 0 {
		lease = defaultLease
	}
	return fmt.Sprintf("%s: the host did not say that it is undone (%s); its guard undoes it by itself within %v", strings.Join(s.held, ", "), why, lease)
}
