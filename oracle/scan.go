package oracle

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// Uses lists where a feature of the language is used: by its kind and name the
// cases that have it. The kinds are "play", "block", "task", "role" and
// "loop_control" (keywords), "module", "parameter" ("copy.src"), "filter",
// "test", "lookup", "method" and "flag" ("--tags").
//
// That a case uses a name is enough to hold it: thordeploy refuses a name that
// it doesn't know when it loads a playbook, so that a case fails whose keyword,
// module, parameter, filter, test, lookup or flag is taken away.
type Uses map[string]map[string][]string

// Cases are those that use a feature, by name.
func (u Uses) Cases(kind, name string) []string { return u[kind][name] }

func (u Uses) add(kind, name, by string) {
	if u[kind] == nil {
		u[kind] = map[string][]string{}
	}
	if !slices.Contains(u[kind][name], by) {
		u[kind][name] = append(u[kind][name], by)
	}
}

// Language is what Scan must know of the language: which keys of a play, block
// and so on are keywords, and where a module's text has its parameters.
type Language struct {
	Keywords map[string][]string // by "play", "block", "task", "role"
	Modules  func(name string) (Module, bool)
}

// Module is a module as far as Scan must know it.
type Module struct {
	Name     string            // without a prefix
	FreeForm string            // parameter that the text form sets
	Params   map[string]string // a parameter's name by every name it has
}

// Scan lists what the cases use.
func Scan(cases []*Case, l Language) (Uses, error) {
	s := &scanner{language: l, uses: Uses{}}
	for _, c := range cases {
		s.name = c.Name
		for _, run := range c.Runs {
			s.flags(run)
		}
		err := filepath.WalkDir(c.Dir, func(path string, e fs.DirEntry, err error) error {
			if err != nil || !e.Type().IsRegular() || filepath.Base(path) == "case.yml" {
				return err
			}
			return s.file(path)
		})
		if err != nil {
			return nil, fmt.Errorf("case %s: %w", c.Name, err)
		}
	}
	return s.uses, nil
}

type scanner struct {
	language Language
	uses     Uses
	name     string // of the case
}

func (s *scanner) add(kind, name string) { s.uses.add(kind, name, s.name) }

// flags adds those of a run's arguments.
func (s *scanner) flags(run []string) {
	for _, a := range run {
		if strings.HasPrefix(a, "-") {
			name, _, _ := strings.Cut(a, "=")
			s.add("flag", name)
		}
	}
}

// file adds what a file uses: YAML, or a template.
func (s *scanner) file(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	switch filepath.Ext(path) {
	case ".j2":
		s.template(string(data))
	case ".yml":
		var doc yaml.Node
		if err := yaml.Unmarshal(data, &doc); err != nil {
			return nil // an encrypted file
		}
		s.node(&doc, "")
	}
	return nil
}

// node walks a YAML tree; key is the mapping's key that n is the value of.
func (s *scanner) node(n *yaml.Node, key string) {
	switch n.Kind {
	case yaml.ScalarNode:
		s.scalar(n.Value, key)
	case yaml.MappingNode:
		if key != "vars" {
			s.mapping(n, key)
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			s.scalar(n.Content[i].Value, "")
			s.node(n.Content[i+1], n.Content[i].Value)
		}
	default:
		for _, e := range n.Content {
			s.node(e, key)
		}
	}
}

// mapping adds the keys of a play, a block, a task or a role of a play.
func (s *scanner) mapping(n *yaml.Node, key string) {
	keys := map[string]*yaml.Node{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		keys[n.Content[i].Value] = n.Content[i+1]
	}
	what := "task"
	switch {
	case keys["hosts"] != nil || keys["import_playbook"] != nil:
		what = "play"
	case keys["block"] != nil:
		what = "block"
	case key == "roles":
		what = "role"
	case key == "loop_control":
		what = key
	case key == "case" || !s.isTask(keys):
		return
	}
	for k, v := range keys {
		switch {
		case strings.HasPrefix(k, "with_"):
			s.add("task", k)
			s.add("lookup", strings.TrimPrefix(k, "with_"))
		case what == "loop_control" || slices.Contains(s.language.Keywords[what], k):
			s.add(what, k)
		case k == "import_playbook":
			s.add("module", k)
		case what == "task":
			s.module(k, v, keys["args"])
		}
	}
	for _, action := range []string{"action", "local_action"} {
		if v := keys[action]; v != nil && what == "task" {
			s.action(v)
		}
	}
}

// isTask tells whether one of a mapping's keys is a module.
func (s *scanner) isTask(keys map[string]*yaml.Node) bool {
	for k := range keys {
		if _, ok := s.language.Modules(k); ok || k == "action" || k == "local_action" {
			return true
		}
	}
	return false
}

// action adds the module of `action` and `local_action`.
func (s *scanner) action(v *yaml.Node) {
	if v.Kind == yaml.ScalarNode {
		name, text, _ := strings.Cut(v.Value, " ")
		s.module(name, &yaml.Node{Kind: yaml.ScalarNode, Value: text}, nil)
		return
	}
	for i := 0; i+1 < len(v.Content); i += 2 {
		if v.Content[i].Value == "module" {
			s.module(v.Content[i+1].Value, v, nil)
		}
	}
}

var word = regexp.MustCompile(`(?:^|\s)([a-z_]+)=`)

// module adds a module with its parameters.
func (s *scanner) module(key string, v, args *yaml.Node) {
	m, ok := s.language.Modules(key)
	if !ok {
		return
	}
	s.add("module", m.Name)
	given := []string{}
	if v.Kind == yaml.ScalarNode {
		for _, found := range word.FindAllStringSubmatch(v.Value, -1) {
			given = append(given, found[1])
		}
		if v.Value != "" && m.FreeForm != "" {
			given = append(given, m.FreeForm)
		}
	}
	for _, n := range []*yaml.Node{v, args} {
		for i := 0; n != nil && n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
			given = append(given, n.Content[i].Value)
		}
	}
	for _, name := range given {
		if canonical, ok := m.Params[name]; ok {
			s.add("parameter", m.Name+"."+canonical)
		}
	}
}

// expressions are keys whose text is an expression without braces.
var expressions = []string{"when", "changed_when", "failed_when", "until", "that", "var"}

// scalar adds what the templates of a text use.
func (s *scanner) scalar(text, key string) {
	if slices.Contains(expressions, key) {
		s.expression(text)
	}
	s.template(text)
}

var braces = regexp.MustCompile(`(?s)\{\{(.*?)\}\}|\{%(.*?)%\}`)

func (s *scanner) template(text string) {
	for _, found := range braces.FindAllStringSubmatch(text, -1) {
		s.expression(found[1] + found[2])
	}
}

var (
	filterName   = regexp.MustCompile(`\|\s*([a-z_0-9.]+)`)
	mapName      = regexp.MustCompile(`\bmap\(\s*['"]([a-z_0-9]+)['"]`)
	blockFilter  = regexp.MustCompile(`^\s*filter\s+([a-z_0-9]+)`)
	testName     = regexp.MustCompile(`\bis\s+(?:not\s+)?([a-z_]+)`)
	selectName   = regexp.MustCompile(`\b(?:select|reject)\(\s*['"]([a-z_]+)['"]`)
	selectAttr   = regexp.MustCompile(`\b(?:select|reject)attr\(\s*['"][^'"]+['"]\s*,\s*['"]([a-z_]+)['"]`)
	lookupName   = regexp.MustCompile(`\b(?:lookup|query|q)\(\s*['"]([a-z_.]+)['"]`)
	methodName   = regexp.MustCompile(`\.([a-z]+)\(`)
	functionName = regexp.MustCompile(`\b(lookup|query|q|now|undef|range|dict|namespace|lipsum|cycler|joiner)\(`)
)

// expression adds what a Jinja expression uses.
func (s *scanner) expression(text string) {
	for kind, patterns := range map[string][]*regexp.Regexp{
		"filter":   {filterName, mapName, blockFilter},
		"test":     {testName, selectName, selectAttr},
		"lookup":   {lookupName},
		"method":   {methodName},
		"function": {functionName},
	} {
		for _, p := range patterns {
			for _, found := range p.FindAllStringSubmatch(text, -1) {
				s.add(kind, strings.TrimPrefix(found[1], "ansible.builtin."))
			}
		}
	}
}
