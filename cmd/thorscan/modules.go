package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"thordeploy/internal/diag"
	"thordeploy/scanner"
	"thordeploy/scanner/filesystem"
	"thordeploy/scanner/hostcheck"
	"thordeploy/scanner/process"
)

// module is one of the things that a scan looks at.
type module struct {
	name  string // as in findings
	about string
	// make gives its source; own are the scanner's files.
	make func(opt *options, own []string) scanner.Source
}

// modules are all of them, in the order in which they run: what is quick first,
// so that a scan that is cut short has looked at most of them.
var modules = func() []module {
	var list []module
	for _, check := range hostcheck.Sources("") {
		list = append(list, module{check.Module(), check.About(), func(*options, []string) scanner.Source { return check }})
	}
	return append(list,
		module{process.Module, "running processes: where they run from, what they hold open, whom they talk to",
			func(*options, []string) scanner.Source { return &process.Source{} }},
		module{filesystem.Module, "files below the paths",
			func(opt *options, own []string) scanner.Source {
				return &filesystem.Source{Paths: opt.paths, AllMounts: opt.allMounts, Own: own}
			}})
}()

func moduleNames() []string {
	var names []string
	for _, m := range modules {
		names = append(names, m.name)
	}
	return names
}

// moduleNamed finds a module by its name in any case.
func moduleNamed(name string) (module, error) {
	for _, m := range modules {
		if strings.EqualFold(m.name, name) {
			return m, nil
		}
	}
	hint := diag.DidYouMean(name, moduleNames())
	if hint == "" {
		hint = "the modules are " + strings.Join(moduleNames(), ", ")
	}
	return module{}, hinted{fmt.Errorf("no module is named %q", name), hint}
}

// chosen are the modules that the flags ask for: those of --module, or else
// files alone where --path names some, or else all; without those of
// --no-module.
func (o *options) chosen() ([]module, error) {
	wanted := o.modules
	if len(wanted) == 0 && len(o.paths) > 0 {
		wanted = []string{filesystem.Module}
	} else if len(wanted) == 0 {
		wanted = moduleNames()
	}
	var names []string
	for _, name := range wanted {
		m, err := moduleNamed(name)
		if err != nil {
			return nil, err
		}
		names = append(names, m.name)
	}
	for _, name := range o.noModules {
		m, err := moduleNamed(name)
		if err != nil {
			return nil, err
		}
		names = slices.DeleteFunc(names, func(n string) bool { return n == m.name })
	}
	var list []module
	for _, m := range modules {
		if slices.Contains(names, m.name) {
			list = append(list, m)
		}
	}
	if len(list) == 0 {
		return nil, hinted{fmt.Errorf("no module is left to run"), "the modules are " + strings.Join(moduleNames(), ", ")}
	}
	return list, nil
}

// modulesCommand lists the modules.
func (m *Main) modulesCommand() *cobra.Command {
	return &cobra.Command{
		Use: "modules", Short: "List what a scan looks at, for --module and --no-module", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			for _, mod := range modules {
				fmt.Fprintf(m.Stdout, "%-15s %s\n", mod.name, mod.about)
			}
			return nil
		},
	}
}
