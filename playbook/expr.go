package playbook

import (
	"errors"
	"fmt"
	"strings"

	"thordeploy/internal/diag"
)

// Expr is a bare Jinja expression (when:, changed_when:, failed_when:),
// compiled at load. It is safe for concurrent use.
type Expr struct {
	rng      diag.Range
	text     string // as written
	constant any    // where tmpl is nil
	tmpl     *template
	// word: the truth of a string is what it says ("no" is false), as in
	// become: and ignore_errors:. In conditions any text is true, as in Jinja.
	word bool
}

// NewExpr compiles a bare expression that isn't a playbook's own field
// (assert's `that`, debug's `var`). The error is a *diag.Diagnostic with the
// place r.
func NewExpr(text string, r diag.Range) (*Expr, error) {
	t, err := compileExpr(text, origin{rng: r})
	var f *fault
	if errors.As(err, &f) {
		return nil, &diag.Diagnostic{Range: r, Summary: fmt.Sprintf("%s: %s", text, f.summary), Hint: f.hint}
	}
	if err != nil {
		return nil, err
	}
	return &Expr{rng: r, text: text, tmpl: t}, nil
}

// String is the expression as written.
func (e *Expr) String() string {
	if e == nil {
		return ""
	}
	return e.text
}

// Range is the expression's place.
func (e *Expr) Range() diag.Range {
	if e == nil {
		return diag.Range{}
	}
	return e.rng
}

// Eval gives the expression's value with its native type. The error is an
// *EvalError.
func (e *Expr) Eval(sc Scope) (any, error) {
	if e == nil || e.tmpl == nil {
		return e.value(), nil
	}
	v, err := e.tmpl.native(newEvaluation(sc))
	if err != nil {
		return nil, evalError(err, e.rng)
	}
	return outside(v), nil
}

// Shown gives what `{{ expression }}` would: debug's var. The error is an
// *EvalError.
func (e *Expr) Shown(sc Scope) (any, error) {
	if e == nil || e.tmpl == nil {
		return e.value(), nil
	}
	v, err := e.tmpl.run(newEvaluation(sc))
	if err != nil {
		return nil, evalError(err, e.rng)
	}
	return outside(v), nil
}

// Const gives the expression's truth if no host can change it.
func (e *Expr) Const() (value, constant bool) {
	if e == nil {
		return false, true
	}
	return truth(e.constant), e.tmpl == nil
}

func (e *Expr) value() any {
	if e == nil {
		return nil
	}
	return e.constant
}

// Bool gives the expression's truth as Ansible's conditionals see it: empty
// things, zero and none are false. A keyword's template (become: "{{ x }}")
// that gives a string has to say yes or no. A nil Expr is false.
func (e *Expr) Bool(sc Scope) (bool, error) {
	v, err := e.Eval(sc)
	if err != nil {
		return false, err
	}
	s, isText := v.(string)
	if !isText || e == nil || !e.word {
		return truth(v), nil
	}
	b, ok := wordTruth(s)
	if !ok {
		return false, evalError(faultAt(0, 0, "a boolean is needed, not %q", s).withHint("yes or no"), e.rng)
	}
	return b, nil
}

// wordTruth reads Ansible's words for booleans.
func wordTruth(s string) (value, ok bool) {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "yes", "on", "true", "1", "y", "t", "1.0":
		return true, true
	case "no", "off", "false", "0", "n", "f", "0.0", "":
		return false, true
	}
	return false, false
}
