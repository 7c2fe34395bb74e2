package runner

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"thordeploy/action"
	"thordeploy/internal/diag"
	"thordeploy/playbook"
)

// maxIncludes is how deep includes may nest.
const maxIncludes = 100

// included is what one include, or one item of its loop, brought.
type included struct {
	tasks []*playbook.Task
	own   layer     // what the item gives them
	deps  roleFrame // what the roles give that an included role needs
}

// include does an include_tasks or include_role: it reads what is to be run,
// once for each item of its loop, and reports that. What was read runs after.
func (h *hostRun) include(t *playbook.Task, in inside) (fate, []included) {
	started := now()
	if t.Spec.Name == "include_tasks" {
		h.events <- h.starts(t, in, started)
	} else {
		h.showStart(t, in)
	}
	// Its own vars win over those of the includes around it, in its `when` too.
	sc := h.scope(in.f, &params{outer: in.in, vars: layer(nil).with(t.Vars)})
	if t.Loop == nil {
		o, inc := h.includeOnce(t, in, sc)
		h.keep(t.Register, o)
		return h.reportInclude(t, in, sc, o, started), inc
	}
	items, bad := h.items(t, in.f, sc)
	if bad != nil {
		h.keep(t.Register, *bad)
		return h.report(t, in, *bad, started), nil
	}
	return h.includeEach(t, in, sc, items)
}

// includeEach does an include with a loop. As with Ansible each file that is
// read counts, and the loop itself only where all of it is skipped or fails.
func (h *hostRun) includeEach(t *playbook.Task, in inside, sc *scope, items []any) (fate, []included) {
	started := now()
	var all []included
	var done []outcome
	for i := range items {
		if err := h.pauseBefore(t, i, sc); err != nil {
			return h.report(t, in, h.evalFailed("loop_control: pause", err), started), nil
		}
		vars, err := itemVars(t, items, i, sc)
		if err != nil {
			return h.report(t, in, h.evalFailed("loop_control: extended", err), started), nil
		}
		own := sc.withAll(vars)
		o, inc := h.includeOnce(t, in, own)
		o = h.labelled(t, own, o, vars)
		for k := range inc {
			inc[k].own = vars
		}
		done, all = append(done, o), append(all, inc...)
		if o.Failed || o.Skipped {
			h.reportItem(t, in, own, o, started)
		} else {
			h.reportInclude(t, in, own, o, started)
		}
	}
	total := combined(done)
	h.keep(t.Register, total)
	if total.Failed || total.Skipped {
		return h.reportInclude(t, in, sc, total, started), nil
	}
	return fine, all
}

// reportInclude reports an include that went well as Ansible counts it: a file
// of tasks is ok, a role is not counted. That nothing could be read is not
// ignored.
func (h *hostRun) reportInclude(t *playbook.Task, in inside, sc *scope, o outcome, started time.Time) fate {
	if o.Failed {
		f := *in.f
		f.ignore = nil
		in.f = &f
	}
	if o.Failed || o.Skipped {
		return h.report(t, in, o, started)
	}
	if t.Spec.Name == "include_tasks" {
		e := h.finished(t, in, sc, o, OK, started)
		e.Item = o.item
		h.events <- e
	}
	return fine
}

// includeOnce reads what an include brings.
func (h *hostRun) includeOnce(t *playbook.Task, in inside, sc *scope) (outcome, []included) {
	ok, err := holds(in.f.when, sc)
	if err != nil {
		return h.evalFailed("when", err), nil
	}
	if !ok {
		return unmet(), nil
	}
	if h.depth >= maxIncludes {
		return failedOutcome(fmt.Sprintf("includes are nested more than %d deep", maxIncludes), "see whether the file includes itself without a condition that ends it"), nil
	}
	a, err := args(t, in.f, sc)
	if err != nil {
		return h.evalFailed("", err), nil
	}
	if t.Spec.Name == "include_role" {
		return h.includeRole(t, a)
	}
	file := a.Str("file")
	tasks, handlers, err := h.pb.IncludeTasks(t, file)
	if err != nil {
		return notRead(err), nil
	}
	h.addHandlers(handlers)
	if len(tasks) > 0 {
		file = filepath.Join(tasks[0].Dir, filepath.Base(tasks[0].Range.File))
	}
	return outcome{Result: action.Result{Values: map[string]any{"include": file}}}, []included{{tasks: tasks}}
}

func (h *hostRun) includeRole(t *playbook.Task, a action.Args) (outcome, []included) {
	name := a.Str("name")
	part := func(param string) string {
		if file := a.Str(param); file != "main" {
			return file
		}
		return ""
	}
	from := playbook.RoleFiles{Tasks: part("tasks_from"), Vars: part("vars_from"), Defaults: part("defaults_from"), Handlers: part("handlers_from")}
	block, handlers, err := h.pb.IncludeRole(t, name, from)
	if err != nil {
		return notRead(err), nil
	}
	h.addHandlers(handlers)
	inc := included{tasks: []*playbook.Task{block}}
	calls := roleCalls(block)
	for i, c := range calls {
		if i < len(calls)-1 {
			inc.deps.add(c)
		}
		if a.Bool("public") {
			h.public.add(c)
		}
	}
	return outcome{Result: action.Result{Values: map[string]any{"include_role": name}}}, []included{inc}
}

// roleCalls are the roles that an include_role brings: those it needs, then
// itself.
func roleCalls(block *playbook.Task) []*playbook.RoleCall {
	var out []*playbook.RoleCall
	for _, t := range block.Block {
		switch {
		case t.Role != nil:
			out = append(out, t.Role)
		case t.Spec == nil:
			out = append(out, roleCalls(t)...)
		}
	}
	return out
}

// addHandlers adds the handlers of a role to the play's, once.
func (h *hostRun) addHandlers(blocks []*playbook.Task) {
	if len(blocks) == 0 {
		return
	}
	known := map[*playbook.Task]bool{}
	for _, hd := range h.handlers {
		known[hd.task] = true
	}
	all := h.handlers[:len(h.handlers):len(h.handlers)]
	for _, hd := range h.handlersOf(all, blocks)[len(all):] {
		if !known[hd.task] {
			all = append(all, hd)
		}
	}
	h.handlers = all
}

// notRead is the outcome of an include whose file could not be read; of several
// problems in it, the first.
func notRead(err error) outcome {
	o := failedOutcome(err.Error(), "")
	var said *diag.Diagnostic
	if errors.As(err, &said) {
		o.Msg, o.Hint, o.place = said.Summary, said.Hint, said.Range.String()
	}
	return o
}

// enterIncluded runs what an include brought, item by item. outer is the frame
// around the include: of its own keywords only vars go in.
func (h *hostRun) enterIncluded(t *playbook.Task, in inside, outer *frame, list []included) fate {
	if len(list) == 0 {
		return fine
	}
	h.depth++
	defer func() { h.depth-- }()
	f := h.brought(outer, t)
	vars := layer(nil).with(t.Vars)
	for i, inc := range list {
		below := inside{f: f, at: in.at.in(i), handler: in.handler, in: &params{outer: in.in, vars: vars, own: inc.own, deps: inc.deps}}
		h.lookInto(inc.tasks, below)
		if end := h.section(inc.tasks, below); end != fine {
			return end
		}
	}
	return fine
}

// lookInto tells the lookahead what an include's tasks do to the host's paths.
func (h *hostRun) lookInto(list []*playbook.Task, in inside) {
	g := &guardPlan{}
	g.add(h.plan, list, in.f, in.at)
	if len(g.steps) > 0 {
		h.look(g, in.in)
	}
}
