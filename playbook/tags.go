package playbook

import "slices"

// TagFilter is what --tags and --skip-tags say.
type TagFilter struct {
	Only []string // empty: all
	Skip []string
}

// Selects reports whether a task with these tags, those around it among them,
// is to be run. The words always, never, all, tagged and untagged mean what they
// mean in Ansible.
func (f TagFilter) Selects(tags []string) bool {
	if len(tags) == 0 {
		tags = []string{"untagged"}
	}
	return f.wants(tags) && !f.skips(tags)
}

func (f TagFilter) wants(tags []string) bool {
	all := len(f.Only) == 0 || slices.Contains(f.Only, "all")
	switch {
	case slices.Contains(tags, "always"), meet(tags, f.Only):
		return true
	case slices.Contains(tags, "never"):
		return false
	}
	return all || slices.Contains(f.Only, "tagged") && !slices.Contains(tags, "untagged")
}

func (f TagFilter) skips(tags []string) bool {
	switch {
	case len(f.Skip) == 0:
		return false
	case meet(tags, f.Skip):
		return true
	case slices.Contains(f.Skip, "all"):
		return !slices.Contains(tags, "always")
	}
	return slices.Contains(f.Skip, "tagged") && !slices.Contains(tags, "untagged")
}

func meet(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}
