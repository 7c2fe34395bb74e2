package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"thordeploy/internal/diag"
	"thordeploy/scanner"
)

// options are what the flags of a scan say.
type options struct {
	paths       []string
	modules     []string
	noModules   []string
	allMounts   bool
	maxFileSize size
	maxRuntime  hours

	logfile, jsonfile, outputDir string
	jsonStdout                   bool
	scanID                       string
	min                          int

	threads     int
	yaraTimeout int // seconds
	signatures  string
	customOnly  bool
}

const longHelp = `thorscan looks for signs of compromise on the host it runs on.

It looks at accounts, kernel modules and running processes and reads the files
below the given paths (default: /, staying on its filesystem), matches YARA rules
and lists of indicators on them and reports what it finds. With paths it reads
files alone. It changes nothing on the host but the logs it is asked to write.

Rules are read from signatures/*.yac beside the executable (compiled by
"thorscan signatures pack") and from custom-signatures/yara/*.yar and *.yara,
indicators from signatures/iocs/*.txt and custom-signatures/iocs/*.txt.`

const exitHelp = `
Exit codes:
  0  nothing found at or above --min
  1  could not scan, or not completely: wrong usage, no rules, a rule file, path
     or log that failed, or interrupted or out of time without a finding
  2  findings at or above --min (also if something failed or it was interrupted)

TERM, INT or HUP ends the scan within a second, with a complete report of what
was done until then.
`

// command builds the command line. code receives the exit code of a command
// that ran.
func (m *Main) command(code *int) *cobra.Command {
	opt := &options{maxFileSize: scanner.DefaultMaxSize, maxRuntime: hours(168 * time.Hour)}
	cmd := &cobra.Command{
		Use: "thorscan [flags]", Short: "Look for signs of compromise on this host", Long: longHelp,
		Version: version, SilenceUsage: true, SilenceErrors: true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return hinted{fmt.Errorf("unexpected argument %q", args[0]), "paths to scan are given with -p: thorscan -p " + args[0]}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := opt.check(); err != nil {
				return err
			}
			var err error
			*code, err = m.scan(cmd.Context(), opt)
			return err
		},
	}
	cmd.SetUsageTemplate(cmd.UsageTemplate() + exitHelp)
	cmd.SetFlagErrorFunc(flagError)
	opt.register(cmd.Flags())
	cmd.AddCommand(m.signaturesCommand(code), m.modulesCommand())
	return cmd
}

func (o *options) register(f *pflag.FlagSet) {
	f.SortFlags = false
	f.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		switch name { // both spellings are in use
		case "max-file-size", "max-runtime":
			name = strings.ReplaceAll(name, "-", "_")
		}
		return pflag.NormalizedName(name)
	})
	f.StringArrayVarP(&o.paths, "path", "p", nil, "scan this file or folder; may be repeated (default /)")
	f.StringArrayVarP(&o.modules, "module", "a", nil, "run this module alone; may be repeated (default all, with --path Filescan)")
	f.StringArrayVar(&o.noModules, "no-module", nil, "leave this module out; may be repeated")
	f.BoolVar(&o.allMounts, "all-mounts", false, "go on into other local filesystems mounted below the paths")
	f.Var(&o.maxFileSize, "max_file_size", "leave larger files out, such as 500KB, 30MB, 1GB")
	f.Var(&o.maxRuntime, "max_runtime", "end the scan after this many hours, or after a duration such as 90m")
	f.StringVarP(&o.logfile, "logfile", "l", "", "write the text log to this file")
	f.StringVar(&o.jsonfile, "jsonfile", "", "write the JSON log, version 3, to this file")
	f.BoolVar(&o.jsonStdout, "json", false, "write the JSON log to standard output instead of lines for people")
	f.StringVarP(&o.outputDir, "output-dir", "e", "", "write both logs into this folder, named after host and time")
	f.StringVarP(&o.scanID, "scanid", "i", "", "scan id in the logs (default S- and 12 random characters)")
	f.IntVar(&o.min, "min", scanner.DefaultMin, "lowest score to report, 1 to 100")
	f.IntVar(&o.threads, "threads", 0, "files to look at at the same time (default half of the cores, at most 4)")
	f.IntVar(&o.yaraTimeout, "yara-timeout", 90, "seconds that YARA rules may take for one file")
	f.StringVar(&o.signatures, "signatures", "", "folder of compiled rules (default signatures beside the executable)")
	f.BoolVar(&o.customOnly, "customonly", false, "use the rules in custom-signatures alone")
}

// check refuses values that make no sense.
func (o *options) check() error {
	switch {
	case o.min < 1 || o.min > 100:
		return fmt.Errorf("--min %d: a score is between 1 and 100", o.min)
	case o.threads < 0 || o.threads > 256:
		return fmt.Errorf("--threads %d: give a number between 1 and 256", o.threads)
	case o.yaraTimeout < 1 || o.yaraTimeout > 24*3600:
		return fmt.Errorf("--yara-timeout %d: give seconds, at least 1 and at most a day", o.yaraTimeout)
	case o.scanID != "" && strings.ContainsFunc(o.scanID, func(r rune) bool { return r <= ' ' || r > '~' }):
		return fmt.Errorf("--scanid %q: give letters, digits and signs without blanks", o.scanID)
	case o.logfile != "" && o.jsonfile != "" && absolute(o.logfile) == absolute(o.jsonfile):
		return fmt.Errorf("--logfile and --jsonfile are the same file, %s", o.logfile)
	}
	for _, path := range o.paths {
		if path == "" {
			return errors.New("--path is empty")
		}
	}
	return nil
}

// absolute returns path from the root folder on, or path itself where the
// current folder is gone.
func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return filepath.Clean(path)
}

// flagError adds the nearest flag to the message about an unknown one.
func flagError(cmd *cobra.Command, err error) error {
	name, ok := strings.CutPrefix(err.Error(), "unknown flag: --")
	if !ok {
		return hinted{err, "see " + cmd.CommandPath() + " --help"}
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	if near := diag.Nearest(name, names); near != "" {
		return hinted{err, "did you mean --" + near + "?"}
	}
	return hinted{err, "see " + cmd.CommandPath() + " --help"}
}

// size is a flag of bytes.
type size int64

func (s *size) Type() string { return "size" }

func (s *size) String() string {
	if *s%(1<<20) == 0 {
		return fmt.Sprintf("%dMB", *s>>20)
	}
	return strconv.FormatInt(int64(*s), 10)
}

// Set reads a number of bytes with one of the units KB, MB, GB, which are
// powers of 1024.
func (s *size) Set(text string) error {
	digits := strings.TrimRight(strings.ToUpper(text), "KMGB")
	unit, ok := map[string]int64{"": 1, "B": 1, "K": 1 << 10, "KB": 1 << 10, "M": 1 << 20, "MB": 1 << 20, "G": 1 << 30, "GB": 1 << 30}[strings.ToUpper(text)[len(digits):]]
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || !ok || n < 1 || n > (64<<30)/unit {
		return errors.New("give a size such as 500KB, 30MB or 1GB, at most 64GB")
	}
	*s = size(n * unit)
	return nil
}

// hours is a flag of a duration whose plain numbers are hours.
type hours time.Duration

func (h *hours) Type() string   { return "hours" }
func (h *hours) String() string { return strconv.FormatFloat(time.Duration(*h).Hours(), 'f', -1, 64) }

// Set reads hours, or a duration with its unit.
func (h *hours) Set(text string) error {
	d, err := time.ParseDuration(text)
	if n, numErr := strconv.ParseFloat(text, 64); numErr == nil {
		d, err = time.Duration(n*float64(time.Hour)), nil
	}
	if err != nil || d <= 0 || d > 100*365*24*time.Hour {
		return errors.New("give hours, or a duration such as 90m")
	}
	*h = hours(d)
	return nil
}
