package runner

import (
	"context"
	"time"

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

	Forks       int               // hosts at once; zero: 10
	Strategy    playbook.Strategy // for plays that don't say; empty: HostPinned
	Check       bool              // report, change nothing
	Diff        bool              // report what changes in files, unless a task says otherwise
	ExtraVars   map[string]any    // -e: win over everything
	HostTimeout time.Duration     // how long a host may take for a play; zero: no bound
	Lease       time.Duration     // of the guard; zero: 60 s
	CleanupTime time.Duration     // how long an interrupted host may take to be cleaned up; zero: 15 s
	Become      *transport.Become // -b and its kin from the command line; nil: as the play says
	// BecomeDefault fills in what a task that becomes leaves unsaid: the
	// user, method and password (-K) asked for without -b.
	BecomeDefault transport.Become
	User          string // -u; a play's remote_user and the inventory's ansible_user win
	RunID         string // empty: made up
}

// Leg is one play with the hosts that its pattern selected, in order.
type Leg struct {
	Play  *playbook.Play
	Hosts []*inventory.Host
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

// strategy is how p's hosts move through its tasks.
func (r *Runner) strategy(p *playbook.Play) playbook.Strategy {
	switch {
	case p.Strategy != "":
		return p.Strategy
	case r.Strategy != "":
		return r.Strategy
	}
	return playbook.HostPinned
}
