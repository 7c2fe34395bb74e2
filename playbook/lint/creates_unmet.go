package lint

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"thordeploy/internal/diag"
)

var createsUnmet = Rule{
	ID: "creates-unmet", Severity: diag.Warning,
	Doc:   "a `creates` that neither this task nor another one makes",
	Why:   "The file is never there: the condition looks as if a second run would be spared, and spares nothing.",
	check: checkCreates,
}

var outputOption = regexp.MustCompile(`^(-[low]|--?[a-z-]*(log|out|output|file|report)[a-z-]*|>+)(=|$)`)

// checkCreates holds creates against the files that the command line says it
// writes, and against the RAM drives that are empty at the beginning of a play.
func checkCreates(p *pass) {
	p.tasks(func(s *step) {
		v := s.Args["creates"]
		want := s.path("creates")
		if v == nil || want == "" || !s.isCommand() || strings.ContainsAny(want, "*?[") {
			return
		}
		if dir := s.text("chdir"); !strings.HasPrefix(want, "/") && dir != "" {
			want = clean(dir + "/" + want)
		}
		if s.mentions(want, true) || s.play.makes(want, s) {
			return
		}
		if other := s.writes(path.Dir(want)); other != "" {
			p.report(v.Range(), "name the file that the command writes, or leave `creates` out",
				"nothing makes `%s`: the command writes `%s`", want, other)
		} else if drive := s.play.drive(want, s.index); drive != "" && !s.play.filled(drive) {
			p.report(v.Range(), "name a file that the command makes, or leave `creates` out",
				"nothing makes `%s`, and the RAM drive `%s` is empty when the play begins", want, drive)
		}
	})
}

// mentions reports a command line that names the path, or with above a folder
// that it may be made in.
func (s *step) mentions(want string, above bool) bool {
	_, words := s.program()
	for _, w := range words {
		for _, part := range strings.FieldsFunc(w, func(r rune) bool { return r == '=' || r == ':' || r == ',' }) {
			at := s.absolute(part)
			if strings.HasPrefix(at, "/") && (at == want || above && strings.HasPrefix(want, strings.TrimSuffix(at, "/")+"/")) {
				return true
			}
			if part == path.Base(want) {
				return true
			}
		}
	}
	return false
}

// writes is the file in dir that the command's options say it writes.
func (s *step) writes(dir string) string {
	_, words := s.program()
	for i, w := range words {
		if !outputOption.MatchString(w) {
			continue
		}
		_, file, inline := strings.Cut(w, "=")
		if !inline && i+1 < len(words) {
			file = words[i+1]
		}
		if at := s.absolute(file); strings.Contains(at, "/") && path.Dir(at) == dir {
			return at
		}
	}
	return ""
}

// makes reports another task that names the path as one that it writes.
func (v *playView) makes(want string, but *step) bool {
	for _, s := range v.steps {
		switch {
		case s == but || s.Spec == nil || s.module() == "fetch" || s.module() == "stat":
		case s.path("dest") == want, s.path("path") == want, s.isCommand() && s.mentions(want, false):
			return true
		}
	}
	return false
}

// filled reports a drive that files are copied to: who knows which.
func (v *playView) filled(drive string) bool {
	return slices.ContainsFunc(v.steps, func(s *step) bool {
		switch s.module() {
		case "copy", "unarchive", "synchronize":
			dest := s.path("dest")
			return dest == drive || strings.HasPrefix(dest, drive+"/")
		}
		return false
	})
}

// drive is the RAM drive that the play mounts before a step and that a path is
// on.
func (v *playView) drive(at string, before int) string {
	for _, s := range v.steps[:before] {
		f := s.footprint()
		if !f.RAM {
			continue
		}
		for _, m := range f.Mounts {
			if strings.HasPrefix(at, clean(m)+"/") {
				return clean(m)
			}
		}
	}
	return ""
}
