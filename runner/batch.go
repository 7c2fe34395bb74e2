package runner

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"thordeploy/inventory"
	"thordeploy/playbook"
)

// ordered is hosts in the order that a play asks for.
func ordered(hosts []*inventory.Host, order playbook.HostOrder) []*inventory.Host {
	out := slices.Clone(hosts)
	byName := func(a, b *inventory.Host) int { return cmp.Compare(a.Name, b.Name) }
	switch order {
	case playbook.OrderReverseInventory:
		slices.Reverse(out)
	case playbook.OrderSorted:
		slices.SortStableFunc(out, byName)
	case playbook.OrderReverseSorted:
		slices.SortStableFunc(out, byName)
		slices.Reverse(out)
	case playbook.OrderShuffle:
		//nolint:gosec // the order of hosts is no secret
		rand.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	}
	return out
}

// batches cuts hosts as `serial` says: a number or a percentage of the play's
// hosts, the last size for all that follow, and all hosts at once without one.
func (p *plan) batches(hosts []*inventory.Host) ([][]*inventory.Host, error) {
	switch {
	case len(hosts) == 0 && len(p.all) == 0 && p.Ansible:
		return [][]*inventory.Host{nil}, nil // a play that is shown without hosts
	case len(hosts) == 0:
		return nil, nil
	}
	sizes, err := p.batchSizes(len(p.all))
	if err != nil {
		return nil, err
	}
	var out [][]*inventory.Host
	for i := 0; len(hosts) > 0; i++ {
		n := len(hosts)
		if len(sizes) > 0 {
			if size := sizes[min(i, len(sizes)-1)]; size > 0 {
				n = min(n, size)
			}
		}
		out = append(out, hosts[:n])
		hosts = hosts[n:]
	}
	return out, nil
}

// batchSizes evaluates serial for a play of n hosts; 0 is all that are left.
func (p *plan) batchSizes(n int) ([]int, error) {
	var out []int
	for _, v := range p.play.Serial {
		x, err := v.Eval(playScope{p})
		if err != nil {
			return nil, fmt.Errorf("%s: serial: %w", p.play.Range, err)
		}
		list, isList := x.([]any)
		if !isList {
			list = []any{x}
		}
		for _, e := range list {
			size, err := batchSize(e, n)
			if err != nil {
				return nil, fmt.Errorf("%s: serial: %w", p.play.Range, err)
			}
			out = append(out, size)
		}
	}
	return out, nil
}

func batchSize(x any, n int) (int, error) {
	s := strings.TrimSpace(fmt.Sprint(x))
	if percent, ok := strings.CutSuffix(s, "%"); ok {
		f, err := strconv.ParseFloat(percent, 64)
		if err != nil || !(f >= 0 && f <= 100) {
			return 0, fmt.Errorf("%q is not a percentage", s)
		}
		return max(1, int(f/100*float64(n))), nil
	}
	size, err := strconv.Atoi(s)
	if err != nil {
		return 0, fmt.Errorf("%q is neither a number of hosts nor a percentage", s)
	}
	return max(0, size), nil
}

// maxFailPercentage is the play's max_fail_percentage, below 0 where it is
// unset.
func (p *plan) maxFailPercentage() float64 {
	x, err := p.play.MaxFail.Eval(playScope{p})
	if err != nil || x == nil {
		return -1
	}
	f, err := strconv.ParseFloat(strings.TrimSuffix(fmt.Sprint(x), "%"), 64)
	if err != nil {
		return -1
	}
	return f
}

// allFailed is why a run ends without a word about it: the recap says it.
const allFailed = "no host is left"

func tooMany(failed, of int, percent float64) string {
	return fmt.Sprintf("%d of %d hosts failed, more than max_fail_percentage (%v) allows: the run ends for all hosts", failed, of, percent)
}

// endsRun says why no further batch or play is to be run after this one; empty:
// there is no reason. Hosts that can't be reached end nothing: the rest of a
// sweep goes on without them.
func (p *playRun) endsRun(state *State) string {
	if why := p.why.Load(); why != nil && p.Ansible {
		return allFailed // ansible-playbook says no word of it
	} else if why != nil {
		return *why
	}
	failed := 0
	if len(p.hosts) == 0 {
		return ""
	}
	for _, h := range p.hosts {
		hs := state.Hosts[h.Name]
		if hs == nil || !hs.Broken() {
			return ""
		}
		if hs.Failed > 0 || hs.Status == Failed {
			failed++
		}
	}
	if p.Ansible || serialWritten(p.play) && failed > 0 {
		return allFailed
	}
	return ""
}

// playScope is what is known of a play before a host: -e over its vars.
type playScope struct{ p *plan }

// Lookup finds a variable of the play.
func (s playScope) Lookup(name string) (any, bool) {
	for _, l := range [...]layer{s.p.extra, s.p.playVars} {
		if v, ok := l[name]; ok {
			return v, true
		}
	}
	switch name {
	case "playbook_dir":
		return s.p.dir(), true
	case "groups":
		return s.p.world.Load().groups(), true
	case "hostvars":
		return s.p.hostvars(), true
	case "ansible_play_hosts_all":
		return anyList(s.p.all), true
	}
	return nil, false
}

// Names lists the play's variables.
func (s playScope) Names() []string {
	var out []string
	for _, l := range [...]layer{s.p.extra, s.p.playVars} {
		for k := range l {
			out = append(out, k)
		}
	}
	return out
}
