// Package lint finds what would go wrong with a playbook before a host is
// touched: what loading it finds anyway, and what loads but doesn't do what it
// looks like.
//
// Data flows one way: a loaded playbook.Playbook and the problems of its load
// come in, every [Rule] of the list walks the plays' steps (walk.go) and
// reports, and [Check] gives the findings in the order of the files, without
// those that a `# noqa` comment takes back. One rule is one file; formats are in
// text.go, json.go and sarif.go. Nothing here reads a file or reaches a host:
// source lines come through [Input.Line].
package lint

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"thordeploy/internal/diag"
	"thordeploy/playbook"
)

// Rule is one thing that is held against a playbook.
type Rule struct {
	ID       string
	Severity diag.Severity // of its findings; loading's own rules have errors and warnings
	Doc      string        // what it finds, a clause: "a `creates` that nothing makes"
	Why      string        // what goes wrong, one or two sentences
	check    func(*pass)   // nil: loading finds it
}

// Finding is one place where a playbook breaks a rule. Summary says what is
// there, Hint what to try, and Rule is the rule's id.
type Finding struct {
	diag.Diagnostic
	Reason string // the rule's Why
}

// Input is what is checked.
type Input struct {
	Playbook *playbook.Playbook
	Found    *diag.List // what loading it reported; where that has errors nothing else is looked at
	Known    []string   // variables that the inventory has
	Extra    []string   // variables that -e gives: the same for every host
	// Encrypted reports a text that stood encrypted in its file: it is no
	// literal secret. nil: none did.
	Encrypted func(text string) bool
	// Line gives a line of a file by its number from 1, "" where there is
	// none. It is asked for the files that ranges name.
	Line func(file string, n int) string
}

// Rules lists every rule, in the order of the documentation.
func Rules() []Rule { return slices.Clone(rules()) }

// Check gives every finding, by file, line and column.
func Check(in Input) []Finding {
	p := &pass{Input: in}
	for _, d := range in.Found.All() {
		r := ruleOf(d.Rule)
		p.found = append(p.found, Finding{Diagnostic: d, Reason: r.Why})
		p.found[len(p.found)-1].Rule = r.ID
	}
	if in.Found.Err() == nil {
		p.prepare()
		for _, r := range rules() {
			if r.check != nil {
				p.rule = r
				r.check(p)
			}
		}
	}
	return p.finish()
}

// ruleOf is the rule of a problem that loading found.
func ruleOf(id string) Rule {
	list := rules()
	i := slices.IndexFunc(list, func(r Rule) bool { return r.ID == id })
	if i < 0 {
		return ruleOf(playbook.RuleStructure)
	}
	return list[i]
}

// pass is one run of the rules over a playbook.
type pass struct {
	Input
	rule  Rule
	plays []playView
	names *names
	found []Finding
}

// report adds a finding of the current rule.
func (p *pass) report(r diag.Range, hint, format string, args ...any) {
	p.found = append(p.found, Finding{
		Diagnostic: diag.Diagnostic{
			Severity: p.rule.Severity, Range: r, Summary: fmt.Sprintf(format, args...), Hint: hint,
			Source: p.line(r), Rule: p.rule.ID,
		},
		Reason: p.rule.Why,
	})
}

func (p *pass) line(r diag.Range) string {
	if p.Line == nil || r.Line == 0 {
		return ""
	}
	return p.Line(r.File, r.Line)
}

// finish drops what is taken back or said twice, hides secrets, and sorts.
func (p *pass) finish() []Finding {
	secret := map[string]bool{}
	place := func(f Finding) string { return fmt.Sprintf("%s:%d", f.Range.File, f.Range.Line) }
	for _, f := range p.found {
		if f.Rule == literalSecret.ID {
			secret[place(f)] = true
		}
	}
	seen := map[string]bool{}
	out := []Finding{}
	for _, f := range p.found {
		key := fmt.Sprintf("%v\x00%s\x00%s", f.Range, f.Rule, f.Summary)
		if seen[key] || excused(p.line(f.Range), f.Rule) {
			continue
		}
		seen[key] = true
		if secret[place(f)] {
			f.Source = ""
		}
		out = append(out, f)
	}
	sort.SliceStable(out, func(i, j int) bool {
		a, b := out[i].Range, out[j].Range
		if a.File != b.File {
			return a.File < b.File
		}
		if a.Line != b.Line {
			return a.Line < b.Line
		}
		return a.Column < b.Column
	})
	return out
}

// excused reports a line whose `# noqa: id, id` comment takes findings of a
// rule back; `# noqa` alone takes all.
func excused(line, id string) bool {
	i := strings.LastIndex(line, "# noqa")
	if i < 0 {
		return false
	}
	rest := strings.TrimSpace(line[i+len("# noqa"):])
	list, named := strings.CutPrefix(rest, ":")
	if !named {
		return rest == ""
	}
	return slices.Contains(strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' }), id)
}
