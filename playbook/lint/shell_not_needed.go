package lint

import (
	"slices"
	"strings"

	"thordeploy/internal/diag"
)

var shellNotNeeded = Rule{
	ID: "shell-not-needed", Severity: diag.Warning,
	Doc:   "a `shell` with nothing for a shell to do",
	Why:   "A shell reads the line once more: a variable with a blank, a quote or a semicolon in it changes what is run.",
	check: checkShell,
}

// builtins are words that only a shell knows, or that mean something else in it.
var builtins = []string{
	".", ":", "[", "alias", "bg", "break", "case", "cd", "command", "eval", "exec", "exit", "export", "fg", "for", "function", "hash",
	"if", "jobs", "local", "read", "readonly", "return", "set", "shift", "source", "time", "times", "trap", "type", "ulimit", "umask",
	"unalias", "unset", "until", "wait", "while", "{", "!",
}

func checkShell(p *pass) {
	p.tasks(func(s *step) {
		v := s.Args["cmd"]
		if s.module() != "shell" || v == nil || s.Args["executable"] != nil {
			return
		}
		words := split(v.Text())
		if len(words) == 0 || strings.HasPrefix(words[0].text, "{") || slices.Contains(builtins, words[0].text) || assignment.MatchString(words[0].text) {
			return
		}
		for _, w := range words {
			if w.text == "\n" || strings.ContainsAny(w.bare, "|&;<>()$`*?[]{}~#!") {
				return
			}
		}
		p.report(s.ModuleRange, "write `command:`", "nothing in this line needs a shell")
	})
}
