package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"thordeploy/scanner"
	"thordeploy/scanner/filesystem"
	"thordeploy/scanner/finding"
	"thordeploy/scanner/process"
	"thordeploy/scanner/report"
)

// moduleInit is the module of findings about the scanner's own parts.
const moduleInit = "Init"

// sayStart tells what is about to be done, and with what.
func sayStart(r *report.Reporter, opt *options, rules *ruleset, chosen []module) {
	var names []string
	for _, m := range chosen {
		names = append(names, m.name)
	}
	paths := []string{"/"}
	if len(opt.paths) > 0 {
		paths = nil
		for _, p := range opt.paths {
			paths = append(paths, finding.PathText(p))
		}
	}
	r.Message(finding.Info, report.Main, fmt.Sprintf("thorscan %s: scanning %q with %d YARA rules and %d indicators", version, paths, rules.rules(), rules.count()), map[string]any{
		"indicators": rules.indicators.Count, "modules": names,
		"version": version, "architecture": runtime.GOARCH, "paths": paths, "rules": rules.rules(),
		"user_id": os.Getuid(), "max_file_size": int64(opt.maxFileSize), "max_runtime_hours": time.Duration(opt.maxRuntime).Hours(),
		"minimum_score": opt.min,
	})
	if missing := rules.leftOut(); len(missing) > 0 {
		var names []string
		for _, p := range missing[:min(len(missing), 20)] {
			names = append(names, finding.PathText(p.String()))
		}
		r.Message(finding.Warning, moduleInit, fmt.Sprintf("%d rule files were left out when the rules were packed", len(missing)), map[string]any{"files": names})
	}
	if len(rules.remarks) > 0 {
		r.Message(finding.Info, moduleInit, fmt.Sprintf("%d indicators that would match on every host were left out", len(rules.remarks)),
			map[string]any{"lines": rules.remarks[:min(len(rules.remarks), 20)]})
	}
}

// sayBroken reports each rule file that failed as a finding of its own, and
// whether there was one: what doesn't start must not look like a clean scan.
func (m *Main) sayBroken(r *report.Reporter, rules *ruleset) bool {
	for _, p := range rules.broken {
		a := finding.NewAssessment(finding.NewFile(p.File), "A rule file could not be used, the scan is not complete")
		a.Meta.Level, a.Meta.Module = finding.Warning, moduleInit
		a.Score = 60
		a.ReasonCount = 1
		a.Reasons = []finding.Reason{finding.NewReason("Rule file fails: "+finding.PathText(p.String()), finding.Signature{
			Score: 60, Origin: finding.Internal, Kind: finding.InternalHeuristic, RuleName: "Scanner_Component_Failed",
			Description: "A part of the scanner did not start", Author: "thordeploy project",
		}, nil)}
		r.Finding(a)
		m.complain(errors.New(p.String()))
	}
	return len(rules.broken) > 0
}

// sayEnd tells what was done, what was not, and what it cost. failed: a part of
// the scan did not start or broke off, whatever the exit code is.
func sayEnd(r *report.Reporter, result *scanner.Result, took time.Duration, outOfTime, failed bool, code int) {
	counts := result.Ledger.Counts()
	for _, reason := range slices.Sorted(maps.Keys(counts)) {
		var names []string
		for _, name := range result.Ledger.Names(reason) {
			names = append(names, finding.PathText(name))
		}
		r.Message(finding.Info, report.Main, fmt.Sprintf("Not looked at: %d %s", counts[reason], reason),
			map[string]any{"reason": string(reason), "count": counts[reason], "first_names": names})
	}
	level, state := finding.Info, "complete"
	switch {
	case outOfTime:
		level, state = finding.Warning, "out of time (--max_runtime)"
	case result.Stopped:
		level, state = finding.Warning, "interrupted"
	case failed:
		level, state = finding.Warning, "not complete"
	case r.Err() != nil:
		level, state = finding.Warning, "complete, but a log could not be written"
	case result.Ledger.Missed() > 0:
		state = fmt.Sprintf("complete but for %d objects that could not be looked at in full", result.Ledger.Missed())
	}
	cpu, peak := ownCost()
	text := fmt.Sprintf("Scan %s: %d files (%.1f MB), %d processes in %.1f s, %d alerts, %d warnings, %d notices; left out: %s; own cost: %.1f s CPU, %d MB memory",
		state, result.Objects[filesystem.Module], float64(result.Bytes)/(1<<20), result.Objects[process.Module], took.Seconds(),
		result.Findings[finding.Alert], result.Findings[finding.Warning], result.Findings[finding.Notice],
		result.Ledger, cpu.Seconds(), peak>>20)
	r.Message(level, report.Main, text, map[string]any{
		"state": state, "files": result.Objects[filesystem.Module], "processes": result.Objects[process.Module], "bytes": result.Bytes, "seconds": took.Seconds(),
		"alerts": result.Findings[finding.Alert], "warnings": result.Findings[finding.Warning],
		"notices": result.Findings[finding.Notice], "below_minimum": result.Below,
		"not_looked_at": counts, "missed": result.Ledger.Missed(), "interrupted": result.Stopped,
		"cpu_seconds": cpu.Seconds(), "peak_memory_bytes": peak, "exit_code": code,
	})
}

// ownCost returns the processor time and the peak resident memory in bytes of
// this process, as the kernel accounts them.
func ownCost() (cpu time.Duration, peak int64) {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0, 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), u.Maxrss << 10
}
