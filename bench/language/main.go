// Command language measures what reading an inventory costs: 10,000 hosts in
// YAML with group_vars, by `thordeploy inventory` and by ansible-inventory, in
// one run. What counts is processor time and peak memory.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const groups = 20

// The bars: of processor time and of memory, for 10,000 hosts.
const (
	maxTime   = time.Second
	maxMemory = 200 << 20 // bytes
)

func main() {
	hosts := flag.Int("hosts", 10000, "how many hosts the inventory has")
	program := flag.String("thordeploy", "bin/thordeploy", "the program to measure")
	flag.Parse()
	if err := run(os.Stdout, *hosts, *program); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(w io.Writer, hosts int, program string) error {
	dir, err := os.MkdirTemp("", "bench-language-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "hosts.yml")
	if err := writeFleet(dir, file, hosts); err != nil {
		return err
	}
	ours, err := measure(program, "inventory", "-i", file, "--host", hostName(0))
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "thordeploy inventory: %s\n", ours)
	theirs, err := measure("ansible-inventory", "-i", file, "--host", hostName(0))
	switch {
	case errors.Is(err, exec.ErrNotFound):
		fmt.Fprintln(w, "ansible-inventory: not installed")
	case err != nil:
		return err
	default:
		fmt.Fprintf(w, "ansible-inventory: %s, %.0f times the processor time\n", theirs, theirs.cpu.Seconds()/ours.cpu.Seconds())
	}
	if ours.cpu > maxTime || ours.memory > maxMemory {
		return fmt.Errorf("the bar is %s of processor time and %d MiB", maxTime, maxMemory>>20)
	}
	return nil
}

func hostName(n int) string { return fmt.Sprintf("host%05d.site%02d.example.org", n, n%groups) }

// writeFleet writes an inventory: each host with three variables, its groups
// with ten in group_vars/, all with thirty.
func writeFleet(dir, file string, hosts int) error {
	var b strings.Builder
	b.WriteString("all:\n  children:\n")
	for g := range groups {
		fmt.Fprintf(&b, "    site%02d:\n      hosts:\n", g)
		for h := g; h < hosts; h += groups {
			fmt.Fprintf(&b, "        %s:\n          ansible_host: 10.%d.%d.%d\n          rack: r%d\n          tags: [a, b]\n", hostName(h), g, h/250%250, h%250, h%40)
		}
	}
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		return err
	}
	folder := filepath.Join(dir, "group_vars")
	if err := os.Mkdir(folder, 0o700); err != nil {
		return err
	}
	for g := range groups {
		name := fmt.Sprintf("site%02d", g)
		if err := os.WriteFile(filepath.Join(folder, name+".yml"), []byte(vars(name, 10)), 0o600); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(folder, "all.yml"), []byte(vars("all", 30)), 0o600)
}

func vars(prefix string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%s_var%d: {text: \"value {{ inventory_hostname }}\", list: [1, 2, 3]}\n", prefix, i)
	}
	return b.String()
}

// cost is what a program took.
type cost struct {
	cpu, wall time.Duration
	memory    int64 // peak, bytes
}

func (c cost) String() string {
	return fmt.Sprintf("%.2f s of processor time (%.2f s), %d MB", c.cpu.Seconds(), c.wall.Seconds(), c.memory/1e6)
}

func measure(name string, args ...string) (cost, error) {
	c := exec.Command(name, args...)
	var said strings.Builder
	c.Stderr = &said
	start := time.Now()
	if err := c.Run(); err != nil {
		return cost{}, fmt.Errorf("%s: %w: %s", name, err, strings.TrimSpace(said.String()))
	}
	out := cost{cpu: c.ProcessState.UserTime() + c.ProcessState.SystemTime(), wall: time.Since(start)}
	if u, ok := c.ProcessState.SysUsage().(*syscall.Rusage); ok {
		out.memory = u.Maxrss << 10
	}
	return out, nil
}
