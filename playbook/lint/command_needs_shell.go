package lint

import (
	"strings"

	"thordeploy/internal/diag"
)

var commandNeedsShell = Rule{
	ID: "command-needs-shell", Severity: diag.Error,
	Doc:   "a `command` with what only a shell understands",
	Why:   "`command` starts the program itself: pipes, redirections and patterns reach it as plain words.",
	check: checkCommandNeedsShell,
}

func checkCommandNeedsShell(p *pass) {
	p.tasks(func(s *step) {
		if v := s.Args["cmd"]; s.module() == "command" && v != nil {
			if what := needsShell(v.Text()); what != "" {
				p.report(v.Range(), "write `shell:`, or leave it out", "`%s` means nothing to `command`", what)
			}
		}
	})
}

// needsShell is the first thing in a command line that only a shell
// understands, empty where there is none. What templates bring isn't known.
func needsShell(line string) string {
	for i, w := range split(line) {
		switch b := w.bare; {
		case w.text == "\n":
			continue // YAML's folded lines; command takes them for blanks
		case strings.Contains(b, "$("), strings.Contains(b, "`"):
			return b[strings.IndexAny(b, "$`"):]
		case b == "&" || b == "&&" || b == "|" || b == "||" || b == ";" || b == "|&":
			return b
		case strings.HasSuffix(b, ";") && !strings.HasSuffix(b, `\;`):
			return ";"
		case strings.HasPrefix(strings.TrimLeft(b, "0123456789&"), ">"), strings.HasPrefix(strings.TrimLeft(b, "0123456789"), "<"):
			return b
		case i > 0 && !strings.Contains(b, "://") && strings.ContainsAny(b, "*?") && strings.Contains(b, "/"):
			return b
		}
	}
	return ""
}
