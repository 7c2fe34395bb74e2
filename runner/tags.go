package runner

import (
	"slices"
)

// onlyTags is what --tags says; `all` where it isn't given.
func (r *Runner) onlyTags() []string {
	if len(r.Tags) == 0 {
		return []string{"all"}
	}
	return r.Tags
}

// selects reports whether a task with these tags is to be run. The words
// always, never, all, tagged and untagged mean what they mean in Ansible.
func (r *Runner) selects(tags []string) bool {
	if len(tags) == 0 {
		tags = []string{"untagged"}
	}
	return r.wants(tags) && !r.skips(tags)
}

func (r *Runner) wants(tags []string) bool {
	only, never := r.onlyTags(), slices.Contains(tags, "never")
	switch {
	case slices.Contains(tags, "always"), meet(tags, only):
		return true
	case never:
		return false
	case slices.Contains(only, "all"):
		return true
	}
	return slices.Contains(only, "tagged") && !slices.Contains(tags, "untagged")
}

func (r *Runner) skips(tags []string) bool {
	switch {
	case len(r.SkipTags) == 0:
		return false
	case slices.Contains(r.SkipTags, "all"):
		return !slices.Contains(tags, "always") || slices.Contains(r.SkipTags, "always")
	case meet(tags, r.SkipTags):
		return true
	}
	return slices.Contains(r.SkipTags, "tagged") && !slices.Contains(tags, "untagged")
}

func meet(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}

// gathers reports whether tags let a play gather facts: unless the play itself
// has tags, they always do.
func (p *plan) gathers() bool {
	return p.selects(firstList(p.play.Tags, []string{"always"}))
}

func firstList(a, b []string) []string {
	if len(a) > 0 {
		return a
	}
	return b
}
