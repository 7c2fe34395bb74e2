package lint

import (
	"cmp"
	"maps"
	"path"
	"reflect"
	"slices"
	"strings"

	"thordeploy/action"
	"thordeploy/playbook"
)

// playView is a play with its tasks in the order a host comes to them.
type playView struct {
	*playbook.Play
	steps []*step // tasks and blocks, a block before what is in it
}

// step is a task or a block where it stands.
type step struct {
	*playbook.Task
	play    *playView
	index   int     // in steps
	around  []*step // blocks, the outermost first
	always  bool    // inside the always section of a block around it
	handler bool
	scope   scope
}

// prepare makes the views that the rules walk.
func (p *pass) prepare() {
	for _, play := range p.Playbook.Plays {
		v := playView{Play: play}
		p.plays = append(p.plays, v)
	}
	for i := range p.plays {
		v := &p.plays[i]
		base := scope{}.with(playVars(v.Play))
		for _, section := range [][]*playbook.Task{v.PreTasks, v.Roles, v.Tasks, v.PostTasks} {
			v.add(section, step{play: v, scope: base})
		}
		v.add(v.Handlers, step{play: v, scope: base, handler: true})
	}
	p.names = p.collect()
}

// add walks a list of tasks; at is where the list stands.
func (v *playView) add(list []*playbook.Task, at step) {
	for _, t := range list {
		s := at
		s.Task, s.index = t, len(v.steps)
		s.scope = at.scope
		if t.Role != nil {
			s.scope = s.scope.under(t.Role.Defaults).with(t.Role.Vars).with(t.Role.Params)
		}
		s.scope = s.scope.with(t.Vars)
		v.steps = append(v.steps, &s)
		in := s
		in.around = append(slices.Clone(at.around), &s)
		v.add(t.Block, in)
		v.add(t.Rescue, in)
		in.always = true
		v.add(t.Always, in)
	}
}

// playVars are the variables that a play itself gives its tasks.
func playVars(p *playbook.Play) []playbook.Var {
	var out []playbook.Var
	for _, r := range p.RoleList {
		out = append(out, r.Defaults...)
	}
	out = append(out, p.Vars...)
	for _, f := range p.VarsFiles {
		out = append(out, f.Vars...)
	}
	for _, r := range p.RoleList {
		out = append(out, r.Vars...)
	}
	return out
}

// tasks gives every task, blocks left out, with its play.
func (p *pass) tasks(f func(*step)) {
	p.steps(func(s *step) {
		if s.Spec != nil {
			f(s)
		}
	})
}

func (p *pass) steps(f func(*step)) {
	for i := range p.plays {
		for _, s := range p.plays[i].steps {
			f(s)
		}
	}
}

// scope is the variables that the playbook's own files give a step.
type scope struct{ vars map[string]*playbook.Value }

// Lookup implements playbook.Scope.
func (sc scope) Lookup(name string) (any, bool) {
	v, ok := sc.vars[name]
	return v, ok
}

// Names implements playbook.Scope.
func (sc scope) Names() []string { return slices.Collect(maps.Keys(sc.vars)) }

func (sc scope) with(list []playbook.Var) scope {
	if len(list) == 0 {
		return sc
	}
	out := maps.Clone(sc.vars)
	if out == nil {
		out = map[string]*playbook.Value{}
	}
	for _, v := range list {
		out[v.Name] = v.Value
	}
	return scope{out}
}

// under is sc with variables that it doesn't have itself.
func (sc scope) under(list []playbook.Var) scope {
	out := scope{}.with(list).vars
	if out == nil {
		return sc
	}
	maps.Copy(out, sc.vars)
	return scope{out}
}

// module is the canonical name of a task's module.
func (s *step) module() string {
	if s.Spec == nil {
		return ""
	}
	return s.Spec.Name
}

// value evaluates v with the playbook's own variables; ok is false where that
// isn't enough.
func (s *step) value(v *playbook.Value) (x any, ok bool) {
	if v == nil {
		return nil, false
	}
	x, err := v.Eval(s.scope)
	return x, err == nil && x != nil
}

// text is a parameter as far as it can be told: evaluated, or its template as
// written with the blanks inside tags evened out.
func (s *step) text(param string) string { return s.textOf(s.Args[param]) }

func (s *step) textOf(v *playbook.Value) string {
	if x, ok := s.value(v); ok {
		if t, isText := x.(string); isText {
			return t
		}
		return cmp.Or(v.Text(), "")
	}
	return tagBlanks.ReplaceAllString(v.Text(), "$1$2")
}

// path is a parameter that is a path, cleaned.
func (s *step) path(param string) string { return clean(s.text(param)) }

func clean(p string) string {
	if p == "" {
		return ""
	}
	return path.Clean(p)
}

// flag is a boolean parameter that is plainly true.
func (s *step) flag(param string) bool {
	x, ok := s.value(s.Args[param])
	if !ok {
		return false
	}
	switch strings.ToLower(textOf(x)) {
	case "true", "yes", "on", "1":
		return true
	}
	return false
}

// footprint is what the task does to folders and mounts, as far as its
// parameters can be told.
func (s *step) footprint() action.Footprint {
	if s.Spec == nil || s.Spec.Ephemeral == nil {
		return action.Footprint{}
	}
	values := map[string]any{}
	for name, v := range s.Args {
		if x, ok := s.value(v); ok {
			values[name] = x
		} else {
			values[name] = s.textOf(v)
		}
	}
	args, err := s.Spec.Bind(values)
	if err != nil {
		return action.Footprint{}
	}
	return s.Spec.Ephemeral(args)
}

// constantly reports an expression that is what it is on every host.
func constantly(e *playbook.Expr, want bool) bool {
	if e == nil || len(e.References()) > 0 {
		return false
	}
	b, err := e.Bool(nil)
	return err == nil && b == want
}

// texts lists the texts of a step's keywords and parameters.
func (s *step) texts() []string {
	var out []string
	walkFields(reflect.ValueOf(s.Task).Elem(), func(v *playbook.Value) {
		for _, sc := range v.Scalars() {
			out = append(out, sc.Text)
		}
	}, func(e *playbook.Expr) { out = append(out, e.String()) })
	return out
}
