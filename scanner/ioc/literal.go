package ioc

import (
	"regexp/syntax"
	"slices"
	"strings"
	"unicode/utf8"
)

func parse(expr string) (*syntax.Regexp, error) {
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return nil, err
	}
	return re.Simplify(), nil
}

// Bounds of a set of literals: one that is shorter is met everywhere, and an
// expression with more of them is cheaper to try.
const (
	minLiteral  = 3
	maxLiterals = 64
)

// literals returns texts in lower case of which at least one is in the lower
// case of every text that expr matches; nil where none are known that are
// worth looking for.
func literals(expr string) []string {
	re, err := parse(expr)
	if err != nil {
		return nil
	}
	set := required(re)
	if shortest(set) < minLiteral || len(set) > maxLiterals {
		return nil
	}
	slices.Sort(set)
	return slices.Compact(set)
}

// required returns texts of which at least one is in every match of re, nil
// where none are known.
func required(re *syntax.Regexp) []string {
	switch re.Op {
	case syntax.OpLiteral:
		if text, ok := lowerASCII(re); ok {
			return []string{text}
		}
		return longestASCII(re)
	case syntax.OpCapture, syntax.OpPlus:
		return required(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			return required(re.Sub[0])
		}
	case syntax.OpAlternate:
		var all []string
		for _, sub := range re.Sub {
			set := required(sub)
			if set == nil {
				return nil
			}
			all = append(all, set...)
		}
		return all
	case syntax.OpConcat:
		return ofConcat(re.Sub)
	}
	return nil
}

// ofConcat returns the best of its parts' sets, where neighbours that are a few
// exact texts each are joined first: `a(b|c)d` needs "abd" or "acd".
func ofConcat(subs []*syntax.Regexp) []string {
	var best, joined []string
	consider := func(set []string) {
		if better(set, best) {
			best = set
		}
	}
	for _, sub := range subs {
		exact := exactly(sub)
		if exact == nil || len(joined)*len(exact) > maxLiterals {
			consider(joined)
			joined = exact
			if exact == nil {
				consider(required(sub))
			}
			continue
		}
		joined = product(joined, exact)
	}
	consider(joined)
	return best
}

func product(left, right []string) []string {
	if left == nil {
		return right
	}
	out := make([]string, 0, len(left)*len(right))
	for _, a := range left {
		for _, b := range right {
			out = append(out, a+b)
		}
	}
	return out
}

// exactly returns all texts, in lower case, that re matches, nil where they are
// many or unknown.
func exactly(re *syntax.Regexp) []string {
	switch re.Op {
	case syntax.OpLiteral:
		if text, ok := lowerASCII(re); ok {
			return []string{text}
		}
	case syntax.OpEmptyMatch:
		return []string{""}
	case syntax.OpCapture:
		return exactly(re.Sub[0])
	case syntax.OpQuest:
		if set := exactly(re.Sub[0]); set != nil {
			return append([]string{""}, set...)
		}
	case syntax.OpCharClass:
		return exactClass(re.Rune)
	case syntax.OpAlternate:
		var all []string
		for _, sub := range re.Sub {
			set := exactly(sub)
			if set == nil || len(all)+len(set) > maxLiterals {
				return nil
			}
			all = append(all, set...)
		}
		return all
	case syntax.OpConcat:
		var all []string
		for _, sub := range re.Sub {
			set := exactly(sub)
			if set == nil || max(1, len(all))*len(set) > maxLiterals {
				return nil
			}
			all = product(all, set)
		}
		return all
	}
	return nil
}

// exactClass returns the characters of a small class of ASCII.
func exactClass(ranges []rune) []string {
	var out []string
	for i := 0; i+1 < len(ranges); i += 2 {
		if ranges[i+1] >= utf8.RuneSelf || ranges[i+1]-ranges[i] > 8 {
			return nil
		}
		for r := ranges[i]; r <= ranges[i+1]; r++ {
			out = append(out, strings.ToLower(string(r)))
		}
	}
	slices.Sort(out)
	if out = slices.Compact(out); len(out) > 8 {
		return nil
	}
	return out
}

// lowerASCII returns a literal in lower case if it is ASCII: other letters fold
// in ways of their own.
func lowerASCII(re *syntax.Regexp) (string, bool) {
	for _, r := range re.Rune {
		if r >= utf8.RuneSelf {
			return "", false
		}
	}
	return strings.ToLower(string(re.Rune)), true
}

// longestASCII returns the longest part of a literal that is ASCII.
func longestASCII(re *syntax.Regexp) []string {
	best := ""
	part := []rune{}
	for _, r := range append(slices.Clone(re.Rune), utf8.RuneError) {
		if r < utf8.RuneSelf {
			part = append(part, r)
			continue
		}
		if len(part) > len(best) {
			best = strings.ToLower(string(part))
		}
		part = part[:0]
	}
	if best == "" {
		return nil
	}
	return []string{best}
}

// lowered is path in lower case as literals are. The long s and the Kelvin sign
// become s and k, which an expression with (?i) takes them for.
func lowered(path string) []byte {
	out := make([]byte, 0, len(path))
	for i := 0; i < len(path); i++ {
		switch c := path[i]; {
		case 'A' <= c && c <= 'Z':
			out = append(out, c+'a'-'A')
		case c == 0xc5 && strings.HasPrefix(path[i:], "\u017f"):
			out = append(out, 's')
			i++
		case c == 0xe2 && strings.HasPrefix(path[i:], "\u212a"):
			out = append(out, 'k')
			i += 2
		default:
			out = append(out, c)
		}
	}
	return out
}

// better reports whether a set is met on fewer paths than another: what counts
// is its shortest text, then how few there are.
func better(a, b []string) bool {
	if a == nil || len(a) > maxLiterals {
		return false
	}
	la, lb := shortest(a), shortest(b)
	return b == nil || la > lb || la == lb && len(a) < len(b)
}

func shortest(set []string) int {
	n := 0
	for i, s := range set {
		if i == 0 || len(s) < n {
			n = len(s)
		}
	}
	return n
}
