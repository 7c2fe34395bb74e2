package runner

import (
	"fmt"
	"path"

	"thordeploy/playbook"
)

// ask asks the person for the play's vars_prompt, but for what -e gives. A play
// without hosts asks nothing.
func (x *run) ask(p *plan, hosts int) error {
	var answers []playbook.Var
	for _, q := range p.play.Prompts {
		if _, given := x.extra[q.Name]; given || hosts == 0 {
			continue
		}
		v, err := x.answer(p, q)
		if err != nil {
			return fmt.Errorf("%s: vars_prompt %s: %w", q.Range, q.Name, err)
		}
		answers = append(answers, playbook.Var{Name: q.Name, Value: v, Range: q.Range})
	}
	p.prompted(answers)
	return nil
}

// answer is what the person says, or the default. It is text, and never a
// template.
func (x *run) answer(p *plan, q playbook.Prompt) (*playbook.Value, error) {
	def, err := q.Default.Eval(playScope{p})
	if err != nil {
		return nil, err
	}
	if x.Ask == nil {
		return playbook.Literal(def), nil
	}
	question, err := q.Text.Eval(playScope{p})
	if err != nil {
		return nil, err
	}
	s := q.Name
	if question != nil {
		s = fmt.Sprint(question)
	}
	said, err := x.Ask(x.ctx, q, s)
	if err != nil {
		return nil, err
	}
	if said == "" && def != nil {
		return playbook.Literal(def), nil
	}
	return playbook.Literal(said), nil
}

// startIn is the task of a play that --start-at-task names, or nil. Rescue
// sections are not looked into: hosts come to them only by failing.
func (x *run) startIn(p *playbook.Play) *playbook.Task {
	var found *playbook.Task
	var look func(list []*playbook.Task, role string)
	look = func(list []*playbook.Task, role string) {
		for _, t := range list {
			in := role
			if t.Role != nil {
				in = t.Role.Name
			}
			if t.Spec != nil && found == nil && isNamed(x.StartAt, t.Title(), role) {
				found = t
			}
			look(t.Block, in)
			look(t.Always, in)
		}
	}
	for _, list := range sections(p) {
		look(list, "")
	}
	return found
}

// isNamed reports whether a task of that title in that role is what the user
// wrote: the title, "role : title", or a glob of either.
func isNamed(want, title, role string) bool {
	for _, name := range []string{title, role + " : " + title} {
		if ok, err := path.Match(want, name); name == want || err == nil && ok {
			return true
		}
	}
	return false
}
