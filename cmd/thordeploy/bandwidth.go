package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"

	"github.com/spf13/pflag"

	"thordeploy/transport"
	"thordeploy/transport/limit"
)

// bandwidth is what the flags say about speed, in bytes a second; zero: no
// bound.
type bandwidth struct{ total, host, jump byteRate }

func (b *bandwidth) addTo(f *pflag.FlagSet) {
	f.Var(&b.total, "bandwidth", "`RATE` that all hosts together get: 10Mbit, 500kbit (bits a second), 2MB, 512KiB (bytes a second)")
	f.Var(&b.host, "bandwidth-per-host", "`RATE` of each host")
	f.Var(&b.jump, "bandwidth-per-jump-host", "`RATE` that all hosts behind the same jump host get together")
}

// lanes are the limiters of a run, made when they are first needed: one for
// all, one a host, one a jump host.
type lanes struct {
	mu   sync.Mutex
	made map[string]*limit.Limiter
}

// bounded is conn to host, behind the jump hosts hops, within its bandwidth.
func (l *lanes) bounded(conn transport.Conn, b bandwidth, host string, hops []string) transport.Conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	var list []*limit.Limiter
	add := func(rate byteRate, name string) {
		if rate == 0 {
			return
		}
		if l.made == nil {
			l.made = map[string]*limit.Limiter{}
		}
		if l.made[name] == nil {
			l.made[name] = limit.New(int64(rate))
		}
		list = append(list, l.made[name])
	}
	add(b.total, "total")
	add(b.host, "host "+host)
	for _, hop := range hops {
		add(b.jump, "jump "+hop)
	}
	return limit.Conn(conn, list...)
}

// byteRate is bytes a second.
type byteRate int64

// rateUnits are what a rate may be written in, in bytes a second, lower-case. A
// lone number could be bits (scp -l), KiB (rsync --bwlimit) or bytes (curl).
var rateUnits = []struct {
	name string
	size float64
}{
	{"kbit", 1e3 / 8}, {"mbit", 1e6 / 8}, {"gbit", 1e9 / 8},
	{"kib", 1 << 10}, {"mib", 1 << 20}, {"gib", 1 << 30},
	{"kb", 1e3}, {"mb", 1e6}, {"gb", 1e9},
}

// String is the flag's value for the usage text; the default is zero and not
// shown.
func (r *byteRate) String() string {
	if *r == 0 {
		return ""
	}
	return fmt.Sprintf("%gkB", float64(*r)/1e3)
}

// Type names the flag's value in the usage text.
func (r *byteRate) Type() string { return "RATE" }

// Set reads the flag.
func (r *byteRate) Set(text string) error {
	word := strings.ToLower(strings.TrimSuffix(strings.TrimSpace(text), "/s"))
	for _, u := range rateUnits {
		number, ok := strings.CutSuffix(word, u.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if err != nil || !(n > 0) || n*u.size > math.MaxInt64/4 {
			break
		}
		if n*u.size < limit.Least {
			return fmt.Errorf("%q is too slow: the least is %d KiB a second", text, limit.Least>>10)
		}
		*r = byteRate(n * u.size)
		return nil
	}
	return fmt.Errorf("%q is not a rate: write it with its unit, bits (500kbit, 10Mbit, 1Gbit) or bytes a second (512KiB, 2MB)", text)
}
