package runner_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"thordeploy/playbook"
	"thordeploy/runner"
)

// BenchmarkTasks measures the CPU time of one task on one host, with a template,
// in a play of 100 tasks over 1,000 hosts that need no connection.
func BenchmarkTasks(b *testing.B) {
	const hosts, tasks = 1000, 100
	var inv, book strings.Builder
	inv.WriteString("all:\n  vars: {a: 1, b: \"{{ a }}\", c: x, d: y}\n  hosts:\n")
	for i := range hosts {
		fmt.Fprintf(&inv, "    host%04d: {n: %d}\n", i, i)
	}
	book.WriteString("- hosts: all\n  gather_facts: false\n  vars: {greeting: hello}\n  tasks:\n")
	for i := range tasks {
		fmt.Fprintf(&book, "  - {name: \"task %d of {{ inventory_hostname }}\", debug: {msg: \"{{ greeting }} {{ n }} {{ b }}\"}, register: r%d}\n", i, i)
	}
	for _, s := range []playbook.Strategy{playbook.HostPinned, playbook.Linear} {
		b.Run(string(s), func(b *testing.B) {
			for range b.N {
				before := cpu()
				r := play(b, scenario{inventory: inv.String(), playbook: book.String(), runner: func(r *runner.Runner) { r.Strategy = s }, sink: sinkFunc(func(runner.Event) {})})
				if len(r.state.Hosts) != hosts || r.state.Hosts["host0999"].OK != tasks {
					b.Fatal(r.lines())
				}
				b.ReportMetric(float64((cpu()-before).Microseconds())/hosts/tasks, "µs-cpu/task")
			}
		})
	}
}

// cpu is what this process has used of its processors.
func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
