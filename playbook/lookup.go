package playbook

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
)

// Controller is the machine that the playbook runs on, as far as lookups and
// tests and filters of files may reach it. A scope with a method
// Controller() Controller that isn't nil lets its templates do so. It is safe
// for concurrent use.
type Controller interface {
	Env(name string) (value string, ok bool)
	ReadFile(path string) ([]byte, error) // bounded, an encrypted file opened
	Stat(path string) (fs.FileInfo, error)
	Lstat(path string) (fs.FileInfo, error)
	Glob(pattern string) ([]string, error) // sorted
	RealPath(path string) string           // absolute, links followed as far as it exists
	Home(account string) (string, bool)    // "": the one that runs this; false: there is no such account
	// Run runs a command line of /bin/sh in a folder and gives its output.
	Run(command, dir string) ([]byte, error)
	Warn(text string)
}

// lookup is a way to bring something into a template from beside it. options
// are its keyword arguments besides wantlist, errors and allow_unsafe.
type lookup struct {
	options []string
	run     func(l *looking, terms []any) ([]any, error)
}

// lookups is the table of all lookups: a new one is a line in makeLookups. It is
// made when it is first asked for, because lookups evaluate templates, which
// look up.
func lookups() map[string]lookup {
	lookupOnce.Do(makeLookups)
	return lookupTable
}

var (
	lookupOnce  sync.Once
	lookupTable map[string]lookup
)

func makeLookups() {
	lookupTable = map[string]lookup{
		// the controller
		"env":         {options: []string{"default"}, run: lookEnv},
		"file":        {options: []string{"lstrip", "rstrip"}, run: lookFile},
		"fileglob":    {run: lookFileglob},
		"first_found": {options: []string{"files", "paths", "skip"}, run: lookFirstFound},
		"lines":       {run: lookLines},
		"pipe":        {run: lookPipe},
		"template":    {options: templateLookupOptions, run: lookTemplate},
		"unvault":     {run: lookUnvault},

		// variables and hosts
		"inventory_hostnames": {run: lookHosts},
		"varnames":            {run: lookVarNames},
		"vars":                {options: []string{"default"}, run: lookVars},

		// lists
		"cartesian":     {run: lookNested},
		"dict":          {run: lookDict},
		"flattened":     {run: lookFlattened},
		"indexed_items": {run: lookIndexed},
		"items":         {run: lookItems},
		"list":          {run: func(_ *looking, terms []any) ([]any, error) { return terms, nil }},
		"nested":        {run: lookNested},
		"random_choice": {run: lookRandom},
		"sequence":      {options: []string{"start", "end", "count", "stride", "format"}, run: lookSequence},
		"subelements":   {run: lookSubelements},
		"together":      {run: lookTogether},
	}
}

// lookupsNotDone are Ansible's other lookups, and why they aren't here.
var lookupsNotDone = map[string]string{
	"password": "keep passwords in a vault: a lookup that makes one up writes it to a file in the clear",
	"url":      "fetch it with the module get_url, or with the lookup pipe and curl",
	"csvfile":  "read it with the lookup file and split it", "ini": "read it with the lookup file and regex_search",
	"config": "write the value into a variable",
}

// looking is one call of a lookup.
type looking struct {
	ev      *evaluation
	name    string
	options map[string]any
}

// With gives the items of a loop `with_NAME: terms`. The error is an
// *EvalError.
func With(name string, terms any, sc Scope) ([]any, error) {
	l := &looking{ev: newEvaluation(sc), name: name}
	out, err := l.with(terms)
	if err != nil {
		return nil, evalError(err, noRange)
	}
	list, _ := outside(out).([]any)
	return list, nil
}

func (l *looking) with(terms any) ([]any, error) {
	f, ok := lookups()[l.name]
	if !ok {
		return nil, fmt.Errorf("there is no lookup `%s` here", l.name)
	}
	list, isList := plain(terms).([]any)
	if !isList {
		list = []any{terms}
	}
	out, err := f.run(l, list)
	if err != nil {
		return nil, fmt.Errorf("with_%s: %w", l.name, err)
	}
	v, err := l.ev.finish(out)
	out, _ = v.([]any)
	return out, err
}

// looker is lookup(name, …), or with always a list query(name, …).
func looker(always bool) functionFunc {
	return func(ev *evaluation, a arguments) (any, error) {
		if len(a.list) == 0 {
			return nil, fmt.Errorf("the name of a lookup is needed")
		}
		name := shortName(toText(a.list[0]))
		f, ok := lookups()[name]
		if !ok {
			return nil, unknownLookup(name)
		}
		l := &looking{ev: ev, name: name, options: a.named}
		out, err := f.run(l, a.list[1:])
		return l.result(out, err, always || truth(a.named["wantlist"]))
	}
}

// result is what a lookup's list comes to: the list, or its texts joined with
// commas, or its only item. `errors` says what becomes of a failure.
func (l *looking) result(out []any, err error, list bool) (any, error) {
	if err != nil {
		var f *fault
		if errors.As(err, &f) && f.undefined != "" {
			return nil, err
		}
		switch how := toText(l.options["errors"]); how {
		case "ignore":
		case "warn":
			if c := l.ev.controller(); c != nil {
				c.Warn(fmt.Sprintf("lookup `%s`: %s", l.name, err))
			}
		case "", "strict":
			return nil, fmt.Errorf("%s: %w", l.name, err)
		default:
			return nil, fmt.Errorf("errors must be strict, warn or ignore, not `%s`", how)
		}
		if list {
			return []any{}, nil
		}
		return nil, nil
	}
	if out == nil {
		out = []any{}
	}
	if list || len(out) == 0 {
		return out, nil
	}
	texts := make([]string, len(out))
	for i, v := range out {
		s, ok := v.(string)
		if !ok {
			if len(out) == 1 {
				return plain(out[0]), nil
			}
			return out, nil
		}
		texts[i] = s
	}
	joined := strings.Join(texts, ",")
	return joined, l.ev.spend(len(joined))
}

func unknownLookup(name string) *fault {
	f := &fault{summary: fmt.Sprintf("unknown lookup `%s`", name)}
	if why, known := lookupsNotDone[name]; known {
		f.summary = fmt.Sprintf("the lookup `%s` isn't done", name)
		f.hint = why
		return f
	}
	return f.withHint(didYouMean(name, keysOf(lookups())))
}

// shortName is a plugin's name without Ansible's own collections.
func shortName(name string) string {
	for _, collection := range []string{"ansible.builtin.", "ansible.legacy."} {
		name = strings.TrimPrefix(name, collection)
	}
	return name
}

// checkLookup finds, when the template is compiled, that a lookup isn't there
// or has no such option.
func (a callArgs) checkLookup(span at) error {
	if len(a.list) == 0 {
		return faultAt(span.pos, span.end, "the name of a lookup is needed")
	}
	first, ok := a.list[0].(*constant)
	if !ok {
		return nil // known when it runs
	}
	pos, end := first.span()
	name := shortName(toText(first.value))
	f, ok := lookups()[name]
	if !ok {
		fault := unknownLookup(name)
		fault.pos, fault.end = pos, end
		return fault
	}
	for i, k := range a.keys {
		known := append([]string{"wantlist", "errors", "allow_unsafe"}, f.options...)
		if !contained(known, k) && name != "template" {
			pos, _ := a.named[i].span()
			return faultAt(pos, pos+1, "lookup `%s` has no option `%s`", name, k).withHint(didYouMean(k, known))
		}
	}
	return nil
}

// controller is what the scope lets this evaluation reach; nil: nothing.
func (ev *evaluation) controller() Controller {
	if c, ok := bottom(ev.scope).(interface{ Controller() Controller }); ok {
		return c.Controller()
	}
	return nil
}

// bottom is the caller's scope, under the layers that templates put on it.
func bottom(sc Scope) Scope {
	for {
		switch s := sc.(type) {
		case layered:
			sc = s.Scope
		case lookedUp:
			sc = s.Scope
		default:
			return sc
		}
	}
}

// reach is controller, or an error where it can't be reached.
func (ev *evaluation) reach() (Controller, error) {
	if c := ev.controller(); c != nil {
		return c, nil
	}
	return nil, errors.New("the controller's files and environment can't be reached from here")
}

// option gives an option as text.
func (l *looking) option(name, def string) string {
	if v, ok := l.options[name]; ok {
		return toText(v)
	}
	return def
}

func (l *looking) flag(name string, def bool) bool {
	if v, ok := l.options[name]; ok {
		if s, isText := v.(string); isText {
			b, _ := wordTruth(s)
			return b
		}
		return truth(v)
	}
	return def
}

func contained(list []string, s string) bool { return slices.Contains(list, s) }
