package runner

import (
	"context"
	"time"

	"thordeploy/action"
	"thordeploy/inventory"
	"thordeploy/playbook"
	"thordeploy/transport"
)

// Runner runs plays on hosts. Its zero values are documented; Connect and
// Inventory are required.
type Runner struct {
	Inventory *inventory.Inventory
	// Connect reaches a host as the given account (empty: the user's own).
	// h.Vars holds the host's connection variables with their templates
	// evaluated and -e and the play's vars: laid over them. Its error is a
	// *transport.Error. A Conn with a method User() string, the account logged
	// in as, spares becoming the account one already is.
	Connect func(ctx context.Context, h *inventory.Host, user string) (transport.Conn, error)
	// Choose gives the hosts of a play that begins, where its Leg is Late or
	// add_host or group_by have changed the inventory since; sc has what the
	// pattern's templates may use. nil: the Leg's hosts.
	Choose func(inv *inventory.Inventory, p *playbook.Play, sc playbook.Scope) ([]*inventory.Host, error)
	// Ask asks the person for a variable of vars_prompt; text is the evaluated
	// question. nil: the variable has its default.
	Ask func(ctx context.Context, p playbook.Prompt, text string) (string, error)
	// Question asks the person what a task (pause) wants to know; the text of q
	// begins with the task's name. nil: nobody is asked, and nothing waited for.
	Question func(ctx context.Context, q action.Question) (string, error)
	// Controller is this machine, as far as templates may reach it. nil: lookups
	// of files, the environment and programs fail.
	Controller playbook.Controller
	// Step asks the person whether a task is to be done (--step); host is empty
	// where the question is for all hosts. nil: it is.
	Step func(ctx context.Context, task, host string) (StepAnswer, error)

	// Ansible does as ansible-playbook does where thordeploy on purpose does
	// otherwise: linear is the default, a play of which every host failed ends
	// the run, and what a failed play leaves on a host stays there.
	Ansible bool

	Forks         int               // hosts at once; zero: 10
	Strategy      playbook.Strategy // for plays that don't say; empty: HostPinned
	Check         bool              // report, change nothing
	Diff          bool              // report what changes in files, unless a task says otherwise
	ForceHandlers bool              // run notified handlers of hosts that failed too
	Tags          []string          // run tasks with one of these tags; empty: all
	SkipTags      []string          // but not those with one of these
	StartAt       string            // begin at the task of this name, a glob; empty: at the first
	ExtraVars     map[string]any    // -e: win over everything
	HostTimeout   time.Duration     // how long a host may take for a play; zero: no bound
	Lease         time.Duration     // of the guard; zero: 60 s
	CleanupTime   time.Duration     // how long an interrupted host may take to be cleaned up; zero: 15 s
	Become        *transport.Become // -b and its kin from the command line; nil: as the play says
	// BecomeDefault fills in what a task that becomes leaves unsaid: the
	// user, method and password (-K) asked for without -b.
	BecomeDefault transport.Become
	// Durable, where it is set, returns when every event told so far is safe
	// from a crash. It is called before each task that may change a host.
	Durable func(context.Context) error
	// Resume is the state to go on from, of a run that was cut short; nil: a new
	// run. The hosts of the legs begin anew.
	Resume *State
	Job    int // which playbook of the command line it is, from 0

	User  string // -u; a play's remote_user and the inventory's ansible_user win
	RunID string // empty: made up

	// What magic variables say of the command line.
	Verbosity  int      // ansible_verbosity
	Limit      string   // ansible_limit; empty: not there
	Sources    []string // ansible_inventory_sources
	ConfigFile string   // ansible_config_file; empty: not there
}

// StepAnswer is what a person says to a task with --step.
type StepAnswer int

// The answers: leave the task out, do it, do it and ask no more.
const (
	StepNo StepAnswer = iota
	StepYes
	StepContinue
)

// Leg is one play with the hosts that its pattern selected, in order.
type Leg struct {
	Play  *playbook.Play
	Hosts []*inventory.Host
	Late  bool // its hosts can be told only when the play begins
}

func (r *Runner) forks() int {
	if r.Forks > 0 {
		return r.Forks
	}
	return 10
}

func (r *Runner) cleanupTime() time.Duration {
	if r.CleanupTime > 0 {
		return r.CleanupTime
	}
	return 15 * time.Second
}
