package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"thordeploy/internal/diag"
	"thordeploy/internal/output"
	"thordeploy/playbook"
)

// options are what the flags said.
type options struct {
	inventories  []string
	forks        int
	limit        string
	user         string
	become       bool
	becomeUser   string
	becomeMethod string
	askPass      bool
	askBecome    bool
	privateKey   string
	timeout      duration
	extra        []string
	vault        runVault
	check        bool
	diff         bool
	verbose      int
	strategy     string
	failOn       threshold
	hostTimeout  duration
	bandwidth    bandwidth
	knownHosts   string
	hostKeys     string
	authFailures int
	json         bool
	listHosts    bool
	syntaxCheck  bool
	ansibleOptions
	runDir string
}

// ansibleOptions are what Ansible's flags, its environment and ansible.cfg say
// besides.
type ansibleOptions struct {
	ansible        bool // the program is ansible-playbook
	configFile     string
	rolesPath      []string
	connection     string // of plays that don't say
	gathering      string
	sshArgs        string // options of ssh for every host, below the host's own
	sshCommon      string
	sshExtra       string
	passFile       string
	becomePassFile string
	tags, skipTags []string
	forceHandlers  bool
	startAt        string
	step           bool
	listTasks      bool
	listTags       bool
	noColor        bool
	forceColor     bool
	form           output.Ansible // how ansible-playbook's form is shown
}

const usageText = `thordeploy runs playbooks on hosts over SSH: it brings what a scan needs onto
every host, runs it, fetches the reports and leaves the host clean.

A playbook is a file, or a built-in one: builtin:thor.yml. A first argument
that is a command's name is that command; a file of that name is ./playbook.`

const exampleText = `  thordeploy -i hosts.yml -f 20 thor.yml
  thordeploy -i web1,web2, -l 'web*' --check builtin:thor.yml
  thordeploy -i hosts.yml --fail-on alert --json thor.yml > run.jsonl`

// command is the command line; code is where a run puts its exit code.
func (m *Main) command(code *exitCode) *cobra.Command {
	root := &cobra.Command{
		Use:           "thordeploy [flags] playbook.yml…",
		Short:         "Run playbooks on a fleet of hosts over SSH",
		Long:          usageText,
		Example:       exampleText,
		Version:       versionLine(),
		Args:          cobra.ArbitraryArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(c *cobra.Command, args []string) error {
			if err := m.checkFlags(args); err != nil {
				return err
			}
			if err := m.configure(c.Flags().Changed); err != nil {
				return err
			}
			var err error
			*code, err = m.sweep(c.Context(), args)
			return err
		},
	}
	root.SetOut(m.out)
	root.SetErr(m.err)
	root.SetVersionTemplate("thordeploy {{.Version}}\n")
	m.addFlags(root)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error { return flagError(c, err) })
	root.AddCommand(m.playbookCommand(), m.hostsCommand(code), m.inventoryCommand(), m.vaultCommand(), m.lintCommand(code), m.runsCommand(), m.resumeCommand(code), m.docsCommand())
	return root
}

func (m *Main) addFlags(root *cobra.Command) {
	f := root.Flags()
	f.SortFlags = false
	o := &m.options
	f.StringArrayVarP(&o.inventories, "inventory", "i", nil, "`HOSTS` file, or names with a comma (web1,web2,); repeatable")
	f.StringVarP(&o.limit, "limit", "l", "", "only hosts that this `PATTERN` names too; @file reads one a line")
	f.IntVarP(&o.forks, "forks", "f", 10, "work on `N` hosts at once")
	f.StringVar(&o.strategy, "strategy", "", "`STRATEGY` for plays that don't say: host_pinned (default), free or linear")
	f.StringArrayVarP(&o.extra, "extra-vars", "e", nil, "`key=value`, a JSON or YAML mapping, or @file; wins over every other variable; repeatable")
	o.vault.addTo(f)
	f.VarP((*tagList)(&o.tags), "tags", "t", "only tasks with one of these `TAGS`, separated by commas")
	f.Var((*tagList)(&o.skipTags), "skip-tags", "but not those with one of these `TAGS`")
	f.StringVar(&o.startAt, "start-at-task", "", "begin at the task of this `NAME`, a glob")
	f.BoolVar(&o.step, "step", false, "ask before each task whether to run it")
	f.BoolVar(&o.forceHandlers, "force-handlers", false, "run notified handlers of hosts that failed too")
	f.BoolVarP(&o.check, "check", "C", false, "report what would change, change nothing")
	f.BoolVarP(&o.diff, "diff", "D", false, "show what changes in files, or would with --check")
	f.StringVarP(&o.connection, "connection", "c", "", "`KIND` of connection of plays that don't say: ssh or local")
	f.StringVarP(&o.user, "user", "u", "", "`account` to log in as, where neither play nor inventory says")
	f.StringVar(&o.privateKey, "private-key", "", "private key `FILE`")
	f.BoolVarP(&o.askPass, "ask-pass", "k", false, "ask for the login password")
	f.BoolVarP(&o.become, "become", "b", false, "become another account (root) for every task that doesn't say otherwise")
	f.StringVar(&o.becomeUser, "become-user", "", "`account` to become")
	f.StringVar(&o.becomeMethod, "become-method", "", "`METHOD` to become it by: sudo (default), su, doas, or none to stay")
	f.BoolVarP(&o.askBecome, "ask-become-pass", "K", false, "ask for the password of become")
	f.Var(&o.timeout, "timeout", "how long connecting to a host may take, in seconds or as 1m30s (default 10s)")
	f.Var(&o.hostTimeout, "host-timeout", "how long a host may take for a play (default: no bound)")
	o.bandwidth.addTo(f)
	f.StringVar(&o.knownHosts, "known-hosts", "", "known_hosts `FILE` instead of the account's and the system's")
	f.StringVar(&o.hostKeys, "host-key", "", "`HOW` host keys are checked: strict (default), a key must be known; accept-new, that of an unknown host is written down; ca, only certificates count")
	f.StringVar(&o.hostKeys, "host-key-checking", "", "the same as --host-key `HOW`")
	f.StringVar(&o.sshCommon, "ssh-common-args", "", "`ARGS` of ssh for hosts whose ansible_ssh_common_args isn't set: -o, -i, -J, -F, -p, -l")
	f.StringVar(&o.sshExtra, "ssh-extra-args", "", "`ARGS` of ssh for hosts whose ansible_ssh_extra_args isn't set")
	f.IntVar(&o.authFailures, "max-auth-failures", -1, "log in no more after `N` hosts in a row have refused an account alike (default 3 with a password, 10 with keys; 0: go on)")
	f.Var(&o.failOn, "fail-on", "exit with 10 on a finding at or above notice, warning, alert or a score")
	f.StringVar(&o.runDir, "run-dir", "", "`FOLDER` for the run's journal (default runs/TIME-ID); none: keep none")
	f.BoolVar(&o.json, "json", false, "write the run's events as JSON lines")
	// The empty `` keep --help from calling its value "count": it has none.
	f.CountVarP(&o.verbose, "verbose", "v", "``show the output of tasks that went well too")
	f.BoolVar(&o.listHosts, "list-hosts", false, "say which hosts each play would run on, and end")
	f.BoolVar(&o.listTasks, "list-tasks", false, "say which tasks would be run, and end")
	f.BoolVar(&o.listTags, "list-tags", false, "say which tags the tasks have, and end")
	f.Bool("flush-cache", false, "accepted: facts are kept for a run alone")
	f.BoolVar(&o.syntaxCheck, "syntax-check", false, "check the playbooks and end")
}

// flagError is a mistake in the flags, with the nearest flag's name.
func flagError(c *cobra.Command, err error) error {
	hint := "`thordeploy --help` lists the flags"
	if name, ok := strings.CutPrefix(err.Error(), "unknown flag: --"); ok {
		var known []string
		c.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
		if near := diag.Nearest(name, known); near != "" {
			hint = "did you mean --" + near + "?"
		}
	}
	if what, _, ok := strings.Cut(err.Error(), ": strconv."); ok {
		err = errors.New(what) // without Go's own words for it
	}
	return &usageError{err: err, hint: hint}
}

// checkFlags finds what is wrong with the command line alone.
func (m *Main) checkFlags(args []string) error {
	switch {
	case len(args) == 0:
		return wrong("name a playbook file, or a built-in one: builtin:thor.yml", "no playbook is given")
	}
	return nil
}

// checkValues finds what is wrong with values that flags, the environment or
// ansible.cfg gave.
func (m *Main) checkValues() error {
	switch playbook.Strategy(strings.TrimPrefix(m.strategy, "ansible.builtin.")) {
	case "", playbook.HostPinned, playbook.Free, playbook.Linear:
	default:
		return wrong("write host_pinned, free or linear", "--strategy %s is not known", m.strategy)
	}
	switch {
	case m.forks < 1:
		return wrong("write how many hosts are worked on at once, at least 1", "-f %d is not a number of hosts", m.forks)
	case m.hostKeys != "" && m.hostKeys != "strict" && m.hostKeys != "accept-new" && m.hostKeys != "ca":
		return wrong("write strict, accept-new or ca; to give the protection up for one host, set its ansible_host_key_checking to false", "--host-key %s is not known", m.hostKeys)
	case !slices.Contains([]string{"", "sudo", "su", "doas", "none"}, m.becomeMethod):
		return wrong("write sudo, su, doas or none", "--become-method %s is not known", m.becomeMethod)
	}
	return nil
}

// duration is a flag in seconds ("30") or with units ("1m30s").
type duration time.Duration

// String is the flag's value for the usage text; the default is zero and not
// shown.
func (d *duration) String() string {
	if *d == 0 {
		return ""
	}
	return time.Duration(*d).String()
}

// Type names the flag's value in the usage text.
func (d *duration) Type() string { return "TIME" }

// Set reads the flag.
func (d *duration) Set(text string) error {
	if n, err := strconv.ParseUint(text, 10, 20); err == nil {
		*d = duration(time.Duration(n) * time.Second)
	} else if t, err := time.ParseDuration(text); err == nil {
		*d = duration(t)
	}
	if *d <= 0 {
		return fmt.Errorf("%q is not a time: write seconds, or 1m30s", text)
	}
	return nil
}
