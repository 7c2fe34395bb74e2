package lint

import (
	"path"
	"strconv"
	"strings"

	"thordeploy/internal/diag"
)

var chmodOtherFile = Rule{
	ID: "chmod-other-file", Severity: diag.Error,
	Doc:   "one file is made executable and another one of its folder is run",
	Why:   "The program that is run has no executable bit: it ends in Permission denied, and the tasks after it never run.",
	check: checkChmod,
}

// checkChmod compares what a play makes executable with what it runs.
func checkChmod(p *pass) {
	for i := range p.plays {
		made, ran := map[string]*step{}, map[string]*step{}
		var order []string
		for _, s := range p.plays[i].steps {
			for _, f := range s.madeExecutable() {
				if made[f] == nil {
					order = append(order, f)
				}
				made[f] = s
			}
			if name, _ := s.program(); s.isCommand() && strings.Contains(name, "/") && ran[name] == nil {
				ran[name] = s
			}
		}
		for _, f := range order {
			if ran[f] == nil {
				p.otherRun(f, made, ran)
			}
		}
	}
}

// otherRun reports f where another file of its folder is run after it.
func (p *pass) otherRun(f string, made, ran map[string]*step) {
	for name, s := range ran {
		if made[name] != nil || path.Dir(name) != path.Dir(f) || s.index < made[f].index {
			continue
		}
		p.report(made[f].ModuleRange, "name the same file in both tasks", "`%s` is made executable, but what `%s` runs is `%s`", f, s.Title(), name)
	}
}

// madeExecutable lists the files that a task gives an executable bit.
func (s *step) madeExecutable() []string {
	switch s.module() {
	case "file":
		state := s.text("state")
		if executable(s.text("mode")) && state != "directory" && state != "absent" && !s.flag("recurse") {
			return []string{s.path("path")}
		}
	case "copy", "template", "get_url":
		if dest := s.text("dest"); executable(s.text("mode")) && !strings.HasSuffix(dest, "/") {
			return []string{clean(dest)}
		}
	}
	name, args := s.program()
	if !s.isCommand() || path.Base(name) != "chmod" || len(args) < 2 || strings.HasPrefix(args[0], "-") || !executable(args[0]) {
		return nil
	}
	var out []string
	for _, a := range args[1:] {
		out = append(out, s.absolute(a))
	}
	return out
}

// executable reports modes, octal or symbolic, that let somebody run a file.
func executable(mode string) bool {
	if n, err := strconv.ParseUint(mode, 8, 32); err == nil {
		return n&0o111 != 0
	}
	for _, clause := range strings.Split(mode, ",") {
		if _, perms, ok := cutAny(clause, "+="); ok && strings.ContainsAny(perms, "xX") {
			return true
		}
	}
	return false
}

// cutAny cuts text at the first of the given characters.
func cutAny(text, chars string) (before, after string, ok bool) {
	i := strings.IndexAny(text, chars)
	if i < 0 {
		return text, "", false
	}
	return text[:i], text[i+1:], true
}
