package lint

import (
	"reflect"
	"slices"
	"strings"

	"thordeploy/internal/diag"
	"thordeploy/playbook"
)

// names is which variables a playbook defines and asks for.
type names struct {
	defined  map[string]bool
	optional map[string]bool // asked for with a word about what happens without it
	asked    []playbook.Reference
	// opaque: something brings variables whose names only a run knows.
	opaque bool
}

// magicNames are variables that a run gives every host, beside all that begin
// with ansible_.
var magicNames = []string{
	"inventory_hostname", "inventory_hostname_short", "inventory_dir", "inventory_file", "group_names", "groups", "hostvars",
	"play_hosts", "playbook_dir", "role_name", "role_names", "role_path", "omit", "vars", "environment", "discovered_interpreter_python",
	"item",
}

// collect reads the whole playbook once.
func (p *pass) collect() *names {
	n := &names{defined: map[string]bool{}, optional: map[string]bool{}}
	for _, list := range [][]string{magicNames, p.Known, p.Extra} {
		n.define(list...)
	}
	for i := range p.plays {
		n.play(p.plays[i].Play)
		for _, s := range p.plays[i].steps {
			n.step(s)
		}
	}
	for _, r := range n.asked {
		if r.Optional {
			n.optional[r.Name] = true
		}
	}
	return n
}

func (n *names) define(list ...string) {
	for _, name := range list {
		n.defined[name] = true
	}
}

func (n *names) vars(list []playbook.Var) {
	for _, v := range list {
		n.define(v.Name)
		n.asked = append(n.asked, v.Value.References()...)
	}
}

func (n *names) play(p *playbook.Play) {
	n.ask(p)
	n.vars(p.Vars)
	for _, f := range p.VarsFiles {
		n.vars(f.Vars)
		n.opaque = n.opaque || !f.Fixed
	}
	for _, q := range p.Prompts {
		n.define(q.Name)
	}
	for _, r := range p.RoleList {
		n.vars(r.Defaults)
		n.vars(r.Vars)
	}
}

func (n *names) step(s *step) {
	n.ask(s.Task)
	n.vars(s.Vars)
	n.define(s.Register, s.LoopVar, s.LoopIndex)
	if s.Role != nil {
		n.vars(s.Role.Params)
		n.vars(s.Role.Defaults)
		n.vars(s.Role.Role.Vars)
	}
	switch s.module() {
	case "set_fact":
		for name := range s.Args {
			n.define(name)
		}
	case "include_vars", "add_host", "include_tasks", "include_role":
		n.opaque = true
	case "debug":
		n.expression(s.Args["var"])
	case "assert":
		n.expression(s.Args["that"])
	}
}

// expression reads a parameter whose texts are expressions.
func (n *names) expression(v *playbook.Value) {
	for _, sc := range v.Scalars() {
		if sc.Template {
			continue // its names are asked for already
		}
		if e, err := playbook.NewExpr(sc.Text, sc.Range); err == nil {
			n.asked = append(n.asked, e.References()...)
		}
	}
}

// ask collects the names that the templates of a play or a task ask for.
func (n *names) ask(x any) {
	walkFields(reflect.ValueOf(x).Elem(), func(v *playbook.Value) {
		n.asked = append(n.asked, v.References()...)
	}, func(e *playbook.Expr) {
		n.asked = append(n.asked, e.References()...)
	})
}

// walkFields visits every Value and Expr in the fields of a play or a task, so
// that a keyword that comes to the language is seen by every rule. The tasks
// inside are steps of their own.
func walkFields(x reflect.Value, value func(*playbook.Value), expr func(*playbook.Expr)) {
	switch x.Kind() {
	case reflect.Pointer:
		if x.IsNil() {
			return
		}
		switch p := x.Interface().(type) {
		case *playbook.Value:
			value(p)
		case *playbook.Expr:
			expr(p)
		case *playbook.Include:
			walkFields(x.Elem(), value, expr)
		}
	case reflect.Struct:
		if x.Type() == reflect.TypeFor[diag.Range]() {
			return
		}
		for i := range x.NumField() {
			if x.Type().Field(i).IsExported() {
				walkFields(x.Field(i), value, expr)
			}
		}
	case reflect.Slice:
		for i := range x.Len() {
			walkFields(x.Index(i), value, expr)
		}
	case reflect.Map:
		keys := x.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
		for _, k := range keys {
			walkFields(x.MapIndex(k), value, expr)
		}
	}
}

// has reports a variable that is there, or may be.
func (n *names) has(name string) bool {
	return n.defined[name] || n.optional[name] || strings.HasPrefix(name, "ansible_")
}
