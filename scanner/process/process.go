// Package process is the source of running processes: each as an object with
// the reasons of the checks in this package, for the matchers to add theirs.
//
// Everything is read from /proc: nothing is stopped, traced or opened that a
// process could notice. What a process can write there itself (its name, its
// arguments, its environment) is hostile input.
//
//	/proc/PID/* --read--> process --checks--> Known reasons --yield--> scan
//
// A check is a function in the list [checks]; a new one is a function and a
// line there.
package process

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"thordeploy/scanner"
	"thordeploy/scanner/finding"
)

// Module is the source's name in findings.
const Module = "ProcessCheck"

// Source yields every process but the scanner's own.
type Source struct {
	Proc string // where procfs is mounted; empty: /proc
}

// Module implements [scanner.Source].
func (s *Source) Module() string { return Module }

// patience is how long one process may take to be read: /proc hangs with a
// process that hangs in the kernel with its memory locked.
const patience = 5 * time.Second

// Walk implements [scanner.Source].
func (s *Source) Walk(ctx context.Context, led *scanner.Ledger, yield func(*scanner.Object) bool) error {
	proc := s.Proc
	if proc == "" {
		proc = "/proc"
	}
	pids, err := list(proc)
	if err != nil {
		return fmt.Errorf("list the processes: %w", err)
	}
	r := newReader(proc)
	for _, pid := range pids {
		if ctx.Err() != nil {
			return nil
		}
		name := fmt.Sprintf("process %d", pid)
		if pid == os.Getpid() {
			led.Add(scanner.SkipOwn, name, "")
			continue
		}
		p, err := r.patient(ctx, pid)
		switch {
		case errors.Is(err, fs.ErrNotExist) || errors.Is(err, errGone):
			led.Add(scanner.SkipVanished, name, "")
			continue
		case errors.Is(err, context.DeadlineExceeded):
			led.Add(scanner.SkipTimeout, name, "it hangs in the kernel")
			continue
		case err != nil:
			led.Add(scanner.SkipUnreadable, name, err.Error())
			continue
		}
		if len(p.hidden) > 0 {
			led.Add(scanner.SkipUnreadable, fmt.Sprintf("process %d (%s)", pid, p.comm), strings.Join(p.hidden, ", "))
		}
		if !yield(p.object()) {
			return nil
		}
	}
	return nil
}

// list returns the numbers of the processes, in order.
func list(proc string) ([]int, error) {
	dir, err := os.Open(proc)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil && pid > 0 {
			pids = append(pids, pid)
		}
	}
	slices.Sort(pids)
	return pids, nil
}

// patient reads a process; one that hangs is left behind after a while.
func (r *reader) patient(ctx context.Context, pid int) (*process, error) {
	type result struct {
		p   *process
		err error
	}
	done := make(chan result, 1)
	go func() {
		p, err := r.read(pid)
		done <- result{p, err}
	}()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case got := <-done:
		return got.p, got.err
	case <-timer.C:
		return nil, context.DeadlineExceeded
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// object is the process as a scan sees it.
func (p *process) object() *scanner.Object {
	o := &scanner.Object{
		Module: Module, Name: fmt.Sprintf("process %d %s", p.pid, p.comm),
		Process:  &scanner.Process{PID: p.pid, Args: p.args},
		Describe: func(*scanner.Object) finding.Subject { return p.subject() },
	}
	for _, s := range p.sockets {
		if s.remote.IsValid() && s.remote.Port() != 0 {
			o.Process.Remote = append(o.Process.Remote, s.remote)
		}
	}
	for _, c := range checks {
		if found, matched := c.find(p); found != nil {
			o.Known = append(o.Known, finding.NewReason(found.summary, finding.Signature{
				Score: found.score, Origin: finding.Internal, Kind: finding.InternalHeuristic,
				RuleName: c.name, Description: c.about, Tags: []string{c.technique}, Author: "thordeploy project",
			}, matched))
		}
	}
	return o
}

func (p *process) subject() finding.Subject {
	s := finding.NewProcess(p.pid, p.comm, strings.Join(p.args, " "), p.owner)
	if p.exe != "" {
		s.Image = finding.NewFile(p.exe)
		s.Image.Extension = finding.PathText(strings.ToLower(filepath.Ext(p.exe)))
		if p.deleted {
			s.Image.Exists = "no"
		}
	}
	if p.parent != nil {
		s.Parent = &finding.Parent{PID: p.parent.pid, Exe: finding.PathText(p.parent.exe), Command: finding.PathText(strings.Join(p.parent.args, " "))}
	}
	if !p.started.IsZero() {
		s.Created = &p.started
	}
	for _, c := range p.sockets {
		switch {
		case c.listens():
			if !slices.Contains(s.ListenPorts, c.local.Port()) {
				s.ListenPorts = append(s.ListenPorts, c.local.Port())
			}
		case c.remote.IsValid() && c.remote.Port() != 0 && len(s.Connections) < maxConnections:
			s.Connections = append(s.Connections, finding.Connection{
				Status: c.state, Protocol: c.protocol, IP: c.local.Addr().String(), Port: c.local.Port(),
				RemoteIP: c.remote.Addr().String(), RemotePort: c.remote.Port(),
			})
		}
	}
	return s
}

// maxConnections bounds those in one finding.
const maxConnections = 50

// Checks lists the checks of this package: name, technique of MITRE ATT&CK,
// what it finds. docs/coverage.md is held to it.
func Checks() [][3]string {
	var out [][3]string
	for _, c := range checks {
		out = append(out, [3]string{c.name, c.technique, c.about})
	}
	return out
}
