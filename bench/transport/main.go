// Command transport measures how a pack of 28 MB gets to 20 sshd hosts of the
// lab: with thordeploy's copy, scp -r, rsync -a, tar through ssh and sftp, in
// one run, over links that the lab makes. It prints ratios, for seconds mean
// little on another machine.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"thordeploy/internal/lab"
	"thordeploy/internal/lab/relay"
)

// bar is how much of the best other program's time thordeploy may take.
const bar = 1.1

// links are what is between this machine and the hosts, each host with one of
// its own.
var links = []struct {
	name string
	relay.Link
}{
	{"loopback", relay.Link{}},
	{"50ms", relay.Link{Delay: 25 * time.Millisecond}},
	{"200ms", relay.Link{Delay: 100 * time.Millisecond}},
	{"10Mbit", relay.Link{Rate: 10e6 / 8}},
}

type options struct {
	bin    string
	hosts  int
	rounds int
	only   string // links by name, joined by commas; empty: all
	packs  string
}

func main() {
	lab.Main()
	var o options
	flag.StringVar(&o.bin, "thordeploy", "bin/thordeploy", "the program to measure")
	flag.IntVar(&o.hosts, "hosts", 20, "sshd hosts of the lab")
	flag.IntVar(&o.rounds, "rounds", 3, "rounds, in each of which every program has its turn; the median counts")
	flag.StringVar(&o.only, "links", "", "only these links, joined by commas: "+strings.Join(linkNames(), ", "))
	flag.StringVar(&o.packs, "packs", "random,rules", "what is in the packs, joined by commas: random (nothing to compress), rules (text and programs)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func linkNames() []string {
	var names []string
	for _, l := range links {
		names = append(names, l.name)
	}
	return names
}

func run(ctx context.Context, o options) error {
	bin, err := filepath.Abs(o.bin)
	if err != nil {
		return err
	}
	if _, err := os.Stat(bin); err != nil {
		return fmt.Errorf("%w (make build makes it)", err)
	}
	o.bin = bin
	dir, err := os.MkdirTemp("", "bench-transport-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	l, err := lab.Start(ctx, lab.Options{N: o.hosts, Backend: lab.Sshd})
	if err != nil {
		return err
	}
	defer l.Close()
	fmt.Printf("%d sshd hosts, each behind a link of its own, a pack of %d MB in %d files, medians of %d rounds\n", o.hosts, packBytes>>20, packFiles, o.rounds)
	var missed []string
	for _, kind := range strings.Split(o.packs, ",") {
		pack := filepath.Join(dir, kind)
		if err := makePack(pack, kind); err != nil {
			return err
		}
		for _, link := range links {
			if o.only != "" && !slices.Contains(strings.Split(o.only, ","), link.name) {
				continue
			}
			ok, err := measure(ctx, o, l, dir, kind, link.name, link.Link)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", link.name, kind, err)
			}
			if !ok {
				missed = append(missed, link.name+" with "+kind)
			}
		}
	}
	if len(missed) > 0 {
		return errors.New("slower than the bar on " + strings.Join(missed, ", "))
	}
	return nil
}

// measure lets every program have its turn on one link, and reports whether
// thordeploy kept to the bar.
func measure(ctx context.Context, o options, l *lab.Lab, dir, kind, name string, link relay.Link) (bool, error) {
	work, err := os.MkdirTemp(dir, "link-")
	if err != nil {
		return false, err
	}
	far, err := l.Behind(work, link)
	if err != nil {
		return false, err
	}
	defer far.Close()
	b := &bench{options: o, dir: work, pack: filepath.Join(dir, kind), near: l, far: far}
	if err := b.writeInputs(); err != nil {
		return false, err
	}
	times, sent := map[string][]time.Duration{}, map[string]int64{}
	for range o.rounds {
		for _, p := range programs {
			before := b.passed()
			took, err := b.turn(ctx, p)
			if err != nil {
				return false, fmt.Errorf("%s: %w", p.name, err)
			}
			times[p.name] = append(times[p.name], took)
			sent[p.name] = (b.passed() - before) / int64(o.hosts)
		}
	}
	fmt.Printf("\n%s, pack of %s\n", name, kind)
	best, mine := time.Duration(0), median(times[own])
	for _, p := range programs {
		m := median(times[p.name])
		if p.name != own && (best == 0 || m < best) {
			best = m
		}
		fmt.Printf("  %-12s %7.2f s   %5.1f MB a host\n", p.name, m.Seconds(), float64(sent[p.name])/1e6)
	}
	ratio := mine.Seconds() / best.Seconds()
	fmt.Printf("  thordeploy takes %.2f of the best other's time (bar: %.1f)\n", ratio, bar)
	return ratio <= bar, nil
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}
