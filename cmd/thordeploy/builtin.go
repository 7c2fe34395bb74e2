package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"thordeploy/playbooks"
)

// playbookCommand is `thordeploy playbook`: the built-in playbooks, to look at
// and to copy.
func (m *Main) playbookCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "playbook",
		Short: "Show the playbooks that are built in",
		Args:  cobra.ArbitraryArgs,
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return wrong("write `thordeploy playbook show NAME` or `thordeploy playbook list`; a playbook file of that name is ./playbook", "playbook %s is not known", args[0])
			}
			return wrong("write `thordeploy playbook show NAME` or `thordeploy playbook list`; a playbook file of that name is ./playbook", "playbook needs a word after it")
		},
	}
	c.AddCommand(&cobra.Command{
		Use:   "list",
		Short: "List the built-in playbooks",
		Args:  noArgs,
		RunE: func(*cobra.Command, []string) error {
			for _, name := range playbooks.Names() {
				fmt.Fprintln(m.out, playbooks.Prefix+name)
			}
			return nil
		},
	}, &cobra.Command{
		Use:   "show NAME",
		Short: "Print a built-in playbook",
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return wrong("the built-in ones are: "+strings.Join(playbooks.Names(), ", "), "playbook show needs one name")
			}
			data, _, err := readPlaybook(playbooks.Prefix + strings.TrimPrefix(args[0], playbooks.Prefix))
			if err != nil {
				return err
			}
			_, err = m.out.Write(data)
			return err
		},
	})
	return c
}

// noArgs is cobra.NoArgs with our exit code.
func noArgs(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return wrong("", "%s takes no arguments", c.CommandPath())
	}
	return nil
}
