package output

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"

	"thordeploy/internal/diag"
	"thordeploy/runner"
)

// Recap is Ansible's recap of a run: a heading and one line a host, in
// inventory order. A host that had no turn (the run was interrupted before)
// has no line.
func Recap(s *runner.State) string {
	return recap(s, func(_ *runner.HostState, line string) string { return line })
}

// recap is Recap with each line as paint has it.
func recap(s *runner.State, paint func(h *runner.HostState, line string) string) string {
	var b strings.Builder
	b.WriteString(heading("PLAY RECAP"))
	for _, name := range s.Order {
		h := s.Hosts[name]
		if h.Started.IsZero() {
			continue
		}
		b.WriteString(paint(h, fmt.Sprintf("%-26s : ok=%-4d changed=%-4d unreachable=%-4d failed=%-4d skipped=%-4d rescued=%-4d ignored=%-4d",
			diag.Escape(name), h.OK, h.Changed, h.Unreachable, h.Failed, h.Skipped, h.Rescued, h.Ignored)) + "\n")
	}
	return b.String()
}

// maxNames is how many hosts of a kind Totals names.
const maxNames = 20

// Totals is how many hosts came to what, in one line, and the names of those
// that failed or were unreachable, which a recap of 800 lines buries.
func Totals(s *runner.State) string {
	ok, idle := 0, 0
	var failed, unreachable []string
	for _, name := range s.Order {
		switch h := s.Hosts[name]; {
		case h.Started.IsZero():
			idle++
		case h.Unreachable > 0 || h.Status == runner.Unreachable:
			unreachable = append(unreachable, name)
		case h.Broken():
			failed = append(failed, name)
		default:
			ok++
		}
	}
	text := fmt.Sprintf("%s in %v: %d ok", hosts(len(s.Order)), brief(s.Finished.Sub(s.Started)), ok)
	for _, part := range []struct {
		n    int
		what string
	}{{len(failed), "failed"}, {len(unreachable), "unreachable"}, {idle, "had no turn"}} {
		if part.n > 0 {
			text += fmt.Sprintf(", %d %s", part.n, part.what)
		}
	}
	return text + "\n" + named("failed", failed) + named("unreachable", unreachable)
}

// brief is a time as a person wants it: tenths of a second below a minute.
func brief(d time.Duration) time.Duration {
	if d < time.Minute {
		return d.Round(100 * time.Millisecond)
	}
	return d.Round(time.Second)
}

// named is a line of names, empty where there are none.
func named(what string, names []string) string {
	if len(names) == 0 {
		return ""
	}
	more := ""
	if n := len(names) - maxNames; n > 0 {
		names, more = names[:maxNames], fmt.Sprintf(" and %d more", n)
	}
	return what + ": " + diag.Escape(strings.Join(names, ", ")) + more + "\n"
}

// FindingsSummary is how many findings of each level every host has, empty
// where there are none.
func FindingsSummary(s *runner.State) string {
	var b strings.Builder
	for _, name := range s.Order {
		h := s.Hosts[name]
		if len(h.Findings) == 0 {
			continue
		}
		var parts []string
		for _, level := range []string{"Alert", "Warning", "Notice"} {
			if n := h.Findings[level]; n > 0 {
				parts = append(parts, fmt.Sprintf("%s=%d", strings.ToLower(level), n))
			}
		}
		fmt.Fprintf(&b, "%-26s : %s highest score=%d\n", diag.Escape(name), strings.Join(parts, " "), h.MaxScore)
	}
	if b.Len() == 0 {
		return ""
	}
	return heading("FINDINGS") + b.String()
}

// Fetched says where fetched files went, empty where there are none.
func Fetched(s *runner.State) string {
	files, from := 0, 0
	var common string
	for _, name := range s.Order {
		list := s.Hosts[name].Fetched
		if len(list) > 0 {
			from++
		}
		for _, path := range list {
			if files == 0 {
				common = filepath.Dir(path)
			}
			common = sharedFolder(common, filepath.Dir(path))
			files++
		}
	}
	if files == 0 {
		return ""
	}
	noun := "files"
	if files == 1 {
		noun = "file"
	}
	return fmt.Sprintf("%d %s fetched from %s to %s\n", files, noun, hosts(from), diag.Escape(common))
}

// sharedFolder is the deepest folder that is a or above it, and b or above it.
func sharedFolder(a, b string) string {
	for a != b && a != filepath.Dir(a) {
		if strings.HasPrefix(b, strings.TrimSuffix(a, "/")+"/") {
			return a
		}
		a = filepath.Dir(a)
	}
	return a
}

// Remains lists what could not be undone on hosts, empty where all is clean.
func Remains(s *runner.State) string {
	var b strings.Builder
	for _, name := range s.Order {
		for _, left := range s.Hosts[name].Left {
			fmt.Fprintf(&b, "%-26s : %s\n", diag.Escape(name), diag.Escape(left))
		}
	}
	if b.Len() == 0 {
		return ""
	}
	return heading("LEFT ON HOSTS") + b.String()
}

func hosts(n int) string {
	if n == 1 {
		return "1 host"
	}
	return fmt.Sprintf("%d hosts", n)
}

// heading is a line as wide as Ansible's where it knows no terminal: 79.
func heading(text string) string {
	return text + " " + strings.Repeat("*", max(3, 79-utf8.RuneCountInString(text)-1)) + "\n"
}
