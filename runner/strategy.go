package runner

import (
	"fmt"
	"slices"

	"thordeploy/playbook"
)

// strategy is how the play's hosts move through its tasks, and why, where
// neither the play nor the user said so.
func (p *plan) strategy() (s playbook.Strategy, because string) {
	switch {
	case p.play.Strategy != "":
		return p.play.Strategy, ""
	case p.Strategy != "":
		return p.Strategy, ""
	case p.Ansible:
		return playbook.Linear, ""
	}
	if why := p.needsLockstep(); why != "" {
		return playbook.Linear, why
	}
	return playbook.HostPinned, ""
}

// lockstep says in one line that a play is linear because of what it asks for.
func lockstep(p *playbook.Play, because string) string {
	return fmt.Sprintf("play %q runs in lockstep (strategy linear), since it uses %s", p.Name, because)
}

// needsLockstep names what the play uses that means something only where all
// hosts do a task before the next one begins; empty: nothing.
func (p *plan) needsLockstep() string {
	if asks(&p.play.Keywords) != "" {
		return asks(&p.play.Keywords)
	}
	why := ""
	p.walk(func(t *playbook.Task) {
		switch {
		case why != "":
		case asks(&t.Keywords) != "":
			why = asks(&t.Keywords) + " (" + t.Range.String() + ")"
		case t.Spec != nil && t.Spec.Name == "add_host":
			why = "add_host (" + t.Range.String() + ")"
		case waitsForPerson(t):
			why = "pause for a person (" + t.Range.String() + ")"
		case asksOthers(t):
			why = "hostvars of other hosts (" + t.Range.String() + ")"
		}
	})
	return why
}

func asks(k *playbook.Keywords) string {
	for _, e := range []struct {
		expr *playbook.Expr
		name string
	}{{k.RunOnce, "run_once"}, {k.AnyErrorsFatal, "any_errors_fatal"}} {
		if e.expr == nil {
			continue
		}
		if v, constant := e.expr.Const(); !constant || v {
			return e.name
		}
	}
	return ""
}

// waitsForPerson reports whether the task is a pause that no time ends.
func waitsForPerson(t *playbook.Task) bool {
	return t.Spec != nil && t.Spec.Name == "pause" && t.Args["seconds"] == nil && t.Args["minutes"] == nil
}

// asksOthers reports whether a template of the task reads hostvars.
func asksOthers(t *playbook.Task) bool {
	values := []*playbook.Value{t.Loop, t.Name, t.Environment, t.DelegateTo, t.LoopLabel}
	for _, v := range t.Args {
		values = append(values, v)
	}
	for _, v := range t.Vars {
		values = append(values, v.Value)
	}
	exprs := slices.Concat(t.When, t.ChangedWhen, t.FailedWhen, t.Until)
	return slices.ContainsFunc(values, func(v *playbook.Value) bool { return refersTo(v.References(), "hostvars") }) ||
		slices.ContainsFunc(exprs, func(e *playbook.Expr) bool { return refersTo(e.References(), "hostvars") })
}

func refersTo(list []playbook.Reference, name string) bool {
	return slices.ContainsFunc(list, func(r playbook.Reference) bool { return r.Name == name })
}
