package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"thordeploy/internal/diag"
	"thordeploy/inventory"
)

// listing is what the flags of `thordeploy inventory` said.
type listing struct {
	inventories []string
	list, graph bool
	host        string
	yaml        bool
	export      bool
	vars        bool
	limit       string
	extra       []string
	playbookDir string
	output      string
	vault       runVault
}

const listingText = `Show what an inventory comes to, in the forms of ansible-inventory: its groups
and every host's variables as JSON or YAML (--list), one host's (--host), or the
groups as a tree (--graph, of one GROUP where it is named).

Values encrypted with !vault stay encrypted. Files that are encrypted as a whole
are opened, and what is in them is shown.`

// inventoryCommand is `thordeploy inventory`.
func (m *Main) inventoryCommand() *cobra.Command {
	var l listing
	c := &cobra.Command{
		Use:                   "inventory [flags] [GROUP]",
		Short:                 "Show what an inventory comes to",
		Long:                  listingText,
		Example:               "  thordeploy inventory -i hosts.yml --graph\n  thordeploy inventory -i hosts.yml --host web1",
		Args:                  cobra.ArbitraryArgs,
		DisableFlagsInUseLine: true,
		RunE: func(c *cobra.Command, args []string) error {
			if err := l.check(args); err != nil {
				return err
			}
			return m.showInventory(c.Context(), l, args)
		},
	}
	f := c.Flags()
	f.SortFlags = false
	f.StringArrayVarP(&l.inventories, "inventory", "i", nil, "`HOSTS` file, script or folder, or names with a comma (web1,web2,); repeatable")
	f.BoolVar(&l.list, "list", false, "show all hosts and groups")
	f.StringVar(&l.host, "host", "", "show the variables of this `HOST`")
	f.BoolVar(&l.graph, "graph", false, "draw the groups and their hosts as a tree")
	f.BoolVarP(&l.yaml, "yaml", "y", false, "write YAML, not JSON")
	f.BoolVar(&l.export, "export", false, "with --list: variables where they are set, not all at each host")
	f.BoolVar(&l.vars, "vars", false, "with --graph: draw the variables too")
	f.StringVarP(&l.limit, "limit", "l", "", "with --list: only hosts that this `PATTERN` names; @file reads one a line")
	f.StringArrayVarP(&l.extra, "extra-vars", "e", nil, "`key=value`, a JSON or YAML mapping, or @file, shown at every host; repeatable")
	f.StringVar(&l.playbookDir, "playbook-dir", "", "`FOLDER` whose group_vars/ and host_vars/ count as those beside a playbook")
	f.StringVar(&l.output, "output", "", "with --list: write to this `FILE`")
	l.vault.addTo(f)
	c.SetFlagErrorFunc(func(c *cobra.Command, err error) error { return flagError(c, err) })
	return c
}

// check finds what is wrong with the command line.
func (l listing) check(args []string) error {
	actions := 0
	for _, on := range []bool{l.list, l.graph, l.host != ""} {
		if on {
			actions++
		}
	}
	switch {
	case actions != 1:
		return wrong("`thordeploy inventory -i hosts.yml --graph` draws the groups", "one of --list, --host and --graph is needed")
	case len(args) > 1 || len(args) > 0 && !l.graph:
		return wrong("only --graph takes a group's name", "%s is not expected here", strings.Join(args, " "))
	case l.vars && !l.graph:
		return wrong("--list shows variables without it", "--vars is for --graph")
	}
	return nil
}

func (m *Main) showInventory(ctx context.Context, l listing, args []string) error {
	keys, err := m.keyring(ctx, l.vault)
	if err != nil {
		return err
	}
	extra, err := m.readExtraVars(l.extra, keys)
	if err != nil {
		return err
	}
	keys.Hide = nil // what this command is asked to show is no secret to who asks
	inv, problems := (&inventory.Loader{Vault: keys, Sealed: true}).Load(ctx, l.inventories)
	if err := m.report(problems); err != nil {
		return err
	}
	if l.playbookDir != "" {
		inv, problems = inv.Beside(l.playbookDir)
		if err := m.report(problems); err != nil {
			return err
		}
	}
	show := inventory.Listing{Inventory: inv, Export: l.export, Extra: extra}
	text, err := m.listingText(l, show, args)
	if err != nil {
		return err
	}
	return m.writeListing(l.output, text)
}

func (m *Main) listingText(l listing, show inventory.Listing, args []string) (string, error) {
	switch {
	case l.graph:
		return graphText(show, args, l.vars)
	case l.host != "":
		hosts, _, err := show.Select(l.host)
		if err != nil {
			return "", wrong("", "--host: %w", err)
		}
		if len(hosts) != 1 {
			return "", wrong(m.nearestHost(show.Inventory, l.host), "--host %s names %d hosts, not one", diag.Escape(l.host), len(hosts))
		}
		return l.text(show.HostVars(hosts[0]), nil)
	}
	if l.limit != "" {
		limit, err := inventory.ReadLimit(l.limit)
		if err != nil {
			return "", wrong("", "%w", err)
		}
		hosts, unknown, err := show.Limit(show.Hosts(), limit)
		if err != nil {
			return "", wrong("", "%w", err)
		}
		m.warnUnknown(show.Inventory, unknown, "--limit", map[string]bool{})
		show.Only = append([]*inventory.Host{}, hosts...)
	}
	return l.text(show.List(), show.Tree)
}

// text writes v, or as YAML what tree gives.
func (l listing) text(v map[string]any, tree func() map[string]any) (string, error) {
	if !l.yaml {
		return inventory.JSON(v) + "\n", nil
	}
	if tree != nil {
		v = tree()
	}
	return inventory.YAML(v)
}

func graphText(show inventory.Listing, args []string, vars bool) (string, error) {
	group := "all"
	if len(args) > 0 {
		group = args[0]
	}
	text, err := show.Graph(group, vars)
	if err != nil {
		return "", wrong("check the vault passwords, or leave --vars out", "%w", err)
	}
	if text == "" {
		var known []string
		for _, g := range show.Groups() {
			known = append(known, g.Name)
		}
		return "", wrong(nearest(group, known), "no group is named %s", diag.Escape(group))
	}
	return text + "\n", nil
}

func (m *Main) nearestHost(inv *inventory.Inventory, name string) string {
	var known []string
	for _, h := range inv.Hosts() {
		known = append(known, h.Name)
	}
	return nearest(name, known)
}

func nearest(name string, known []string) string {
	if near := diag.Nearest(name, known); near != "" {
		return "did you mean " + near + "?"
	}
	return "`--graph` shows what is there"
}

// writeListing writes to standard output, or to a file that only the user can
// read: variables may be secret.
func (m *Main) writeListing(file, text string) error {
	if file == "" {
		// Not through m.out, which masks passwords of -e and the like: the text is
		// for a program to read.
		if _, err := io.WriteString(m.Stdout, text); err != nil {
			return fmt.Errorf("write to standard output: %w", cause(err))
		}
		return nil
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return wrong("check the path", "--output %s: %w", diag.Escape(file), cause(err))
	}
	return nil
}
