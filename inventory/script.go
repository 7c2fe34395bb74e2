package inventory

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"thordeploy/internal/program"
)

// script is an executable inventory, as ansible.builtin.script runs it:
// `--list` gives the groups and, under `_meta`, the hosts' variables; where
// `_meta` is missing, `--host NAME` gives those of one host.
type script struct {
	*source
	hosts []*draftHost // in the order named
	seen  map[*draftHost]bool
}

const scriptHint = "run it by hand with --list: it must print one JSON object"

func (s *source) runScript() {
	r := &script{source: s, seen: map[*draftHost]bool{}}
	top, ok := r.ask(scriptHint, "--list")
	if !ok {
		return
	}
	var hostvars *object
	for i, name := range top.keys {
		switch {
		case name == "_meta":
			meta, _ := top.values[i].(*object)
			if v, has := meta.get("hostvars"); has {
				if hostvars, ok = v.(*object); !ok {
					r.wrong("`_meta.hostvars` is %s, not an object with the hosts' variables", kindOfJSON(v))
					return
				}
			}
		case !r.group(name, top.values[i]):
			return
		}
	}
	for _, h := range r.hosts {
		if hostvars == nil {
			if !r.askHost(h) {
				return
			}
		} else if v, has := hostvars.get(h.name); has && !r.hostVars(h, v) {
			return
		}
	}
}

// ask runs the script and reads the object that it prints.
func (r *script) ask(hint string, args ...string) (*object, bool) {
	p := program.Program{Path: r.file, Args: args, Timeout: r.loader.ScriptTime, MaxOutput: maxFileBytes}
	out, err := p.Run(r.ctx)
	call := strings.Join(args, " ")
	if err != nil {
		var e *program.Error
		if !errors.As(err, &e) {
			r.whole("the inventory script was interrupted: "+err.Error(), "")
			return nil, false
		}
		summary := "the inventory script, run with " + call + ", " + e.Reason
		if e.Stderr != "" {
			lines := strings.Split(e.Stderr, "\n")
			summary += ": " + lines[len(lines)-1]
		}
		r.whole(summary, hint)
		return nil, false
	}
	if len(strings.TrimSpace(string(out))) == 0 && args[0] == "--host" {
		return &object{}, true // nothing is known about the host
	}
	v, err := parseJSON(out)
	if err != nil {
		r.whole("the inventory script, run with "+call+", prints no JSON: "+err.Error(), hint)
		return nil, false
	}
	o, ok := v.(*object)
	if !ok {
		r.whole("the inventory script, run with "+call+", prints "+kindOfJSON(v)+" where an object is due", hint)
	}
	return o, ok
}

func (r *script) askHost(h *draftHost) bool {
	vars, ok := r.ask("run it by hand with --host "+h.name+"; a `_meta` in the output of --list spares these runs", "--host", h.name)
	return ok && r.hostVars(h, vars)
}

func (r *script) wrong(format string, args ...any) {
	r.whole("the inventory script: "+fmt.Sprintf(format, args...), scriptHint)
}

// group reads one group: an object with hosts, vars and children, a list of
// hosts, or, for a group with its own name as its only host, that host's
// variables.
func (r *script) group(name string, v any) bool {
	if !r.checkGroupName(name) {
		return false
	}
	g := r.addGroup(name, r.at(0, 0, 0))
	o, ok := v.(*object)
	switch {
	case !ok:
		return r.hostsOf(g, v)
	case !o.has("hosts") && !o.has("vars") && !o.has("children"):
		return r.hostsOf(g, []any{name}) && r.groupVars(g, o)
	}
	if hosts, has := o.get("hosts"); has && !r.hostsOf(g, hosts) {
		return false
	}
	if vars, has := o.get("vars"); has && !r.groupVars(g, vars) {
		return false
	}
	children, has := o.get("children")
	return !has || r.children(g, children)
}

func (r *script) checkGroupName(name string) bool {
	if name != "" && strings.TrimSpace(name) == name && !strings.ContainsFunc(name, func(c rune) bool { return c < ' ' || c == 0x7f }) {
		return true
	}
	r.wrong("%q can't be the name of a group", name)
	return false
}

func (r *script) hostsOf(g *draftGroup, v any) bool {
	list, ok := v.([]any)
	if !ok {
		r.wrong("the hosts of group `%s` are %s, not a list", g.name, kindOfJSON(v))
		return false
	}
	for _, item := range list {
		name, ok := item.(string)
		if !ok {
			r.wrong("a host of group `%s` is %s, not a name", g.name, kindOfJSON(item))
			return false
		}
		if problem, _ := checkName(name); problem != "" {
			r.wrong("%s", problem)
			return false
		}
		if h := r.addHost(name, 0, r.file, g); !r.seen[h] {
			r.seen[h] = true
			r.hosts = append(r.hosts, h)
		}
	}
	return true
}

func (r *script) groupVars(g *draftGroup, v any) bool {
	return r.eachVar("the variables of group `"+g.name+"`", v, func(name string, x any) {
		r.setGroupVar(g, name, x, r.at(0, 0, 0))
	})
}

func (r *script) hostVars(h *draftHost, v any) bool {
	return r.eachVar("the variables of host `"+h.name+"`", v, h.setHostVar)
}

// eachVar hands over the variables in v.
func (r *script) eachVar(whose string, v any, set func(name string, x any)) bool {
	o, ok := v.(*object)
	if !ok {
		r.wrong("%s are %s, not an object", whose, kindOfJSON(v))
		return false
	}
	for i, name := range o.keys {
		x, ok := r.plain(whose, o.values[i])
		if !ok {
			return false
		}
		if secretVars[name] && x != nil {
			if n, isNumber := o.values[i].(jsonNumber); isNumber {
				x = string(n) // as it was written
			}
		}
		set(name, x)
	}
	return true
}

// plain turns a JSON value into that of a variable.
func (r *script) plain(whose string, v any) (any, bool) {
	switch v := v.(type) {
	case jsonNumber:
		return v.value(), true
	case []any:
		out := make([]any, len(v))
		for i := range v {
			var ok bool
			if out[i], ok = r.plain(whose, v[i]); !ok {
				return nil, false
			}
		}
		return out, true
	case *object:
		if len(v.keys) == 1 {
			if text, isText := v.values[0].(string); isText && v.keys[0] == vaultKey {
				x, _, summary, hint := r.openValue(text)
				if summary != "" {
					r.whole("the inventory script: "+whose+": "+summary, hint)
				}
				return x, summary == ""
			} else if isText && v.keys[0] == unsafeKey {
				return r.verbatim(unsafeKey, text), true
			}
		}
		out := make(map[string]any, len(v.keys))
		for i, k := range v.keys {
			x, ok := r.plain(whose, v.values[i])
			if !ok {
				return nil, false
			}
			out[k] = x
		}
		return out, true
	}
	return v, true
}

func (r *script) children(g *draftGroup, v any) bool {
	list, ok := v.([]any)
	if !ok {
		r.wrong("the children of group `%s` are %s, not a list", g.name, kindOfJSON(v))
		return false
	}
	for _, item := range list {
		name, ok := item.(string)
		if !ok {
			r.wrong("a child of group `%s` is %s, not a name", g.name, kindOfJSON(item))
			return false
		}
		if !r.checkGroupName(name) {
			return false
		}
		r.addChild(g, r.addGroup(name, r.at(0, 0, 0)), r.at(0, 0, 0))
	}
	return true
}

// jsonNumber is a JSON number as written.
type jsonNumber string

// value is an int or a float64, and for one that is neither the text.
func (n jsonNumber) value() any {
	if i, err := strconv.Atoi(string(n)); err == nil {
		return i
	}
	if strings.ContainsAny(string(n), ".eE") {
		if f, err := strconv.ParseFloat(string(n), 64); err == nil {
			return f
		}
	}
	return string(n)
}

// object is a JSON object with its keys in the order written.
type object struct {
	keys   []string
	values []any
	at     map[string]int
}

func (o *object) set(key string, v any) {
	if i, again := o.at[key]; again {
		o.values[i] = v
		return
	}
	if o.at == nil {
		o.at = map[string]int{}
	}
	o.at[key] = len(o.keys)
	o.keys, o.values = append(o.keys, key), append(o.values, v)
}

// get finds a key's value; a nil object has none.
func (o *object) get(key string) (any, bool) {
	if o == nil {
		return nil, false
	}
	i, ok := o.at[key]
	if !ok {
		return nil, false
	}
	return o.values[i], true
}

func (o *object) has(key string) bool { _, ok := o.get(key); return ok }
