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

// session is a held shell on a login, as the account that tasks run as.
type session struct {
	shell  *shell.Session
	login  *login
	become transport.Become
	held   []string // paths its guard was told of
}

// session gives the held shell for the host and the accounts that a task asks
// for, opening the connection and the shell at their first use. delegate is the
// host that the task is delegated to, nil for its own.
func (h *hostRun) session(f *frame, sc *scope, delegate *subject) (*session, error) {
	to := h.subject
	if delegate != nil {
		to, sc = delegate, sc.as(delegate)
	}
	vars, err := connectionVarsOf(to, sc)
	if err != nil {
		return nil, err
	}
	if err := sayKeywords(f, sc, vars); err != nil {
		return nil, err
	}
	said, err := inventory.ConnectionOf(to.host.Name, vars)
	if err != nil {
		return nil, err
	}
	// A variable wins over the keyword, and the keyword over -u.
	user, err := text(f.user, sc)
	if err != nil {
		return nil, err
	}
	asked := firstText(said.User, user, h.User)
	key := newLoginKey(to.host.Name, asked, said)
	l := h.login(key, to.host, vars)
	if l.err != nil {
		return nil, l.err
	}
	b, err := h.identity(f, sc, said.Become, l.user)
	if err != nil {
		return nil, err
	}
	for _, s := range h.sessions {
		if s.login == l && s.become == b {
			return s, nil
		}
	}
	s, err := h.open(l, b)
	if stale(l, err) && h.ctx.Err() == nil {
		_ = l.conn.Close() // it broke while nobody used it, which is no word on the host
		delete(h.logins, key)
		if l = h.login(key, to.host, vars); l.err != nil {
			return nil, l.err
		}
		return h.open(l, b)
	}
	return s, err
}

// sayKeywords adds what the keywords connection and port say, where no
// variable does.
func sayKeywords(f *frame, sc *scope, vars map[string]any) error {
	if over, err := text(f.over, sc); err != nil {
		return err
	} else if _, set := vars["ansible_connection"]; over != "" && !set {
		vars["ansible_connection"] = over
	}
	if f.port == nil {
		return nil
	}
	port, err := text(f.port, sc)
	if _, set := vars["ansible_port"]; err == nil && port != "" && !set {
		vars["ansible_port"] = port
	}
	return err
}

// open starts a held shell on l.
func (h *hostRun) open(l *login, b transport.Become) (*session, error) {
	sh, err := shell.Open(h.ctx, l.conn, shell.Options{Become: b, Lease: h.Lease})
	if err != nil {
		return nil, err
	}
	l.idle = false
	s := &session{shell: sh, login: l, become: b}
	h.sessions = append(h.sessions, s)
	return s, nil
}

// stale reports whether err comes of a connection that was kept between plays.
func stale(l *login, err error) bool {
	var te *transport.Error
	return l.idle && errors.As(err, &te) && !errors.Is(err, transport.ErrBecome)
}

// login connects as the asked-for account, once.
func (h *hostRun) login(key loginKey, to *inventory.Host, vars map[string]any) *login {
	if l, ok := h.logins[key]; ok {
		return l
	}
	target := *to
	target.Vars = vars
	conn, err := h.Connect(h.ctx, &target, key.asked)
	l := &login{conn: conn, err: err, user: key.asked}
	if err != nil && h.ctx.Err() != nil {
		return l // stopped, which says nothing about the host
	}
	if c, ok := conn.(interface{ User() string }); ok {
		l.user = c.User()
	}
	h.logins[key] = l
	return l
}

// connectionVarsOf is what the task's variables say about reaching the host,
// evaluated, over the rest of the host's own.
func connectionVarsOf(to *subject, sc *scope) (map[string]any, error) {
	vars := maps.Clone(to.host.Vars)
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
		vars[name] = playbook.Unmarked(v)
		if isOmitted(v) {
			delete(vars, name)
		}
	}
	return vars, nil
}

// close ends the host's sessions, and its connections unless a later play of
// the run may use them. A host that ended before its time is cleaned up by its
// guards first.
func (h *hostRun) close(end fate) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(h.run.ctx), h.cleanupTime())
	defer cancel()
	clean := end != fine && end != ended && !(h.Ansible && end == failing)
	var done, left []string
	for _, s := range slices.Backward(h.sessions) {
		d, l, err := s.shell.Close(ctx, clean)
		done, left = append(done, d...), append(left, l...)
		if err != nil && clean && len(s.held) > 0 {
			left = append(left, h.unanswered(s, err))
		}
	}
	again := (end == fine || end == ended) && h.index < h.lastLeg[h.host.Name] && h.run.ctx.Err() == nil
	for key, l := range h.logins {
		if l.conn != nil && !(again && h.keeper.keep(h.host.Name, key, l)) {
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
	return fmt.Sprintf("%s: the host did not say that it is undone (%s); its guard should undo it by itself within %v: look when the host can be reached", strings.Join(s.held, ", "), why, lease)
}
