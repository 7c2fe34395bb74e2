package runner

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"thordeploy/internal/bundle"
	"thordeploy/inventory"
	"thordeploy/playbook"
)

// run is one call of [Runner.Run].
type run struct {
	*Runner
	ctx       context.Context // of the workers: ends when the caller's does or a sink fails
	pb        *playbook.Playbook
	chosen    []*inventory.Host // the hosts of all legs
	events    chan Event        // workers -> the goroutine that owns the state
	world     atomic.Pointer[world]
	mems      sync.Map // by host: *memory
	trees     bundle.Cache
	templates playbook.Templates
	jobs      sync.Map // host and job: the outcome of a task that was not waited for
	keeper    *keeper
	lastLeg   map[string]int // by host: the last leg that it is in
	extra     layer          // -e, compiled
	asking    sync.Mutex     // one question to the person at a time
	stepped   atomic.Bool    // the person asked not to be asked again

	growing sync.Mutex
	grown   bool // add_host or group_by have changed the inventory
	over    bool // no further play is run. Owned by the goroutine of Run
	started bool // the task of StartAt was found. Owned by the goroutine of Run
}

// Run runs the legs of pb one after the other. A host that failed or was
// unreachable takes no part in later legs. It returns the folded state, and an
// error only where the run itself could not go on (a sink failed, a play's
// hosts or prompts can't be told). Cancelling ctx ends running work and cleans
// the hosts up before Run returns.
func (r *Runner) Run(ctx context.Context, pb *playbook.Playbook, legs []Leg, sink Sink) (*State, error) {
	workers, stop := context.WithCancel(ctx)
	defer stop()
	x, err := r.newRun(workers, pb, legs)
	if err != nil {
		return &State{}, err
	}
	defer x.keeper.close()

	state := &State{}
	if r.Resume != nil {
		state = r.Resume
	}
	var failed error
	tell := func(e Event) {
		if s, ok := e.(settle); ok {
			go func() { s <- x.Durable(context.WithoutCancel(x.ctx)) }()
			return
		}
		state.Apply(e)
		if failed != nil {
			return // the workers' last words are still taken, so that none of them blocks
		}
		if err := sink.Event(e); err != nil {
			failed = fmt.Errorf("report the run: %w", err)
			stop()
		}
	}

	started := now()
	tell(RunStarted{Time: started, RunID: r.runID(), Playbook: pb.File, Hosts: names(x.chosen), Forks: r.forks(), Check: r.Check, Job: r.Job, Resumed: r.Resume != nil})
	for i, leg := range legs {
		if workers.Err() != nil || x.over {
			break
		}
		if err := x.leg(i, leg, state, tell); err != nil && failed == nil {
			failed = err
			stop()
		}
	}
	tell(RunFinished{Time: now(), Duration: time.Since(started), Interrupted: ctx.Err() != nil})
	return state, failed
}

func (r *Runner) newRun(ctx context.Context, pb *playbook.Playbook, legs []Leg) (*run, error) {
	extra, err := compileVars(r.ExtraVars, "the command line (-e)")
	if err != nil {
		return nil, err
	}
	x := &run{
		Runner: r, ctx: ctx, pb: pb, chosen: involved(r.Inventory, legs), events: make(chan Event),
		keeper: newKeeper(r.forks()), lastLeg: map[string]int{}, extra: extra,
	}
	x.world.Store(&world{inv: r.Inventory})
	for i, leg := range legs {
		for _, h := range leg.Hosts {
			x.lastLeg[h.Name] = i
		}
	}
	if r.StartAt != "" && !slices.ContainsFunc(legs, func(l Leg) bool { return x.startIn(l.Play) != nil }) {
		return nil, fmt.Errorf("no task is named %q: --start-at-task needs the name of a task that is there when the playbook is loaded", r.StartAt)
	}
	return x, nil
}

// leg runs one play on those of its hosts that are still whole, batch by batch.
func (x *run) leg(index int, leg Leg, state *State, tell func(Event)) error {
	p := newPlan(x, index, leg.Play)
	all, err := x.hostsOf(leg, p)
	if err != nil {
		return err
	}
	p.all = names(all)
	all = ordered(all, leg.Play.Order)
	if x.StartAt != "" && !x.started {
		if p.startAt = x.startIn(leg.Play); p.startAt == nil {
			return nil
		}
		x.started = true
	}
	var hosts []*inventory.Host
	for _, h := range all {
		if hs := state.Hosts[h.Name]; hs != nil && hs.Broken() {
			p.gone[h.Name] = true
			continue
		}
		hosts = append(hosts, h)
	}
	if err := x.ask(p, len(hosts)); err != nil {
		return err
	}
	batches, err := p.batches(hosts)
	if err != nil {
		return err
	}
	if p.because != "" && len(hosts) > 1 {
		tell(Notice{Time: now(), Text: lockstep(leg.Play, p.because)})
	}
	if len(batches) == 0 && x.Ansible {
		batches = append(batches, nil) // it shows plays without hosts
	}
	for i, batch := range batches {
		if x.ctx.Err() != nil {
			break
		}
		b := newPlayRun(p, i, batch)
		tell(PlayStarted{Time: now(), Play: index, Name: p.name(), Hosts: names(batch), Tasks: p.tasks, Batch: i})
		x.drain(b.work, tell)
		if why := b.endsRun(state); why != "" && len(batch) > 0 {
			x.over = true
			if why != allFailed {
				tell(Notice{Time: now(), Text: why})
			}
		}
		if x.over || b.ended.Load() {
			break
		}
	}
	return nil
}

// drain runs work and hands every event of its workers to tell, which runs on
// this goroutine.
func (x *run) drain(work func(), tell func(Event)) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		work()
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

// settle is a worker's question, sent as its events are so that it comes after
// them: the answer comes when they are durable.
type settle chan error

// EventType is "settle"; no sink sees it.
func (settle) EventType() string { return "settle" }

// settled waits until all that the host's worker has told is durable.
// Cleaning up doesn't wait: it goes on though nothing can be written any more.
func (h *hostRun) settled() error {
	if h.Durable == nil || h.cleaning {
		return nil
	}
	answer := make(settle, 1)
	h.events <- answer
	return <-answer
}

// hostsOf is the hosts of a leg: as they were chosen before the run, unless the
// run has added some since.
func (x *run) hostsOf(leg Leg, p *plan) ([]*inventory.Host, error) {
	x.growing.Lock()
	grown := x.grown
	x.growing.Unlock()
	hosts := leg.Hosts
	if (grown || leg.Late) && x.Choose != nil {
		var err error
		if hosts, err = x.Choose(x.world.Load().inv, leg.Play, playScope{p}); err != nil {
			return nil, err
		}
	}
	return hosts, nil
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
