package runner

import (
	"fmt"
	"strconv"

	"thordeploy/inventory"
	"thordeploy/playbook"
	"thordeploy/transport"
)

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
func text(v *playbook.Value, sc *scope) (string, error) {
	if v == nil {
		return "", nil
	}
	x, err := v.Eval(sc)
	if err != nil || x == nil || isOmitted(x) {
		return "", err
	}
	return playbook.Text(x), nil
}

// number is v's value as a number, def where v is unset or comes to omit.
func number(v *playbook.Value, sc *scope, def float64) (float64, error) {
	s, err := text(v, sc)
	if err != nil || s == "" {
		return def, err
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || n != n || n > 1e9 || n < -1e9 {
		return 0, fmt.Errorf("%q is not a number", label(s))
	}
	return n, nil
}

// environment merges the environments around a task, inner ones over outer.
func environment(f *frame, sc *scope) (map[string]string, error) {
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
func (h *hostRun) identity(f *frame, sc *scope, inv inventory.Become, login string) (transport.Become, error) {
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
	user, err := text(f.become.User, sc)
	if err != nil {
		return transport.Become{}, err
	}
	method, err := text(f.become.Method, sc)
	if err != nil {
		return transport.Become{}, err
	}
	exe, err := text(f.become.Exe, sc)
	if err != nil {
		return transport.Become{}, err
	}
	flags, err := text(f.become.Flags, sc)
	if err != nil {
		return transport.Become{}, err
	}
	b := transport.Become{
		User:     firstText(inv.User, user, cli.User, h.BecomeDefault.User, "root"),
		Method:   firstText(inv.Method, method, cli.Method, h.BecomeDefault.Method),
		Password: firstText(inv.Password, cli.Password, h.BecomeDefault.Password),
		Exe:      firstText(inv.Exe, exe),
		Flags:    firstText(inv.Flags, flags),
	}
	if b.Method == "none" {
		return transport.Become{}, nil
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
