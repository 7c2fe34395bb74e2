package runner

import (
	"sync/atomic"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"thordeploy/inventory"
	"thordeploy/playbook"
)

// playRun is one batch of a play: what its hosts share. Without serial that is
// the whole play.
type playRun struct {
	*plan
	batch    int
	hosts    []*inventory.Host
	inBatch  []string            // their names
	forks    *semaphore.Weighted // a host's fork, or with linear a task's
	line     *barrier            // nil unless linear
	maxFail  float64             // max_fail_percentage; below 0: unset
	closed   atomic.Bool         // end_batch or end_play was met
	ended    atomic.Bool         // end_play was met: no further batch
	doomed   atomic.Int32        // how often a failure has ended the play for all of its hosts
	why      atomic.Pointer[string]
	failures atomic.Int32 // hosts that failed for good
	lost     atomic.Int32 // hosts that were unreachable
}

func newPlayRun(p *plan, batch int, hosts []*inventory.Host) *playRun {
	b := &playRun{
		plan: p, batch: batch, hosts: hosts, inBatch: names(hosts), maxFail: p.maxFailPercentage(),
		forks: semaphore.NewWeighted(int64(p.Runner.forks())),
	}
	if p.linear {
		b.line = newBarrier(len(hosts))
		b.line.over = b.judgeTurn
	}
	return b
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
	for i, h := range p.hosts {
		g.Go(func() error {
			if !p.linear && (p.ctx.Err() != nil || p.closed.Load() || p.doomed.Load() > 0) {
				return nil // interrupted or over: hosts that had no turn are left alone
			}
			newHostRun(p, i, h).runAll()
			return nil
		})
	}
	_ = g.Wait() // workers report by events, never by an error
}

// playBatch is ansible_play_batch: the batch's hosts that have not failed.
func (p *playRun) playBatch() []any { return p.present(p.inBatch) }

// doom ends the play for all of its hosts: each takes it for a failure of the
// task it is at, so that rescue and always sections still run.
func (p *playRun) doom(why string) {
	p.why.CompareAndSwap(nil, &why)
	p.doomed.Add(1)
}

// judgeTurn looks at a turn that all hosts have done: a failure may end the
// play for all.
func (p *playRun) judgeTurn(t *turn) {
	if t.fatal {
		p.doom("a task that any_errors_fatal or run_once is set for failed: the run ends for all hosts")
	}
	p.judgeFailures()
}

// judgeFailures ends the play where more hosts have failed than
// max_fail_percentage allows.
func (p *playRun) judgeFailures() {
	if p.maxFail < 0 || p.why.Load() != nil {
		return
	}
	n := p.failures.Load()
	if !p.Ansible {
		n += p.lost.Load()
	}
	if float64(n)*100 > p.maxFail*float64(len(p.hosts)) {
		p.doom(tooMany(int(n), len(p.hosts), p.maxFail))
	}
}

// serialWritten reports whether the play says how large its batches are.
func serialWritten(p *playbook.Play) bool { return len(p.Serial) > 0 }
