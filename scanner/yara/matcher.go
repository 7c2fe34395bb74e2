package yara

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hillu/go-yara/v4"

	"thordeploy/scanner"
	"thordeploy/scanner/finding"
)

// DefaultTimeout is how long a set may take for one object.
const DefaultTimeout = 90 * time.Second

// noTryCatch is libyara's SCAN_FLAGS_NO_TRYCATCH: objects are in memory of
// ours, so libyara needs no signal handlers against mapped files that shrink,
// and Go's stay in place.
const noTryCatch = yara.ScanFlags(4)

// scanTimeout is libyara's ERROR_SCAN_TIMEOUT.
const scanTimeout = yara.Error(26)

// Matcher is a [scanner.Matcher] of compiled rules.
type Matcher struct {
	sets    []*Set
	system  System
	timeout time.Duration

	mu   sync.Mutex
	idle [][]*yara.Scanner // each with one scanner a set; as many as workers
}

// NewMatcher returns a matcher of sets. timeout is for one object and set, in
// whole seconds; zero: [DefaultTimeout].
func NewMatcher(sets []*Set, system System, timeout time.Duration) *Matcher {
	if timeout == 0 {
		timeout = DefaultTimeout
	}
	return &Matcher{sets: sets, system: system, timeout: max(timeout, time.Second)}
}

// Match implements [scanner.Matcher].
func (m *Matcher) Match(ctx context.Context, o *scanner.Object) ([]finding.Reason, error) {
	scanners, err := m.take()
	if err != nil {
		return nil, err
	}
	defer m.give(scanners)
	var reasons []finding.Reason
	var errs []error
	for i, set := range m.sets {
		c := &collector{ctx: ctx, object: o, origin: set.Origin}
		if err := scan(scanners[i], set, o, c); err != nil {
			errs = append(errs, err)
		}
		reasons = append(reasons, c.reasons...)
	}
	return reasons, errors.Join(errs...)
}

func scan(sc *yara.Scanner, set *Set, o *scanner.Object, c *collector) error {
	if err := defineObject(sc, o, set.usesMD5); err != nil {
		return err
	}
	err := sc.SetCallback(c).ScanMem(o.Data)
	sc.SetCallback(nil) // so that the object can be freed
	switch {
	case err == nil:
		return nil
	case errors.Is(err, scanTimeout):
		return fmt.Errorf("%w for the YARA rules", scanner.ErrTimeout)
	}
	return fmt.Errorf("matching YARA rules: %w", err)
}

// take returns one scanner for each set, which nobody else uses until give.
func (m *Matcher) take() ([]*yara.Scanner, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n := len(m.idle); n > 0 {
		scanners := m.idle[n-1]
		m.idle = m.idle[:n-1]
		return scanners, nil
	}
	var scanners []*yara.Scanner
	for _, set := range m.sets {
		sc, err := yara.NewScanner(set.compiled)
		if err != nil {
			return nil, fmt.Errorf("starting a YARA scanner: %w", err)
		}
		sc.SetFlags(yara.ScanFlagsFastMode | noTryCatch).SetTimeout(m.timeout)
		if err := m.system.define(sc); err != nil {
			return nil, err
		}
		scanners = append(scanners, sc)
	}
	return scanners, nil
}

func (m *Matcher) give(scanners []*yara.Scanner) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.idle = append(m.idle, scanners)
}
