package action

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
	}
}
