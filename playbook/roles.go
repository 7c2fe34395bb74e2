package playbook

import (
	"cmp"
	"path/filepath"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// need is a use of a role as it is written: in `roles:`, in a role's
// dependencies, or by import_role and include_role.
type need struct {
	name   string
	node   *yaml.Node // where to point at
	around Task       // the keywords
	params []Var
	from   RoleFiles
	static bool // by import_role or include_role, whose uses are told from the others
	again  bool // these may run again, whatever the role itself says
	check  bool // against meta/argument_specs.yml
}

// roleList reads the uses of roles in `roles:` and in dependencies.
func (ld *loader) roleList(f pair) []need {
	if f.value.Kind == yaml.ScalarNode && f.value.ShortTag() == "!!null" {
		return nil
	}
	if f.value.Kind != yaml.SequenceNode {
		ld.errorf(f.value, "`- role: NAME`", "`%s` must be a list of roles, not %s", f.name, nodeKind(f.value))
		return nil
	}
	leave, ok := ld.enter(f.value)
	defer leave()
	if !ok {
		return nil
	}
	var out []need
	for _, n := range f.value.Content {
		if n = ld.resolve(n); n == nil {
			continue
		}
		if use, ok := ld.need(f, n); ok {
			out = append(out, use)
		}
	}
	return out
}

// need reads one of them: a name, or a mapping with keywords and parameters.
func (ld *loader) need(f pair, n *yaml.Node) (need, bool) {
	use := need{node: n, check: true}
	switch n.Kind {
	case yaml.ScalarNode:
		name, ok := ld.static(pair{f.name, f.key, n})
		use.name = name
		return use, ok && ld.named(&use)
	case yaml.MappingNode:
		return use, ld.needMapping(&use, n)
	}
	ld.errorf(n, "`- role: NAME`", "a role must be a name or a mapping with `role`, not %s", nodeKind(n))
	return use, false
}

func (ld *loader) needMapping(use *need, n *yaml.Node) bool {
	leave, ok := ld.enter(n)
	defer leave()
	if !ok {
		return false
	}
	named := ""
	for _, f := range inOrder(ld.pairs(n), "vars") {
		switch f.name {
		case "role", "name", "src":
			if f.value.ShortTag() == "!!null" {
				continue
			}
			if rank := []string{"src", "name", "role"}; named == "" || slices.Index(rank, f.name) > slices.Index(rank, named) {
				named, use.node = f.name, f.value
				use.name, ok = ld.static(f)
			}
		case "vars":
			use.around.Vars = ld.vars(f)
			defer ld.within(use.around.Vars)()
		case "notify":
			ld.errorf(f.key, "put it on the role's tasks", "keyword `notify` can't stand on a role")
		default:
			if !ld.sharedField(&use.around, f) {
				use.params = append(use.params, Var{f.name, ld.value(f.value), ld.src.rangeOf(f.key)})
			}
		}
	}
	switch {
	case named == "":
		ld.errorf(n, "`- role: NAME`", "the role has no name")
		return false
	case named == "src":
		use.name = strings.TrimSuffix(strings.TrimSuffix(filepath.Base(use.name), ".git"), ".tar.gz")
	}
	return ok && ld.named(use)
}

// named checks the name of a role.
func (ld *loader) named(use *need) bool {
	switch {
	case use.name == "":
		ld.errorf(use.node, "`- role: NAME`", "the role has no name")
	case strings.Contains(use.name, ","):
		ld.errorf(use.node, "write `- role: NAME`, and the version in the file that ansible-galaxy reads", "`%s` is not the name of a role", use.name)
	default:
		return true
	}
	return false
}

// playRoles reads a play's `roles:` into blocks, each with its dependencies
// before it.
func (ld *loader) playRoles(p *Play, f pair) {
	for _, use := range ld.roleList(f) {
		if b := ld.callRole(use, &Task{Range: ld.src.rangeOf(use.node)}, &p.Handlers); b != nil {
			p.Roles = append(p.Roles, b)
		}
	}
}

// nodesOfRole is what a use of a role counts for, however little is in it:
// looking for its files takes time.
const nodesOfRole = 50

// callRole makes outer the block of a role's tasks: its dependencies, then its
// own. The handlers they bring are added to handlers, a block each. nil: the
// role can't be read, and that is reported.
func (ld *loader) callRole(use need, outer *Task, handlers *[]*Task) *Task {
	ld.nodes += nodesOfRole
	if !ld.spend(use.node) {
		return nil
	}
	dir, ok := ld.findRole(use)
	if !ok {
		return nil
	}
	role := ld.roleIn(dir, use)
	c := &RoleCall{Role: role, Params: use.params, Given: use.around.Vars}
	if ld.role != nil {
		c.Parents = append([]*RoleCall{ld.role}, ld.role.Parents...)
	}
	c.Key = use.key(role)
	keywords := use.around
	keywords.Vars = nil
	outer.take(&keywords)
	outer.LoopVar, outer.Dir = "item", ld.dir
	outer.Block = []*Task{}

	before := ld.place
	defer func() { ld.place = before }()
	ld.around = append(slices.Clip(before.around), outer)
	inner := &Task{Keywords: Keywords{Vars: c.Given}, LoopVar: "item", Range: outer.Range, Dir: role.Dir, Role: c, Block: []*Task{}}
	ld.layers = slices.Concat([][]Var{role.Defaults}, before.layers, [][]Var{c.Given, role.Vars, c.Params})
	ld.dependencies(c, use, outer, handlers)
	ld.listRole(c)
	ld.role = c
	ld.around = append(slices.Clip(ld.around), inner)
	inner.Block = ld.roleTasks(use)
	outer.Block = append(outer.Block, inner)
	ld.roleHandlers(use, handlers)
	return outer
}

// take gives a block the keywords of a role's use, where it has none itself.
func (t *Task) take(use *Task) {
	if t.Include != nil || t.Module != "" {
		return // import_role and include_role have their own
	}
	t.Keywords, t.When = use.Keywords, use.When
	t.DelegateTo, t.DelegateFacts = use.DelegateTo, use.DelegateFacts
}

// dependencies puts the roles that c needs before its tasks.
func (ld *loader) dependencies(c *RoleCall, use need, outer *Task, handlers *[]*Task) {
	if len(c.needs) == 0 {
		return
	}
	step := link{"role " + c.Name, "role:" + c.Dir}
	if !ld.follow(use.node, step) {
		return
	}
	before := ld.place
	defer func() { ld.place = before }()
	ld.chain = append(slices.Clip(before.chain), step)
	ld.role = c
	meta := c.meta
	ld.src, ld.dir = meta.src, filepath.Join(c.Dir, "meta")
	for _, n := range c.needs {
		if b := ld.callRole(n, &Task{Range: ld.src.rangeOf(n.node)}, handlers); b != nil {
			outer.Block = append(outer.Block, b)
		}
	}
}

// listRole adds a role to those of the play, once.
func (ld *loader) listRole(c *RoleCall) {
	if ld.play == nil || ld.depth > 0 {
		return
	}
	if !slices.ContainsFunc(ld.play.RoleList, func(o *RoleCall) bool { return o.Key == c.Key }) {
		ld.play.RoleList = append(ld.play.RoleList, c)
	}
}

// roleHandlers adds a block of the role's handlers to list, unless the same
// use has been there. As with Ansible a role that is imported takes what stands
// around the import to handlers that `roles:` has already.
func (ld *loader) roleHandlers(use need, list *[]*Task) {
	same := func(b *Task) bool { return b.roleKey() == ld.role.Key }
	at := slices.IndexFunc(ld.play.Handlers, same)
	if at >= 0 && (list == &ld.play.Handlers || ld.depth > 0) || slices.ContainsFunc(*list, same) {
		return
	}
	before := ld.handling
	ld.handling = true
	defer func() { ld.handling = before }()
	tasks := ld.partTasks(use.node, "handlers", use.from.Handlers)
	if len(tasks) == 0 {
		return
	}
	b := &Task{}
	for i, t := range slices.Backward(ld.around) {
		outer := *t
		outer.Block, outer.Rescue, outer.Always = []*Task{b}, nil, nil
		if i == len(ld.around)-1 {
			outer.Block = tasks
		}
		b = &outer
	}
	if at >= 0 {
		ld.play.Handlers[at] = b
		return
	}
	*list = append(*list, b)
}

// roleKey is the Key of the innermost role of a block of handlers.
func (t *Task) roleKey() string {
	key := ""
	for t != nil && len(t.Block) > 0 {
		if t.Role != nil {
			key = t.Role.Key
		}
		t = t.Block[0]
	}
	return key
}

// key is equal for uses of a role that count as the same.
func (u need) key(r *Role) string {
	var b strings.Builder
	for _, part := range []string{r.Dir, u.from.Tasks, u.from.Vars, u.from.Defaults, u.from.Handlers} {
		b.WriteString(part + "\x00")
	}
	if u.static {
		b.WriteString("static")
	}
	for _, vars := range [][]Var{u.params, u.around.Vars} {
		b.WriteString("\x00\x00")
		sorted := slices.Clone(vars)
		slices.SortFunc(sorted, func(a, b Var) int { return cmp.Compare(a.Name, b.Name) })
		for _, v := range sorted {
			b.WriteString(v.Name + "=" + v.Value.written() + "\x00")
		}
	}
	for _, e := range u.around.When {
		b.WriteString("\x00when " + e.String())
	}
	tags := slices.Clone(u.around.Tags)
	slices.Sort(tags)
	b.WriteString("\x00tags " + strings.Join(tags, ","))
	return b.String()
}
