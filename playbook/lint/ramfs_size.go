package lint

import (
	"strings"

	"thordeploy/internal/diag"
)

var ramfsSize = Rule{
	ID: "ramfs-size", Severity: diag.Warning,
	Doc:   "`size=` on a ramfs",
	Why:   "The kernel ignores `size=` on a ramfs: what is written beyond it takes the host's memory. thordeploy only compares it with the free memory before it mounts and copies; tmpfs holds to it.",
	check: checkRamfs,
}

func checkRamfs(p *pass) {
	p.tasks(func(s *step) {
		r := s.ModuleRange
		switch {
		case s.module() == "mount":
			if s.text("fstype") != "ramfs" || !hasSize(s.text("opts")) {
				return
			}
			r = s.Args["opts"].Range()
		case s.isCommand():
			if !mountsRamfs(s.words()) {
				return
			}
		default:
			return
		}
		p.report(r, "use tmpfs, whose size is a bound (mind that tmpfs may be swapped out)", "`size=` of a ramfs bounds nothing")
	})
}

// mountsRamfs reads the words of a mount command.
func mountsRamfs(words []string) bool {
	if len(words) == 0 || base(words[0]) != "mount" {
		return false
	}
	ram, size := false, false
	for i, w := range words {
		ram = ram || w == "-tramfs" || w == "--types=ramfs" || w == "ramfs" && i > 0 && (words[i-1] == "-t" || words[i-1] == "--types")
		size = size || hasSize(w) || hasSize(strings.TrimPrefix(w, "-o"))
	}
	return ram && size
}

func hasSize(opts string) bool {
	return strings.Contains(","+strings.ReplaceAll(opts, " ", ""), ",size=")
}

// base is a program's name without its folders.
func base(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }
