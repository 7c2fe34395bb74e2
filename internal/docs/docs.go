// Package docs makes the pages in docs/ that say what the code knows already:
// the modules, from each one's [action.Spec], the rules of lint, and the command
// line, from the commands themselves. `thordeploy docs` writes them, and a test of that
// program fails where the committed pages say something else. Tests here hold
// the pages that are written by hand to what the programs do.
package docs

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"thordeploy/action"
	"thordeploy/oracle"
)

// made says, where an editor sees it and a reader doesn't, that a page isn't
// written by hand.
const made = "<!-- Made by `make docs`: change the code, not this page. -->\n"

// Pages are the made pages, by their file names in docs/. root is the program
// with all its commands, uses what the oracle's cases use.
func Pages(root *cobra.Command, uses oracle.Uses) map[string]string {
	return map[string]string{
		"compatibility.md": Compatibility(root.Flags(), uses),
		"modules.md":       Modules(),
		"flags.md":         Flags(root),
		"lint.md":          Lint(),
	}
}

const modulesHead = `# Modules

` + made + `
What a task can do, one module a task. ` + "`ansible.builtin.copy`,\n`ansible.legacy.copy` and `ansible.posix.mount`" + ` mean the same as the short names.
A module that isn't here is an error when the playbook is loaded. How tasks are
written is in [playbooks.md](playbooks.md).

Types are Ansible's: *bool* is yes or no, *path* a text in which a leading ` + "`~`" + ` is
the home of the account on the host, *mode* an octal text (` + "`\"0755\"`" + `) or a symbolic
one (` + "`u+x`" + `), *list* a list of texts or one text with commas, *raw* whatever YAML
has.

| module | |
| --- | --- |
`

// Modules is docs/modules.md.
func Modules() string {
	var b strings.Builder
	b.WriteString(modulesHead)
	specs := modules()
	for _, s := range specs {
		fmt.Fprintf(&b, "| [`%s`](#%[1]s) | %s |\n", s.Name, cell(s.Doc))
	}
	for _, s := range specs {
		module(&b, s)
	}
	return b.String()
}

// modules lists every module once, by name.
func modules() []*action.Spec {
	var list []*action.Spec
	for _, name := range action.Names() {
		if s, ok := action.Lookup(name); ok && s.Name == name {
			list = append(list, s)
		}
	}
	return list
}

func module(b *strings.Builder, s *action.Spec) {
	fmt.Fprintf(b, "\n## %s\n\n%s", s.Name, s.Doc)
	if len(s.Aliases) > 0 {
		fmt.Fprintf(b, " Also written %s.", words(s.Aliases, "or"))
	}
	if s.Local {
		b.WriteString(" It runs here, and the host isn't asked.")
	}
	b.WriteString("\n\n" + written(s) + "\n")
	if len(s.Params) > 0 {
		b.WriteString("\n| parameter | type | default | meaning |\n| --- | --- | --- | --- |\n")
	}
	for _, p := range s.Params {
		parameter(b, p)
	}
	together(b, s)
}

// together says what the parameters must be together.
func together(b *strings.Builder, s *action.Spec) {
	for _, set := range s.OneOf {
		switch {
		case len(set) == 1:
			fmt.Fprintf(b, "\n%s must be given.\n", words(set, ""))
		case has(s.Exclusive, set):
			fmt.Fprintf(b, "\nOne of %s must be given, and not more.\n", words(set, "and"))
		default:
			fmt.Fprintf(b, "\nAt least one of %s must be given.\n", words(set, "and"))
		}
	}
	for _, set := range s.Exclusive {
		if !has(s.OneOf, set) {
			fmt.Fprintf(b, "\nAt most one of %s may be given.\n", words(set, "and"))
		}
	}
}

// written says how a task gives the module its parameters.
func written(s *action.Spec) string {
	var how string
	switch {
	case len(s.RawText) > 0:
		how = fmt.Sprintf("`%s: TEXT` sets `%s`. Of the `key=value` words in TEXT these alone are taken out as parameters: %s.",
			s.Name, s.FreeForm, words(s.RawText, "and"))
	case s.FreeForm != "":
		how = fmt.Sprintf("`%s: TEXT` sets `%s`; `key=value` words in TEXT are parameters.", s.Name, s.FreeForm)
	case len(s.Params) > 0 || s.AnyParam:
		how = fmt.Sprintf("`%s: key=value …`, or a mapping below it.", s.Name)
	}
	if s.AnyParam {
		how += " Every other key is taken too, as a variable and its value."
	}
	return how
}

func has(sets [][]string, set []string) bool {
	return slices.ContainsFunc(sets, func(other []string) bool { return slices.Equal(set, other) })
}

func parameter(b *strings.Builder, p action.Param) {
	name := "`" + p.Name + "`"
	if len(p.Aliases) > 0 {
		name += ", " + words(p.Aliases, ",")
	}
	meaning := p.Doc
	if len(p.Choices) > 0 && p.Type == action.Mode {
		meaning += "; also " + words(p.Choices, "or")
	} else if len(p.Choices) > 0 {
		meaning += "; one of " + words(p.Choices, "or")
	}
	fmt.Fprintf(b, "| %s | %s | %s | %s |\n", name, p.Type, defaultOf(p), cell(meaning))
}

func defaultOf(p action.Param) string {
	switch v := p.Default.(type) {
	case nil:
		if p.Required {
			return "**required**"
		}
		return ""
	case bool:
		if v {
			return "yes"
		}
		return "no"
	default:
		return "`" + cell(fmt.Sprint(v)) + "`"
	}
}

// words joins names as code: `a`, `b` and `c`.
func words(names []string, last string) string {
	var b strings.Builder
	for i, n := range names {
		switch {
		case i == 0:
		case i == len(names)-1 && last != ",":
			b.WriteString(" " + last + " ")
		default:
			b.WriteString(", ")
		}
		b.WriteString("`" + n + "`")
	}
	return b.String()
}

// cell is text inside a table.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ").Replace(text)
}

// Flags is docs/flags.md.
func Flags(root *cobra.Command) string {
	root.InitDefaultHelpFlag()
	root.InitDefaultVersionFlag()
	var b strings.Builder
	fmt.Fprintf(&b, "# The command line of %s\n\n%s\n```text\n%s\n```\n\n%s\n\n## Examples\n\n```text\n%s\n```\n",
		root.Name(), made, root.Use, root.Long, unindent(root.Example))
	b.WriteString("\n## Flags\n\n")
	flags(&b, root)
	b.WriteString("\n## Commands\n\n| command | |\n| --- | --- |\n")
	list := commands(root)
	for _, c := range list {
		fmt.Fprintf(&b, "| `%s` | %s |\n", c.CommandPath()+strings.TrimPrefix(c.Use, c.Name()), cell(c.Short))
	}
	for _, c := range list {
		if c.HasAvailableLocalFlags() && c.Parent().Name() != "completion" { // cobra's own
			fmt.Fprintf(&b, "\n### %s\n\n", c.CommandPath())
			flags(&b, c)
		}
	}
	b.WriteString("\nHow a run goes is in [running.md](running.md), how it ends in\n[exit-codes.md](exit-codes.md).\n")
	return b.String()
}

// flags is the table of a command's flags.
func flags(b *strings.Builder, c *cobra.Command) {
	b.WriteString("| flag | default | meaning |\n| --- | --- | --- |\n")
	c.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			flag(b, f)
		}
	})
}

func flag(b *strings.Builder, f *pflag.Flag) {
	value, usage := pflag.UnquoteUsage(f)
	name := "`--" + f.Name + "`"
	if f.Shorthand != "" {
		name = "`-" + f.Shorthand + "`, " + name
	}
	if value != "" && f.Value.Type() != "count" {
		name = strings.TrimSuffix(name, "`") + " " + value + "`"
	}
	def := ""
	switch f.DefValue {
	case "", "false", "[]", "0":
	default:
		def = "`" + f.DefValue + "`"
	}
	fmt.Fprintf(b, "| %s | %s | %s |\n", name, def, cell(usage))
}

// commands lists the commands that do something, those in others too.
func commands(c *cobra.Command) []*cobra.Command {
	var list []*cobra.Command
	for _, sub := range c.Commands() {
		switch {
		case sub.Hidden || sub.Name() == "help":
		case sub.HasAvailableSubCommands():
			list = append(list, commands(sub)...)
		default:
			list = append(list, sub)
		}
	}
	return list
}

// unindent takes two blanks off every line.
func unindent(text string) string {
	return strings.ReplaceAll(strings.TrimPrefix(text, "  "), "\n  ", "\n")
}
