package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"thordeploy/internal/lab"
	"thordeploy/internal/lab/labtest"
	"thordeploy/transport/local"
)

func TestByteRate(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		"10Mbit": 1_250_000, "500kbit": 62_500, "1Gbit": 125_000_000, "2MB": 2_000_000, "512KiB": 524_288,
		"1.5MiB": 1_572_864, "2 mb/s": 2_000_000, "64kbit": 0, "10": 0, "": 0, "MB": 0, "-1MB": 0, "NaNMB": 0,
		"infGB": 0, "1e300GB": 0, "10Mb ps": 0, "0MB": 0, "10m": 0,
	} {
		var r byteRate
		err := r.Set(text)
		if int64(r) != want || (err == nil) != (want != 0) {
			t.Errorf("%q is %d, %v; want %d", text, r, err, want)
		}
	}
	var slow byteRate
	if err := slow.Set("64kbit"); err == nil || !strings.Contains(err.Error(), "too slow") {
		t.Errorf("64kbit: %v", err)
	}
}

// Which hosts share what.
func TestLimitersAreShared(t *testing.T) {
	t.Parallel()
	var l lanes
	b := bandwidth{total: 1 << 20, host: 1 << 20, jump: 1 << 20}
	for host, hops := range map[string][]string{"a": {"j:22"}, "b": {"j:22"}, "c": {"k:22", "l:22"}, "d": nil} {
		l.bounded(local.Dial(), b, host, hops)
		l.bounded(local.Dial(), b, host, hops) // connected to again
	}
	var names []string
	for name := range l.made {
		names = append(names, name)
	}
	for _, want := range []string{"total", "host a", "host d", "jump j:22", "jump l:22"} {
		if l.made[want] == nil {
			t.Errorf("no limiter %q among %q", want, names)
		}
	}
	if len(l.made) != 8 {
		t.Errorf("limiters: %q", names)
	}
	if conn := local.Dial(); new(lanes).bounded(conn, bandwidth{}, "a", nil) != conn {
		t.Error("a connection without bounds is decorated")
	}
}

// The whole program keeps to a total within a tenth, and to no less, over two
// hosts; the lower of two bounds counts.
func TestBandwidth(t *testing.T) {
	t.Parallel()
	l := labtest.Start(t, lab.Options{N: 2})
	dir := t.TempDir()
	random, err := os.Open("/dev/urandom")
	if err != nil {
		t.Fatal(err)
	}
	defer random.Close()
	data := make([]byte, 3_000_000)
	if _, err := random.Read(data); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "pack/data", string(data))
	write(t, dir, "copy.yml", "- hosts: all\n  tasks:\n    - copy: {src: pack/, dest: \"/tmp/{{ to }}\"}\n")
	for flags, least := range map[string]float64{"--bandwidth 16Mbit": 3, "--bandwidth 100MB --bandwidth-per-host 1MB": 3} {
		words := strings.Fields(flags)
		begin := time.Now()
		d := start(t, dir, append(words, "-i", l.Inventory, "-e", "to="+filepath.Base(words[1])+words[0][2:], "copy.yml")...)
		d.ends(0, "changed=1")
		took := time.Since(begin).Seconds()
		t.Logf("%s: 6 MB to two hosts in %.2f s", flags, took)
		if took < least*0.9 {
			t.Errorf("%s: took %.2f s, want %.1f at least", flags, took, least)
		}
	}
	start(t, dir, "--bandwidth", "10", "-i", l.Inventory, "copy.yml").ends(5, "10", "not a rate")
}
