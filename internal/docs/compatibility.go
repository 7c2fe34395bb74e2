package docs

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"thordeploy/action"
	"thordeploy/oracle"
	"thordeploy/playbook"
)

// ansibleCore lists what ansible-core 2.14 to 2.19 and ansible.posix's mount
// and synchronize have: names alone. "when" is set where a name isn't in all of
// these releases.
//
//go:embed ansiblecore.json
var ansibleCore []byte

// coreNames is ansibleCore.
type coreNames struct {
	Modules map[string]struct {
		Params map[string]string // to when, empty for all releases
		When   string
	}
	Filters, Tests, Lookups map[string]struct {
		Options []string
		When    string
	}
	Keywords map[string][]string
	Flags    [][]string // each flag's names
}

func readCore() coreNames {
	var c coreNames
	if err := json.Unmarshal(ansibleCore, &c); err != nil {
		panic(fmt.Sprintf("ansiblecore.json: %v", err)) // embedded: a test reads it
	}
	return c
}

// language is what the oracle's scan must know.
func language() oracle.Language {
	keywords := playbook.KeywordNames()
	keywords["role"] = readCore().Keywords["role"]
	return oracle.Language{Keywords: keywords, Modules: func(name string) (oracle.Module, bool) {
		s, ok := action.Lookup(name)
		if !ok {
			return oracle.Module{}, false
		}
		m := oracle.Module{Name: s.Name, FreeForm: s.FreeForm, Params: map[string]string{}}
		for _, p := range s.Params {
			for _, n := range append([]string{p.Name}, p.Aliases...) {
				m.Params[n] = p.Name
			}
		}
		return m, true
	}}
}

// Uses scans the oracle's cases in a folder.
func Uses(dir string) (oracle.Uses, error) {
	cases, err := oracle.LoadAll(dir)
	if err != nil {
		return nil, err
	}
	return oracle.Scan(cases, language())
}

const compatibilityHead = `# What of Ansible is there

` + made + `
Every keyword, module, parameter, filter, test, lookup and flag of ansible-core
2.14 to 2.19, and what thordeploy does with it. What differs on purpose in how
something works is in [playbooks.md](playbooks.md#what-differs-from-ansible).

- **yes**: there, and compared with ansible-playbook in the cases that stand
  beside it (` + "`oracle/cases`" + `, run by ` + "`make test-oracle`" + `). They fail when it is
  taken away: what thordeploy doesn't know is an error when a playbook is loaded.
- **partly**: there, with what is said beside it.
- **no**: using it is an error when the playbook is loaded, with its place.

Where a release is named, the others of 2.14 to 2.19 don't have it.
`

// Compatibility is docs/compatibility.md: what Ansible has, what is there, and
// the cases that hold it.
func Compatibility(flags *pflag.FlagSet, uses oracle.Uses) string {
	c := compatibility{core: readCore(), uses: uses, flags: flags}
	c.WriteString(compatibilityHead)
	c.keywords()
	c.modules()
	c.templates()
	c.commandLine()
	return c.String()
}

// compatibility writes the page.
type compatibility struct {
	strings.Builder
	core  coreNames
	uses  oracle.Uses
	flags *pflag.FlagSet
}

// most is how many cases a row names.
const most = 3

// row writes a feature. partly says what is missing of one that is there.
func (c *compatibility) row(kind, name, shown, when string, there bool, note string) {
	cases := c.uses.Cases(kind, name)
	status, beside := "no", note
	switch {
	case there && note != "":
		status = "partly"
	case there && len(cases) == 0:
		status, beside = "partly", "not compared with Ansible in a case of its own yet"
	case there:
		status, beside = "yes", words(cases[:min(most, len(cases))], ",")
	}
	if when != "" {
		shown += " (" + when + ")"
	}
	fmt.Fprintf(c, "| %s | %s | %s |\n", shown, status, cell(beside))
}

func (c *compatibility) table(title, text string) {
	fmt.Fprintf(c, "\n### %s\n\n%s| | | |\n| --- | --- | --- |\n", title, text)
}

// keywordNotes are keywords of which not all is there.
var keywordNotes = map[string]string{
	"collections":    "accepted: the modules are those of [modules.md](modules.md)",
	"debugger":       "only `never`, which is the default",
	"gather_subset":  "accepted: the facts are always the same few, had in one round trip",
	"gather_timeout": "accepted: `timeout` bounds it",
	"fact_path":      "accepted: local facts aren't read",
}

func (c *compatibility) keywords() {
	c.WriteString("\n## Keywords\n")
	known := playbook.KeywordNames()
	for _, where := range []string{"play", "role", "block", "task", "loop_control"} {
		c.table("Of a "+where, "")
		names := slices.Clone(c.core.Keywords[where])
		if where == "task" {
			names = append(names, c.core.Keywords["handler"]...)
			for name := range c.core.Lookups {
				names = append(names, "with_"+name)
			}
		}
		slices.Sort(names)
		for _, name := range names {
			there := slices.Contains(known[where], name)
			if where == "role" {
				there = name == "role" || name == "when" || slices.Contains(known["play"], name) || slices.Contains(known["block"], name)
			}
			note := keywordNotes[name]
			if !there {
				note = absentKeyword(name)
			}
			c.row(where, name, "`"+name+"`", "", there, note)
		}
	}
}

func absentKeyword(name string) string {
	if lookup, ok := strings.CutPrefix(name, "with_"); ok {
		if why, ok := playbook.LookupsNotDone()[lookup]; ok {
			return why
		}
		return "`loop` with the lookup or what it gives"
	}
	return absent["keyword "+name]
}

func (c *compatibility) modules() {
	c.WriteString("\n## Modules\n")
	c.table("All of them", "")
	names := slices.Sorted(maps.Keys(c.core.Modules))
	for _, name := range names {
		spec, there := action.Lookup(name)
		if name == "import_playbook" { // a keyword of a play here
			c.row("module", name, "`"+name+"`", "", true, "")
			continue
		}
		shown, note := "`"+name+"`", absent["module "+name]
		if there {
			note = ""
			if lacking := c.lacking(name, spec); len(lacking) > 0 {
				note = "without " + words(lacking, "and")
			}
			shown = fmt.Sprintf("[`%s`](modules.md#%s)", name, spec.Name)
		} else if note == "" {
			note = "not yet"
		}
		c.row("module", name, shown, c.core.Modules[name].When, there, note)
	}
	c.WriteString("\n## Parameters\n\nOf the modules that are there.\n")
	for _, name := range names {
		if spec, there := action.Lookup(name); there && len(c.core.Modules[name].Params) > 0 {
			c.parameters(name, spec)
		}
	}
}

// lacking are the parameters of Ansible's that a module hasn't.
func (c *compatibility) lacking(module string, spec *action.Spec) []string {
	var out []string
	for _, p := range slices.Sorted(maps.Keys(c.core.Modules[module].Params)) {
		if _, ok := parameterOf(spec, p); !ok && !spec.AnyParam {
			out = append(out, p)
		}
	}
	return out
}

// parameterOf finds a parameter. free_form is how Ansible's documents name the
// text of a command.
func parameterOf(spec *action.Spec, name string) (*action.Param, bool) {
	if name == "free_form" && spec.FreeForm != "" {
		name = spec.FreeForm
	}
	return spec.Param(name)
}

func (c *compatibility) parameters(module string, spec *action.Spec) {
	c.table(module, "")
	params := c.core.Modules[module].Params
	for _, name := range slices.Sorted(maps.Keys(params)) {
		p, there := parameterOf(spec, name)
		if !there {
			c.row("parameter", "", "`"+name+"`", params[name], false, absentParameter(name))
			continue
		}
		note := ""
		if strings.HasPrefix(p.Doc, "accepted") {
			note = p.Doc
		}
		c.row("parameter", spec.Name+"."+p.Name, "`"+name+"`", params[name], there, note)
	}
}

// absentParameter says why parameters that many modules have aren't there.
func absentParameter(name string) string {
	switch name {
	case "selevel", "serole", "setype", "seuser":
		return "SELinux contexts aren't set"
	case "attributes":
		return "use chattr with the module command"
	case "unsafe_writes":
		return "a file is always put in place as a whole"
	}
	return ""
}

func (c *compatibility) templates() {
	c.WriteString("\n## Templates\n")
	c.table("Filters", "")
	filters := playbook.Filters()
	for _, name := range slices.Sorted(maps.Keys(c.core.Filters)) {
		params, there := filters[name]
		c.row("filter", name, "`"+name+"`", c.core.Filters[name].When, there, c.options("filter "+name, c.core.Filters[name].Options, params, there))
	}
	c.table("Tests", "")
	tests := playbook.Tests()
	for _, name := range slices.Sorted(maps.Keys(c.core.Tests)) {
		params, there := tests[name]
		c.row("test", name, "`"+name+"`", c.core.Tests[name].When, there, c.options("test "+name, c.core.Tests[name].Options, params, there))
	}
	c.table("Lookups", "")
	lookups := playbook.Lookups()
	for _, name := range slices.Sorted(maps.Keys(c.core.Lookups)) {
		options, there := lookups[name]
		note := c.options("lookup "+name, nil, options, there)
		if !there {
			note = playbook.LookupsNotDone()[name]
		}
		c.row("lookup", name, "`"+name+"`", c.core.Lookups[name].When, there, note)
	}
}

// options says what a filter or test has not of its options, or why it isn't
// there.
func (c *compatibility) options(key string, theirs, ours []string, there bool) string {
	if !there {
		return absent[key]
	}
	var lacking []string
	for _, o := range theirs {
		if !slices.Contains(ours, o) && !slices.Contains(ours, o+"?") && !slices.Contains(ours, o+"*") {
			lacking = append(lacking, o)
		}
	}
	if len(lacking) == 0 || positional[key] {
		return ""
	}
	return "without " + words(lacking, "and")
}

func (c *compatibility) commandLine() {
	c.table("Flags", "Those of thordeploy's own name. Under the name ansible-playbook it takes all that are\nin [ansible-playbook.md](ansible-playbook.md).\n\n")
	for _, names := range c.core.Flags {
		there, used := false, ""
		for _, name := range names {
			long, short := strings.TrimPrefix(name, "--"), strings.TrimPrefix(name, "-")
			found := strings.HasPrefix(name, "--") && c.flags.Lookup(long) != nil || len(short) == 1 && c.flags.ShorthandLookup(short) != nil
			there = there || found
			if used == "" && len(c.uses.Cases("flag", name)) > 0 {
				used = name
			}
		}
		c.row("flag", used, "`"+strings.Join(names, "`, `")+"`", "", there, absent["flag "+names[len(names)-1]])
	}
}
