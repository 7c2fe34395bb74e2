package playbook

import (
	"maps"
	"slices"
)

// What of the language is there, by name, for documentation and for the tests
// that hold it to Ansible.

// KeywordNames are the keywords of a "play", "block", "task", "loop_control" and of
// an "import_playbook".
func KeywordNames() map[string][]string {
	task := slices.Clone(taskKeywords)
	for _, name := range withLookups() {
		task = append(task, "with_"+name)
	}
	return map[string][]string{
		"play":            slices.Clone(playKeywords),
		"block":           slices.Clone(blockKeywords),
		"task":            task,
		"loop_control":    slices.Clone(loopKeywords),
		"import_playbook": slices.Clone(importKeywords),
	}
}

// Filters are the filters with the names of their arguments: "name?" may be
// left out, "name*" takes any number.
func Filters() map[string][]string {
	out := map[string][]string{}
	for name, f := range filters {
		out[name] = slices.Clone(f.params)
	}
	return out
}

// Tests are the tests with the names of their arguments, as [Filters] has them.
func Tests() map[string][]string {
	out := map[string][]string{}
	for name, t := range tests {
		out[name] = slices.Clone(t.params)
	}
	return out
}

// Lookups are the lookups with their options.
func Lookups() map[string][]string {
	out := map[string][]string{}
	for name, l := range lookups() {
		out[name] = slices.Clone(l.options)
	}
	return out
}

// LookupsNotDone are Ansible's other lookups, and what to do instead.
func LookupsNotDone() map[string]string { return maps.Clone(lookupsNotDone) }
