package action

import (
	"sort"
	"strings"
	"sync"
)

// all lists every module. A new module is a new file and a line here.
func all() []*Spec {
	return []*Spec{
		assertSpec(),
		commandSpec(),
		copySpec(),
		debugSpec(),
		failSpec(),
		fetchSpec(),
		fileSpec(),
		mkdirSpec(),
		mountSpec(),
		pingSpec(),
		rawSpec(),
		scriptSpec(),
		setFactSpec(),
		setupSpec(),
		shellSpec(),
		statSpec(),
		unmountSpec(),
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

// Nearest gives the candidate that name is most likely a misspelling of, or
// false where none is near: at most one edit in three runes (one in a shorter
// name), swapped neighbours counting as one.
func Nearest(name string, candidates []string) (string, bool) {
	best, bestAt := "", max(1, len([]rune(name))/3)+1
	for _, c := range candidates {
		if d := edits(strings.ToLower(name), c); d < bestAt && d < len([]rune(c)) {
			best, bestAt = c, d
		}
	}
	return best, best != ""
}

// edits counts the insertions, deletions, replacements and swaps of
// neighbours that turn a into b (optimal string alignment).
func edits(a, b string) int {
	x, y := []rune(a), []rune(b)
	before, last := make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(x); i++ {
		row := make([]int, len(y)+1)
		row[0] = i
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(y)]
}
