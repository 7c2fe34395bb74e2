package runner

import (
	"path"
	"slices"
	"strings"
	"time"

	"thordeploy/action"
	"thordeploy/playbook"
)

// defaultLease is what a zero Runner.Lease comes to in transport/shell.
const defaultLease = 60 * time.Second

// guardPlan is which of a play's tasks put something on a host or take it away
// again, and where that is the same for every host.
type guardPlan struct {
	steps []guardStep
}

type guardStep struct {
	task  *playbook.Task
	frame frame
	fixed *action.Footprint // nil: differs by host
}

func newGuardPlan(p *playbook.Play) *guardPlan {
	g := &guardPlan{}
	g.add(p.Tasks, playFrame(p))
	return g
}

func (g *guardPlan) add(list []*playbook.Task, f frame) {
	for _, t := range list {
		in := f.enter(t)
		if t.Spec != nil && t.Spec.Ephemeral != nil {
			g.steps = append(g.steps, guardStep{task: t, frame: in, fixed: constant(t)})
		}
		for _, inner := range [][]*playbook.Task{t.Block, t.Rescue, t.Always} {
			g.add(inner, in)
		}
	}
}

// constant is the footprint of a task without templates.
func constant(t *playbook.Task) *action.Footprint {
	values := make(map[string]any, len(t.Args))
	for name, v := range t.Args {
		x, ok := v.Const()
		if !ok {
			return nil
		}
		values[name] = x
	}
	args, err := t.Spec.Bind(values)
	if err != nil {
		return nil
	}
	fp := t.Spec.Ephemeral(args)
	return &fp
}

// lookahead is what a play is about to do to a host's paths, as far as it can
// be told before it does.
type lookahead struct {
	ram     map[string]bool // RAM drives' mount points
	removed map[string]int  // paths taken away again, by the last task that does so
}

// look evaluates the plan for the host, without asking anything of it.
func (h *hostRun) look() *lookahead {
	a := &lookahead{ram: map[string]bool{}, removed: map[string]int{}}
	for _, step := range h.plan.steps {
		for _, fp := range h.footprints(step) {
			a.see(fp, step.task.Order)
		}
	}
	return a
}

// see adds one footprint.
func (a *lookahead) see(fp action.Footprint, order int) {
	if fp.RAM {
		for _, p := range fp.Mounts {
			a.ram[path.Clean(p)] = true
		}
	}
	for _, p := range fp.Removes {
		p = path.Clean(p)
		a.removed[p] = max(order, a.removed[p])
	}
}

// footprints is what a task comes to for the host, once an item; what can't be
// evaluated yet is left out.
func (h *hostRun) footprints(step guardStep) []action.Footprint {
	if step.fixed != nil {
		return []action.Footprint{*step.fixed}
	}
	t := step.task
	sc := step.frame.scope(h)
	sc.idle = true
	scopes := []*scope{sc}
	if t.Loop != nil {
		scopes = nil
		x, _ := t.Loop.Eval(sc)
		items, _ := x.([]any)
		name := firstText(t.LoopVar, "item")
		for _, item := range items {
			scopes = append(scopes, sc.with(name, item))
		}
	}
	var out []action.Footprint
	for _, sc := range scopes {
		if args, err := h.args(t, sc); err == nil {
			out = append(out, t.Spec.Ephemeral(args))
		}
	}
	return out
}

// hold tells the session's guard which paths the task is about to make or to
// mount on for the play's own duration: RAM drives, and what a later task
// takes away again. The guard itself looks whether they were there before.
func (h *hostRun) hold(s *session, t *playbook.Task, args action.Args) error {
	if t.Spec.Ephemeral == nil {
		return nil
	}
	if h.ahead == nil {
		h.ahead = h.look()
	}
	fp := t.Spec.Ephemeral(args)
	h.ahead.see(fp, t.Order)
	var paths []string
	for _, p := range slices.Concat(fp.Makes, fp.Mounts) {
		p = path.Clean(p)
		if path.IsAbs(p) && h.ahead.passing(p, t.Order) && !slices.Contains(s.held, p) && !slices.Contains(paths, p) {
			paths = append(paths, p)
		}
	}
	if len(paths) == 0 {
		return nil
	}
	if err := s.shell.Hold(paths...); err != nil {
		return err
	}
	s.held = append(s.held, paths...)
	h.events <- HostHeld{Time: now(), Play: h.index, Host: h.host.Name, Paths: paths}
	return nil
}

// passing reports whether p, made or mounted on by the task of that order, is
// there for a time only.
func (a *lookahead) passing(p string, order int) bool {
	if a.ram[p] {
		return true
	}
	for removed, at := range a.removed {
		if at > order && (p == removed || strings.HasPrefix(p, removed+"/")) {
			return true
		}
	}
	return false
}

// note keeps the sizes of RAM drives that a command has mounted; of those that
// the mount module mounted, the module has kept what the host said.
func (h *hostRun) note(t *playbook.Task, args action.Args) {
	if t.Spec.Ephemeral == nil {
		return
	}
	fp := t.Spec.Ephemeral(args)
	for _, p := range fp.Mounts {
		if _, known := h.ram[path.Clean(p)]; fp.RAM && fp.Size > 0 && !known {
			h.ram[path.Clean(p)] = fp.Size
		}
	}
	for _, p := range fp.Removes {
		delete(h.ram, path.Clean(p))
	}
}
