package playbook

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"thordeploy/action"
	"thordeploy/internal/diag"
	"thordeploy/playbook/vault"
)

// Bounds of a playbook, far above any real one.
const (
	maxFile  = 4 << 20 // bytes
	maxNodes = 300_000 // YAML nodes of all files, as often as they are used, aliases expanded
	maxDepth = 100     // YAML nesting, aliases expanded
	maxFound = 500     // problems reported; the walk ends there
)

// loader turns the YAML of a playbook and of what it imports into plays,
// collecting problems. It stays with its playbook, for what is included while
// that runs.
type loader struct {
	fsys      fs.FS
	rolesPath []string
	given     Scope // -e; may be nil
	vault     *vault.Keyring
	file      string // the playbook's name in messages
	home      string // its folder, absolute
	documents map[string]*document
	roles     map[roleKey]*Role
	included  map[includeKey]*included
	main      *source  // the playbook's own text
	again     []*Task  // includes that come back to what is being read ahead
	reading   []string // includes that are being read ahead
	list      diag.List
	said      map[diag.Diagnostic]bool // problems reported, so that a file used twice has each once
	nodes     int                      // walked so far
	bytes     int64                    // read so far
	running   bool                     // the playbook is loaded: what is read now a host has come to
	began     bool                     // a play was read
	ignored   bool                     // ignore_warnings was seen
	variables bool                     // they are read alone, outside a playbook
	stopped   bool                     // a bound was hit: nothing more is walked
	rule      string                   // the rule that what is reported now belongs to
	place
	// defaulted are the parameters that some module_defaults gives: a task may
	// lack them, and where it isn't the one around it, that shows in the run.
	defaulted map[*action.Spec]map[string]bool
}

// place is where in the files the loader is.
type place struct {
	src        *source
	dir        string              // the file's folder, absolute
	chain      []link              // the files that lead here, this one last
	play       *Play               // nil outside plays
	toHandlers *[]*Task            // where the handlers of imported roles go
	role       *RoleCall           // nil outside roles
	layers     [][]Var             // vars around, outermost first
	around     []*Task             // blocks around, outermost first
	open       map[*yaml.Node]bool // the file's lists and mappings that are being walked
	handling   bool                // handlers are being read
	first      bool                // it is the first play: nothing has run before
	depth      int                 // includes that lead here
}

func (l *Loader) loader(file, dir string) *loader {
	return &loader{
		fsys: l.fileSystem(), rolesPath: l.RolesPath, given: l.Vars, vault: l.Vault, file: file, home: dir,
		documents: make(map[string]*document), roles: make(map[roleKey]*Role),
		included: make(map[includeKey]*included), defaulted: make(map[*action.Spec]map[string]bool), said: make(map[diag.Diagnostic]bool),
	}
}

// add reports a problem at a node.
func (ld *loader) add(s diag.Severity, n *yaml.Node, hint, format string, args ...any) {
	r := ld.src.rangeOf(n)
	ld.report(diag.Diagnostic{
		Severity: s, Range: r, Summary: fmt.Sprintf(format, args...), Hint: hint, Source: ld.src.line(r.Line),
	})
}

// report adds a problem, up to the bound.
func (ld *loader) report(d diag.Diagnostic) {
	d.Rule = cmp.Or(d.Rule, ld.rule, RuleStructure)
	if ld.said[d] {
		return
	}
	ld.said[d] = true
	switch n := len(ld.list.All()); {
	case n < maxFound:
		ld.list.Add(d)
	case n == maxFound:
		ld.stopped = true
		ld.list.Errorf(d.Range, "more than %d problems: the rest is not shown", maxFound)
	}
}

func (ld *loader) errorf(n *yaml.Node, hint, format string, args ...any) {
	ld.add(diag.Error, n, hint, format, args...)
}

func (ld *loader) warnf(n *yaml.Node, hint, format string, args ...any) {
	ld.add(diag.Warning, n, hint, format, args...)
}

// fault reports what is wrong with a template, at its place in the YAML.
func (ld *loader) fault(o origin, err error) {
	defer ld.as(RuleTemplate)()
	d := evalError(err, o.rng).Diagnostic
	var f *fault
	if errors.As(err, &f) {
		d = o.diagnostic(f)
	}
	if d.Source == "" {
		d.Source = ld.src.line(d.Range.Line)
	}
	ld.report(d)
}

// whole reports a problem of the file as such.
func (ld *loader) whole(hint, format string, args ...any) {
	ld.list.Add(diag.Diagnostic{
		Range: diag.Range{File: ld.src.file}, Summary: fmt.Sprintf(format, args...), Hint: hint, Rule: RuleStructure,
	})
}

const listHint = "a playbook is a list of plays: it begins with `- hosts: …`"

// parse reads the YAML of a playbook and gives its list of plays; nil where
// there is none.
func (ld *loader) parse(data []byte) *yaml.Node {
	if len(data) > maxFile {
		ld.whole("", "the playbook is larger than %d MiB", maxFile>>20)
		return nil
	}
	root, ok := ld.yaml(data)
	if !ok {
		return nil
	}
	return ld.listOfPlays(root)
}

func (ld *loader) listOfPlays(root *yaml.Node) *yaml.Node {
	if root == nil {
		ld.whole(listHint, "the playbook is empty")
		return nil
	}
	if root.Kind != yaml.SequenceNode {
		ld.errorf(root, listHint, "the playbook is %s, not a list of plays", nodeKind(root))
		return nil
	}
	if len(root.Content) == 0 {
		ld.whole(listHint, "the playbook has no plays")
	}
	return root
}

// yaml reads the one document of a file; a nil root is an empty one.
func (ld *loader) yaml(data []byte) (root *yaml.Node, ok bool) {
	if !ld.readable(data) {
		return nil, false
	}
	docs, err := decode(data)
	if err != nil {
		ld.syntax(data, err)
		return nil, false
	}
	if len(docs) == 0 || empty(docs[0]) && len(docs) == 1 {
		return nil, true
	}
	if len(docs) > 1 {
		ld.errorf(docs[1], "put all into one, and remove the `---` between them", "the file has %d YAML documents: it must be one", len(docs))
	}
	root = ld.resolve(docs[0].Content[0])
	return root, root != nil
}

func empty(doc *yaml.Node) bool {
	return len(doc.Content) == 0 || doc.Content[0].Kind == yaml.ScalarNode && doc.Content[0].ShortTag() == "!!null"
}

// readable refuses text that isn't text, with its line.
func (ld *loader) readable(data []byte) bool {
	for i, line := range strings.Split(string(data), "\n") {
		r := diag.Range{File: ld.src.file, Line: i + 1, Column: 1}
		bad := ""
		for at, c := range line {
			switch {
			case c == utf8.RuneError && !strings.HasPrefix(line[at:], "\ufffd"):
				bad = "the file is not UTF-8 text"
			case c < ' ' && c != '\t' && c != '\r' || c == 0x7f:
				bad = fmt.Sprintf("the file holds the control character %#x", c)
			default:
				continue
			}
			r.Column = utf8.RuneCountInString(line[:at]) + 1
			break
		}
		if bad != "" {
			ld.list.Add(diag.Diagnostic{Range: r, Summary: bad, Source: line, Hint: "save it as plain UTF-8 text", Rule: RuleYAML})
			return false
		}
	}
	return true
}

// counted is what the bound of YAML nodes is about.
func (ld *loader) counted() string {
	if ld.variables {
		return "the variables are"
	}
	return "the playbook and its files have"
}

// spend counts a node that is walked; false stops the walk.
func (ld *loader) spend(n *yaml.Node) bool {
	if ld.stopped {
		return false
	}
	if ld.nodes++; ld.nodes > maxNodes {
		ld.stopped = true
		ld.errorf(n, "", "%s more than %d YAML nodes, aliases expanded", ld.counted(), maxNodes)
		return false
	}
	return true
}

// resolve follows an alias to what it names; nil where it leads nowhere.
func (ld *loader) resolve(n *yaml.Node) *yaml.Node {
	if !ld.spend(n) {
		return nil
	}
	for range maxDepth {
		if n.Kind != yaml.AliasNode {
			return n
		}
		if n.Alias == nil || ld.open[n.Alias] {
			ld.errorf(n, "", "alias `*%s` contains itself", n.Value)
			return nil
		}
		n = n.Alias
	}
	return nil
}

// enter marks a list or mapping as being walked, so that an alias inside it
// to itself is noticed. The returned function ends that; ok is false where the
// nesting is too deep.
func (ld *loader) enter(n *yaml.Node) (leave func(), ok bool) {
	if ld.open[n] {
		ld.errorf(n, "", "this contains itself")
		return func() {}, false
	}
	if len(ld.open) >= maxDepth {
		ld.stopped = true
		ld.errorf(n, "", "the playbook is nested deeper than %d", maxDepth)
		return func() {}, false
	}
	if ld.open == nil {
		ld.open = make(map[*yaml.Node]bool)
	}
	ld.open[n] = true
	return func() { delete(ld.open, n) }, true
}

// pair is one entry of a mapping.
type pair struct {
	name       string
	key, value *yaml.Node // value resolved
}

// pairs gives a mapping's entries in order: `<<` merged in, the last of equal
// keys (with a warning, as Ansible), keys that aren't words reported.
func (ld *loader) pairs(n *yaml.Node) []pair {
	var out []pair
	at := make(map[string]int)
	var merges []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := ld.resolve(n.Content[i])
		if key == nil {
			continue
		}
		if key.Kind != yaml.ScalarNode {
			ld.badKey(n, key)
			continue
		}
		if key.ShortTag() == "!!merge" {
			merges = append(merges, n.Content[i+1])
			continue
		}
		value := ld.resolve(n.Content[i+1])
		if value == nil {
			continue
		}
		p := pair{key.Value, n.Content[i], value}
		if j, twice := at[p.name]; twice {
			done := ld.as(RuleDuplicateKey)
			ld.warnf(key, "", "key `%s` is given twice: the last one counts (the first is in line %d)", p.name, out[j].key.Line)
			done()
			out[j] = p
			continue
		}
		at[p.name] = len(out)
		out = append(out, p)
	}
	for _, m := range merges {
		for _, p := range ld.merged(m) {
			if _, given := at[p.name]; !given {
				at[p.name] = len(out)
				out = append(out, p)
			}
		}
	}
	return out
}

func (ld *loader) badKey(n, key *yaml.Node) {
	if key.Kind == yaml.MappingNode && n.Style&yaml.FlowStyle != 0 {
		ld.errorf(n, "put the value in quotes: \"{{ … }}\"", "a value that begins with {{ is a YAML mapping unless it is quoted")
		return
	}
	ld.errorf(key, "", "a key must be a word, not %s", nodeKind(key))
}

// merged gives the entries that a `<<` brings in.
func (ld *loader) merged(n *yaml.Node) []pair {
	n = ld.resolve(n)
	if n == nil {
		return nil
	}
	leave, ok := ld.enter(n)
	defer leave()
	if !ok {
		return nil
	}
	switch n.Kind {
	case yaml.MappingNode:
		return ld.pairs(n)
	case yaml.SequenceNode:
		var out []pair
		for _, item := range n.Content {
			item = ld.resolve(item)
			if item == nil {
				continue
			}
			if item.Kind != yaml.MappingNode {
				ld.errorf(item, "", "`<<` merges mappings, not %s", nodeKind(item))
				continue
			}
			out = append(out, ld.pairs(item)...)
		}
		return out
	}
	ld.errorf(n, "", "`<<` merges mappings, not %s", nodeKind(n))
	return nil
}

// nodeKind names what a node is, for a person.
func nodeKind(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.ScalarNode:
		switch n.ShortTag() {
		case "!!null":
			return "empty"
		case "!!int", "!!float":
			return "a number"
		case "!!bool":
			return "a boolean"
		}
	}
	return "text"
}
