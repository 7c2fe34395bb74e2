package inventory

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// Select gives the hosts that a pattern names, in inventory order, each once:
// terms separated by ',' or ':'; a name, group, glob, ~regex, group[0],
// group[1:2] (ends included), group[-1]; '&' and '!' terms apply after the
// plain ones, whatever the order written. A term that names nothing is in the
// second result, for a warning with a nearest name. "localhost" is a host
// reached without SSH even where the inventory has none.
func (i *Inventory) Select(pattern string) (hosts []*Host, unknown []string, err error) {
	plain, and, not := sigils(i.splitPattern(pattern))
	if len(plain)+len(and)+len(not) == 0 {
		return nil, nil, fmt.Errorf("host pattern %q is empty: name a host, a group or all", pattern)
	}
	if len(plain) == 0 {
		plain = []string{"all"}
	}
	s := selection{inv: i, picked: map[*Host]bool{}}
	for _, t := range plain {
		s.add(t)
	}
	for _, t := range and {
		s.keep(t, true)
	}
	for _, t := range not {
		s.keep(t, false)
	}
	if s.err != nil {
		return nil, nil, fmt.Errorf("host pattern %q: %w", pattern, s.err)
	}
	for _, h := range i.hosts {
		if s.picked[h] {
			hosts = append(hosts, h)
		}
	}
	if s.local != nil && s.picked[s.local] {
		hosts = append(hosts, s.local)
	}
	return hosts, s.unknown, nil
}

// sigils sorts terms by what they begin with, and takes that away.
func sigils(terms []string) (plain, and, not []string) {
	for _, t := range terms {
		switch t[0] {
		case '&':
			and = append(and, t[1:])
		case '!':
			not = append(not, t[1:])
		default:
			plain = append(plain, t)
		}
	}
	return plain, and, not
}

// selection is a pattern being applied, term by term.
type selection struct {
	inv     *Inventory
	picked  map[*Host]bool
	local   *Host // the implicit localhost, once a term names it
	unknown []string
	err     error // of the first term that makes no sense
}

// add picks what a plain term names.
func (s *selection) add(term string) {
	if h, ok := s.inv.byName[term]; ok { // before a group of that name, as with ansible-core
		s.picked[h] = true
		return
	}
	if h := s.inv.implicit(term); h != nil {
		if s.local == nil {
			s.local = h
		}
		s.picked[s.local] = true
		return
	}
	for h := range s.find(term) {
		s.picked[h] = true
	}
}

// keep drops what a term doesn't name, or, with named false, what it names.
func (s *selection) keep(term string, named bool) {
	found := s.find(term)
	if s.local != nil && s.inv.implicit(term) != nil {
		found[s.local] = true
	}
	for h := range s.picked {
		if found[h] != named {
			delete(s.picked, h)
		}
	}
}

// find gives the hosts that a term without its sigil names, and notes a term
// that names nothing.
func (s *selection) find(term string) map[*Host]bool {
	list, err := s.inv.match(term)
	if err != nil && s.err == nil {
		s.err = err
	}
	if len(list) == 0 && !s.inv.isGroup(term) && s.inv.implicit(term) == nil {
		s.unknown = append(s.unknown, term)
	}
	found := make(map[*Host]bool, len(list))
	for _, h := range list {
		found[h] = true
	}
	return found
}

func (i *Inventory) isGroup(term string) bool {
	_, ok := i.members[term]
	return ok
}

// implicit is the controller itself, where the inventory has no host of that
// name.
func (i *Inventory) implicit(term string) *Host {
	if term != "localhost" && term != "127.0.0.1" && term != "::1" {
		return nil
	}
	if _, ok := i.byName[term]; ok || i.isGroup(term) {
		return nil
	}
	vars := map[string]any{}
	for k, v := range i.allVars {
		vars[k] = v
	}
	vars["ansible_connection"] = "local"
	return &Host{Name: term, Vars: vars}
}

// splitPattern splits at ',' and, in what remains, at ':', both outside
// brackets. A host's name and an IPv6 address keep their colons. White space
// around terms means nothing.
func (i *Inventory) splitPattern(pattern string) []string {
	var terms []string
	for _, part := range splitOuter(pattern, ',') {
		bare := strings.TrimLeft(part, "&!")
		_, isHost := i.byName[bare]
		_, notAddr := netip.ParseAddr(bare)
		if isHost || notAddr == nil {
			terms = append(terms, part)
			continue
		}
		terms = append(terms, splitOuter(part, ':')...)
	}
	return terms
}

// splitOuter splits at sep outside brackets, braces and parentheses, and drops
// what is empty.
func splitOuter(s string, sep byte) []string {
	var parts []string
	depth, from := 0, 0
	cut := func(to int) {
		if part := strings.TrimSpace(s[from:to]); part != "" && part != "&" && part != "!" {
			parts = append(parts, part)
		}
		from = to + 1
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c == '[' || c == '{' || c == '(':
			depth++
		case c == ']' || c == '}' || c == ')':
			depth = max(depth-1, 0)
		case c == sep && depth == 0:
			cut(i)
		}
	}
	cut(len(s))
	return parts
}

var subscript = regexp.MustCompile(`^(.+)\[(?:(-?\d+)|(\d+)[:-](\d*))\]$`)

// match gives the hosts of one term without its sigil, in the order that a
// subscript counts: of groups first, then of hosts.
func (i *Inventory) match(term string) ([]*Host, error) {
	if h, ok := i.byName[term]; ok && !i.isGroup(term) {
		return []*Host{h}, nil
	}
	m := subscript.FindStringSubmatch(term)
	if m == nil || term[0] == '~' {
		return i.enumerate(term)
	}
	from, to, err := bounds(m)
	if err != nil {
		return nil, err
	}
	hosts, err := i.enumerate(m[1])
	n := len(hosts)
	if from < 0 { // group[-1] is the last one
		from, to = from+n, to+n
	} else if to < 0 || to >= n && m[2] == "" {
		to = n - 1
	}
	if err != nil || from < 0 || from >= n || to < from {
		return nil, err // past the end: names nothing
	}
	return hosts[from : to+1], nil
}

// bounds reads the subscript's numbers; to is -1 for "to the end".
func bounds(m []string) (from, to int, err error) {
	if m[2] != "" {
		from, err = strconv.Atoi(m[2])
		to = from
	} else if from, err = strconv.Atoi(m[3]); err == nil {
		to = -1
		if m[4] != "" {
			to, err = strconv.Atoi(m[4])
		}
	}
	if err != nil {
		return 0, 0, errors.New("the number in brackets is too large")
	}
	return from, to, nil
}

// enumerate gives the hosts of every group that expr names and, where none is
// named or expr is more than a word, of every host.
func (i *Inventory) enumerate(expr string) ([]*Host, error) {
	if expr == "all" || expr == "*" {
		return i.hosts, nil
	}
	wide := strings.ContainsAny(expr, ".?*[") || expr[0] == '~'
	if !wide {
		if members, ok := i.members[expr]; ok {
			return members, nil
		}
		if h, ok := i.byName[expr]; ok {
			return []*Host{h}, nil
		}
		return nil, nil
	}
	re, err := compile(expr)
	if err != nil {
		return nil, err
	}
	var found []*Host
	in := map[*Host]bool{}
	add := func(h *Host) {
		if !in[h] {
			in[h] = true
			found = append(found, h)
		}
	}
	for _, g := range i.order {
		if re.MatchString(g) {
			for _, h := range i.members[g] {
				add(h)
			}
		}
	}
	for _, h := range i.hosts {
		if re.MatchString(h.Name) {
			add(h)
		}
	}
	return found, nil
}

// compile makes a regular expression of ~regex (matched from a name's start)
// or of a glob (matched to the whole name: * ? [abc] [!abc]).
func compile(expr string) (*regexp.Regexp, error) {
	if expr[0] == '~' {
		re, err := regexp.Compile(`^(?:` + expr[1:] + `)`)
		if err != nil {
			return nil, fmt.Errorf("%q is not a regular expression: %w (look-around and back references aren't known)", expr[1:], err)
		}
		return re, nil
	}
	re, err := regexp.Compile(globExpr(expr))
	if err != nil {
		return nil, fmt.Errorf("%q is not a glob: use * ? [abc] [!abc]", expr)
	}
	return re, nil
}

func globExpr(glob string) string {
	var b strings.Builder
	b.WriteString(`^(?s:`)
	for i := 0; i < len(glob); i++ {
		switch c := glob[i]; c {
		case '*':
			b.WriteString(`.*`)
		case '?':
			b.WriteString(`.`)
		case '[':
			end := classEnd(glob, i)
			if end < 0 {
				b.WriteString(`\[`)
				continue
			}
			class := glob[i+1 : end]
			b.WriteByte('[')
			if class[0] == '!' {
				b.WriteByte('^')
				class = class[1:]
			}
			b.WriteString(strings.NewReplacer(`\`, `\\`, `[`, `\[`, `]`, `\]`, `^`, `\^`).Replace(class))
			b.WriteByte(']')
			i = end
		default:
			end := i + strings.IndexAny(glob[i:]+"*", "*?[")
			b.WriteString(regexp.QuoteMeta(glob[i:end]))
			i = end - 1
		}
	}
	b.WriteString(`)$`)
	return b.String()
}

// classEnd finds the bracket that closes a glob's [class], or -1.
func classEnd(glob string, i int) int {
	j := i + 1
	if j < len(glob) && glob[j] == '!' {
		j++
	}
	if j < len(glob) && glob[j] == ']' {
		j++
	}
	if k := strings.IndexByte(glob[min(j, len(glob)):], ']'); k >= 0 {
		return j + k
	}
	return -1
}
