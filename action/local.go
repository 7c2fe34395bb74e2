package action

func debugSpec() *Spec {
	return &Spec{
		Name:  "debug",
		Local: true,
		Params: []Param{
			{Name: "msg", Type: Raw, Doc: "what to print"},
			{Name: "var", Type: String, Doc: "the name of a variable, or an expression, to print"},
			{Name: "verbosity", Type: Int, Default: 0, Doc: "accepted"},
		},
		Exclusive: [][]string{{"msg", "var"}},
		Doc:       "Print a message or a variable.",
	}
}

func failSpec() *Spec {
	return &Spec{
		Name:   "fail",
		Local:  true,
		Params: []Param{{Name: "msg", Type: String, Default: "Failed as requested from task", Doc: "why"}},
		Doc:    "Fail with a message.",
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
			{Name: "quiet", Type: Bool, Default: false, Doc: "accepted"},
		},
		Doc: "Fail unless expressions are true.",
	}
}

func setFactSpec() *Spec {
	return &Spec{
		Name:     "set_fact",
		Local:    true,
		AnyParam: true,
		Params:   []Param{{Name: "cacheable", Type: Bool, Default: false, Doc: "accepted; facts live for one run"}},
		Doc:      "Set variables of the host.",
	}
}

func pingSpec() *Spec {
	return &Spec{
		Name:   "ping",
		Params: []Param{{Name: "data", Type: String, Default: "pong", Doc: "what to answer"}},
		Doc:    "Ask the host for an answer.",
	}
}
