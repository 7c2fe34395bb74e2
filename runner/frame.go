package runner

import (
	"maps"
	"slices"

	"thordeploy/playbook"
)

// layer is one layer of variables as a scope looks into it: values are
// *playbook.Value, or a host's own.
type layer map[string]any

// with is l with list over it; l itself where list is empty.
func (l layer) with(list []playbook.Var) layer {
	if len(list) == 0 {
		return l
	}
	out := make(layer, len(l)+len(list))
	maps.Copy(out, l)
	for _, v := range list {
		out[v.Name] = v.Value
	}
	return out
}

// frame is what a task inherits from its play and the roles and blocks around
// it, with its own keywords on top. It is the same for every host, made once
// (playRun.frame) and not changed.
type frame struct {
	when          []*playbook.Expr  // outermost first; all must hold
	env           []*playbook.Value // outermost first
	tags          []string
	defaults      []playbook.ModuleDefaults // outermost first
	notify        []*playbook.Value
	become        playbook.Become
	user          *playbook.Value // remote_user
	over          *playbook.Value // connection
	port          *playbook.Value
	ignore        *playbook.Expr
	ignoreLost    *playbook.Expr // ignore_unreachable
	fatal         *playbook.Expr // any_errors_fatal
	once          *playbook.Expr // run_once
	noLog         *playbook.Expr
	check         *playbook.Expr
	diff          *playbook.Expr
	throttle      *playbook.Value
	timeout       *playbook.Value
	delegate      *playbook.Value
	delegateFacts *playbook.Expr
	rescued       bool  // a rescue section around it takes its failure over
	vars          layer // vars: of the task and the blocks around it
	role          *roleFrame
	dir           string // folder of the file that the task stands in
	selected      bool   // by tags
}

// roleFrame is a role as its tasks see it.
type roleFrame struct {
	call     *playbook.RoleCall
	outer    *roleFrame // the role around: whose task brought this one in
	params   layer
	vars     layer // its own over those of the roles that need it
	defaults layer // as vars
}

func playFrame(p *playbook.Play) *frame {
	f := &frame{dir: p.Dir}
	f.take(&p.Keywords)
	f.vars = nil // the play's vars: are a layer of their own, below its files of variables
	return f
}

// take lays keywords over the frame.
func (f *frame) take(k *playbook.Keywords) {
	f.vars = f.vars.with(k.Vars)
	if k.Environment != nil {
		f.env = slices.Concat(f.env, []*playbook.Value{k.Environment})
	}
	if len(k.Tags) > 0 {
		f.tags = slices.Concat(f.tags, k.Tags)
	}
	if len(k.ModuleDefaults) > 0 {
		f.defaults = slices.Concat(f.defaults, k.ModuleDefaults)
	}
	f.become.Enabled = first(k.Become.Enabled, f.become.Enabled)
	f.become.User = first(k.Become.User, f.become.User)
	f.become.Method = first(k.Become.Method, f.become.Method)
	f.become.Flags = first(k.Become.Flags, f.become.Flags)
	f.become.Exe = first(k.Become.Exe, f.become.Exe)
	f.user = first(k.RemoteUser, f.user)
	f.over = first(k.Connection, f.over)
	f.port = first(k.Port, f.port)
	f.ignore = first(k.IgnoreErrors, f.ignore)
	f.ignoreLost = first(k.IgnoreUnreachable, f.ignoreLost)
	f.fatal = first(k.AnyErrorsFatal, f.fatal)
	f.once = first(k.RunOnce, f.once)
	f.noLog = first(k.NoLog, f.noLog)
	f.check = first(k.Check, f.check)
	f.diff = first(k.Diff, f.diff)
	f.throttle = first(k.Throttle, f.throttle)
	f.timeout = first(k.Timeout, f.timeout)
}

// enter is the frame inside t, a block or a task.
func (f *frame) enter(t *playbook.Task) *frame {
	in := *f
	in.take(&t.Keywords)
	if t.Role != nil {
		in.vars = f.vars // what the role is called with is below its own
		in.enterRole(t.Role)
	}
	in.when = slices.Concat(f.when, t.When)
	in.delegate = first(t.DelegateTo, f.delegate)
	in.delegateFacts = first(t.DelegateFacts, f.delegateFacts)
	if t.Notify != nil {
		in.notify = t.Notify
	}
	if t.Dir != "" {
		in.dir = t.Dir
	}
	return &in
}

// bring is the frame of the tasks that an include brings, f being the frame
// around the include: what `apply` says is theirs.
func (f *frame) bring(t *playbook.Task) *frame {
	in := *f
	in.take(&t.Include.Apply)
	in.when = slices.Concat(f.when, t.Include.When)
	in.delegate = first(t.Include.DelegateTo, f.delegate)
	in.delegateFacts = first(t.Include.DelegateFacts, f.delegateFacts)
	if t.Include.Notify != nil {
		in.notify = t.Include.Notify
	}
	return &in
}

// enterRole makes f the frame of a role's tasks.
func (f *frame) enterRole(c *playbook.RoleCall) {
	r := &roleFrame{call: c, outer: f.role}
	for _, p := range slices.Backward(c.Parents) {
		r.add(p)
	}
	r.add(c)
	f.role = r
}

// add lays what a call of a role gives over what is there.
func (r *roleFrame) add(c *playbook.RoleCall) {
	r.params = r.params.with(c.Params)
	r.defaults = r.defaults.with(c.Defaults)
	r.vars = r.vars.with(c.Given).with(c.Vars)
}

// first is the first pointer that is set.
func first[T any](list ...*T) *T {
	for _, p := range list {
		if p != nil {
			return p
		}
	}
	return nil
}

// frameKey names a frame: what stands around, and what is entered.
type frameKey struct {
	outer *frame
	task  *playbook.Task
	how   byte // 'e'nter, 'b'ring, 'p'rotect
}

// frame is f.enter(t), made once for all hosts.
func (p *plan) frame(f *frame, t *playbook.Task) *frame {
	return p.framed(frameKey{f, t, 'e'}, f.enter)
}

// brought is f.bring(t), made once for all hosts.
func (p *plan) brought(f *frame, t *playbook.Task) *frame {
	return p.framed(frameKey{f, t, 'b'}, f.bring)
}

// protected is f in a block with a rescue section, made once for all hosts.
func (p *plan) protected(f *frame, t *playbook.Task) *frame {
	return p.framed(frameKey{f, t, 'p'}, func(*playbook.Task) *frame {
		in := *f
		in.rescued = true
		return &in
	})
}

func (p *plan) framed(key frameKey, build func(*playbook.Task) *frame) *frame {
	if in, ok := p.frames.Load(key); ok {
		return in.(*frame)
	}
	f := build(key.task)
	f.selected = p.selects(f.tags)
	in, _ := p.frames.LoadOrStore(key, f)
	return in.(*frame)
}
