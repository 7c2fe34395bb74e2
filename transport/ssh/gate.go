package ssh

import (
	"context"
	"sync"
)

// Gate bounds how many logins are under way at once, apart from how many hosts
// are worked on: sshd refuses some of those that haven't logged in yet from the
// tenth on (MaxStartups 10:30:100), and a login is what costs a controller most.
// The zero value is usable; one serves all hosts of a run.
type Gate struct {
	All  int // logins under way; zero: 64
	Each int // to one sshd, or through one ProxyCommand; zero: 8

	once  sync.Once
	all   chan struct{}
	mu    sync.Mutex
	lanes map[string]*lane
}

// lane is the way to one sshd.
type lane struct {
	slots chan struct{}
	users int
}

const (
	defaultAll  = 64
	defaultEach = 8
)

func (g *Gate) init() {
	g.once.Do(func() {
		if g.All == 0 {
			g.All = defaultAll
		}
		if g.Each == 0 {
			g.Each = defaultEach
		}
		g.all = make(chan struct{}, g.All)
		g.lanes = map[string]*lane{}
	})
}

// enter waits for a place on the way to key. A nil Gate bounds nothing.
func (g *Gate) enter(ctx context.Context, key string) (leave func(), err error) {
	if g == nil {
		return func() {}, nil
	}
	g.init()
	g.mu.Lock()
	l := g.lanes[key]
	if l == nil {
		l = &lane{slots: make(chan struct{}, g.Each)}
		g.lanes[key] = l
	}
	l.users++
	g.mu.Unlock()
	forget := func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if l.users--; l.users == 0 {
			delete(g.lanes, key)
		}
	}
	select {
	case l.slots <- struct{}{}:
		return func() { <-l.slots; forget() }, nil
	case <-ctx.Done():
		forget()
		return nil, context.Cause(ctx)
	}
}

// login waits for one of all logins. It comes after the network connection, so
// that hosts that don't answer hold nobody up.
func (g *Gate) login(ctx context.Context) (leave func(), err error) {
	if g == nil {
		return func() {}, nil
	}
	g.init()
	select {
	case g.all <- struct{}{}:
		return func() { <-g.all }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}
