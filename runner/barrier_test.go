package runner

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestBarrierKeepsHostsTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const hosts, orders = 5, 4
		b := newBarrier(hosts)
		var mu sync.Mutex
		running := map[int]int{} // hosts at each order
		var wg sync.WaitGroup
		for h := range hosts {
			wg.Go(func() {
				at := position("")
				for order := range orders {
					if h == 2 && order == 2 {
						break // leaves in the middle: the others don't wait for it
					}
					if h == 3 && order == 1 {
						continue // a rescue section that it has no part in
					}
					next := position("").in(atTasks).in(order)
					b.arrive(t.Context(), h, at, next)
					at = next
					mu.Lock()
					running[order]++
					for other := range running {
						if other != order && running[other] > 0 {
							t.Errorf("order %d runs while %d does", order, other)
						}
					}
					mu.Unlock()
					time.Sleep(time.Duration(h+1) * time.Second)
					mu.Lock()
					running[order]--
					mu.Unlock()
				}
				b.leave(at)
			})
		}
		wg.Wait()
	})
}

// However the hosts come to a turn, they begin it in their order; one that
// doesn't need its turn lets the next one go.
func TestHostsBeginInTheirOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const hosts = 5
		b := newBarrier(hosts)
		var order []int
		var mu sync.Mutex
		var wg sync.WaitGroup
		for h := range hosts {
			wg.Go(func() {
				time.Sleep(time.Duration(hosts-h) * time.Second)
				turn := b.arrive(t.Context(), h, "", position("").in(0))
				if h == 2 {
					b.begun(turn, h)
					b.begun(turn, h) // twice is as once
					return
				}
				b.follow(t.Context(), turn, h)
				mu.Lock()
				order = append(order, h)
				mu.Unlock()
				time.Sleep(time.Second)
				b.begun(turn, h)
			})
		}
		wg.Wait()
		if want := []int{0, 1, 3, 4}; !slices.Equal(order, want) {
			t.Errorf("hosts began in the order %v, want %v", order, want)
		}
	})
}

func TestBarrierLetsGoOnCancel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBarrier(2)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			b.arrive(ctx, 0, "", position("").in(0))
			close(done)
		}()
		synctest.Wait()
		select {
		case <-done:
			t.Fatal("did not wait for the other host")
		default:
		}
		cancel()
		<-done
	})
}
