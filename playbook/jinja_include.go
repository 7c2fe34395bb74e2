package playbook

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/nikolalohinski/gonja/v2/nodes"
	"github.com/nikolalohinski/gonja/v2/parser"
	"github.com/nikolalohinski/gonja/v2/tokens"
)

// maxFiles is how many templates may include each other, in a row.
const maxFiles = 32

// other is the template that a statement names.
type other struct {
	located
	names   node
	missing bool // `ignore missing`
	context bool // it sees the variables of this one
}

// parseOther reads `"name" [ignore missing] [with|without context]`; what is
// left is the caller's.
func (c *compiler) parseOther(g *grammar, list []*tokens.Token, context bool) (other, error) {
	o := other{located: locate(list), context: context}
	if !c.file {
		return o, faultAt(o.at.Pos, o.at.Pos+len(o.at.Val), "a template in a playbook can't read other files").
			withHint("put it into a file, and use the module template")
	}
	var err error
	if o.names, err = g.or(); err != nil {
		return o, err
	}
	if g.isWord("ignore") && g.i+1 < len(g.list) && g.list[g.i+1].Val == "missing" {
		g.i += 2
		o.missing = true
	}
	return o, nil
}

// contextWords reads `with context` and `without context`.
func (o *other) contextWords(g *grammar) {
	if (g.isWord("with") || g.isWord("without")) && g.i+1 < len(g.list) && g.list[g.i+1].Val == "context" {
		o.context = g.isWord("with")
		g.i += 2
	}
}

// load finds and compiles the template; nil where it is missing and may be.
func (o *other) load(ev *evaluation) (*template, error) {
	v, err := ev.defined(o.names)
	if err != nil {
		return nil, err
	}
	names, isList := v.([]any)
	if !isList {
		names = []any{v}
	}
	pos, end := o.names.span()
	for i, n := range names {
		text, isText := n.(string)
		if !isText {
			return nil, faultAt(pos, end, "a template's name is text, not %s", kindOf(n))
		}
		t, err := ev.loadFile(text)
		var bad *fault
		switch {
		case err == nil:
			return t, nil
		case errors.As(err, &bad):
			return nil, bad
		case errors.Is(err, fs.ErrNotExist) && (o.missing || i < len(names)-1):
		default:
			return nil, faultAt(pos, end, "%s", err)
		}
	}
	if !o.missing {
		return nil, faultAt(pos, end, "no template is named")
	}
	return nil, nil
}

// loadFile compiles another file, once in an evaluation.
func (ev *evaluation) loadFile(name string) (*template, error) {
	if t, ok := ev.loaded[name]; ok {
		return t, nil
	}
	if ev.load == nil {
		return nil, fmt.Errorf("other templates can't be read here")
	}
	text, file, err := ev.load(name)
	if err != nil {
		return nil, err
	}
	t, err := ev.templates.include(text, file, ev.home.syntax)
	if err != nil {
		return nil, err
	}
	if ev.loaded == nil {
		ev.loaded = map[string]*template{}
	}
	ev.loaded[name] = t
	return t, nil
}

// inFile renders t with what it defines at its top put into a module.
func (ev *evaluation) inFile(t *template, context bool, out *strings.Builder) (*module, error) {
	if slices.Contains(ev.files, t) || len(ev.files) >= maxFiles {
		return nil, fmt.Errorf("template %s includes itself, or too many include each other", t.origin.rng.File)
	}
	before := *ev
	defer func() {
		ev.locals, ev.file, ev.home, ev.scope, ev.files, ev.level = before.locals, before.file, before.home, before.scope, before.files, before.level
	}()
	ev.files = append(slices.Clone(ev.files), t)
	ev.file, ev.home, ev.level = &module{map[string]any{}}, t, 0
	if context {
		ev.locals = slices.Clone(ev.locals)
		if before.file != nil { // what the other file defines at its top lies under its locals
			var top []local
			for _, k := range keysOf(before.file.values) {
				top = append(top, local{k, before.file.values[k]})
			}
			ev.locals = append(top, ev.locals...)
		}
	} else {
		ev.locals, ev.scope = nil, nil
	}
	err := renderAll(ev, t.body, out)
	var f *fault
	if errors.As(err, &f) && f.tmpl == nil {
		f.tmpl = t
	}
	return ev.file, err
}

// inclusion is {% include "name" %}.
type inclusion struct{ other }

func (c *compiler) parseInclude(_ *parser.Parser, list []*tokens.Token) (nodes.ControlStructure, error) {
	g := c.grammar(list)
	o, err := c.parseOther(g, list, true)
	if err != nil {
		return nil, err
	}
	o.contextWords(g)
	if !g.done() {
		return nil, g.unexpected("the end of the statement")
	}
	return &inclusion{o}, nil
}

func (s *inclusion) render(ev *evaluation, out *strings.Builder) error {
	t, err := s.load(ev)
	if t == nil || err != nil {
		return err
	}
	_, err = ev.inFile(t, s.context, out)
	pos, end := s.names.span()
	return ev.place(err, at{pos, end})
}

// importing is {% import "name" as x %} and {% from "name" import a as b %}.
type importing struct {
	other
	as    string      // the module's name, empty: pairs
	pairs [][2]string // what is taken, and its name here
}

func (c *compiler) parseImport(_ *parser.Parser, list []*tokens.Token) (nodes.ControlStructure, error) {
	g := c.grammar(list)
	o, err := c.parseOther(g, list, false)
	if err != nil {
		return nil, err
	}
	if !g.acceptWord("as") {
		return nil, g.unexpected("`as`")
	}
	s := &importing{other: o}
	if s.as, err = g.plainName(); err != nil {
		return nil, err
	}
	s.contextWords(g)
	if !g.done() {
		return nil, g.unexpected("the end of the statement")
	}
	return s, nil
}

func (g *grammar) plainName() (string, error) {
	t := g.peek()
	if t.Type != tokens.Name || reserved(t.Val) {
		return "", g.unexpected("a name")
	}
	g.i++
	return t.Val, nil
}

func (c *compiler) parseFrom(_ *parser.Parser, list []*tokens.Token) (nodes.ControlStructure, error) {
	g := c.grammar(list)
	o, err := c.parseOther(g, list, false)
	if err != nil {
		return nil, err
	}
	if !g.acceptWord("import") {
		return nil, g.unexpected("`import`")
	}
	s := &importing{other: o}
	for !g.done() {
		if s.contextWords(g); g.done() {
			break
		}
		var p [2]string
		if p[0], err = g.plainName(); err != nil {
			return nil, err
		}
		p[1] = p[0]
		if g.acceptWord("as") {
			if p[1], err = g.plainName(); err != nil {
				return nil, err
			}
		}
		s.pairs = append(s.pairs, p)
		if s.contextWords(g); !g.done() && !g.accept(tokens.Comma) {
			return nil, g.unexpected("`,` or the end of the statement")
		}
	}
	if len(s.pairs) == 0 {
		return nil, g.unexpected("a name")
	}
	return s, nil
}

func (s *importing) render(ev *evaluation, _ *strings.Builder) error {
	t, err := s.load(ev)
	if err != nil {
		return err
	}
	pos, end := s.names.span()
	var m *module
	if t != nil {
		var unused strings.Builder
		if m, err = ev.inFile(t, s.context, &unused); err != nil {
			return ev.place(err, at{pos, end})
		}
	}
	if s.as != "" {
		ev.define(s.as, m)
		return nil
	}
	for _, p := range s.pairs {
		v, ok := m.values[p[0]]
		if !ok {
			f := faultAt(pos, end, "the template has no `%s` to import", p[0]).withHint(didYouMean(p[0], keysOf(m.values)))
			f.undefined = p[0]
			v = &undefined{fault: f}
		}
		ev.define(p[1], v)
	}
	return nil
}
