package action

func scriptSpec() *Spec {
	return &Spec{
		Name:     "script",
		FreeForm: "cmd",
		RawText:  []string{"creates", "removes", "chdir", "executable"},
		Params: []Param{
			{Name: "cmd", Aliases: []string{"_raw_params"}, Type: String, Required: true, Doc: "a local script and its arguments"},
			{Name: "chdir", Type: Path, Doc: "absolute folder on the host to run in"},
			{Name: "creates", Type: Path, Doc: "a path or glob; where it exists already, the script is not run"},
			{Name: "removes", Type: Path, Doc: "a path or glob; where it doesn't exist, the script is not run"},
			{Name: "executable", Type: String, Doc: "the program to run the script with, and its options"},
		},
		Doc: "Send a local script to the host and run it there.",
	}
}
