package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"thordeploy/scanner/finding"
	"thordeploy/scanner/yara"
)

// signaturesCommand groups what can be done with rules.
func (m *Main) signaturesCommand(code *int) *cobra.Command {
	group := &cobra.Command{Use: "signatures", Short: "Work on the scanner's rules", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return hinted{errors.New("signatures: which command?"), "thorscan signatures pack --out FILE RULES…"}
		}}
	var out string
	pack := &cobra.Command{
		Use: "pack --out FILE RULES…", Short: "Compile YARA rules into one file that a scan loads",
		Long: `Compile YARA rules into one file that a scan loads.

RULES are files, and folders that are searched for *.yar and *.yara. A file that
doesn't compile is named with its place and left out; the others are packed, and
the exit code is 1. The result is loaded on every architecture.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return hinted{errors.New("signatures pack: no rules given"), "thorscan signatures pack --out FILE RULES…"}
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if out == "" {
				return hinted{errors.New("signatures pack: --out is missing"), "thorscan signatures pack --out signatures/thor.yac RULES…"}
			}
			var err error
			*code, err = m.pack(out, args)
			return err
		},
	}
	pack.Flags().StringVar(&out, "out", "", "file to write")
	pack.SetFlagErrorFunc(flagError)
	group.AddCommand(pack)
	return group
}

func (m *Main) pack(out string, paths []string) (int, error) {
	files, err := yara.RuleFiles(paths)
	if err != nil {
		return exitFailed, err
	}
	if len(files) == 0 {
		return exitFailed, fmt.Errorf("no *.yar or *.yara files in %v", paths)
	}
	set, err := yara.Compile(files, finding.Internal)
	if err != nil {
		return exitFailed, err
	}
	for _, p := range set.LeftOut {
		m.complain(errors.New(p.String()))
	}
	if set.Rules == 0 {
		return exitFailed, errors.New("nothing packed: the files hold no rule that compiles")
	}
	if err := set.WriteFile(out); err != nil {
		return exitFailed, err
	}
	fmt.Fprintf(m.Stdout, "packed %d rules of %d files into %s\n", set.Rules, set.Files, finding.Printable(out))
	if len(set.LeftOut) > 0 {
		fmt.Fprintf(m.Stdout, "left out %d files that don't compile\n", len(set.LeftOut))
		return exitFailed, nil
	}
	return exitClean, nil
}
