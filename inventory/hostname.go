package inventory

import (
	"net/netip"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// addHosts expands a host as written (a name, a range, with or without a port)
// and puts each host into g. What is wrong with it is reported at p.
func (s *source) addHosts(written string, p place, g *draftGroup) []*draftHost {
	pattern, port, problem, hint := splitPort(written)
	var names []string
	if problem == "" {
		names, problem, hint = expandRanges(pattern)
	}
	if problem != "" {
		p.error(s.draft, problem, hint)
		return nil
	}
	hosts := make([]*draftHost, 0, len(names))
	for _, name := range names {
		if problem, hint := checkName(name); problem != "" {
			p.error(s.draft, problem, hint)
			return nil
		}
		hosts = append(hosts, s.addHost(name, port, s.file, g))
	}
	return hosts
}

// splitPort separates `host:2222` and `[2001:db8::1]:2222` into host and port.
// A bare IPv6 address has no port. Colons inside a range are the range's.
func splitPort(w string) (host string, port int, problem, hint string) {
	if _, err := netip.ParseAddr(w); err == nil {
		return w, 0, "", ""
	}
	if strings.HasPrefix(w, "[") {
		end := strings.LastIndexByte(w, ']')
		if end > 0 && bracketed(w[1:end]) {
			rest := w[end+1:]
			if rest == "" {
				return w[1:end], 0, "", ""
			}
			if rest[0] == ':' {
				port, problem, hint = parsePort(w, rest[1:])
				return w[1:end], port, problem, hint
			}
		}
	}
	colons, last := outerColons(w)
	switch colons {
	case 0:
		return w, 0, "", ""
	case 1:
		port, problem, hint = parsePort(w, w[last+1:])
		return w[:last], port, problem, hint
	}
	if isIPv6(w) {
		return w, 0, "", ""
	}
	return "", 0, "`" + w + "` is neither host:port nor an IPv6 address", "a port after an IPv6 address needs brackets: [2001:db8::1]:2222"
}

// bracketed reports whether the inside of `[…]` or `[…]:port` is a host, and
// not a range.
func bracketed(inside string) bool {
	if isIPv6(inside) {
		return true
	}
	colons, _ := outerColons(inside)
	return colons == 0 && inside != "" && !strings.ContainsAny(inside, " \t") && balanced(inside)
}

// isIPv6 reports whether w is an IPv6 address, ranges in it taken as numbers.
func isIPv6(w string) bool {
	for strings.Contains(w, "[") {
		from := strings.IndexByte(w, '[')
		to := strings.IndexByte(w, ']')
		if to < from {
			return false
		}
		w = w[:from] + "1" + w[to+1:]
	}
	a, err := netip.ParseAddr(w)
	return err == nil && a.Is6()
}

// outerColons counts the colons outside brackets and gives the last one's index.
func outerColons(w string) (n, last int) {
	depth := 0
	for i := range len(w) {
		switch w[i] {
		case '[':
			depth++
		case ']':
			depth--
		case ':':
			if depth == 0 {
				n, last = n+1, i
			}
		}
	}
	return n, last
}

func balanced(w string) bool {
	depth := 0
	for i := range len(w) {
		switch w[i] {
		case '[':
			depth++
		case ']':
			depth--
		}
		if depth < 0 {
			return false
		}
	}
	return depth == 0
}

func parsePort(w, digits string) (port int, problem, hint string) {
	if digits == "" {
		return 0, "`" + w + "` ends in a colon but has no port", "take the colon out, or write the port: " + w + "22"
	}
	n, err := strconv.ParseUint(digits, 10, 16)
	if err != nil || n == 0 {
		return 0, "`" + w + "` has no port after its colon", "a port is a number from 1 to 65535"
	}
	return int(n), "", ""
}

// checkName says what makes a name unfit for a host. Names become path names,
// arguments and lines of a log, so only what host names and addresses are made
// of gets in.
func checkName(name string) (problem, hint string) {
	const rename = "give the host a plain name and its address in ansible_host"
	switch {
	case name == "":
		return "the host has no name", "write a name, an address or a range"
	case name == "." || name == "..":
		return "`" + name + "` can't be the name of a host: it is a folder's", rename
	case name[0] == '-':
		return strconv.Quote(name) + " can't be the name of a host: it begins with `-`", "a program would take it for an option; in a YAML list a space follows the `-`"
	case len(name) > 253:
		return "a host name of " + strconv.Itoa(len(name)) + " characters is too long", "a host name has 253 characters at most"
	}
	for _, r := range name {
		if r == utf8.RuneError || !nameRune(r) {
			return badRune(name, r)
		}
	}
	return "", ""
}

func badRune(name string, r rune) (problem, hint string) {
	quoted := strconv.Quote(name)
	switch {
	case r == '=':
		name, _, _ = strings.Cut(name, "=")
		return strconv.Quote(name) + " is a variable where a host is due", "variables of a group go under [group:vars], those of a host after its name"
	case unicode.IsSpace(r):
		return quoted + " can't be the name of a host: it has white space in it", "write one host a line; in a YAML tree each with a colon after it"
	case unicode.IsControl(r):
		return quoted + " can't be the name of a host: it has a control character in it", "is it the right file?"
	case r == '/':
		return quoted + " can't be the name of a host: it has a `/` in it", "host names become folder names; give the host a plain name and its address in ansible_host"
	}
	return quoted + " can't be the name of a host: it has " + strconv.QuoteRune(r) + " in it", "letters, digits and - _ . : @ % + make a host name"
}

func nameRune(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.Is(unicode.Mn, r) || strings.ContainsRune("-_.:@%+", r)
}
