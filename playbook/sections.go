package playbook

// Section is one of a play's lists of tasks.
type Section struct {
	Name  string // "pre_tasks", "roles", "tasks", "post_tasks", "handlers"
	Tasks []*Task
}

// Sections gives all of the play's lists of tasks in the order they run, the
// handlers last. Empty ones are among them.
func (p *Play) Sections() []Section {
	return []Section{
		{"pre_tasks", p.PreTasks}, {"roles", p.Roles}, {"tasks", p.Tasks}, {"post_tasks", p.PostTasks}, {"handlers", p.Handlers},
	}
}

// Walk calls f for every task and block of list, depth first, in order; around
// are the blocks it stands in, the outermost first. f must not keep around.
func Walk(list []*Task, f func(t *Task, around []*Task)) { walkIn(list, nil, f) }

func walkIn(list, around []*Task, f func(*Task, []*Task)) {
	for _, t := range list {
		f(t, around)
		if t.Block == nil {
			continue
		}
		inner := append(around, t)
		walkIn(t.Block, inner, f)
		walkIn(t.Rescue, inner, f)
		walkIn(t.Always, inner, f)
	}
}

// number gives the play's tasks their Order.
func (p *Play) number() {
	for _, s := range p.Sections() {
		p.numberTasks(s.Tasks)
	}
	p.numberBrought()
}

func (p *Play) numberTasks(list []*Task) {
	Walk(list, func(t *Task, _ []*Task) {
		t.Order = p.orders
		p.orders++
	})
}

// numberBrought gives the tasks that includes brought their Order.
func (p *Play) numberBrought() {
	for ; p.numbered < len(p.brought); p.numbered++ {
		p.numberTasks(p.brought[p.numbered].tasks)
		p.numberTasks(p.brought[p.numbered].handlers)
	}
}
