package lint

import (
	"maps"
	"slices"

	"thordeploy/internal/diag"
)

var undefinedVariable = Rule{
	ID: "undefined-variable", Severity: diag.Warning,
	Doc:   "a variable that is used and defined nowhere that can be seen",
	Why:   "The task fails on every host when it comes to it, with whatever the play has put there by then.",
	check: checkUndefined,
}

// checkUndefined is silent where something brings variables whose names only a
// run knows, or where the playbook itself asks whether the variable is there.
func checkUndefined(p *pass) {
	if p.names.opaque {
		return
	}
	for _, r := range p.names.asked {
		if p.names.has(r.Name) {
			continue
		}
		hint := diag.DidYouMean(r.Name, slices.Sorted(maps.Keys(p.names.defined)))
		if hint == "" {
			hint = "define it under `vars`; where the inventory or -e has it, give lint the same -i and -e"
		}
		p.report(r.Range, hint, "variable `%s` is not defined", r.Name)
	}
}
