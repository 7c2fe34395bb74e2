package runner

import (
	"fmt"
	"slices"
	"strconv"

	"thordeploy/inventory"
	"thordeploy/playbook"
	"thordeploy/transport"
)

// frame is what a task inherits from its play and the blocks around it, with
// its own keywords on top.
type frame struct {
	when     []*playbook.Expr  // outermost first; all must hold
	vars     [][]playbook.Var  // innermost first
	env      []*playbook.Value // outermost first
	become   playbook.Become
	user     *playbook.Value // remote_user
	over     *playbook.Value // connection
	ignore   *playbook.Expr
	noLog    *playbook.Expr
	check    *playbook.Expr
	diff     *playbook.Expr
	timeout  *playbook.Value
	rescued  bool // a rescue section around it takes its failure over
	register string
}

func playFrame(p *playbook.Play) frame {
	f := frame{vars: [][]playbook.Var{p.Vars}, become: p.Become, user: p.RemoteUser, over: p.Connection, ignore: p.IgnoreErrors, diff: p.Diff}
	if p.Environment != nil {
		f.env = []*playbook.Value{p.Environment}
	}
	return f
}

// enter is the frame inside t, a block or a task.
func (f frame) enter(t *playbook.Task) frame {
	f.when = slices.Concat(f.when, t.When)
	if len(t.Vars) > 0 {
		f.vars = slices.Concat([][]playbook.Var{t.Vars}, f.vars)
	}
	if t.Environment != nil {
		f.env = slices.Concat(f.env, []*playbook.Value{t.Environment})
	}
	f.become.Enabled = first(t.Become.Enabled, f.become.Enabled)
	f.become.User = first(t.Become.User, f.become.User)
	f.become.Method = first(t.Become.Method, f.become.Method)
	f.user = first(t.RemoteUser, f.user)
	f.over = first(t.Connection, f.over)
	f.ignore = first(t.IgnoreErrors, f.ignore)
	f.noLog = first(t.NoLog, f.noLog)
	f.check = first(t.Check, f.check)
	f.diff = first(t.Diff, f.diff)
	f.timeout = first(t.Timeout, f.timeout)
	f.register = t.Register
	return f
}

// first is the first pointer that is set.
func first[T any](list ...*T) *T {
	for _, p := range list {
		if p != nil {
			return p
		}
	}
	return nil
}

func (f frame) scope(h *hostRun) *scope { return &scope{host: h, vars: f.vars} }

// holds reports whether every condition holds.
func holds(conditions []*playbook.Expr, sc *scope) (bool, error) {
	for _, c := range conditions {
		ok, err := c.Bool(sc)
		if err != nil || !ok {
			return false, err
		}
	}
	return true, nil
}

// truth is e's value, or def where e is unset.
func truth(e *playbook.Expr, sc *scope, def bool) (bool, error) {
	if e == nil {
		return def, nil
	}
	return e.Bool(sc)
}

// text is v's value as text, empty where v is unset or comes to omit.
func (h *hostRun) text(v *playbook.Value, sc *scope) (string, error) {
	if v == nil {
		return "", nil
	}
	x, err := v.Eval(sc)
	if err != nil || x == nil || isOmitted(x) {
		return "", err
	}
	return fmt.Sprint(x), nil
}

// environment merges the environments around a task, inner ones over outer.
func (h *hostRun) environment(f frame, sc *scope) (map[string]string, error) {
	if len(f.env) == 0 {
		return nil, nil
	}
	out := map[string]string{}
	for _, v := range f.env {
		x, err := v.Eval(sc)
		if err != nil {
			return nil, err
		}
		list, ok := x.([]any) // Ansible takes a list of mappings too
		if !ok {
			list = []any{x}
		}
		for _, e := range list {
			m, ok := e.(map[string]any)
			if !ok && e != nil && !isOmitted(e) {
				return nil, fmt.Errorf("environment is not a mapping of names to values but %T", e)
			}
			for k, val := range m {
				out[k] = scalar(val)
			}
		}
	}
	return out, nil
}

// scalar is a YAML scalar as an environment variable holds it.
func scalar(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case bool:
		if v {
			return "True" // as Ansible, whose values are Python's
		}
		return "False"
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	return fmt.Sprint(v)
}

// identity is the account a task's commands run as, after connecting as
// login: what variables say (inv) wins, then the nearest keyword, then the
// command line, as in Ansible.
func (h *hostRun) identity(f frame, sc *scope, inv inventory.Become, login string) (transport.Become, error) {
	var cli transport.Become
	if h.Become != nil {
		cli = *h.Become
	}
	on, err := truth(f.become.Enabled, sc, !cli.IsZero())
	if err != nil {
		return transport.Become{}, err
	}
	if inv.Enabled != nil {
		on = *inv.Enabled
	}
	if !on {
		return transport.Become{}, nil
	}
	user, err := h.text(f.become.User, sc)
	if err != nil {
		return transport.Become{}, err
	}
	method, err := h.text(f.become.Method, sc)
	if err != nil {
		return transport.Become{}, err
	}
	b := transport.Become{
		User:     firstText(inv.User, user, cli.User, h.BecomeDefault.User, "root"),
		Method:   firstText(inv.Method, method, cli.Method, h.BecomeDefault.Method),
		Password: firstText(inv.Password, cli.Password, h.BecomeDefault.Password),
	}
	return b.From(login), nil // as in Ansible: one may be that account already
}

func firstText(list ...string) string {
	for _, s := range list {
		if s != "" {
			return s
		}
	}
	return ""
}
