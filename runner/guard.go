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
	frame *frame
	at    position
	fixed *action.Footprint // nil: differs by host
}

// newGuardPlan walks the play. Handlers count as run at its end.
func (p *plan) newGuardPlan() *guardPlan {
	g := &guardPlan{}
	for i, list := range sections(p.play) {
		g.add(p, list, p.base, position("").in([]int{atPreTasks, atRoles, atTasks, atPostTasks}[i]))
	}
	g.add(p, p.play.Handlers, p.base, position("").in(atPostHandlers))
	return g
}

func (g *guardPlan) add(p *plan, list []*playbook.Task, f *frame, at position) {
	for _, t := range list {
		in := p.frame(f, t)
		if t.Spec != nil && t.Spec.Ephemeral != nil {
			g.steps = append(g.steps, guardStep{task: t, frame: in, at: at.in(t.Order), fixed: constant(t)})
		}
		for _, inner := range [][]*playbook.Task{t.Block, t.Rescue, t.Always} {
			g.add(p, inner, in, at)
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
	ram     map[string]bool     // RAM drives' mount points
	removed map[string]position // paths taken away again, by the last task that does so
}

// look evaluates a plan for the host, without asking anything of it.
func (h *hostRun) look(g *guardPlan, in *params) {
	if h.ahead == nil {
		h.ahead = &lookahead{ram: map[string]bool{}, removed: map[string]position{}}
	}
	for _, step := range g.steps {
		for _, fp := range h.footprints(step, in) {
			h.ahead.see(fp, step.at)
		}
	}
}

// see adds one footprint.
func (a *lookahead) see(fp action.Footprint, at position) {
	if fp.RAM {
		for _, p := range fp.Mounts {
			a.ram[path.Clean(p)] = true
		}
	}
	for _, p := range fp.Removes {
		p = path.Clean(p)
		a.removed[p] = max(at, a.removed[p])
	}
}

// footprints is what a task comes to for the host, once an item; what can't be
// evaluated yet is left out.
func (h *hostRun) footprints(step guardStep, in *params) []action.Footprint {
	if step.fixed != nil {
		return []action.Footprint{*step.fixed}
	}
	t := step.task
	sc := h.scope(step.frame, in)
	sc.idle = true
	scopes := []*scope{sc}
	if t.Loop != nil {
		scopes = nil
		items, _ := h.terms(t, sc)
		name := firstText(t.LoopVar, "item")
		for _, item := range items {
			scopes = append(scopes, sc.with(name, item))
		}
	}
	var out []action.Footprint
	for _, sc := range scopes {
		if args, err := args(t, step.frame, sc); err == nil {
			out = append(out, t.Spec.Ephemeral(args))
		}
	}
	return out
}

// hold tells the session's guard which paths the task is about to make or to
// mount on for the play's own duration: RAM drives, and what a later task
// takes away again. The guard itself looks whether they were there before.
// As ansible-playbook, thordeploy leaves what a failed play leaves.
func (h *hostRun) hold(s *session, t *playbook.Task, at position, args action.Args) error {
	if t.Spec.Ephemeral == nil || h.Ansible {
		return nil
	}
	if !h.looked {
		h.looked = true
		h.look(h.guard, nil)
	}
	fp := t.Spec.Ephemeral(args)
	h.ahead.see(fp, at)
	var paths []string
	for _, p := range slices.Concat(fp.Makes, fp.Mounts) {
		p = path.Clean(p)
		if path.IsAbs(p) && h.ahead.passing(p, at) && !slices.Contains(s.held, p) && !slices.Contains(paths, p) {
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

// passing reports whether p, made or mounted on by the task at a position, is
// there for a time only.
func (a *lookahead) passing(p string, at position) bool {
	if a.ram[p] {
		return true
	}
	for removed, then := range a.removed {
		if then > at && (p == removed || strings.HasPrefix(p, removed+"/")) {
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
