package hostcheck

import (
	"context"
	"os"
	"path"
	"strings"
)

var preloaded = &rule{"Preload_Library", "T1574.006", "a library is loaded into every process by /etc/ld.so.preload"}

// preload looks at /etc/ld.so.preload, ld.so(8), which hardly any host has.
var preload = &check{
	module: "Preload", about: "/etc/ld.so.preload, which loads a library into every process",
	rules: []*rule{preloaded},
	look: func(_ context.Context, h *host) {
		const name = "/etc/ld.so.preload"
		text, _, _ := strings.Cut(string(h.read(name)), "#")
		for _, lib := range strings.FieldsFunc(text, func(r rune) bool { return r == ':' || r == ' ' || r == '\n' || r == '\t' }) {
			score, more := 65, ""
			switch {
			case strings.HasPrefix(lib, "/tmp/") || strings.HasPrefix(lib, "/var/tmp/") || strings.HasPrefix(lib, "/dev/shm/"):
				score, more = 85, ", which lies where everybody may write"
			case strings.HasPrefix(path.Base(lib), ".") || strings.Contains(lib, "/."):
				score, more = 85, ", which is hidden"
			case path.IsAbs(lib):
				if _, err := os.Stat(h.path(lib)); err != nil {
					score, more = 75, ", which can't be seen"
				}
			}
			h.reportLine(preloaded, name, lib, score, "every process loads %s%s", lib, more)
		}
	},
}
