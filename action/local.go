package action

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strings"
)

func debugSpec() *Spec {
	return &Spec{
		Name:  "debug",
		Local: true,
		Params: []Param{
			{Name: "msg", Type: Raw, Doc: "what to print"},
			{Name: "var", Type: String, Doc: "the name of a variable, or an expression, to print"},
			{Name: "verbosity", Type: Int, Default: 0, Doc: "print only with as many -v, otherwise skip the task"},
		},
		Exclusive: [][]string{{"msg", "var"}},
		Doc:       "Print a message or a variable.",
		Run:       runDebug,
	}
}

func failSpec() *Spec {
	return &Spec{
		Name:   "fail",
		Local:  true,
		Params: []Param{{Name: "msg", Type: String, Default: "Failed as requested from task", Doc: "why"}},
		Doc:    "Fail with a message.",
		Run:    func(_ context.Context, c *Call) Result { return failed(c.Args.Str("msg"), "") },
	}
}

func assertSpec() *Spec {
	return &Spec{
		Name:  "assert",
		Local: true,
		Params: []Param{
			{Name: "that", Type: Raw, Required: true, Doc: "expressions that must all be true"},
			{Name: "fail_msg", Aliases: []string{"msg"}, Type: String, Doc: "what to say when one is not"},
			{Name: "success_msg", Type: String, Doc: "what to say when all are"},
			{Name: "quiet", Type: Bool, Default: false, Doc: "say nothing where all are true"},
		},
		Doc: "Fail unless expressions are true.",
		Run: runAssert,
	}
}

func setFactSpec() *Spec {
	return &Spec{
		Name:     "set_fact",
		Local:    true,
		AnyParam: true,
		Params:   []Param{{Name: "cacheable", Type: Bool, Default: false, Doc: "accepted; facts live for one run"}},
		Doc:      "Set variables of the host.",
		Run:      runSetFact,
	}
}

func pingSpec() *Spec {
	return &Spec{
		Name:   "ping",
		Params: []Param{{Name: "data", Type: String, Default: "pong", Doc: "what to answer"}},
		Doc:    "Ask the host for an answer.",
		Run:    runPing,
	}
}

// runDebug is ansible.builtin.debug. An undefined var is said, not a failure.
func runDebug(_ context.Context, c *Call) Result {
	if c.Args.Int("verbosity") > c.Verbosity {
		const why = "Verbosity threshold not met."
		return Result{Skipped: true, Msg: why, Values: map[string]any{"skipped_reason": why}}
	}
	name := c.Args.Str("var")
	if name == "" {
		var msg any = "Hello world!"
		if c.Args.Has("msg") {
			msg = c.Args.Raw("msg")
		}
		return Result{Msg: display(msg), Values: map[string]any{"msg": msg}}
	}
	v, err := c.Shown(name)
	if err != nil {
		const undefined = "VARIABLE IS NOT DEFINED!"
		why := undefined + ": " + err.Error()
		v = undefined
		if c.Verbosity > 0 {
			v = why
		}
		return Result{Msg: name + ": " + why, Values: map[string]any{name: v}}
	}
	return Result{Msg: name + ": " + display(v), Values: map[string]any{name: v}}
}

// display is a value as a person reads it: a string as it is, anything else as
// indented JSON.
func display(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "    ")
	if e.Encode(v) != nil {
		return fmt.Sprint(v)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// runAssert is ansible.builtin.assert: each entry of that is an expression.
func runAssert(_ context.Context, c *Call) Result {
	that, ok := c.Args.Raw("that").([]any)
	if !ok {
		that = []any{c.Args.Raw("that")}
	}
	for _, t := range that {
		v, expr := t, display(t)
		if text, isText := t.(string); isText {
			var err error
			if v, err = c.Vars(text); err != nil {
				return failed(fmt.Sprintf("assertion `%s` can't be evaluated: %v", text, err), "")
			}
		}
		if truth(v) {
			continue
		}
		r := failed("Assertion failed", fmt.Sprintf("not true: %v", expr))
		if c.Args.Has("fail_msg") {
			r.Msg = c.Args.Str("fail_msg")
		}
		r.Values = map[string]any{"assertion": expr, "evaluated_to": false}
		return r
	}
	msg := "All assertions passed"
	if c.Args.Has("success_msg") {
		msg = c.Args.Str("success_msg")
	}
	r := Result{Values: map[string]any{"msg": msg}}
	if !c.Args.Bool("quiet") {
		r.Msg = msg // for a person; whoever registers the result has it either way
	}
	return r
}

// truth is a value's truth as Python has it; the words of a bool count too.
func truth(v any) bool {
	switch x := v.(type) {
	case nil:
		return false
	case string:
		if b, err := toBool(x); err == nil {
			return b
		}
		return x != ""
	case float64:
		return x != 0
	case []any:
		return len(x) > 0
	case map[string]any:
		return len(x) > 0
	}
	if n, ok := integer(v); ok {
		return n != 0
	}
	b, isBool := v.(bool)
	return !isBool || b
}

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// runSetFact is ansible.builtin.set_fact.
func runSetFact(_ context.Context, c *Call) Result {
	vars := make(map[string]any)
	for _, name := range sortedKeys(c.Args.values) {
		if name == "cacheable" {
			continue
		}
		if !variableName.MatchString(name) {
			return failed(fmt.Sprintf("%q can't be the name of a variable", name), "use letters, digits and underscores, and begin with no digit")
		}
		vars[name] = fact(c.Args.values[name])
	}
	if len(vars) == 0 {
		return failed("no variable to set", "give at least one name and its value")
	}
	return Result{Vars: vars, Values: map[string]any{"ansible_facts": vars}}
}

// fact is a variable's value, of which Ansible takes four words for booleans.
func fact(v any) any {
	if s := reflect.ValueOf(v); s.Kind() == reflect.String { // marked text too
		switch strings.ToLower(s.String()) {
		case "true", "yes":
			return true
		case "false", "no":
			return false
		}
	}
	return v
}

// runPing is ansible.builtin.ping, data=crash included.
func runPing(ctx context.Context, c *Call) Result {
	if c.Args.Str("data") == "crash" {
		return failed("boom", "")
	}
	reply, r := half(ctx, c, "ping")
	if !r.Failed {
		if reply.Values["answer"] != "yes" {
			return failed("the host gave no answer", "")
		}
		r.Values = map[string]any{"ping": c.Args.Str("data")}
	}
	return r
}
