package main

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"thordeploy/scanner"
	"thordeploy/scanner/finding"
	"thordeploy/scanner/report"
)

// scan runs one scan. An error means that it could not begin.
func (m *Main) scan(ctx context.Context, opt *options) (int, error) {
	begun := time.Now()
	chosen, err := opt.chosen()
	if err != nil {
		return exitFailed, err
	}
	rules, err := loadRules(opt)
	if err != nil {
		return exitFailed, err
	}
	out, err := m.openOutputs(opt, begun)
	if err != nil {
		return exitFailed, err
	}
	defer out.close()
	sayStart(out.reporter, opt, rules, chosen)
	failed := m.sayBroken(out.reporter, rules)

	ctx, cancel := context.WithTimeout(ctx, time.Duration(opt.maxRuntime))
	defer cancel()
	s := &scanner.Scan{
		Matchers: rules.matchers(m, time.Duration(opt.yaraTimeout)*time.Second),
		Found:    out.reporter.Finding,
		Threads:  opt.threads, MaxSize: int64(opt.maxFileSize), Min: opt.min,
	}
	for _, mod := range chosen {
		s.Sources = append(s.Sources, mod.make(opt, out.own(rules)))
	}
	result, err := s.Run(ctx)
	if err != nil {
		return exitFailed, err
	}
	for _, of := range result.Errors {
		failed = true
		for _, err := range leaves(of.Err) {
			out.reporter.Message(finding.Error, of.Module, err.Error(), nil)
			m.complain(err)
		}
	}
	outOfTime := errors.Is(ctx.Err(), context.DeadlineExceeded)
	code := exitCode(result, failed || result.Stopped || out.reporter.Err() != nil)
	sayEnd(out.reporter, result, time.Since(begun), outOfTime, failed, code)
	if err := out.reporter.Err(); err != nil {
		m.complain(err)
		if code == exitClean {
			code = exitFailed
		}
	}
	return code, nil
}

func exitCode(result *scanner.Result, failed bool) int {
	switch {
	case result.Total() > 0:
		return exitFindings
	case failed:
		return exitFailed
	}
	return exitClean
}

// outputs are where a scan's events go.
type outputs struct {
	reporter *report.Reporter
	files    []*os.File
	paths    []string // of the files
}

func (o *outputs) close() {
	for _, f := range o.files {
		_ = f.Close() // each line was written when it was reported
	}
}

// own lists the scanner's own files, which it leaves out.
func (o *outputs) own(rules *ruleset) []string {
	own := append([]string{}, rules.files...)
	own = append(own, o.paths...)
	if path, err := executablePath(); err == nil {
		own = append(own, path)
	}
	return own
}

// openOutputs creates the logs.
func (m *Main) openOutputs(opt *options, begun time.Time) (*outputs, error) {
	hostname, err := os.Hostname()
	if err != nil || hostname == "" {
		hostname = "localhost"
	}
	host := hostname
	if ip := ownAddress(); ip != "" {
		host += "/" + ip
	}
	out := &outputs{}
	var sinks []report.Sink
	if opt.jsonStdout {
		sinks = append(sinks, &report.JSON{Name: "on standard output", W: m.Stdout})
	} else {
		sinks = append(sinks, &report.Human{W: m.Stdout})
	}
	for _, log := range logNames(opt, hostname, begun) {
		f, err := report.CreateLog(log.path)
		if err != nil {
			out.close()
			return nil, err
		}
		out.files, out.paths = append(out.files, f), append(out.paths, log.path)
		sinks = append(sinks, log.sink(f, host))
	}
	id := opt.scanID
	if id == "" {
		id = report.NewScanID()
	}
	out.reporter = report.NewReporter(id, hostname, sinks...)
	return out, nil
}

// log is one log file to be written.
type log struct {
	path string
	sink func(w *os.File, host string) report.Sink
}

func logNames(opt *options, hostname string, begun time.Time) []log {
	text, json := opt.logfile, opt.jsonfile
	if opt.outputDir != "" {
		base := strings.ReplaceAll(hostname, "/", "_") + "_thorscan_" + begun.Format("2006-01-02_1504")
		if text == "" {
			text = filepath.Join(opt.outputDir, base+".txt")
		}
		if json == "" {
			json = filepath.Join(opt.outputDir, base+".json")
		}
	}
	var logs []log
	if text != "" {
		logs = append(logs, log{text, func(w *os.File, host string) report.Sink {
			return &report.Text{Name: text, W: w, Host: host}
		}})
	}
	if json != "" {
		logs = append(logs, log{json, func(w *os.File, _ string) report.Sink {
			return &report.JSON{Name: json, W: io.Writer(w)}
		}})
	}
	return logs
}

// ownAddress returns the first address of this host that isn't a loopback one,
// empty if there is none.
func ownAddress() string {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return ""
	}
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && n.IP.IsGlobalUnicast() {
			return n.IP.String()
		}
	}
	return ""
}
