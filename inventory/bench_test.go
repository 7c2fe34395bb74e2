package inventory_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"thordeploy/inventory"
)

// largeFleet is a YAML inventory of n hosts in 20 groups, each with variables of its
// own, and group_vars beside it.
func largeFleet(n int) map[string]string {
	var b strings.Builder
	b.WriteString("all:\n  children:\n")
	for g := range 20 {
		fmt.Fprintf(&b, "    site%02d:\n      hosts:\n", g)
		for h := g; h < n; h += 20 {
			fmt.Fprintf(&b, "        host%05d.site%02d.example.org:\n          ansible_host: 10.%d.%d.%d\n          rack: r%d\n          tags: [a, b]\n", h, g, g, h/250%250, h%250, h%40)
		}
	}
	files := map[string]string{"hosts.yml": b.String(), "group_vars/all.yml": vars("all", 30)}
	for g := range 20 {
		files[fmt.Sprintf("group_vars/site%02d/main.yml", g)] = vars(fmt.Sprintf("site%02d", g), 10)
	}
	return files
}

func vars(prefix string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%s_var%d: {text: \"value {{ inventory_hostname }}\", list: [1, 2, 3]}\n", prefix, i)
	}
	return b.String()
}

// BenchmarkLoad10000 is the bar of 1 s and 200 MB for 10,000 hosts in YAML with
// group_vars.
func BenchmarkLoad10000(b *testing.B) {
	dir := tree(b, largeFleet(10000))
	b.ReportAllocs()
	for b.Loop() {
		inv, list := inventory.Load(sources(dir, "hosts.yml"))
		if list.Err() != nil || len(inv.Hosts()) != 10000 {
			b.Fatal(list)
		}
		b.StopTimer()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		b.ReportMetric(float64(m.HeapAlloc)/1e6, "MB-held")
		runtime.KeepAlive(inv)
		b.StartTimer()
	}
}
