package action

import (
	"context"
	"fmt"
	"strings"

	"thordeploy/transport"
	"thordeploy/transport/shell"
)

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
		Ephemeral: func(a Args) Footprint {
			if a.Has("argv") {
				return wordsFootprint(a.List("argv"))
			}
			return commandFootprint(a.Str("cmd"), false)
		},
		Run: runCommand,
	}
}

// runCommand is ansible.builtin.command: the words are a program and its
// arguments; no shell looks at them.
func runCommand(ctx context.Context, c *Call) Result {
	words := c.Args.List("argv")
	if c.Args.Has("cmd") {
		var err error
		if words, err = splitWords(c.Args.Str("cmd")); err != nil {
			return failed("the command line can't be split into words: "+err.Error(), "quote the words, or give them as argv")
		}
	}
	if len(words) == 0 {
		return failed("no command given", "")
	}
	cmd := userCommand(c)
	cmd.Argv = words
	text := transport.Quote(words...)
	if c.Args.Bool("expand_argument_vars") {
		if expanding, found := expandable(words); found {
			text = expanding
			// The words need the account's environment, which its shell has.
			cmd.Shell, cmd.Argv = "/bin/sh", []string{"exec " + text}
		}
	}
	r, err := perform(ctx, c, job{Command: cmd, shown: asAny(words)})
	if err != nil {
		return r
	}
	return explain(ctx, c, r, cmd.Dir, text)
}

// userCommand is what command and shell have in common.
func userCommand(c *Call) shell.Command {
	cmd := shell.Command{
		Dir:     c.Args.Str("chdir"),
		Env:     c.Env,
		Creates: c.Args.Str("creates"),
		Removes: c.Args.Str("removes"),
	}
	if c.Args.Has("stdin") {
		in := c.Args.Str("stdin")
		if in != "" && c.Args.Bool("stdin_add_newline") {
			in += "\n"
		}
		cmd.Stdin = []byte(in)
	}
	return cmd
}

// explain looks once more at a program whose exit status says that it could
// not be started, where the session didn't notice: its words had to be expanded
// first, or what it needs isn't there. 126 and 127 may also be the program's
// own exit status, which then stays as it is.
func explain(ctx context.Context, c *Call, r Result, dir, words string) Result {
	if rc, _ := r.Values["rc"].(int); !r.Failed || rc != 126 && rc != 127 {
		return r
	}
	args := []string{dir, words}
	for _, name := range sortedKeys(c.Env) {
		args = append(args, name+"="+c.Env[name])
	}
	reply, looked := half(ctx, c, "whynot", args...)
	why, at := reply.Values["reason"], reply.Values["path"]
	switch {
	case looked.Failed:
		return r // what is known already says more than a second failure
	case why == "interpreter":
		r.Msg = fmt.Sprintf("the interpreter that the program names in its first line is not on the host: %q", text8(at))
		r.Hint = "install it, or name another in the first line"
		if strings.HasSuffix(at, "\r") {
			r.Hint = "the file has Windows line ends: write it with line feeds alone"
		}
	case why != "":
		r.Msg, r.Hint = notRun(&shell.NotRunError{Reason: shell.Reason(why), Path: at})
	case isYes(reply.Values["elf"]) && r.Values["rc"] == 127:
		r.Hint = "if it was not started: the host may lack the program's loader, as where a program for glibc meets a host with musl"
		return r
	default:
		return r
	}
	r.Changed = false
	return r
}

// asAny is a list as results have it: YAML's own types.
func asAny(words []string) []any {
	list := make([]any, len(words))
	for i, w := range words {
		list[i] = w
	}
	return list
}
