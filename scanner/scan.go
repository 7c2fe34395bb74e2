package scanner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"thordeploy/scanner/filetype"
	"thordeploy/scanner/finding"
)

// ErrTimeout is what a [Matcher] returns, wrapped, for an object it gave up on.
var ErrTimeout = errors.New("matching took too long")

// Defaults of a [Scan].
const (
	DefaultMaxSize = 30 << 20
	DefaultMin     = 40
	defaultGrace   = 500 * time.Millisecond
	maxReasons     = 20 // in one finding; further ones are counted
)

// DefaultThreads returns half the processors, at least 1 and at most 4.
func DefaultThreads() int { return min(max(runtime.NumCPU()/2, 1), 4) }

// Scan looks at everything its sources yield. Its fields aren't changed while
// it runs.
type Scan struct {
	Sources  []Source
	Matchers []Matcher
	// Found receives each finding whose score is at least Min, from one
	// goroutine; what it fills in of Meta is Level and Module.
	Found func(*finding.Assessment)
	// Ledger collects what was not looked at. Nil: the scan makes its own.
	Ledger *Ledger
	// Threads is how many objects are looked at at the same time. Zero:
	// [DefaultThreads].
	Threads int
	// MaxSize is the size in bytes above which an object is left out. Zero:
	// 30 MiB.
	MaxSize int64
	// Min is the lowest score to report. Zero: 40.
	Min int
	// Grace is how long work in progress may go on after the context ends,
	// before the scan returns without it. Zero: half a second.
	Grace time.Duration
}

// Result is what a scan did.
type Result struct {
	Objects  map[string]int64      // looked at, by module
	Bytes    int64                 // of their content
	Findings map[finding.Level]int // passed to Found
	Below    int64                 // objects with reasons whose score is below Min
	Stopped  bool                  // the context ended before the sources did
	// Errors are sources, or parts of them asked for by name, that couldn't
	// be looked at.
	Errors []*ModuleError
	Ledger *Ledger
}

// Looked returns the number of objects that were looked at.
func (r *Result) Looked() int64 {
	var n int64
	for _, count := range r.Objects {
		n += count
	}
	return n
}

// Total returns the number of findings.
func (r *Result) Total() int {
	n := 0
	for _, count := range r.Findings {
		n += count
	}
	return n
}

// Run scans until the sources are exhausted or ctx ends. After the end of ctx
// it returns within Grace, with a result that tells what was done so far; a
// read or a match that hangs is left behind and counted.
func (s *Scan) Run(ctx context.Context) (*Result, error) {
	r := &run{
		Scan: s, ctx: ctx, maxSize: s.MaxSize, min: s.Min,
		objects: make(chan *Object), found: make(chan *finding.Assessment), over: make(chan struct{}),
		scanned: map[string]int64{},
		result:  &Result{Findings: map[finding.Level]int{}, Ledger: s.Ledger},
	}
	if r.maxSize == 0 {
		r.maxSize = DefaultMaxSize
	}
	if r.min == 0 {
		r.min = DefaultMin
	}
	if r.result.Ledger == nil {
		r.result.Ledger = &Ledger{}
	}
	if err := r.start(); err != nil {
		return nil, err
	}
	r.collect()
	return r.result, nil
}

// ModuleError is why a source, or a part of it, couldn't be looked at.
type ModuleError struct {
	Module string // of the source
	Err    error
}

// Error is the reason alone.
func (e *ModuleError) Error() string { return e.Err.Error() }

// Unwrap gives the reason.
func (e *ModuleError) Unwrap() error { return e.Err }

// run is a Scan in progress.
type run struct {
	*Scan
	ctx     context.Context
	maxSize int64
	min     int

	objects chan *Object             // from the sources to the workers
	found   chan *finding.Assessment // from the workers to collect; closed when they have ended
	over    chan struct{}            // closed when collect has returned: whoever is left behind reports no more

	bytes, below, busy atomic.Int64

	mu      sync.Mutex // guards errs and scanned
	errs    []*ModuleError
	scanned map[string]int64
	result  *Result
}

// start begins one goroutine that walks the sources in turn, and the workers.
func (r *run) start() error {
	threads := r.Threads
	if threads <= 0 {
		threads = DefaultThreads()
	}
	buffers := make([]*buffer, threads)
	for i := range buffers {
		b, err := newBuffer(r.maxSize)
		if err != nil {
			return err
		}
		buffers[i] = b
	}
	go r.walk()
	var workers sync.WaitGroup
	for _, b := range buffers {
		workers.Go(func() {
			defer b.free()
			for o := range r.objects {
				r.look(o, b)
			}
		})
	}
	go func() {
		workers.Wait()
		close(r.found)
	}()
	return nil
}

func (r *run) walk() {
	defer close(r.objects)
	for _, source := range r.Sources {
		if r.ctx.Err() != nil {
			return
		}
		if err := source.Walk(r.ctx, r.result.Ledger, r.yield); err != nil && r.ctx.Err() == nil {
			r.mu.Lock()
			r.errs = append(r.errs, &ModuleError{source.Module(), err})
			r.mu.Unlock()
		}
	}
}

func (r *run) yield(o *Object) bool {
	if o.Size > r.maxSize {
		r.result.Ledger.Add(SkipTooLarge, o.Name, fmt.Sprintf("%d bytes", o.Size))
		closeContent(o)
		return r.ctx.Err() == nil
	}
	select {
	case r.objects <- o:
		return true
	case <-r.ctx.Done():
		r.result.Ledger.Add(SkipStopped, o.Name, "")
		closeContent(o)
		return false
	}
}

func closeContent(o *Object) {
	if o.Content != nil {
		_ = o.Content.Close() // only ever read
	}
}

// look reads an object, matches it and hands its finding over.
func (r *run) look(o *Object, b *buffer) {
	defer closeContent(o)
	r.busy.Add(1)
	defer r.busy.Add(-1)
	n, ok := r.read(o, b)
	defer b.trim(n)
	if !ok {
		return
	}
	o.Data = b.mem[:n]
	o.Type = filetype.Of(o.Data)
	reasons := slices.Clone(o.Known)
	for _, m := range r.Matchers {
		found, err := m.Match(r.ctx, o)
		reasons = append(reasons, found...)
		switch {
		case err == nil:
		case r.ctx.Err() != nil:
			r.result.Ledger.Add(SkipStopped, o.Name, "")
		case errors.Is(err, ErrTimeout):
			r.result.Ledger.Add(SkipTimeout, o.Name, err.Error())
		default:
			r.result.Ledger.Add(SkipFailed, o.Name, err.Error())
		}
	}
	r.mu.Lock()
	r.scanned[o.Module]++
	r.mu.Unlock()
	r.bytes.Add(int64(n))
	if len(reasons) > 0 {
		r.report(o, reasons)
	}
}

// read fills the buffer with the object's content. It returns false if there is
// nothing to look at.
func (r *run) read(o *Object, b *buffer) (int, bool) {
	if o.Content == nil || o.Size == 0 {
		return 0, true
	}
	n, err := io.ReadFull(o.Content, b.mem[:o.Size])
	switch {
	case err == nil:
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		r.result.Ledger.Add(SkipShrank, o.Name, fmt.Sprintf("from %d to %d bytes", o.Size, n))
	default:
		r.result.Ledger.Add(SkipUnreadable, o.Name, err.Error())
		return n, false
	}
	return n, true
}

// report folds reasons into a finding and passes it on.
func (r *run) report(o *Object, reasons []finding.Reason) {
	a := assess(o, reasons)
	if a.Score < r.min {
		r.below.Add(1)
		return
	}
	select {
	case r.found <- a:
	case <-r.over:
	}
}

// assess makes the finding of an object: the strongest reasons first.
func assess(o *Object, reasons []finding.Reason) *finding.Assessment {
	slices.SortStableFunc(reasons, func(a, b finding.Reason) int { return b.Signature.Score - a.Signature.Score })
	subscores := make([]int, len(reasons))
	for i, reason := range reasons {
		subscores[i] = reason.Signature.Score
	}
	score := Score(subscores)
	level := LevelOf(score, subscores)
	subject := o.Describe(o)
	a := finding.NewAssessment(subject, fmt.Sprintf("%s %s found", suspicion(level), subject.SubjectType()))
	a.Meta.Level, a.Meta.Module = level, o.Module
	a.Score, a.Reasons, a.ReasonCount = score, reasons, len(reasons)
	if len(reasons) > maxReasons {
		a.Reasons = reasons[:maxReasons]
		a.Issues = []finding.Issue{{Affected: "/reasons", Category: finding.IssueTruncated,
			Description: fmt.Sprintf("only the first %d of %d reasons are listed", maxReasons, len(reasons))}}
	}
	return a
}

func suspicion(l finding.Level) string {
	switch l {
	case finding.Alert:
		return "Malicious"
	case finding.Warning:
		return "Suspicious"
	}
	return "Noteworthy"
}

// collect passes findings on until the workers have ended or, once ctx has
// ended, for as long as the grace lasts.
func (r *run) collect() {
	defer close(r.over)
	done, late := r.ctx.Done(), (<-chan time.Time)(nil)
	for open := true; open; {
		select {
		case a, ok := <-r.found:
			if open = ok; ok {
				r.result.Findings[a.Meta.Level]++
				r.Found(a)
			}
		case <-done:
			done = nil
			r.result.Stopped = true
			grace := r.Grace
			if grace == 0 {
				grace = defaultGrace
			}
			late = time.After(grace)
		case <-late:
			open = false
			for range r.busy.Load() {
				r.result.Ledger.Add(SkipStopped, "an object in work", "")
			}
		}
	}
	r.mu.Lock()
	r.result.Errors, r.result.Objects = slices.Clone(r.errs), maps.Clone(r.scanned)
	r.mu.Unlock()
	r.result.Bytes, r.result.Below = r.bytes.Load(), r.below.Load()
}
