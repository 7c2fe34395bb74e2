package action

import (
	"context"

	"thordeploy/transport/shell"
)

func shellSpec() *Spec {
	return &Spec{
		Name:     "shell",
		FreeForm: "cmd",
		RawText:  rawTextKeys(),
		Params: append(commandParams(),
			Param{Name: "executable", Type: Path, Doc: "the shell to use instead of /bin/sh"},
		),
		OneOf:     [][]string{{"cmd"}},
		Doc:       "Run a command line through a shell.",
		Ephemeral: func(a Args) Footprint { return commandFootprint(a.Str("cmd"), true) },
		Run:       runShell,
	}
}

// runShell is ansible.builtin.shell.
func runShell(ctx context.Context, c *Call) Result {
	cmd := userCommand(c)
	cmd.Argv = []string{c.Args.Str("cmd")}
	cmd.Shell = shellOf(c)
	r, _ := perform(ctx, c, job{Command: cmd, shown: c.Args.Str("cmd")})
	return r
}

func shellOf(c *Call) string {
	if c.Args.Has("executable") && c.Args.Str("executable") != "" {
		return c.Args.Str("executable")
	}
	return "/bin/sh"
}

func rawSpec() *Spec {
	return &Spec{
		Name:     "raw",
		FreeForm: "cmd",
		// Ansible takes the same words out of the line as for the others, and
		// leaves all but executable unused.
		RawText: rawTextKeys(),
		Params: append([]Param{
			{Name: "cmd", Aliases: []string{"_raw_params"}, Type: String, Required: true, Doc: "the command line, run as it is"},
			{Name: "executable", Type: Path, Doc: "the shell to use instead of the account's"},
		}, unusedByRaw()...),
		Doc:       "Run a command line as it is, without the task's environment.",
		Ephemeral: func(a Args) Footprint { return commandFootprint(a.Str("cmd"), true) },
		Run:       runRaw,
	}
}

// unusedByRaw are parameters that raw accepts and leaves unused.
func unusedByRaw() []Param {
	var unused []Param
	for _, name := range rawTextKeys() {
		if name != "executable" {
			unused = append(unused, Param{Name: name, Type: Raw, Doc: "accepted and ignored, as in Ansible"})
		}
	}
	return unused
}

// runRaw is ansible.builtin.raw: no environment, no creates or removes, and
// nothing at all in check mode.
func runRaw(ctx context.Context, c *Call) Result {
	if c.Check {
		return Result{Skipped: true, Msg: "raw does not run in check mode"}
	}
	r, _ := perform(ctx, c, job{Command: shell.Command{Argv: []string{c.Args.Str("cmd")}, Shell: shellOf(c)}})
	return r
}
