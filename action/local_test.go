package action

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// noHost runs modules that need none.
var noHost *host

func withVars(vars map[string]any) func(*Call) {
	return func(c *Call) {
		c.Vars = func(name string) (any, error) {
			if v, ok := vars[name]; ok {
				return v, nil
			}
			return nil, fmt.Errorf("`%s` is undefined", name)
		}
		c.Shown = c.Vars
	}
}

func TestDebug(t *testing.T) {
	t.Parallel()
	vars := withVars(map[string]any{"x": "text", "list": []any{1, "<a>"}, "r.rc": 0})
	for _, test := range []struct {
		args   map[string]any
		values map[string]any
		msg    string
	}{
		{map[string]any{"msg": "hello"}, map[string]any{"msg": "hello"}, "hello"},
		{map[string]any{"msg": []any{"a", "b"}}, map[string]any{"msg": []any{"a", "b"}}, "[\n    \"a\",\n    \"b\"\n]"},
		{map[string]any{}, map[string]any{"msg": "Hello world!"}, "Hello world!"},
		{map[string]any{"var": "x"}, map[string]any{"x": "text"}, "x: text"},
		{map[string]any{"var": "list"}, map[string]any{"list": []any{1, "<a>"}}, "list: [\n    1,\n    \"<a>\"\n]"},
		{map[string]any{"var": "r.rc", "verbosity": "0"}, map[string]any{"r.rc": 0}, "r.rc: 0"},
		{map[string]any{"var": "none"}, map[string]any{"none": "VARIABLE IS NOT DEFINED!"}, "none: VARIABLE IS NOT DEFINED!: `none` is undefined"},
	} {
		r := noHost.run(t, "debug", test.args, vars)
		if diff := cmp.Diff(Result{Msg: test.msg, Values: test.values}, r); diff != "" {
			t.Errorf("%v (-want +got):\n%s", test.args, diff)
		}
	}
	verbose := noHost.run(t, "debug", map[string]any{"var": "none"}, vars, func(c *Call) { c.Verbosity = 1 })
	if verbose.Values["none"] != "VARIABLE IS NOT DEFINED!: `none` is undefined" {
		t.Errorf("with -v: %+v", verbose)
	}
	for v, skipped := range map[int]bool{0: true, 1: true, 2: false, 3: false} {
		r := noHost.run(t, "debug", map[string]any{"msg": "m", "verbosity": 2}, func(c *Call) { c.Verbosity = v })
		if r.Skipped != skipped || (r.Values["msg"] == "m") == skipped {
			t.Errorf("verbosity 2 with %d -v: %+v", v, r)
		}
	}
	s, _ := Lookup("debug")
	var pe *ParamError
	if _, err := s.Bind(map[string]any{"msg": "a", "var": "b"}); !errors.As(err, &pe) {
		t.Errorf("msg and var together: %v", err)
	}
	if !s.Local {
		t.Error("debug needs a host")
	}
}

func TestFailAndAssert(t *testing.T) {
	t.Parallel()
	wantFailed(t, noHost.run(t, "fail", map[string]any{"msg": "no RAM"}), "no RAM", "")
	wantFailed(t, noHost.run(t, "fail", nil), "Failed as requested from task", "")

	vars := withVars(map[string]any{"a == 1": true, "b": "", "c": []any{}, "d": 3, "e": "False", "f": nil, "g": map[string]any{"x": 1}, "h": 0.0})
	for _, test := range []struct {
		that any
		ok   bool
	}{
		{"a == 1", true}, {[]any{"a == 1", "d", "g", true}, true}, {[]any{"a == 1", "b"}, false}, {"c", false}, {"e", false}, {"f", false}, {"h", false},
		{[]any{false}, false}, {[]any{0}, false},
	} {
		r := noHost.run(t, "assert", map[string]any{"that": test.that, "fail_msg": "it is not so", "success_msg": "it is so"}, vars)
		want := "it is so"
		if !test.ok {
			want = "it is not so"
		}
		if r.Failed == test.ok || r.Msg != want {
			t.Errorf("%v: %+v", test.that, r)
		}
	}
	wantFailed(t, noHost.run(t, "assert", map[string]any{"that": []any{"a == 1", "nope > 2"}}, vars), "`nope > 2` can't be evaluated: `nope > 2` is undefined", "")
	r := noHost.run(t, "assert", map[string]any{"that": "b"}, vars)
	want(t, r, "assertion", "b")
	want(t, r, "evaluated_to", false)
}

func TestSetFact(t *testing.T) {
	t.Parallel()
	r := noHost.run(t, "set_fact", map[string]any{"one": 1, "list": []any{"x"}, "cacheable": "yes"})
	if diff := cmp.Diff(map[string]any{"one": 1, "list": []any{"x"}}, r.Vars); diff != "" || r.Failed || r.Changed {
		t.Errorf("%+v:\n%s", r, diff)
	}
	r = noHost.run(t, "set_fact", map[string]any{"a": "yes", "b": "No", "c": "TRUE", "d": "False", "e": "on", "f": "12", "g": []any{"yes"}})
	if diff := cmp.Diff(map[string]any{"a": true, "b": false, "c": true, "d": false, "e": "on", "f": "12", "g": []any{"yes"}}, r.Vars); diff != "" {
		t.Errorf("words of booleans:\n%s", diff)
	}
	wantFailed(t, noHost.run(t, "set_fact", map[string]any{"not-a-name": 1}), `"not-a-name" can't be the name of a variable`, "underscores")
	wantFailed(t, noHost.run(t, "set_fact", nil), "no variable", "")
}

func TestPing(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, h *host) {
		want(t, h.run(t, "ping", nil), "ping", "pong")
		want(t, h.run(t, "ping", map[string]any{"data": "x y"}), "ping", "x y")
		wantFailed(t, h.run(t, "ping", map[string]any{"data": "crash"}), "boom", "")
	})
}
