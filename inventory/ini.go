package inventory

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"thordeploy/internal/diag"
	"thordeploy/internal/literal"
)

// section is the part of an INI file that a line belongs to.
type section struct {
	kind  string // "hosts", "children" or "vars"
	group *draftGroup
	vars  map[string]int // variables set so far in a vars section -> line
}

// iniReader reads the INI form, and with it the plain list and the `---` list:
// both are INI without a section.
type iniReader struct {
	*source
	section
	declared map[string]bool        // groups with a section of hosts or children
	wanted   map[string]place       // groups only mentioned so far
	reason   map[string]wantedGroup // why they are wanted
	order    []string               // of wanted, for a stable order of messages
}

type wantedGroup struct{ summary, hint string }

func readINI(s *source) {
	r := &iniReader{
		source:   s,
		section:  section{kind: "hosts", group: s.group["ungrouped"]},
		declared: map[string]bool{"all": true, "ungrouped": true},
		wanted:   map[string]place{},
		reason:   map[string]wantedGroup{},
	}
	for _, g := range s.groups {
		r.declared[g.name] = true // by an earlier -i
	}
	for i, line := range s.lines {
		r.line(i+1, line)
	}
	for _, name := range r.order {
		if !r.declared[name] {
			r.wanted[name].error(r.draft, r.reason[name].summary, r.reason[name].hint)
		}
	}
}

func (r *iniReader) line(n int, raw string) {
	line := strings.TrimSpace(raw)
	if idle(line) {
		return
	}
	col := runeCol(raw, strings.Index(raw, line))
	p := r.at(n, col, utf8.RuneCountInString(line))
	if line[0] == '[' && r.header(line, p) {
		return
	}
	switch r.kind {
	case "vars":
		r.variable(line, p)
	case "children":
		r.child(line, p)
	default:
		r.hostLine(n, raw, p)
	}
}

var (
	sectionLine = regexp.MustCompile(`^\[([^:\]\s]+)(?::(\w+))?\]\s*(?:[#;].*)?$`)
	groupLine   = regexp.MustCompile(`^([^:\]\s]+)\s*(?:#.*)?$`)
)

// header takes a line that begins with a bracket. It is false where the line
// may yet be a host: a range or an IPv6 address in brackets.
func (r *iniReader) header(line string, p place) bool {
	m := sectionLine.FindStringSubmatch(line)
	if m == nil {
		closed := strings.Contains(line, "]")
		if closed && (!strings.HasSuffix(line, "]") || bracketed(line[1:len(line)-1])) {
			return false
		}
		if closed {
			p.error(r.draft, "`"+line+"` is not a section", "a section is [group], [group:children] or [group:vars], without blanks")
		} else {
			p.error(r.draft, "the bracket of a section is not closed", "write "+line+"]")
		}
		return true
	}
	name, kind := m[1], m[2]
	if kind == "" {
		kind = "hosts"
	}
	if kind != "hosts" && kind != "children" && kind != "vars" {
		hint := "the kinds are [" + name + "], [" + name + ":children] and [" + name + ":vars]"
		if near := diag.Nearest(kind, []string{"hosts", "children", "vars"}); near != "" {
			hint = "did you mean [" + name + ":" + near + "]? " + hint
		}
		p.error(r.draft, "unknown kind of section `"+kind+"`", hint)
		kind = "vars" // its lines are most likely neither hosts nor groups
	}
	r.section = section{kind: kind, group: r.addGroup(name, p), vars: map[string]int{}}
	if m[2] == "vars" {
		r.want(name, p, "["+name+":vars] is for a group that isn't there", "add the section ["+name+"] with its hosts, or check the name")
	} else {
		r.declared[name] = true
	}
	return true
}

// want notes a group that some section must declare in the end.
func (r *iniReader) want(name string, p place, summary, hint string) {
	if _, ok := r.wanted[name]; ok || r.declared[name] {
		return
	}
	r.wanted[name] = p
	r.reason[name] = wantedGroup{summary, hint}
	r.order = append(r.order, name)
}

func (r *iniReader) child(line string, p place) {
	m := groupLine.FindStringSubmatch(line)
	if m == nil {
		p.error(r.draft, "a group's name is due here", "["+r.group.name+":children] lists groups, one a line")
		return
	}
	child := r.addGroup(m[1], p)
	r.want(m[1], p, "["+r.group.name+":children] names the group `"+m[1]+"`, which isn't there",
		"add the section ["+m[1]+"], or put a host into ["+r.group.name+"]")
	r.addChild(r.group, child, p)
}

// variable takes a line of a :vars section. Its value is typed like an inline
// one. Ansible's documentation says that it is a string; its INI plugin types
// both alike: of "n=42", "yes=True" and "l=[1, 2]" under [g:vars],
// `ansible-inventory --list` of ansible-core 2.14.18 makes 42, true and [1, 2].
func (r *iniReader) variable(line string, p place) {
	name, value, ok := strings.Cut(line, "=")
	name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	if !ok || name == "" {
		p.error(r.draft, "a variable is due here, as name=value", "hosts go under ["+r.group.name+"]")
		return
	}
	if _, again := r.vars[name]; again {
		p.warn(r.draft, "variable `"+name+"` is set twice in this section", "the last one counts; take one out")
	}
	if strings.Contains(value, " #") {
		p.warn(r.draft, "the `#` belongs to the value of `"+name+"`", "under [group:vars] a comment needs a line of its own")
	}
	r.vars[name] = p.line
	r.setGroupVar(r.group, name, inlineValue(name, value), p)
}

// hostLine takes `host name=value …`.
func (r *iniReader) hostLine(n int, raw string, p place) {
	words, col, err := splitWords(raw)
	if err != nil {
		r.at(n, col, 0).error(r.draft, err.Error(), "put the value in quotes of the other kind, or a backslash before the quote")
		return
	}
	first := words[0]
	if rest := strings.TrimPrefix(raw, "- "); rest != raw && len(words) > 1 {
		p.error(r.draft, "a `-` begins a YAML list, and this file isn't one", "take the `- ` out, or begin every line with it")
		return
	}
	hosts := r.addHosts(first.text, r.at(n, first.col, first.width), r.group)
	set := map[string]bool{}
	for _, w := range words[1:] {
		at := r.at(n, w.col, w.width)
		name, value, ok := strings.Cut(w.text, "=")
		switch {
		case !ok || name == "":
			at.error(r.draft, "this word is no variable: name=value is due after a host's name",
				"put a value with blanks in quotes, no blanks around the `=`, and each host on its own line")
			return
		case set[name]:
			at.warn(r.draft, "variable `"+name+"` is set twice for this host", "the last one counts; take one out")
		case w.cut:
			at.warn(r.draft, "the value of `"+name+"` ends at the `#`", "if the `#` belongs to the value, put it in quotes")
		}
		set[name] = true
		v := inlineValue(name, value)
		for _, h := range hosts {
			h.setHostVar(name, v)
		}
	}
}

// inlineValue types a value. A password stays the text that was
// written: 0123 and 1.10 are passwords too.
func inlineValue(name, value string) any {
	v := typed(value)
	if _, isText := v.(string); !isText && secretVars[name] {
		return value
	}
	return v
}

// typed is a value as Python types it, 80,443 as a list too. What is no literal
// is the string as it is written.
func typed(text string) any {
	v, ok := literal.Parse(text)
	if !ok { // a tuple needs no parentheses
		if strings.Contains(text, ",") {
			v, ok = literal.Parse("(" + text + ")")
		}
	}
	if !ok || strings.HasPrefix(text, " ") || strings.HasPrefix(text, "\t") {
		return text
	}
	return v
}
