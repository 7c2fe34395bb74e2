package sshconfig

import "strings"

// criterion is one condition of a Match line.
type criterion struct {
	name     string // in lower case, without its "!"
	negated  bool
	patterns []string
}

// withoutValue are the criteria that take none.
var withoutValue = map[string]bool{"all": true, "final": true, "canonical": true}

// here are the criteria that are decided here; ssh decides the others.
var here = map[string]bool{"all": true, "host": true, "originalhost": true, "user": true, "localuser": true, "canonical": true}

func parseMatch(l line) ([]criterion, error) {
	var list []criterion
	words := l.words
	for len(words) > 0 {
		name, value, given := strings.Cut(words[0], "=")
		words = words[1:]
		c := criterion{name: strings.ToLower(strings.TrimPrefix(name, "!")), negated: strings.HasPrefix(name, "!")}
		if !withoutValue[c.name] {
			if !given {
				if len(words) == 0 {
					return nil, l.errorf("%s has no value", name)
				}
				value, words = words[0], words[1:]
			}
			c.patterns = strings.Split(value, ",")
		}
		list = append(list, c)
	}
	if len(list) == 0 {
		return nil, l.errorf("has no condition")
	}
	return list, nil
}

// subject is what a Match looks at.
type subject struct {
	original, host, user, localUser string
}

// holds decides a Match. undecided is the name of a condition that only ssh can
// decide, where the others hold.
func holds(list []criterion, s subject) (ok bool, undecided string) {
	for _, c := range list {
		if !here[c.name] {
			undecided = c.name
			continue
		}
		is := c.name == "all"
		switch c.name {
		case "host":
			is = MatchList(c.patterns, strings.ToLower(s.host), true)
		case "originalhost":
			is = MatchList(c.patterns, s.original, false)
		case "user":
			is = MatchList(c.patterns, s.user, false)
		case "localuser":
			is = MatchList(c.patterns, s.localUser, false)
		}
		if is == c.negated {
			return false, ""
		}
	}
	return undecided == "", undecided
}

// MatchList reports whether one of the patterns fits and no negated (`!`) one
// does, as ssh_config(5) and sshd(8) have it for lists. With fold, letter case
// doesn't count.
func MatchList(patterns []string, name string, fold bool) bool {
	found := false
	for _, p := range patterns {
		negated := strings.HasPrefix(p, "!")
		p = strings.TrimPrefix(p, "!")
		if fold {
			p, name = strings.ToLower(p), strings.ToLower(name)
		}
		if !matchPattern(p, name) {
			continue
		}
		if negated {
			return false
		}
		found = true
	}
	return found
}

// matchPattern knows `*` (any run of characters) and `?` (one). It goes back to
// the last `*` alone, so a hostile pattern costs no more than len(p)*len(s).
func matchPattern(p, s string) bool {
	star, mark := -1, 0
	i, j := 0, 0
	for j < len(s) {
		switch {
		case i < len(p) && p[i] == '*':
			star, mark = i, j
			i++
		case i < len(p) && (p[i] == '?' || p[i] == s[j]):
			i++
			j++
		case star >= 0:
			mark++
			i, j = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(p[i:], "*") == ""
}
