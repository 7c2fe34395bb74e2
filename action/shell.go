package action

func shellSpec() *Spec {
	return &Spec{
		Name:     "shell",
		FreeForm: "cmd",
		RawText:  rawTextKeys(),
		Params: append(commandParams(),
			Param{Name: "executable", Type: Path, Doc: "the shell to use instead of /bin/sh"},
		),
		OneOf: [][]string{{"cmd"}},
		Doc:   "Run a command line through a shell.",
	}
}

func rawSpec() *Spec {
	return &Spec{
		Name:     "raw",
		FreeForm: "cmd",
		RawText:  []string{"executable"},
		Params: []Param{
			{Name: "cmd", Aliases: []string{"_raw_params"}, Type: String, Required: true, Doc: "the command line, run as it is"},
			{Name: "executable", Type: Path, Doc: "the shell to use instead of the account's"},
		},
		Doc: "Run a command line as it is, without the task's environment.",
	}
}
