package runner

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"thordeploy/internal/bundle"
	"thordeploy/inventory"
	"thordeploy/playbook"
)

// run is one call of [Runner.Run].
type run struct {
	*Runner
	ctx     context.Context // of the workers: ends when the caller's does or a sink fails
	pb      *playbook.Playbook
	chosen  []*inventory.Host // the hosts of all legs
	events  chan Event        // workers -> the goroutine that owns the state
	mems    map[string]*memory
	trees   bundle.Cache
	keeper  *keeper
	lastLeg map[string]int // by host: the last leg that it is in
	extra   map[string]any // -e, compiled

	groupsOnce sync.Once
	groupsMap  map[string]any
}

// Run runs the legs of pb one after the other. A host that failed or was
// unreachable takes no part in later legs. It returns the folded state, and an
// error only where the run itself could not go on (a sink failed).
// Cancelling ctx ends running work and cleans the hosts up before Run returns.
func (r *Runner) Run(ctx context.Context, pb *playbook.Playbook, legs []Leg, sink Sink) (*State, error) {
	workers, stop := context.WithCancel(ctx)
	defer stop()
	x, err := r.newRun(workers, pb, legs)
	if err != nil {
		return &State{}, err
	}
	defer x.keeper.close()

	state := &State{}
	var sinkErr error
	tell := func(e Event) {
		state.Apply(e)
		if sinkErr != nil {
			return // the workers' last words are still taken, so that none of them blocks
		}
		if err := sink.Event(e); err != nil {
			sinkErr = fmt.Errorf("report the run: %w", err)
			stop()
		}
	}

	started := now()
	tell(RunStarted{Time: started, RunID: r.runID(), Playbook: pb.File, Hosts: names(x.chosen), Forks: r.forks(), Check: r.Check})
	for i, leg := range legs {
		if workers.Err() != nil {
			break
		}
		x.leg(i, leg, state, tell)
	}
	tell(RunFinished{Time: now(), Duration: time.Since(started), Interrupted: ctx.Err() != nil})
	return state, sinkErr
}

func (r *Runner) newRun(ctx context.Context, pb *playbook.Playbook, legs []Leg) (*run, error) {
	extra, err := compileVars(r.ExtraVars, "the command line (-e)")
	if err != nil {
		return nil, err
	}
	x := &run{
		Runner: r, ctx: ctx, pb: pb, chosen: involved(r.Inventory, legs), events: make(chan Event),
		mems: map[string]*memory{}, keeper: newKeeper(r.forks()), lastLeg: map[string]int{}, extra: extra,
	}
	for _, h := range slices.Concat(r.Inventory.Hosts(), x.chosen) {
		x.mems[h.Name] = &memory{}
	}
	for i, leg := range legs {
		for _, h := range leg.Hosts {
			x.lastLeg[h.Name] = i
		}
	}
	return x, nil
}

// leg runs one play on those of its hosts that are still whole, and hands
// every event of its workers to tell, which runs on this goroutine.
func (x *run) leg(index int, leg Leg, state *State, tell func(Event)) {
	var hosts []*inventory.Host
	for _, h := range leg.Hosts {
		if hs := state.Hosts[h.Name]; hs == nil || !hs.Broken() {
			hosts = append(hosts, h)
		}
	}
	p := newPlayRun(x, index, leg.Play, leg.Hosts, hosts)
	tell(PlayStarted{Time: now(), Play: index, Name: leg.Play.Name, Hosts: names(hosts), Tasks: p.tasks})

	done := make(chan struct{})
	go func() {
		defer close(done)
		p.work()
	}()
	for {
		select {
		case e := <-x.events:
			tell(e)
		case <-done:
			// The channel has no buffer: every event that a worker sent was
			// received before work returned.
			return
		}
	}
}

// playRun is one play of a run: what its hosts share.
type playRun struct {
	*run
	index  int
	play   *playbook.Play
	all    []string // ansible_play_hosts_all
	hosts  []*inventory.Host
	tasks  int
	linear bool
	forks  *semaphore.Weighted // a host's fork, or with linear a task's
	line   *barrier            // nil unless linear
	plan   *guardPlan

	mu   sync.Mutex
	gone map[string]bool // hosts that left the play: ansible_play_hosts is the rest
}

func newPlayRun(x *run, index int, p *playbook.Play, all, hosts []*inventory.Host) *playRun {
	tasks, orders := count(p.Tasks)
	pr := &playRun{
		run: x, index: index, play: p, all: names(all), hosts: hosts, tasks: tasks,
		linear: x.strategy(p) == playbook.Linear,
		forks:  semaphore.NewWeighted(int64(x.Runner.forks())),
		plan:   newGuardPlan(p),
		gone:   map[string]bool{},
	}
	if pr.linear {
		pr.line = newBarrier(len(hosts), orders)
	}
	return pr
}

// work runs the play on every host and returns when all have ended. With
// host_pinned a goroutine begins when its host gets a fork, so that ten
// thousand hosts cost ten goroutines; with linear every host is under way at
// once and its tasks wait for forks.
func (p *playRun) work() {
	var g errgroup.Group
	if !p.linear {
		g.SetLimit(p.run.forks())
	}
	for _, h := range p.hosts {
		g.Go(func() error {
			if p.ctx.Err() != nil && !p.linear {
				return nil // interrupted: hosts that had no turn are left alone
			}
			newHostRun(p, h).runAll()
			return nil
		})
	}
	_ = g.Wait() // workers report by events, never by an error
}

// left notes that a host takes no further part in the play.
func (p *playRun) left(host string) {
	p.mu.Lock()
	p.gone[host] = true
	p.mu.Unlock()
}

// playHosts is ansible_play_hosts: the play's hosts that have not failed.
func (p *playRun) playHosts() []any {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := []any{}
	for _, h := range p.hosts {
		if !p.gone[h.Name] {
			out = append(out, h.Name)
		}
	}
	return out
}

// count is how many tasks a list holds, blocks not counted, and one more than
// the highest Order in it.
func count(list []*playbook.Task) (tasks, orders int) {
	walk(list, func(t *playbook.Task) {
		if t.Spec != nil {
			tasks++
		}
		orders = max(orders, t.Order+1)
	})
	return tasks, orders
}

// walk calls f for every task and block of list, depth first, in order.
func walk(list []*playbook.Task, f func(*playbook.Task)) {
	for _, t := range list {
		f(t)
		walk(t.Block, f)
		walk(t.Rescue, f)
		walk(t.Always, f)
	}
}

// involved is every host of legs, each once, in inventory order; one that the
// inventory doesn't list (the implicit localhost) comes after.
func involved(inv *inventory.Inventory, legs []Leg) []*inventory.Host {
	chosen := map[string]bool{}
	var all []*inventory.Host
	for _, l := range legs {
		for _, h := range l.Hosts {
			chosen[h.Name] = true
		}
		all = append(all, l.Hosts...)
	}
	var out []*inventory.Host
	for _, h := range slices.Concat(inv.Hosts(), all) {
		if chosen[h.Name] {
			out = append(out, h)
			delete(chosen, h.Name)
		}
	}
	return out
}

func names(hosts []*inventory.Host) []string {
	out := make([]string, len(hosts))
	for i, h := range hosts {
		out[i] = h.Name
	}
	return out
}

func (r *Runner) runID() string {
	if r.RunID != "" {
		return r.RunID
	}
	return randomHex(8)
}

func randomHex(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: crypto/rand
	return hex.EncodeToString(b)
}

// now is the time of an event: without the monotonic reading and the zone,
// which its JSON form would lose.
func now() time.Time { return time.Now().UTC().Round(0) }
