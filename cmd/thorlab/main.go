// Command thorlab brings up a fleet of hosts with real SSH on loopback
// addresses, for trying thordeploy and for its tests, and keeps it up until it
// is interrupted. It isn't part of a release.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"thordeploy/internal/lab"
)

func main() {
	lab.Main()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	err := command(os.Stdout).ExecuteContext(ctx)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "error: %v\n", err)
		os.Exit(1)
	}
}

// command is the command line; out is where it tells what it brought up.
func command(out io.Writer) *cobra.Command {
	var o lab.Options
	var accounts bool
	c := &cobra.Command{
		Use:   "thorlab [-n HOSTS] [-d DIR]",
		Short: "Bring up hosts with real SSH on loopback addresses, to try thordeploy on",
		Long: `thorlab brings up hosts with real SSH on loopback addresses, each with its own
hostname, processes, mounts, /mnt, /tmp, /root and /etc, writes hosts.yml,
id_ed25519 and known_hosts into DIR, and stays until it is interrupted. Then
the hosts and all that ran on them are gone, and so are the files.

As root, and with OpenSSH's server installed, that one serves the hosts;
otherwise an embedded server does, on hosts in user namespaces.`,
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(c *cobra.Command, _ []string) error {
			if o.N < 1 {
				return fmt.Errorf("-n %d: a lab has 1 to %d hosts", o.N, lab.MaxHosts)
			}
			if accounts {
				o.Accounts = []lab.Account{
					{Name: "ops", Sudo: lab.SudoFree},
					{Name: "pw", Password: "thorlab", Sudo: lab.SudoPassword},
				}
			}
			return serve(c.Context(), out, o)
		},
	}
	f := c.Flags()
	f.IntVarP(&o.N, "hosts", "n", 1, "how many hosts")
	f.StringVarP(&o.Dir, "dir", "d", "", "folder for hosts.yml, id_ed25519 and known_hosts (default: a new one)")
	f.StringVar(&o.Backend, "backend", "", "what serves SSH: sshd, embedded (default: sshd where it can)")
	f.StringVar(&o.Shell, "shell", "", "what /bin/sh is: dash, bash, busybox with its applets for PATH (default: as here)")
	f.BoolVar(&accounts, "accounts", false, "add the users ops (sudo without a password) and pw (password and sudo: thorlab)")
	return c
}

// serve brings the fleet up, tells how to reach it, and waits for ctx.
func serve(ctx context.Context, out io.Writer, o lab.Options) (err error) {
	// Not ctx: an interrupt ends the fleet here, in order.
	l, err := lab.Start(context.WithoutCancel(ctx), o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	if err := describe(out, l); err != nil {
		return err
	}
	<-ctx.Done()
	_, err = fmt.Fprintln(out, "ending the lab")
	return err
}

// describe tells what is up and what to try.
func describe(out io.Writer, l *lab.Lab) error {
	first, last := l.Hosts[0], l.Hosts[len(l.Hosts)-1]
	hosts, addresses := first.Name, first.Addr
	if len(l.Hosts) > 1 {
		hosts = fmt.Sprintf("%s to %s", first.Name, last.Name)
		addresses = fmt.Sprintf("%s to %s", first.Addr, last.Addr)
	}
	_, err := fmt.Fprintf(out, `%d up (%s): %s, on %s, port %d

  inventory    %s
  key          %s
  known hosts  %s

Try:

  thordeploy -i %s builtin:thor.yml
  ssh -F none -i %s -o UserKnownHostsFile=%s -p %d root@%s

Interrupt (Ctrl-C) to end it.
`, len(l.Hosts), l.Backend, hosts, addresses, first.Port,
		l.Inventory, l.Key, l.KnownHosts,
		l.Inventory, l.Key, l.KnownHosts, first.Port, first.Addr)
	if err != nil {
		return fmt.Errorf("telling what is up: %w", err)
	}
	return nil
}
