package playbook

import (
	"cmp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"thordeploy/internal/diag"
)

// plays reads the list of plays.
func (ld *loader) plays(root *yaml.Node) []*Play {
	var out []*Play
	leave, ok := ld.enter(root)
	defer leave()
	if !ok {
		return nil
	}
	for _, n := range root.Content {
		if n = ld.resolve(n); n == nil {
			continue
		}
		if n.Kind != yaml.MappingNode {
			ld.errorf(n, ld.playHint(n), "a play must be a mapping with `hosts` and `tasks`, not %s", nodeKind(n))
			continue
		}
		out = append(out, ld.playOrImport(n)...)
	}
	return out
}

func (ld *loader) playOrImport(n *yaml.Node) []*Play {
	leave, ok := ld.enter(n)
	defer leave()
	if !ok {
		return nil
	}
	fields := ld.pairs(n)
	if slices.ContainsFunc(fields, func(f pair) bool { return plainModule(f.name) == "import_playbook" }) {
		return ld.importPlaybook(n, fields)
	}
	return []*Play{ld.readPlay(n, fields)}
}

func (ld *loader) playHint(n *yaml.Node) string {
	if n.Kind == yaml.ScalarNode && noSpace.MatchString(n.Value) {
		return "a space is missing after the colon"
	}
	return "a play begins with `- hosts: …`"
}

// readPlay reads one play.
func (ld *loader) readPlay(n *yaml.Node, fields []pair) *Play {
	p := &Play{Range: ld.src.rangeOf(n), Dir: ld.dir}
	before := ld.place
	defer func() { ld.place = before }()
	ld.play, ld.toHandlers = p, &p.imports
	ld.first, ld.began = !ld.began, true
	name := ""
	var own []*Task
	for _, f := range inOrder(fields, "vars", "vars_files", "module_defaults", "roles") {
		switch f.name {
		case "name":
			if v := ld.text(f); v != nil {
				name = v.text
			}
		case "vars":
			p.Vars = ld.vars(f)
			ld.layers = append(slices.Clip(ld.layers), p.Vars)
		case "roles":
			ld.playRoles(p, f)
		case "handlers":
			own = ld.handlers(f)
		default:
			ld.playField(p, f)
		}
	}
	if p.Hosts == nil && !hasKey(n, "hosts") {
		ld.errorf(n, "say which hosts: `hosts: all`", "the play has no `hosts`")
	}
	p.Name = name
	if name == "" && p.Hosts != nil {
		p.Name = p.Hosts.text
	}
	p.arrange(own)
	p.number()
	return p
}

// arrange puts the play's own handlers after those of `roles:`, and those of
// imported roles last.
func (p *Play) arrange(own []*Task) {
	var ofRoles []*Task
	if len(own) > 0 {
		ofRoles = append(ofRoles, &Task{LoopVar: "item", Range: own[0].Range, Dir: p.Dir, Block: own})
	}
	p.Handlers = slices.Concat(p.Handlers, ofRoles, p.imports)
	p.imports = nil
}

func hasKey(n *yaml.Node, name string) bool {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return true
		}
	}
	return false
}

func (ld *loader) playField(p *Play, f pair) {
	switch f.name {
	case "hosts":
		p.Hosts = ld.hosts(f)
	case "user":
		p.RemoteUser = cmp.Or(p.RemoteUser, ld.text(f))
	case "gather_facts":
		p.GatherFacts = ld.constBool(f)
	case "gather_subset":
		p.GatherSubset = ld.subset(f)
	case "gather_timeout":
		p.GatherTime = ld.count(f, "a number of seconds")
	case "fact_path":
		p.FactPath = ld.text(f)
	case "strategy":
		p.Strategy = ld.strategy(f)
	case "order":
		p.Order = ld.hostOrder(f)
	case "serial":
		p.Serial = ld.serial(f)
	case "max_fail_percentage":
		p.MaxFail = ld.percent(f)
	case "force_handlers":
		p.ForceHandler = ld.boolean(f)
	case "vars_files":
		p.VarsFiles = ld.varsFiles(f)
	case "vars_prompt":
		p.Prompts = ld.prompts(f)
	case "pre_tasks":
		p.PreTasks = ld.tasks(f)
	case "tasks":
		p.Tasks = ld.tasks(f)
	case "post_tasks":
		p.PostTasks = ld.tasks(f)
	default:
		if !ld.keyword(&p.Keywords, f) {
			ld.unknownKeyword(f, "play", playKeywords, playLater)
		}
	}
}

// hosts reads the host pattern; a list is joined with commas.
func (ld *loader) hosts(f pair) *Value {
	if f.value.Kind != yaml.SequenceNode {
		v := ld.text(f)
		if v == nil || strings.TrimSpace(v.text) == "" {
			if f.value.Kind == yaml.ScalarNode {
				ld.errorf(f.key, "say which hosts: `hosts: all`", "`hosts` is empty")
			}
			return nil
		}
		return v
	}
	var parts []string
	var list []*Value
	for _, n := range f.value.Content {
		if n = ld.resolve(n); n == nil {
			continue
		}
		if v := ld.text(pair{f.name, f.key, n}); v != nil {
			parts, list = append(parts, v.text), append(list, v)
		}
	}
	if len(parts) == 0 {
		ld.errorf(f.key, "say which hosts: `hosts: all`", "`hosts` is empty")
		return nil
	}
	v := listValue(list, ld.src.rangeOf(f.value))
	v.text = strings.Join(parts, ",")
	if _, ok := v.Const(); ok {
		v.constant = v.text
	}
	return v
}

// constBool reads a boolean whose template can use only what is known at load.
func (ld *loader) constBool(f pair) *bool {
	e := ld.boolean(f)
	if e == nil {
		return nil
	}
	b, err := e.Bool(ld.known())
	if err != nil {
		d := evalError(err, e.rng).Diagnostic
		ld.errorf(f.value, "this is needed before there is a host: it can use -e and the play's own `vars`", "`%s`: %s", f.name, d.Summary)
		return nil
	}
	return &b
}

// subset reads which facts to gather: words or a list of them.
func (ld *loader) subset(f pair) *Value {
	if f.value.Kind == yaml.MappingNode {
		ld.errorf(f.value, "", "`%s` must be words or a list of them, not %s", f.name, nodeKind(f.value))
		return nil
	}
	v := ld.value(f.value)
	c, ok := v.Const()
	if !ok {
		return v
	}
	var list []any
	switch c := c.(type) {
	case nil:
		return nil
	case []any:
		for _, item := range c {
			switch item.(type) {
			case nil, []any, map[string]any:
				ld.errorf(f.value, "", "`%s` must be words or a list of them", f.name)
				return nil
			}
			list = append(list, toText(item))
		}
	default:
		for _, w := range strings.Split(toText(c), ",") {
			list = append(list, strings.TrimSpace(w))
		}
	}
	v.constant = list
	return v
}

func (ld *loader) strategy(f pair) Strategy {
	s, ok := ld.static(f)
	if !ok {
		return ""
	}
	switch st := Strategy(strings.TrimPrefix(s, "ansible.builtin.")); st {
	case Linear, Free, HostPinned:
		return st
	case "debug":
		ld.errorf(f.value, "write linear; -v shows what a task gave", "strategy `debug` is not done: hosts don't wait for a person")
	default:
		ld.errorf(f.value, oneOf(string(st), string(Linear), string(Free), string(HostPinned)), "unknown strategy `%s`", s)
	}
	return ""
}

// hostOrder reads in which order a play takes its hosts.
func (ld *loader) hostOrder(f pair) HostOrder {
	s, ok := ld.static(f)
	if !ok {
		return ""
	}
	names := []string{
		string(OrderInventory), string(OrderReverseInventory), string(OrderSorted), string(OrderReverseSorted), string(OrderShuffle),
	}
	if !slices.Contains(names, s) {
		ld.errorf(f.value, oneOf(s, names...), "unknown order `%s`", s)
		return ""
	}
	return HostOrder(s)
}

// oneOf is a hint for a word that should be one of names.
func oneOf(word string, names ...string) string {
	if near := diag.DidYouMean(word, names); near != "" {
		return near
	}
	return "one of " + strings.Join(names, ", ")
}

// serial reads the sizes of a play's batches.
func (ld *loader) serial(f pair) []*Value {
	if f.value.Kind != yaml.SequenceNode {
		if v := ld.share(f); v != nil {
			return []*Value{v}
		}
		return nil
	}
	var out []*Value
	for _, n := range f.value.Content {
		if n = ld.resolve(n); n != nil {
			if v := ld.share(pair{f.name, f.key, n}); v != nil {
				out = append(out, v)
			}
		}
	}
	return out
}
