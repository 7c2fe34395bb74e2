package scanner

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"thordeploy/scanner/finding"
)

// source yields objects that a test makes up.
type source struct {
	objects []*Object
	err     error
	endless bool // goes on with empty objects until told to stop
}

func (s *source) Module() string { return "Test" }

func (s *source) Walk(ctx context.Context, led *Ledger, yield func(*Object) bool) error {
	for _, o := range s.objects {
		if !yield(o) {
			return s.err
		}
	}
	for s.endless && yield(thing("again", "")) {
	}
	return s.err
}

// content counts how often it is closed.
type content struct {
	io.Reader
	closed atomic.Int32
}

func (c *content) Close() error { c.closed.Add(1); return nil }

func thing(name, data string) *Object {
	return &Object{
		Module: "Test", Name: name, Size: int64(len(data)), Content: &content{Reader: strings.NewReader(data)},
		Describe: func(o *Object) finding.Subject {
			f := finding.NewFile(name)
			f.Size, f.MagicHeader = int64(len(o.Data)), o.Type
			return f
		},
	}
}

// matcher gives each object the scores that a function tells.
type matcher func(ctx context.Context, o *Object) ([]int, error)

func (m matcher) Match(ctx context.Context, o *Object) ([]finding.Reason, error) {
	scores, err := m(ctx, o)
	var reasons []finding.Reason
	for _, s := range scores {
		reasons = append(reasons, finding.NewReason("because", finding.Signature{Score: s}, nil))
	}
	return reasons, err
}

// run scans and returns the findings as "name level score (reasons)".
func runScan(t *testing.T, ctx context.Context, s *Scan) (*Result, []string) {
	t.Helper()
	var found []string
	s.Found = func(a *finding.Assessment) {
		found = append(found, fmt.Sprintf("%s %s %d (%d)", a.Subject.SubjectName(), a.Meta.Level, a.Score, a.ReasonCount))
	}
	result, err := s.Run(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return result, found
}

func TestMatchesOfAllMatchersFoldIntoOneFinding(t *testing.T) {
	weak := matcher(func(_ context.Context, o *Object) ([]int, error) {
		return map[string][]int{"a": {60}, "b": {30}, "c": {50}}[o.Name], nil
	})
	strong := matcher(func(_ context.Context, o *Object) ([]int, error) {
		if o.Name == "a" && string(o.Data) == "#!/bin/sh\n" && o.Type == "Shell" {
			return []int{80}, nil
		}
		return nil, nil
	})
	objects := []*Object{thing("a", "#!/bin/sh\n"), thing("b", "x"), thing("c", ""), thing("d", "x")}
	result, found := runScan(t, t.Context(), &Scan{Sources: []Source{&source{objects: objects}}, Matchers: []Matcher{weak, strong}, Threads: 1})
	if diff := cmp.Diff([]string{"a Alert 86 (2)", "c Notice 50 (1)"}, found); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	if result.Looked() != 4 || result.Bytes != 12 || result.Below != 1 || result.Stopped || result.Total() != 2 {
		t.Errorf("result %+v", result)
	}
	for _, o := range objects {
		if n := o.Content.(*content).closed.Load(); n != 1 {
			t.Errorf("the content of %s was closed %d times", o.Name, n)
		}
	}
}

func TestMinimumScoreMayBeLowered(t *testing.T) {
	m := matcher(func(context.Context, *Object) ([]int, error) { return []int{5}, nil })
	_, found := runScan(t, t.Context(), &Scan{Sources: []Source{&source{objects: []*Object{thing("a", "x")}}}, Matchers: []Matcher{m}, Min: 5})
	if diff := cmp.Diff([]string{"a Info 5 (1)"}, found); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

func TestManyReasonsAreCutAndCounted(t *testing.T) {
	m := matcher(func(context.Context, *Object) ([]int, error) { return make([]int, 100), nil })
	reasons, _ := m.Match(t.Context(), nil)
	reasons[99].Signature.Score = 70
	a := assess(thing("a", ""), reasons)
	if len(a.Reasons) != maxReasons || a.ReasonCount != 100 || a.Reasons[0].Signature.Score != 70 || len(a.Issues) != 1 || a.Issues[0].Category != finding.IssueTruncated {
		t.Errorf("%d reasons of %d, first score %d, issues %v", len(a.Reasons), a.ReasonCount, a.Reasons[0].Signature.Score, a.Issues)
	}
}

// failing is content that ends in an error.
type failing struct{ error }

func (f failing) Read([]byte) (int, error) { return 0, f.error }
func (f failing) Close() error             { return nil }

func TestWhatIsNotLookedAtIsCounted(t *testing.T) {
	large := thing("large", "")
	large.Size = 1001
	shrunk := thing("shrunk", "half")
	shrunk.Size = 8
	broken := thing("broken", "")
	broken.Size, broken.Content = 4, failing{errors.New("input/output error")}
	m := matcher(func(_ context.Context, o *Object) ([]int, error) {
		switch o.Name {
		case "slow":
			return []int{70}, fmt.Errorf("the matcher: %w", ErrTimeout)
		case "odd":
			return nil, errors.New("no memory")
		case "shrunk":
			if string(o.Data) != "half" {
				t.Errorf("data of the file that shrank: %q", o.Data)
			}
			return []int{50}, nil
		case "broken":
			t.Error("an unreadable object was matched")
		}
		return nil, nil
	})
	s := &source{objects: []*Object{large, shrunk, broken, thing("slow", "x"), thing("odd", "x"), thing("fine", "x")}, err: errors.New("a path is missing")}
	result, found := runScan(t, t.Context(), &Scan{Sources: []Source{s}, Matchers: []Matcher{m}, MaxSize: 1000, Threads: 1})
	if diff := cmp.Diff([]string{"shrunk Notice 50 (1)", "slow Warning 70 (1)"}, found); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	want := map[Skip]int64{SkipTooLarge: 1, SkipShrank: 1, SkipUnreadable: 1, SkipTimeout: 1, SkipFailed: 1}
	if diff := cmp.Diff(want, result.Ledger.Counts()); diff != "" {
		t.Errorf("ledger (-want +got):\n%s", diff)
	}
	if result.Ledger.Missed() != 4 || result.Looked() != 4 || len(result.Errors) != 1 {
		t.Errorf("missed %d, objects %d, errors %v", result.Ledger.Missed(), result.Looked(), result.Errors)
	}
	if names := result.Ledger.Names(SkipUnreadable); !cmp.Equal(names, []string{"broken (input/output error)"}) {
		t.Errorf("names of the unreadable: %q", names)
	}
}

func TestScanEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	result, _ := runScan(t, ctx, &Scan{Sources: []Source{&source{endless: true}}, Threads: 2})
	if !result.Stopped || result.Looked() == 0 || result.Ledger.Counts()[SkipStopped] == 0 {
		t.Errorf("stopped %v after %d objects, ledger %s", result.Stopped, result.Looked(), result.Ledger)
	}
}

// A matcher or a read that hangs doesn't keep the scan: what was found until
// then is there, and the object in work is counted.
func TestAHangingMatcherIsLeftBehind(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	hang := make(chan struct{})
	m := matcher(func(_ context.Context, o *Object) ([]int, error) {
		if o.Name == "hangs" {
			cancel()
			<-hang
			return []int{100}, nil
		}
		return []int{50}, nil
	})
	begun := time.Now()
	s := &Scan{Sources: []Source{&source{objects: []*Object{thing("a", "x"), thing("hangs", "x")}}}, Matchers: []Matcher{m}, Threads: 1, Grace: 20 * time.Millisecond}
	result, found := runScan(t, ctx, s)
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("the scan ended after %v", took)
	}
	close(hang) // its late finding goes nowhere
	if diff := cmp.Diff([]string{"a Notice 50 (1)"}, found); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	if !result.Stopped || result.Ledger.Counts()[SkipStopped] != 1 {
		t.Errorf("stopped %v, ledger %s", result.Stopped, result.Ledger)
	}
}

func TestLedger(t *testing.T) {
	led := &Ledger{}
	if led.String() != "nothing" || led.Missed() != 0 {
		t.Errorf("an empty ledger says %q and %d missed", led, led.Missed())
	}
	for i := range 30 {
		led.Add(SkipSymlink, fmt.Sprint(i), "")
	}
	led.Add(SkipVanished, "x", "gone")
	if led.String() != "30 symlink, 1 vanished" || len(led.Names(SkipSymlink)) != ledgerNames || led.Missed() != 1 {
		t.Errorf("the ledger says %q, %d names, %d missed", led, len(led.Names(SkipSymlink)), led.Missed())
	}
}

func TestBufferGivesMemoryBack(t *testing.T) {
	b, err := newBuffer(64 << 20)
	if err != nil {
		t.Fatal(err)
	}
	defer b.free()
	copy(b.mem, bytes.Repeat([]byte{1}, 16<<20))
	b.trim(16 << 20)
	if b.mem[keepResident-1] != 1 || b.mem[keepResident] != 0 || b.mem[16<<20-1] != 0 {
		t.Error("what was read beyond the part that stays is still there")
	}
}
