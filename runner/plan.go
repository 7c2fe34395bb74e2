package runner

import (
	"slices"
	"sync"

	"thordeploy/playbook"
)

// plan is one play of a run as it is for all of its hosts and batches.
type plan struct {
	*run
	index   int
	play    *playbook.Play
	all     []string // ansible_play_hosts_all
	tasks   int      // those that tags select, blocks not counted
	linear  bool
	because string // why it is linear though nobody said so
	base    *frame
	guard   *guardPlan
	facts   *playbook.Task // the setup of its own
	startAt *playbook.Task // the task to begin at; nil: the first

	playVars     layer // vars:, under the prompts, under vars_files that are the same for all
	files        []playbook.VarsFile
	roleVars     layer // of all roles of the play
	roleDefaults layer
	frames       sync.Map // frameKey: *frame
	handlers     []handler

	mu       sync.Mutex
	gone     map[string]bool // hosts that left the play: ansible_play_hosts is the rest
	throttle map[*playbook.Task]chan struct{}
}

func newPlan(x *run, index int, p *playbook.Play) *plan {
	pl := &plan{
		run: x, index: index, play: p, base: playFrame(p), facts: newFactsTask(p),
		gone: map[string]bool{}, throttle: map[*playbook.Task]chan struct{}{},
	}
	if slices.ContainsFunc(p.VarsFiles, func(f playbook.VarsFile) bool { return !f.Fixed }) {
		pl.files = p.VarsFiles
	}
	pl.prompted(nil)
	for _, r := range p.RoleList {
		pl.roleVars = pl.roleVars.with(r.Given).with(r.Vars)
		pl.roleDefaults = pl.roleDefaults.with(r.Defaults)
	}
	pl.handlers = pl.handlersOf(nil, p.Handlers)
	pl.tasks = pl.count()
	s, because := pl.strategy()
	pl.linear, pl.because = s == playbook.Linear, because
	pl.guard = pl.newGuardPlan()
	return pl
}

// prompted lays what the person answered over the play's vars, and the files
// of variables that are the same for all hosts over that.
func (p *plan) prompted(answers []playbook.Var) {
	p.playVars = layer(nil).with(p.play.Vars).with(answers)
	if p.files != nil {
		return
	}
	for _, f := range p.play.VarsFiles {
		p.playVars = p.playVars.with(f.Vars)
	}
}

// name is the play's name; of one with templates, what they come to.
func (p *plan) name() string {
	v, err := playbook.NewValue(p.play.Name, p.play.Range)
	if err == nil {
		if x, err := v.Eval(playScope{p}); err == nil {
			return playbook.Text(x)
		}
	}
	return p.play.Name
}

// sections are the play's tasks without its handlers, in the order they run.
func sections(p *playbook.Play) [4][]*playbook.Task {
	return [4][]*playbook.Task{p.PreTasks, p.Roles, p.Tasks, p.PostTasks}
}

// walk calls f for every task and block of the play, its handlers too.
func (p *plan) walk(f func(*playbook.Task)) {
	for _, list := range sections(p.play) {
		walk(list, f)
	}
	walk(p.play.Handlers, f)
}

// walk calls f for every task and block of list, depth first, in order.
func walk(list []*playbook.Task, f func(*playbook.Task)) {
	for _, t := range list {
		f(t)
		walk(t.Block, f)
		walk(t.Rescue, f)
		walk(t.Always, f)
	}
}

// count is how many tasks the play has that tags select, blocks and handlers
// not counted.
func (p *plan) count() int {
	n := 0
	var count func(list []*playbook.Task, f *frame)
	count = func(list []*playbook.Task, f *frame) {
		for _, t := range list {
			in := p.frame(f, t)
			if t.Spec != nil && in.selected {
				n++
			}
			for _, inner := range [][]*playbook.Task{t.Block, t.Rescue, t.Always} {
				count(inner, in)
			}
		}
	}
	for _, list := range sections(p.play) {
		count(list, p.base)
	}
	return n
}

// dir is the folder that the play's relative paths start from.
func (p *plan) dir() string { return firstText(p.play.Dir, p.pb.Dir) }

// roleNames are the names of the play's roles: those it names, those that they
// depend on, or all.
func (p *plan) roleNames(named, dependent bool) []any {
	out := []any{}
	for _, r := range p.play.RoleList {
		if isDependency := len(r.Parents) > 0; isDependency && dependent || !isDependency && named {
			out = append(out, r.Name)
		}
	}
	return out
}

// left notes that a host takes no further part in the play.
func (p *plan) left(host string) {
	p.mu.Lock()
	p.gone[host] = true
	p.mu.Unlock()
}

// present are those of names that have not left the play.
func (p *plan) present(names []string) []any {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make([]any, 0, len(names))
	for _, name := range names {
		if !p.gone[name] {
			out = append(out, name)
		}
	}
	return out
}

// playHosts is ansible_play_hosts: the play's hosts that have not failed.
func (p *plan) playHosts() []any { return p.present(p.all) }
