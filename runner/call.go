package runner

import (
	"fmt"

	"thordeploy/action"
	"thordeploy/playbook"
)

// call is the module's call with everything but the host's shell.
func (h *hostRun) call(t *playbook.Task, f *frame, sc *scope) (*action.Call, error) {
	args, err := args(t, f, sc)
	if err != nil {
		return nil, err
	}
	env, err := environment(f, sc)
	if err != nil {
		return nil, fmt.Errorf("environment: %w", err)
	}
	check, err := truth(f.check, sc, h.Check)
	if err != nil {
		return nil, fmt.Errorf("check_mode: %w", err)
	}
	diff, err := truth(f.diff, sc, h.Diff)
	if err != nil {
		return nil, fmt.Errorf("diff: %w", err)
	}
	return &action.Call{
		Args: args, Env: env, Host: h.host.Name, Check: check, Diff: diff, Verbosity: h.Verbosity,
		Local:    h.paths(f),
		Vars:     func(expr string) (any, error) { return expression(expr, t, sc, (*playbook.Expr).Eval) },
		Shown:    func(expr string) (any, error) { return expression(expr, t, sc, (*playbook.Expr).Shown) },
		Trees:    &h.trees,
		RAMSizes: h.ram,
		Template: func(text, file string, o action.TemplateOptions) (string, error) {
			out, err := h.templates.Render(text, file, o, sc)
			return out, h.templateFault(err)
		},
	}, nil
}

// paths are the folders that a task's local files are looked for in.
func (h *hostRun) paths(f *frame) action.Paths {
	p := action.Paths{Playbook: h.dir()}
	sc := scope{host: h, frame: f}
	for i, dir := range sc.searchPath() {
		switch {
		case i == 0 && f.role != nil:
			p.Role = dir
		case dir != p.Playbook:
			p.Files = append(p.Files, dir)
		}
	}
	return p
}

// args evaluates and binds a task's parameters, over those that
// module_defaults has for its module. One that comes to omit is as if it
// weren't written.
func args(t *playbook.Task, f *frame, sc *scope) (action.Args, error) {
	values := make(map[string]any, len(t.Args))
	for _, d := range f.defaults {
		if d.Spec != t.Spec {
			continue
		}
		for name, v := range d.Args {
			if _, own := t.Args[name]; own {
				continue
			}
			if err := argument(values, t, name, v, sc); err != nil {
				return action.Args{}, fmt.Errorf("module_defaults: %w", err)
			}
		}
	}
	for name, v := range t.Args {
		if err := argument(values, t, name, v, sc); err != nil {
			return action.Args{}, err
		}
	}
	return t.Spec.Bind(values)
}

func argument(values map[string]any, t *playbook.Task, name string, v *playbook.Value, sc *scope) error {
	p, _ := t.Spec.Param(name)
	x, err := v.EvalFor(p, sc)
	if err != nil {
		return err
	}
	switch {
	case isOmitted(x):
		delete(values, name)
	case t.Spec.Name == "set_fact":
		values[name] = x
	default:
		values[name] = playbook.Unmarked(x)
	}
	return nil
}

func isOmitted(x any) bool { _, ok := x.(playbook.Omitted); return ok }

// expression evaluates a playbook author's expression (debug's var, assert's
// that).
func expression(text string, t *playbook.Task, sc *scope, eval func(*playbook.Expr, playbook.Scope) (any, error)) (any, error) {
	e, err := playbook.NewExpr(text, t.Range)
	if err != nil {
		return nil, err
	}
	return eval(e, sc)
}
