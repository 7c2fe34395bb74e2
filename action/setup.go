package action

import (
	"context"
	"path"
	"strings"
)

func setupSpec() *Spec {
	return &Spec{
		Name:    "setup",
		Aliases: []string{"gather_facts"},
		Params: []Param{
			{Name: "gather_subset", Type: List, Doc: "accepted; the small set of facts is always whole"},
			{Name: "gather_timeout", Type: Int, Doc: "accepted, does nothing"},
			{Name: "fact_path", Type: Path, Doc: "accepted; local facts are not read"},
			{Name: "filter", Type: List, Doc: "globs; only facts that match one are reported"},
		},
		Doc: "Gather facts about the host.",
		Run: runSetup,
	}
}

// runSetup is ansible.builtin.setup, for the facts that sweeps use.
func runSetup(ctx context.Context, c *Call) Result {
	reply, r := half(ctx, c, "setup")
	if r.Failed {
		return r
	}
	facts := filterFacts(factsOf(reply.Values), c.Args.List("filter"))
	r.Facts, r.Values = facts, map[string]any{"ansible_facts": facts}
	return r
}

// filterFacts keeps the facts whose name, with or without ansible_, matches
// one of the globs; all without any.
func filterFacts(facts map[string]any, globs []string) map[string]any {
	kept := make(map[string]any, len(facts))
	all := true
	for _, g := range globs {
		if g == "" || g == "*" {
			continue
		}
		all = false
		for name, v := range facts {
			full, _ := path.Match(g, name)
			short, _ := path.Match(g, strings.TrimPrefix(name, "ansible_"))
			if full || short {
				kept[name] = v
			}
		}
	}
	if all {
		return facts
	}
	return kept
}
