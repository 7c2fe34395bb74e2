package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"thordeploy/runner"
	"thordeploy/runner/journal"
)

// runsCommand lists the runs that are kept.
func (m *Main) runsCommand() *cobra.Command {
	return &cobra.Command{
		Use: "runs [FOLDER]", Short: "List the runs that are kept in a folder (default: runs)", Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			folder := runsFolder
			if len(args) > 0 {
				folder = args[0]
			}
			dirs, err := runDirs(folder)
			if err != nil {
				return err
			}
			for _, dir := range dirs {
				fmt.Fprintln(m.out, runLine(dir))
			}
			return nil
		},
	}
}

// runDirs are the runs' folders in folder, the oldest first.
func runDirs(folder string) ([]string, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, wrong("runs are kept in runs/ of the folder they were started in", "no runs: %w", err)
	}
	var dirs []string
	for _, e := range entries {
		dir := filepath.Join(folder, e.Name())
		if _, err := os.Stat(filepath.Join(dir, journal.Name)); err == nil {
			dirs = append(dirs, dir)
		}
	}
	slices.Sort(dirs)
	return dirs, nil
}

// runLine says in a line what a run is and what became of it.
func runLine(dir string) string {
	history := journal.History{}
	if err := journal.Read(dir, history.Apply); err != nil {
		return fmt.Sprintf("%s  %v", dir, err)
	}
	began, books := "", []string{}
	counts := map[string]int{}
	for _, state := range history.States() {
		if began == "" {
			began = state.Started.Local().Format("2006-01-02 15:04:05")
		}
		books = append(books, state.Playbook)
		for _, h := range state.Hosts {
			counts[hostWord(h)]++
		}
	}
	var parts []string
	for _, word := range []string{"ok", "failed", "unreachable", "cut short", "not begun"} {
		if n := counts[word]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, word))
		}
	}
	return fmt.Sprintf("%s  %s  %s  %s: %s", dir, began, strings.Join(books, " "), runWord(dir, history), strings.Join(parts, ", "))
}

// runWord is how a run ended.
func runWord(dir string, history journal.History) string {
	switch ended := history.Ended(); {
	case journal.Locked(dir):
		return "running"
	case ended == nil:
		return "cut short"
	case ended.Interrupted:
		return "interrupted"
	}
	return "finished"
}

// hostWord is how far a host of a run got.
func hostWord(h *runner.HostState) string {
	switch {
	case h.Started.IsZero():
		return "not begun"
	case h.Running || h.Interrupted:
		return "cut short"
	case h.Broken() && h.Unreachable > 0:
		return "unreachable"
	case h.Broken():
		return "failed"
	}
	return "ok"
}

// resumeCommand finishes a run.
func (m *Main) resumeCommand(code *exitCode) *cobra.Command {
	var retry []string
	rec := &record{retry: map[runner.Status]bool{}}
	c := &cobra.Command{
		Use:   "resume [RUN]",
		Short: "Finish a run that was cut short or interrupted (default: the latest in runs)",
		Long: `resume finishes a run with the command line it was started with: hosts that are
done stay done, those that were in work begin anew, those that were never reached
follow. Hosts that failed or were unreachable stay so unless --retry names them.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			var err error
			*code, err = m.resume(c.Context(), rec, args, retry)
			return err
		},
	}
	c.Flags().StringSliceVar(&retry, "retry", nil, "try hosts again that were `failed,unreachable`")
	c.Flags().BoolVar(&rec.accept, "accept-changes", false, "go on though the playbooks or the inventory have changed since")
	return c
}

// resume opens a run's record and does its command line again.
func (m *Main) resume(ctx context.Context, rec *record, args, retry []string) (exitCode, error) {
	for _, word := range retry {
		if word != string(runner.Failed) && word != string(runner.Unreachable) {
			return 0, wrong("write --retry failed, --retry unreachable or both with a comma", "--retry %s is not known", word)
		}
		rec.retry[runner.Status(word)] = true
	}
	dir, err := chosenRun(args)
	if err != nil {
		return 0, err
	}
	if rec.dir, err = filepath.Abs(dir); err != nil {
		return 0, err
	}
	was, err := readStarted(rec.dir)
	if err != nil {
		return 0, err
	}
	if was.Secrets {
		return 0, wrong("begin a new run; secrets in a vault file or asked for (-k, -K) don't keep a run from being resumed",
			"run %s was given a secret on its command line, which isn't kept", dir)
	}
	rec.id = was.RunID
	if rec.journal, rec.past, err = journal.Open(rec.dir, journal.Options{Redact: m.secrets.Bytes}); err != nil {
		if errors.Is(err, journal.ErrLocked) {
			return 0, wrong("wait for it, or interrupt it", "%w", err)
		}
		return 0, wrong("", "%w", err)
	}
	if err := os.Chdir(was.Folder); err != nil { // its paths start there
		return 0, errors.Join(wrong("", "the folder that the run was started in: %w", err), rec.close())
	}
	m.options, m.resuming = options{}, rec
	fmt.Fprintf(m.err, "resuming %s: thordeploy %s\n", rec, strings.Join(was.Args, " "))
	return m.execute(ctx, was.Args), nil
}

// chosenRun is the folder of the run that was named, or of the latest.
func chosenRun(args []string) (string, error) {
	if len(args) > 0 {
		if _, err := os.Stat(filepath.Join(args[0], journal.Name)); err != nil {
			return "", wrong("name a run's folder: `thordeploy runs` lists them", "%s is no run's folder", args[0])
		}
		return args[0], nil
	}
	dirs, err := runDirs(runsFolder)
	if err != nil {
		return "", err
	}
	if len(dirs) == 0 {
		return "", wrong("runs are kept in runs/ of the folder they were started in", "no run is kept here")
	}
	return dirs[len(dirs)-1], nil
}
