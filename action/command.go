package action

// commandParams are what command and shell take besides their command line.
func commandParams() []Param {
	return []Param{
		{Name: "cmd", Aliases: []string{"_raw_params"}, Type: String, Doc: "the command line"},
		{Name: "chdir", Type: Path, Doc: "folder to run in"},
		{Name: "creates", Type: Path, Doc: "a path or glob; where it exists already, the command is not run"},
		{Name: "removes", Type: Path, Doc: "a path or glob; where it doesn't exist, the command is not run"},
		{Name: "stdin", Type: String, Doc: "text given on standard input"},
		{Name: "stdin_add_newline", Type: Bool, Default: true, Doc: "end stdin with a newline"},
		{Name: "strip_empty_ends", Type: Bool, Default: true, Doc: "drop empty lines at the end of stdout and stderr"},
		{Name: "warn", Type: Bool, Doc: "accepted for old playbooks, does nothing"},
	}
}

// rawTextKeys are the key=value words taken out of a command line.
func rawTextKeys() []string {
	return []string{"creates", "removes", "chdir", "executable", "warn", "stdin", "stdin_add_newline", "strip_empty_ends"}
}

func commandSpec() *Spec {
	return &Spec{
		Name:     "command",
		Aliases:  []string{"execute"},
		FreeForm: "cmd",
		RawText:  rawTextKeys(),
		Params: append(commandParams(),
			Param{Name: "argv", Type: List, Doc: "the command as a list of words, instead of cmd"},
			Param{Name: "expand_argument_vars", Type: Bool, Default: true, Doc: "replace $VAR and ${VAR} in the words by the account's environment"},
			Param{Name: "executable", Type: Path, Doc: "accepted and ignored, as in Ansible; shell has it"},
		),
		Exclusive: [][]string{{"cmd", "argv"}},
		OneOf:     [][]string{{"cmd", "argv"}},
		Doc:       "Run a program, without a shell.",
	}
}
