package action

import (
	"sort"
	"strings"
	"sync"
)

// all lists every module. A new module is a new file and a line here.
func all() []*Spec {
	return []*Spec{
		addHostSpec(),
		aptSpec(),
		assertSpec(),
		asyncStatusSpec(),
		blockinfileSpec(),
		commandSpec(),
		copySpec(),
		debugSpec(),
		rpmSpec("dnf"),
		failSpec(),
		fetchSpec(),
		fileSpec(),
		getURLSpec(),
		findSpec(),
		groupBySpec(),
		importRoleSpec(),
		importTasksSpec(),
		includeRoleSpec(),
		includeTasksSpec(),
		includeVarsSpec(),
		lineinfileSpec(),
		metaSpec(),
		mkdirSpec(),
		mountSpec(),
		packageSpec(),
		pauseSpec(),
		pingSpec(),
		rawSpec(),
		replaceSpec(),
		scriptSpec(),
		serviceSpec(),
		setFactSpec(),
		setStatsSpec(),
		setupSpec(),
		shellSpec(),
		slurpSpec(),
		statSpec(),
		synchronizeSpec(),
		systemdSpec(),
		tempfileSpec(),
		templateSpec(),
		unarchiveSpec(),
		unmountSpec(),
		waitForSpec(),
		waitForConnectionSpec(),
		rpmSpec("yum"),
	}
}

// prefixes are the collections whose modules live here. Ansible resolves
// `ansible.legacy.X` to the built-in X unless a user overrides it.
var prefixes = []string{"ansible.builtin.", "ansible.legacy.", "ansible.posix."}

// registry indexes all by name and alias. It is built once and not changed.
var registry = sync.OnceValue(func() map[string]*Spec {
	index := make(map[string]*Spec)
	for _, s := range all() {
		index[s.Name] = s
		for _, a := range s.Aliases {
			index[a] = s
		}
	}
	return index
})

func lookup(name string) (*Spec, bool) {
	for _, p := range prefixes {
		if short, ok := strings.CutPrefix(name, p); ok {
			name = short
			break
		}
	}
	s, ok := registry()[name]
	return s, ok
}

func names() []string {
	index := registry()
	list := make([]string, 0, len(index))
	for n := range index {
		list = append(list, n)
	}
	sort.Strings(list)
	return list
}
