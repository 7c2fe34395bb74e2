package inventory

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"thordeploy/internal/diag"
)

// yamlReader reads the YAML forms: a tree of groups, and a list of hosts.
type yamlReader struct {
	*source
	nodes int // nodes walked, aliases counted each time they are used
	stop  bool
}

func readYAML(s *source) {
	r := &yamlReader{source: s}
	if r.tooMany() {
		return
	}
	root, ok := r.parse()
	switch {
	case !ok:
		return
	case root == nil:
		r.whole("the inventory is empty", "write host names into it, one a line")
		return
	}
	switch root.Kind {
	case yaml.MappingNode:
		r.tree(root)
	case yaml.SequenceNode:
		r.list(root)
	default:
		if root.ShortTag() == "!!null" {
			s.whole("the inventory is empty", "write host names into it, one a line")
			return
		}
		readINI(s)
	}
}

// tooMany reports a text that would become too many nodes, before they are made.
func (r *yamlReader) tooMany() bool {
	if strings.Count(r.text, "\n")+strings.Count(r.text, ",")+strings.Count(r.text, ":") <= maxYAMLNodes/2 {
		return false
	}
	r.whole(r.noun()+" has too many entries for YAML", "ranges such as web[001:500] keep an inventory small")
	return true
}

// parse gives the root node of the only document; nil where there is none.
func (r *yamlReader) parse() (root *yaml.Node, ok bool) {
	dec := yaml.NewDecoder(strings.NewReader(r.text))
	var doc, second yaml.Node
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, true
	} else if err != nil {
		r.syntax(err)
		return nil, false
	}
	switch err := dec.Decode(&second); {
	case err == nil:
		r.node(&second).error(r.draft, "a second document begins here", "the file is one YAML document: take the `---` out, or make two files of it")
		return nil, false
	case !errors.Is(err, io.EOF):
		r.syntax(err)
		return nil, false
	}
	if len(doc.Content) == 0 {
		return nil, true
	}
	return doc.Content[0], true
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// syntax reports what the YAML parser says. A tab in the indentation is the
// usual cause and the parser's words for it don't help, so it is looked for.
func (r *yamlReader) syntax(err error) {
	for i, line := range r.lines {
		indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
		if tab := strings.IndexByte(indent, '\t'); tab >= 0 && len(indent) < len(line) {
			r.at(i+1, tab+1, 1).error(r.draft, "a tab in the indentation", "YAML is indented with spaces alone")
			return
		}
	}
	line := 0
	if m := yamlLine.FindStringSubmatch(err.Error()); m[1] != "" {
		line, _ = strconv.Atoi(m[1]) // digits by the expression; too many of them are line 0
	}
	text := strings.TrimPrefix(yamlLine.ReplaceAllString(err.Error(), ""), "yaml: ")
	p := r.at(line, 1, 0)
	if line >= 1 && line <= len(r.lines) {
		text := strings.TrimRight(p.text(), " \t")
		p.col += len(text) - len(strings.TrimLeft(text, " "))
		p.width = utf8.RuneCountInString(strings.TrimLeft(text, " "))
	}
	p.error(r.draft, r.noun()+" is not valid YAML: "+text, "look at this line and the one before: indentation, colons, quotes")
}

// node is the place of a node.
func (r *yamlReader) node(n *yaml.Node) place {
	width := 0
	if n.Kind == yaml.ScalarNode {
		width = utf8.RuneCountInString(n.Value)
		if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
			width += 2
		}
	}
	return r.at(n.Line, n.Column, width)
}

// enter counts a node, and ends the reading of a file whose aliases multiply.
func (r *yamlReader) enter(n *yaml.Node, depth int) bool {
	if r.nodes++; r.stop || r.nodes <= maxYAMLNodes && depth <= maxYAMLDepth {
		return !r.stop
	}
	r.stop = true
	if depth > maxYAMLDepth {
		r.node(n).error(r.draft, fmt.Sprintf("the nesting is deeper than %d levels", maxYAMLDepth), "an alias may hold itself; write its content out")
	} else {
		r.node(n).error(r.draft, "the aliases multiply to too many entries", "write the content out where it is used")
	}
	return false
}

// maxYAMLDepth bounds nesting, aliases followed.
const maxYAMLDepth = 2*maxDepth + 100

// resolved follows aliases.
func resolved(n *yaml.Node) *yaml.Node {
	for range maxYAMLDepth {
		if n.Kind != yaml.AliasNode {
			break
		}
		n = n.Alias
	}
	return n
}

// pair is an entry of a mapping.
type pair struct{ key, value *yaml.Node }

// pairs lists a mapping's entries in their order. Of a key given twice the
// last value counts, with a warning; entries merged in with `<<` come last and
// don't replace what is written out.
func (r *yamlReader) pairs(m *yaml.Node, depth int) []pair {
	if !r.enter(m, depth) {
		return nil
	}
	entries := make([]pair, 0, len(m.Content)/2)
	at := make(map[string]int, len(m.Content)/2)
	var merged []*yaml.Node
	for i := 0; i+1 < len(m.Content); i += 2 {
		key, value := resolved(m.Content[i]), resolved(m.Content[i+1])
		switch {
		case key.ShortTag() == "!!merge":
			merged = append(merged, value)
			continue
		case key.Kind != yaml.ScalarNode:
			r.node(m.Content[i]).error(r.draft, "a key is a name, not a list or a mapping", "put a name that begins with a brace or bracket in quotes")
			continue
		}
		if first, again := at[key.Value]; again {
			r.node(m.Content[i]).warn(r.draft, "`"+key.Value+"` is there twice in this mapping", "the last one counts; the first is on line "+strconv.Itoa(entries[first].key.Line))
			entries[first] = pair{entries[first].key, value}
			continue
		}
		at[key.Value] = len(entries)
		entries = append(entries, pair{m.Content[i], value})
	}
	for _, from := range merged {
		entries = r.mergeInto(entries, at, from, depth)
	}
	return entries
}

// mergeInto adds the entries of a `<<` value: a mapping or a list of them.
func (r *yamlReader) mergeInto(entries []pair, at map[string]int, from *yaml.Node, depth int) []pair {
	switch from.Kind {
	case yaml.SequenceNode:
		for _, item := range from.Content {
			if r.enter(item, depth+1) {
				entries = r.mergeInto(entries, at, resolved(item), depth+1)
			}
		}
	case yaml.MappingNode:
		for _, e := range r.pairs(from, depth+1) {
			name := resolved(e.key).Value
			if _, have := at[name]; !have {
				at[name] = len(entries)
				entries = append(entries, e)
			}
		}
	default:
		r.node(from).error(r.draft, "`<<` merges a mapping in, and this is none", "name a mapping: <<: *defaults")
	}
	return entries
}

// list reads `- web1`, one host an item.
func (r *yamlReader) list(root *yaml.Node) {
	for _, item := range root.Content {
		n := resolved(item)
		if n.Kind != yaml.ScalarNode || n.ShortTag() == "!!null" {
			r.node(item).error(r.draft, "a list of hosts has names alone", "for variables write a tree: all:, hosts:, then each host with a colon and its variables under it")
			continue
		}
		r.addHosts(n.Value, r.node(item), r.group["ungrouped"])
	}
}

var groupKeys = []string{"hosts", "children", "vars"}

// tree reads the mapping of groups.
func (r *yamlReader) tree(root *yaml.Node) {
	for _, e := range r.pairs(root, 0) {
		name := resolved(e.key).Value
		if name == "plugin" && e.value.Kind == yaml.ScalarNode {
			r.node(e.key).error(r.draft, "an inventory plugin isn't done: this file configures one, and lists no hosts",
				"have ansible-inventory --list write the hosts into a file, and name that file")
			return
		}
		if isGroupKey(name) && !r.looksLikeGroup(e.value) {
			r.node(e.key).error(r.draft, "`"+name+"` stands outside of a group", "put it under a group: write `all:` above it and indent it")
			continue
		}
		r.readGroup(e, 0)
	}
}

func isGroupKey(name string) bool { return name == "hosts" || name == "children" || name == "vars" }

// looksLikeGroup tells a group that is oddly called "hosts" from a forgotten
// `all:`.
func (r *yamlReader) looksLikeGroup(n *yaml.Node) bool {
	if n.Kind != yaml.MappingNode || len(n.Content) == 0 {
		return false
	}
	for i := 0; i < len(n.Content); i += 2 {
		if !isGroupKey(resolved(n.Content[i]).Value) {
			return false
		}
	}
	return true
}

// readGroup reads one group: its hosts, children and vars.
func (r *yamlReader) readGroup(e pair, depth int) *draftGroup {
	name := resolved(e.key).Value
	p := r.node(e.key)
	if strings.TrimSpace(name) != name || name == "" || strings.ContainsFunc(name, func(c rune) bool { return c < ' ' || c == 0x7f }) {
		p.error(r.draft, strconv.Quote(name)+" can't be the name of a group", "letters, digits and _ make a group name")
		return nil
	}
	g := r.addGroup(name, p)
	switch {
	case e.value.ShortTag() == "!!null":
		return g
	case e.value.Kind != yaml.MappingNode:
		p.error(r.draft, "`"+name+"` is no group: it has neither hosts, children nor vars", "write `hosts:` under it, and each host with a colon after it")
		return g
	}
	for _, part := range r.pairs(e.value, depth) {
		key := resolved(part.key).Value
		switch key {
		case "hosts":
			for _, h := range r.section(g, part, depth+1) {
				r.readHost(h, g, depth+2)
			}
		case "children":
			for _, c := range r.section(g, part, depth+1) {
				if child := r.readGroup(c, depth+2); child != nil {
					r.addChild(g, child, r.node(c.key))
				}
			}
		case "vars":
			for _, v := range r.section(g, part, depth+1) {
				r.readVar(v, depth+2, func(name string, x any, at place) { r.setGroupVar(g, name, x, at) })
			}
		default:
			r.unknownKey(g, part, key)
		}
	}
	return g
}

// unknownKey warns, as ansible-core does, and refuses what can only be a slip
// of the pen: it would lose hosts silently.
func (r *yamlReader) unknownKey(g *draftGroup, part pair, key string) {
	p := r.node(part.key)
	if near := diag.Nearest(key, groupKeys); near != "" {
		p.error(r.draft, "unknown key `"+key+"` in group `"+g.name+"`", "did you mean `"+near+"`?")
		return
	}
	p.warn(r.draft, "unknown key `"+key+"` in group `"+g.name+"` is left out", "a group has hosts, children and vars; a group below it goes under children")
}

// section gives the entries under hosts, children or vars. A single name may
// stand for a mapping with that name alone.
func (r *yamlReader) section(g *draftGroup, part pair, depth int) []pair {
	key := resolved(part.key).Value
	switch {
	case part.value.ShortTag() == "!!null":
		return nil
	case part.value.Kind == yaml.MappingNode:
		return r.pairs(part.value, depth)
	case part.value.Kind == yaml.ScalarNode && key != "vars":
		return []pair{{part.value, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}}}
	}
	hint := "write each on its own line with a colon after it and no dash: `web1:`"
	if key == "vars" {
		hint = "write `name: value`, without a dash"
	}
	r.node(part.value).error(r.draft, "`"+key+"` of group `"+g.name+"` is no mapping", hint)
	return nil
}

func (r *yamlReader) readHost(e pair, g *draftGroup, depth int) {
	hosts := r.addHosts(resolved(e.key).Value, r.node(e.key), g)
	switch {
	case e.value.ShortTag() == "!!null":
		return
	case e.value.Kind != yaml.MappingNode:
		r.node(e.value).error(r.draft, "what follows host `"+resolved(e.key).Value+"` is no mapping of variables", "write `name: value` lines under it, or nothing")
		return
	}
	for _, v := range r.pairs(e.value, depth) {
		r.readVar(v, depth+1, func(name string, x any, _ place) {
			for _, h := range hosts {
				h.setHostVar(name, x)
			}
		})
	}
}

func (r *yamlReader) readVar(e pair, depth int, set func(name string, x any, at place)) {
	name := resolved(e.key).Value
	if v := e.value; secretVars[name] && v.Kind == yaml.ScalarNode && v.ShortTag() != "!!null" && strings.HasPrefix(v.ShortTag(), "!!") {
		set(name, v.Value, r.node(e.key)) // 0123 and 1.10 are passwords too
		return
	}
	if x, ok := r.value(e.value, depth); ok {
		set(name, x, r.node(e.key))
	}
}
