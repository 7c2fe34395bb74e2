package lint

import (
	"strconv"
	"strings"

	"thordeploy/internal/diag"
)

var riskyMode = Rule{
	ID: "risky-mode", Severity: diag.Warning,
	Doc:   "a mode that lets every account write",
	Why:   "Any account of the host can change the file, or what is in the folder, before it is used: as root that is the host's takeover.",
	check: checkModes,
}

func checkModes(p *pass) {
	p.tasks(func(s *step) {
		for _, param := range []string{"mode", "directory_mode"} {
			v := s.Args[param]
			if v != nil && worldWritable(s.text(param)) {
				p.report(v.Range(), "leave the write bit for others out: \"0755\", \"0644\"; a folder for all has the sticky bit: \"1777\"", "mode `%s` lets every account write", s.text(param))
			}
		}
		name, args := s.program()
		if s.isCommand() && base(name) == "chmod" && len(args) > 1 {
			for _, a := range args[:len(args)-1] {
				if worldWritable(a) {
					p.report(s.ModuleRange, "leave the write bit for others out", "mode `%s` lets every account write", a)
				}
			}
		}
	})
}

// worldWritable reads an octal or symbolic mode.
func worldWritable(mode string) bool {
	if n, err := strconv.ParseUint(strings.TrimPrefix(mode, "0o"), 8, 32); err == nil {
		return n&0o002 != 0 && n&0o1000 == 0
	}
	writable := false
	for _, clause := range strings.Split(mode, ",") {
		who, perms, ok := cutAny(clause, "+=")
		if !ok || strings.Trim(who, "ugoa") != "" || strings.Trim(perms, "rwxXst") != "" {
			continue
		}
		writable = writable || (strings.ContainsAny(who, "oa")) && strings.Contains(perms, "w")
		if strings.Contains(perms, "t") {
			return false
		}
	}
	return writable
}
