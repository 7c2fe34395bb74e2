package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"thordeploy/internal/docs"
)

// docsCommand is `thordeploy docs`, which `make docs` runs: the pages of the
// documentation that are made from the code.
func (m *Main) docsCommand() *cobra.Command {
	var dir, cases string
	c := &cobra.Command{
		Use:    "docs",
		Short:  "Write the pages of the documentation that are made from the code",
		Hidden: true,
		Args:   noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			uses, err := docs.Uses(cases)
			if err != nil {
				return wrong("name the folder that has the oracle's cases: --cases oracle/cases", "%w", err)
			}
			pages := docs.Pages(c.Root(), uses)
			for _, name := range slices.Sorted(maps.Keys(pages)) {
				path := filepath.Join(dir, name)
				if err := os.WriteFile(path, []byte(pages[name]), 0o644); err != nil { //nolint:gosec // pages are for all to read
					return wrong("name the folder that has the documentation: --dir docs", "write %s: %w", path, cause(err))
				}
				fmt.Fprintln(m.out, path)
			}
			return nil
		},
	}
	c.Flags().StringVar(&cases, "cases", "oracle/cases", "`FOLDER` of the oracle's cases")
	c.Flags().StringVar(&dir, "dir", "docs", "`FOLDER` to write them to")
	return c
}
