// Package lab brings up a fleet of hosts with real SSH on loopback addresses,
// for tests, the demo and benchmarks: each host with its own hostname, mount
// namespace, PID namespace, /mnt, /tmp, /root and /etc. It is not part of a
// release.
//
// A host is this program run again as process 1 of its namespaces, so a
// program that uses the lab calls [Main] before anything else:
//
//	func TestMain(m *testing.M) {
//		lab.Main()
//		os.Exit(m.Run())
//	}
//
// Start writes the keys and starts the hosts; package guest is what runs
// inside one. Ending a host's process 1 ends all that ran on it, which is how
// Close works, and what the kernel does where the lab's own process dies.
package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"thordeploy/internal/lab/guest"
)

// Backends: what serves SSH on the hosts.
const (
	Sshd     = "sshd"     // OpenSSH's; wants root
	Embedded = "embedded" // the lab's own; as an ordinary user in user namespaces
)

// Options say what fleet to bring up. The zero value is one host.
type Options struct {
	N       int    // hosts; zero: 1; at most MaxHosts
	Dir     string // where hosts.yml, the key and known_hosts go; empty: a new private temporary folder
	Backend string // Sshd, Embedded; empty: Sshd where root and sshd are there, Embedded otherwise
	Shell   string // what /bin/sh is on the hosts: "dash", "bash", or "busybox", whose applets are then all of PATH; empty: as on this machine

	// Accounts are login users besides root, with homes of their own. They
	// want root on this machine.
	Accounts []Account

	// SSHDConfig are lines for the head of sshd_config(5), where they win over
	// the lab's: "MaxSessions 1". Sshd only.
	SSHDConfig []string
}

// Account is a login user of the hosts besides root. The lab's key opens it.
type Account = guest.Account

// Whether an account may use sudo.
const (
	SudoFree     = guest.SudoFree     // without its password
	SudoPassword = guest.SudoPassword // with it
)

// MaxHosts is the most hosts that a lab can have: they share a /24.
const MaxHosts = 250

// Lab is a running fleet.
type Lab struct {
	Dir        string // holds all below
	Inventory  string // path of hosts.yml
	Key        string // path of the private key
	KnownHosts string // path of known_hosts
	Backend    string // Sshd or Embedded
	Hosts      []*Host

	ownDir  bool // Dir was made by Start
	nursery *nursery
	end     func() error // ends all, once
	unhook  func() bool  // Close no longer hangs on Start's context
}

// hooked tells whether Main was called: without it a host would run the whole
// program again, and that one its own hosts, without end.
var hooked atomic.Bool

// Main must be called first thing by a program that starts a lab. Where the
// process is a part of a lab's host Main doesn't return.
func Main() {
	guest.Main()
	hooked.Store(true)
}

// Start brings a fleet up. Cancelling ctx or calling Close ends it and all
// that runs on its hosts.
func Start(ctx context.Context, o Options) (*Lab, error) {
	if !hooked.Load() {
		return nil, errors.New("starting a lab: lab.Main was not called; call it first thing in main or TestMain")
	}
	setup, err := plan(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("starting a lab: %w", err)
	}
	l := &Lab{Backend: setup.backend}
	l.end = sync.OnceValue(l.close)
	if err := l.bringUp(ctx, setup); err != nil {
		return nil, fmt.Errorf("starting a lab: %w", errors.Join(err, l.end()))
	}
	l.unhook = context.AfterFunc(ctx, func() {
		// Nobody is left to tell; Close gives the same error again.
		_ = l.end()
	})
	return l, nil
}

// bringUp writes the fleet's files and starts its hosts, several at a time.
func (l *Lab) bringUp(ctx context.Context, setup *setup) error {
	l.nursery = newNursery()
	if err := l.makeFiles(setup); err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(2 + 2*runtime.NumCPU())
	for i, h := range l.Hosts {
		g.Go(func() error {
			if err := h.start(ctx, l.nursery, setup.specs[i]); err != nil {
				return fmt.Errorf("%s: %w", h.Name, err)
			}
			return nil
		})
	}
	return g.Wait()
}

// Close ends every host by its own process id and removes what Start made. It
// may be called more than once.
func (l *Lab) Close() error {
	l.unhook()
	return l.end()
}

func (l *Lab) close() error {
	var g errgroup.Group
	for _, h := range l.Hosts {
		g.Go(h.end)
	}
	err := g.Wait()
	l.nursery.close()
	return errors.Join(err, l.removeFiles())
}

// Host finds a host by its name.
func (l *Lab) Host(name string) (*Host, error) {
	for _, h := range l.Hosts {
		if h.Name == name {
			return h, nil
		}
	}
	return nil, fmt.Errorf("the lab has no host %s, only %s to %s", name, l.Hosts[0].Name, l.Hosts[len(l.Hosts)-1].Name)
}

// Snapshots is what is on each host, by its name.
type Snapshots map[string]*Snapshot

// Snapshot looks at every host, to compare later with [Lab.Diff].
func (l *Lab) Snapshot(ctx context.Context) (Snapshots, error) {
	all := Snapshots{}
	for _, h := range l.Hosts {
		s, err := h.Snapshot(ctx)
		if err != nil {
			return nil, err
		}
		all[h.Name] = s
	}
	return all, nil
}

// Diff looks at every host again and tells what came and went since before,
// one line each with the host's name in front. A host that was killed since
// has nothing any more, and no line.
func (l *Lab) Diff(ctx context.Context, before Snapshots) ([]string, error) {
	var diff []string
	for _, h := range l.Hosts {
		if h.dead.Load() {
			continue
		}
		after, err := h.Snapshot(ctx)
		if err != nil {
			return nil, err
		}
		for _, line := range before[h.Name].Diff(after) {
			diff = append(diff, h.Name+": "+line)
		}
	}
	return diff, nil
}

// quoteYAML writes s as a YAML scalar, which single quotes always can.
func quoteYAML(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// isRoot tells whether this process is root with the right to mount.
func isRoot() bool { return os.Geteuid() == 0 && canMount() }
