package runner

import "thordeploy/playbook"

// onlyTags is what --tags says; `all` where it isn't given.
func (r *Runner) onlyTags() []string {
	if len(r.Tags) == 0 {
		return []string{"all"}
	}
	return r.Tags
}

// selects reports whether a task with these tags is to be run.
func (r *Runner) selects(tags []string) bool {
	return playbook.TagFilter{Only: r.Tags, Skip: r.SkipTags}.Selects(tags)
}

// gathers reports whether tags let a play gather facts: unless the play itself
// has tags, they always do.
func (p *plan) gathers() bool {
	if len(p.play.Tags) == 0 {
		return p.selects([]string{"always"})
	}
	return p.selects(p.play.Tags)
}
