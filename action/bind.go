package action

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"thordeploy/internal/diag"
)

// ParamError says which parameter of a module is wrong, missing or in
// conflict. Its text is one sentence that names the parameter; the hint isn't
// part of it.
type ParamError struct {
	Module string // the Spec's name; empty from Param.Check
	Param  string // as the user wrote it; the missing one's name where one is missing
	Reason string // "is required", "must be an int: \"x\""
	Hint   string // what to try, may be empty
}

func (e *ParamError) Error() string {
	of := ""
	if e.Module != "" {
		of = " of " + e.Module
	}
	return fmt.Sprintf("parameter `%s`%s %s", e.Param, of, e.Reason)
}

// ignoredParam is accepted by every module and does nothing (the published
// THOR playbook has it); package playbook warns about it.
const ignoredParam = "ignore_warnings"

func (s *Spec) param(name string) (*Param, bool) {
	for i := range s.Params {
		p := &s.Params[i]
		if p.Name == name || slices.Contains(p.Aliases, name) {
			return p, true
		}
	}
	return nil, false
}

// paramNames lists the parameters' names and aliases.
func (s *Spec) paramNames() []string {
	var list []string
	for _, p := range s.Params {
		list = append(append(list, p.Name), p.Aliases...)
	}
	return list
}

func (s *Spec) bind(values map[string]any) (Args, error) {
	bound := make(map[string]any, len(s.Params))
	given := make(map[string]string) // parameter -> the name it was written with
	for _, name := range sortedKeys(values) {
		if err := s.bindOne(bound, given, name, values[name]); err != nil {
			return Args{}, err
		}
	}
	if err := s.conflicts(given); err != nil {
		return Args{}, err
	}
	for i := range s.Params {
		p := &s.Params[i]
		if _, ok := bound[p.Name]; ok {
			continue
		}
		if p.Required {
			return Args{}, &ParamError{Module: s.Name, Param: p.Name, Reason: "is required"}
		}
		if p.Default != nil {
			v, err := p.convert(p.Default)
			if err != nil {
				return Args{}, fmt.Errorf("default of `%s` of %s: %w", p.Name, s.Name, err)
			}
			bound[p.Name] = v
		}
	}
	return Args{values: bound}, nil
}

// bindOne types one value and puts it into bound by its parameter's name. A
// null counts as not given, as in Ansible.
func (s *Spec) bindOne(bound map[string]any, given map[string]string, name string, v any) error {
	p, ok := s.param(name)
	if !ok {
		if name == ignoredParam {
			return nil
		}
		if s.AnyParam {
			bound[name] = v
			return nil
		}
		return &ParamError{Module: s.Name, Param: name, Reason: "is unknown", Hint: diag.DidYouMean(name, s.paramNames())}
	}
	if v == nil {
		return nil
	}
	if other, twice := given[p.Name]; twice {
		return &ParamError{Module: s.Name, Param: name, Reason: fmt.Sprintf("means the same as `%s`, which is given too", other)}
	}
	given[p.Name] = name
	typed, err := p.convert(v)
	if err != nil {
		return &ParamError{Module: s.Name, Param: name, Reason: err.Error(), Hint: hintOf(err)}
	}
	bound[p.Name] = typed
	return nil
}

// conflicts checks what a Spec says about parameters together.
func (s *Spec) conflicts(given map[string]string) error {
	for _, set := range s.Exclusive {
		first := ""
		for _, name := range set {
			as, ok := given[name]
			switch {
			case !ok:
			case first == "":
				first = as
			default:
				return &ParamError{Module: s.Name, Param: first, Reason: fmt.Sprintf("excludes `%s`: give one of them", as)}
			}
		}
	}
	for _, set := range s.OneOf {
		if !slices.ContainsFunc(set, func(n string) bool { _, ok := given[n]; return ok }) {
			e := &ParamError{Module: s.Name, Param: set[0], Reason: "is required"}
			if len(set) > 1 {
				e.Reason = "or `" + strings.Join(set[1:], "` or `") + "` is required"
			}
			return e
		}
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
