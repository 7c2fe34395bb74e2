package main

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"thordeploy/internal/lab"
	"thordeploy/internal/lab/labtest"
	"thordeploy/internal/lab/relay"
	"thordeploy/transport/ssh"
)

// tripsBar is how often a host may have to be waited for in the seed's
// playbook, beside the handshakes of TCP and SSH. It is counted, not timed.
const tripsBar = 20

// The seed's playbook on a link with round trips of 100 ms.
func TestSeedsRoundTrips(t *testing.T) {
	t.Parallel()
	l := labtest.Start(t, lab.Options{N: 2, Backend: lab.Sshd})
	labtest.LeavesNothing(t, l)
	far, err := l.Behind(t.TempDir(), relay.Link{Delay: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { far.Close() })
	handshake := handshakeTrips(t, far)
	dir := t.TempDir()
	seedPlaybook(t, filepath.Join(dir, "playbooks/thor.yml"))
	write(t, dir, "thor-linux-pack/thor64", "#!/bin/sh\n[ \"$1\" = -l ] && echo \"on $(hostname)\" >\"$2\"\n")
	write(t, dir, "thor-linux-pack/signatures/rules.yas", strings.Repeat("rule\n", 1000))
	before := map[string]int{}
	for name, r := range far.Relays {
		before[name] = r.RoundTrips()
	}
	d := start(t, dir, "-i", far.Inventory, "playbooks/thor.yml")
	d.ends(0, ": ok=9    changed=9")
	for name, r := range far.Relays {
		n := r.RoundTrips() - before[name] - handshake
		t.Logf("%s: %d round trips beside the handshake's %d", name, n, handshake)
		if n > tripsBar {
			t.Errorf("%s: %d round trips, want %d at most", name, n, tripsBar)
		}
		if n < 9 {
			t.Errorf("%s: %d round trips for 9 tasks: that is not counted right", name, n)
		}
	}
}

// handshakeTrips is what connecting alone takes.
func handshakeTrips(t *testing.T, far *lab.Linked) int {
	t.Helper()
	known, err := ssh.LoadKnownHosts(far.KnownHosts)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	h := far.Hosts[0]
	conn, err := ssh.Dial(ctx, ssh.Config{Host: h.Addr, Port: h.Port, User: "root", KeyFiles: []string{far.Key}, KnownHosts: known})
	if err != nil {
		t.Fatal(err)
	}
	n := far.Relays[h.Name].RoundTrips()
	_ = conn.Close()
	return n
}
