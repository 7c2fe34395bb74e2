package runner

import (
	"fmt"
	"maps"
	"strings"

	"thordeploy/internal/diag"
	"thordeploy/playbook"
)

// scope is one host's variables while one task is looked at, as layers. From
// the first that wins: the task's own (loop item, result), magic variables,
// -e, include parameters, role parameters, register and set_fact,
// include_vars, vars: of the task and the blocks around it, role vars,
// vars_files, prompts, the play's vars:, facts, the inventory, role defaults.
type scope struct {
	host  *hostRun // which play, and where in it
	of    *subject // whose variables; the delegated host's for its connection
	frame *frame
	in    *params
	own   map[string]any // seen by this task alone
	idle  bool           // looking ahead: nothing is asked of the host
}

// params are what the includes around a task give it, innermost first.
type params struct {
	outer *params
	vars  layer     // the include's vars:
	own   layer     // its loop's item
	deps  roleFrame // what the roles give that an included role needs
}

var _ playbook.Scope = (*scope)(nil)

func (h *hostRun) scope(f *frame, in *params) *scope {
	return &scope{host: h, of: h.subject, frame: f, in: in}
}

// with is the scope with one more variable of its own.
func (s *scope) with(name string, v any) *scope {
	own := make(map[string]any, len(s.own)+1)
	maps.Copy(own, s.own)
	own[name] = v
	in := *s
	in.own = own
	return &in
}

// withAll is the scope with more variables of its own.
func (s *scope) withAll(vars map[string]any) *scope {
	own := make(map[string]any, len(s.own)+len(vars))
	maps.Copy(own, s.own)
	maps.Copy(own, vars)
	in := *s
	in.own = own
	return &in
}

// as is the scope that another host's connection is looked up in.
func (s *scope) as(of *subject) *scope {
	in := *s
	in.of = of
	return &in
}

// Lookup finds a variable in the layer that wins. A fact that nobody has asked
// for yet may be gathered for it.
func (s *scope) Lookup(name string) (any, bool) {
	if v, ok := s.own[name]; ok {
		return v, true
	}
	if v, ok := s.magic(name); ok {
		return v, true
	}
	if v, ok := s.layered(name); ok {
		return v, true
	}
	if v, ok := s.fallback(name); ok {
		return v, true
	}
	if !s.idle && factNames[name] && s.host.gatherOnUse() {
		return s.of.mem.fact(name)
	}
	if name == "ansible_facts" {
		return map[string]any{}, true // none were gathered
	}
	return nil, false
}

// layered finds a variable that somebody set.
func (s *scope) layered(name string) (any, bool) {
	if v, ok := s.own[name]; ok {
		return v, true
	}
	h := s.host
	if v, ok := h.extra[name]; ok {
		return v, true
	}
	for p := s.in; p != nil; p = p.outer {
		if v, ok := p.own[name]; ok {
			return v, true
		}
		if v, ok := p.vars[name]; ok {
			return v, true
		}
	}
	role := s.frame.role
	if role != nil {
		if v, ok := role.params[name]; ok {
			return v, true
		}
	}
	if v, ok := s.of.mem.setVar(name); ok {
		return v, true
	}
	if v, ok := s.frame.vars[name]; ok {
		return v, true
	}
	if role != nil {
		if v, ok := role.vars[name]; ok {
			return v, true
		}
	}
	for p := s.in; p != nil; p = p.outer {
		if v, ok := p.deps.vars[name]; ok {
			return v, true
		}
	}
	for _, l := range [...]layer{h.public.vars, h.roleVars, h.files, h.playVars} {
		if v, ok := l[name]; ok {
			return v, true
		}
	}
	if v, ok := s.of.mem.fact(name); ok {
		return v, true
	}
	if v, ok := s.of.vars[name]; ok {
		return v, true
	}
	if role != nil {
		if v, ok := role.defaults[name]; ok {
			return v, true
		}
	}
	for p := s.in; p != nil; p = p.outer {
		if v, ok := p.deps.defaults[name]; ok {
			return v, true
		}
	}
	if v, ok := h.public.defaults[name]; ok {
		return v, true
	}
	v, ok := h.roleDefaults[name]
	return v, ok
}

// Names lists every name that Lookup knows.
func (s *scope) Names() []string {
	out := append([]string(nil), magicNames...)
	layers := []layer{s.own, s.host.extra, s.frame.vars, s.host.public.vars, s.host.roleVars, s.host.files, s.host.playVars,
		s.of.vars, s.host.public.defaults, s.host.roleDefaults}
	for p := s.in; p != nil; p = p.outer {
		layers = append(layers, p.own, p.vars)
	}
	if r := s.frame.role; r != nil {
		layers = append(layers, r.params, r.vars, r.defaults)
	}
	for _, l := range layers {
		for k := range l {
			out = append(out, k)
		}
	}
	return append(out, s.of.mem.names()...)
}

func anyList(words []string) []any {
	out := make([]any, len(words))
	for i, w := range words {
		out[i] = w
	}
	return out
}

// compileVars makes templates of those variables whose text holds one. where
// says whose they are, for errors. What hosts report never comes here: it is
// not text to be evaluated.
func compileVars(vars map[string]any, where string) (layer, error) {
	templates := false
	for _, v := range vars {
		if hasTemplate(v) {
			templates = true
			break
		}
	}
	if !templates {
		return vars, nil
	}
	out := make(layer, len(vars))
	for k, v := range vars {
		if !hasTemplate(v) {
			out[k] = v
			continue
		}
		t, err := playbook.NewValue(v, diag.Range{File: where})
		if err != nil {
			return nil, fmt.Errorf("variable %s of %s: %w", k, where, err)
		}
		out[k] = t
	}
	return out, nil
}

func hasTemplate(v any) bool {
	switch v := v.(type) {
	case string:
		return strings.Contains(v, "{{") || strings.Contains(v, "{%")
	case []any:
		for _, e := range v {
			if hasTemplate(e) {
				return true
			}
		}
	case map[string]any:
		for _, e := range v {
			if hasTemplate(e) {
				return true
			}
		}
	}
	return false
}
