package ssh

import (
	"sync"
	"time"

	"thordeploy/transport"
)

// clock ends what waits for a phase that takes too long: the connection, and
// whatever authentication asks besides (an agent). It closes rather than sets
// deadlines, which not every kind of connection has.
type clock struct {
	end    func()
	budget *budget

	mu    sync.Mutex
	phase transport.Phase
	limit time.Duration
	timer *time.Timer
	round int // tells a timer that was replaced while it fired
	over  bool
	still time.Time // since when it has stood still
}

// enter begins a phase, and with it its time.
func (c *clock) enter(phase transport.Phase, limit time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.phase, c.limit = phase, limit
	c.start()
}

func (c *clock) start() {
	if c.timer != nil {
		c.timer.Stop()
	}
	c.round++
	round := c.round
	c.timer = time.AfterFunc(c.budget.left(c.limit), func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if round == c.round {
			c.over = true
			c.end()
		}
	})
}

// authBegins ends the handshake's phase, once a connection.
func (c *clock) authBegins(limit time.Duration) {
	if c.at() == transport.PhaseHandshake {
		c.enter(transport.PhaseAuth, limit)
	}
}

// pause stops the clock; resume gives the phase its whole time again.
func (c *clock) pause() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.timer.Stop()
	c.round++
	c.still = time.Now()
}

func (c *clock) resume() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.budget.extend(time.Since(c.still))
	c.start()
}

// at is the phase now.
func (c *clock) at() transport.Phase {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.phase
}

// stop ends the last phase. It reports the phase, its time, and whether that
// was over before.
func (c *clock) stop() (transport.Phase, time.Duration, bool) {
	c.pause()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.phase, c.limit, c.over
}
