package lint

import (
	"slices"

	"thordeploy/internal/diag"
	"thordeploy/playbook"
)

var fetchSameDest = Rule{
	ID: "fetch-same-dest", Severity: diag.Warning,
	Doc:   "a `fetch` that puts every host's file in the same place",
	Why:   "With `flat` the file goes to exactly that place: each host's file replaces that of the host before, and only one is left.",
	check: checkFetch,
}

func checkFetch(p *pass) {
	p.tasks(func(s *step) {
		dest := s.Args["dest"]
		if s.module() != "fetch" || !s.flag("flat") || s.RunOnce != nil || s.play.oneHost() || p.perHost(s, dest, 0) {
			return
		}
		p.report(dest.Range(), "put {{ inventory_hostname }} into it, or leave `flat` out", "every host's file goes to `%s`", s.text("dest"))
	})
}

// oneHost reports a play for this machine alone.
func (v *playView) oneHost() bool {
	c, ok := v.Hosts.Const()
	return ok && (c == "localhost" || c == "127.0.0.1" || c == "::1")
}

// perHost reports a value that may differ from host to host: anything that
// isn't a variable of the playbook's own files that is the same for all.
func (p *pass) perHost(s *step, v *playbook.Value, depth int) bool {
	for _, ref := range v.References() {
		own, ok := s.scope.vars[ref.Name]
		if !ok && s.loops(ref.Name) {
			own, ok = s.Loop, true
		}
		if slices.Contains(p.Extra, ref.Name) {
			continue
		}
		if !ok || depth > 20 || p.perHost(s, own, depth+1) {
			return true
		}
	}
	return false
}

// loops reports a name that the loop of the task sets.
func (s *step) loops(name string) bool {
	return s.Loop != nil && (name == s.LoopVar || name == "item" && s.LoopVar == "" || name == s.LoopIndex)
}
