package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	gossh "golang.org/x/crypto/ssh"
	"golang.org/x/sync/errgroup"

	"thordeploy/inventory"
	"thordeploy/transport"
	"thordeploy/transport/ssh"
)

const scanKeysText = `Show the host keys of the inventory's hosts, as known_hosts lines with their
fingerprints, for a person to compare with what is known of the hosts from
elsewhere. Hosts are reached as for a run, through their jump hosts too, whose own
keys must be known; nobody logs in. What known_hosts says otherwise is a comment.`

// hostsCommand is `thordeploy hosts`.
func (m *Main) hostsCommand(code *exitCode) *cobra.Command {
	parent := &cobra.Command{Use: "hosts", Short: "Look at the hosts of an inventory"}
	var write string
	c := &cobra.Command{
		Use:                   "scan-keys [flags]",
		Short:                 "Show hosts' keys and fingerprints, to compare and to write to known_hosts",
		Long:                  scanKeysText,
		Example:               "  thordeploy hosts scan-keys -i hosts.yml\n  thordeploy hosts scan-keys -i hosts.yml -l 'web*' --write ~/.ssh/known_hosts",
		Args:                  cobra.NoArgs,
		DisableFlagsInUseLine: true,
		RunE: func(c *cobra.Command, _ []string) (err error) {
			*code, err = m.scanKeys(c.Context(), write)
			return err
		},
	}
	f := c.Flags()
	f.SortFlags = false
	o := &m.options
	f.StringArrayVarP(&o.inventories, "inventory", "i", nil, "`HOSTS` file, script or folder, or names with a comma (web1,web2,); repeatable")
	f.StringVarP(&o.limit, "limit", "l", "", "only hosts that this `PATTERN` names; @file reads one a line")
	f.IntVarP(&o.forks, "forks", "f", 10, "ask `N` hosts at once")
	f.StringVar(&write, "write", "", "write the keys of unknown hosts to this `FILE` too")
	f.StringVar(&o.knownHosts, "known-hosts", "", "compare with this known_hosts `FILE` instead of the account's and the system's")
	f.StringVar(&o.privateKey, "private-key", "", "private key `FILE`, for jump hosts")
	f.Var(&o.timeout, "timeout", "how long each step of connecting may take, in seconds or as 1m30s (default 10s)")
	f.StringVar(&o.sshCommon, "ssh-common-args", "", "`ARGS` of ssh for hosts whose ansible_ssh_common_args isn't set")
	o.vault.addTo(f)
	c.SetFlagErrorFunc(func(c *cobra.Command, err error) error { return flagError(c, err) })
	parent.AddCommand(c)
	return parent
}

// scanKeys asks every host for its keys and prints them in the inventory's order.
func (m *Main) scanKeys(ctx context.Context, write string) (exitCode, error) {
	if m.forks < 1 {
		return 0, wrong("write how many hosts are asked at once, at least 1", "-f %d is not a number of hosts", m.forks)
	}
	hosts, d, err := m.hostsToScan(ctx)
	if err != nil {
		return 0, err
	}
	defer d.close()
	s := &keyScan{dialer: d}
	if write != "" {
		s.fresh = &ssh.NewKeys{File: d.path(write)}
		if s.known, err = ssh.LoadKnownHosts(s.fresh.File); err != nil {
			return 0, wrong("name another file, or mend the line", "--write: %w", err)
		}
	}
	answers := make([]chan scanned, len(hosts))
	for i := range answers {
		answers[i] = make(chan scanned, 1)
	}
	go func() {
		var g errgroup.Group
		g.SetLimit(m.forks)
		for i, h := range hosts {
			g.Go(func() error { answers[i] <- s.ask(ctx, h); return nil })
		}
	}()
	code, shown := exitOK, map[string]bool{}
	for _, answer := range answers {
		a := <-answer
		if !shown[a.text] { // two names of one host
			fmt.Fprint(m.out, a.text)
		}
		shown[a.text] = true
		if a.err != nil {
			explain(m.err, a.err)
			code = exitUnreachable
		}
		if a.doubtful && code == exitOK {
			code = exitFailed
		}
	}
	if s.fresh != nil {
		fmt.Fprintf(m.err, "%d keys written to %s\n", len(s.fresh.Accepted()), s.fresh.File)
	}
	return code, ctx.Err()
}

// hostsToScan are the chosen hosts that are reached over SSH.
func (m *Main) hostsToScan(ctx context.Context) ([]*inventory.Host, *dialer, error) {
	keys, err := m.keyring(ctx, m.vault)
	if err != nil {
		return nil, nil, err
	}
	inv, problems := (&inventory.Loader{Vault: keys}).Load(ctx, m.inventories)
	if err := m.report(problems); err != nil {
		return nil, nil, err
	}
	limit, err := inventory.ReadLimit(m.limit)
	if err != nil {
		return nil, nil, wrong("", "%w", err)
	}
	hosts := inv.Hosts()
	if limit != "" {
		var unknown []string
		if hosts, unknown, err = inv.Limit(hosts, limit); err != nil {
			return nil, nil, wrong("", "--limit: %w", err)
		}
		m.warnUnknown(inv, unknown, "--limit", map[string]bool{})
	}
	if len(hosts) == 0 {
		return nil, nil, wrong("compare --limit with the inventory", "no host is selected")
	}
	d, err := m.newDialer([]job{{inventory: inv}}, nil)
	return hosts, d, err
}

// keyScan asks hosts for their keys.
type keyScan struct {
	*dialer
	fresh *ssh.NewKeys    // --write; nil: nothing is written
	known *ssh.KnownHosts // of that file
}

// scanned is what a host answered.
type scanned struct {
	text     string
	err      error
	doubtful bool // a key isn't the known one
}

func (s *keyScan) ask(ctx context.Context, h *inventory.Host) scanned {
	c, err := h.Connection()
	if err != nil || c.Kind == "local" {
		return scanned{err: err}
	}
	cfg, err := s.config(ctx, h, c, c.User)
	if err != nil {
		return scanned{err: err}
	}
	keys, err := ssh.ScanKeys(ctx, cfg)
	var te *transport.Error
	if errors.As(err, &te) {
		err = wrong(te.Hint, "host %s: %w", h.Name, err)
	}
	a := scanned{err: err}
	var b strings.Builder
	for _, key := range keys {
		doubtful, err := s.key(&b, cfg, key)
		a.doubtful = a.doubtful || doubtful
		if err != nil {
			a.err = fmt.Errorf("host %s: %w", h.Name, err)
		}
	}
	a.text = b.String()
	return a
}

// key writes a key's lines, and the key itself to the file of --write where it
// is new.
func (s *keyScan) key(b *strings.Builder, cfg ssh.Config, key gossh.PublicKey) (doubtful bool, err error) {
	what, place := ssh.Judge(cfg, key)
	if s.fresh != nil && what == ssh.KnownNot {
		cfg.KnownHosts = s.known
		if what, place = ssh.Judge(cfg, key); what == ssh.KnownNot {
			err = s.fresh.Add(cfg, key)
		}
	}
	line := cfg.Name() + " " + strings.TrimSpace(string(gossh.MarshalAuthorizedKey(key)))
	note := string(what)
	switch what {
	case ssh.KnownOther:
		note, line, doubtful = "CHANGED: "+place+" has another key", "# "+line, true
	case ssh.KnownRevoked:
		note, line, doubtful = "REVOKED by "+place, "# "+line, true
	}
	fmt.Fprintf(b, "# %s %s %s %s\n%s\n", cfg.Name(), gossh.FingerprintSHA256(key), key.Type(), note, line)
	return doubtful, err
}
