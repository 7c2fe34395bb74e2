package runner

import (
	"context"
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
