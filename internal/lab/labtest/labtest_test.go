package labtest_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"thordeploy/internal/lab"
	"thordeploy/internal/lab/labtest"
)

func TestMain(m *testing.M) {
	lab.Main()
	os.Exit(m.Run())
}

// recorder is a test that keeps what is said to it.
type recorder struct {
	testing.TB
	said     []string
	cleanups []func()
}

func (r *recorder) Helper() {}
func (r *recorder) Errorf(format string, args ...any) {
	r.said = append(r.said, "error: "+fmt.Sprintf(format, args...))
}
func (r *recorder) Fatalf(format string, args ...any) {
	r.said = append(r.said, "fatal: "+fmt.Sprintf(format, args...))
}
func (r *recorder) Skip(args ...any) { r.said = append(r.said, "skip: "+fmt.Sprint(args...)) }
func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }

func TestLeavesNothingFindsWhatIsLeft(t *testing.T) {
	t.Parallel()
	l := labtest.Start(t, lab.Options{N: 2})
	r := &recorder{TB: t}
	check := labtest.LeavesNothing(r, l)
	if check(); len(r.said) != 0 {
		t.Fatalf("untouched hosts draw %q", r.said)
	}
	h := l.Hosts[1]
	if _, err := h.Run(t.Context(), "mkdir /mnt/ram && mount -t ramfs none /mnt/ram; sleep 1000 & :"); err != nil {
		t.Fatal(err)
	}
	for _, end := range r.cleanups {
		end()
	}
	if len(r.said) != 1 {
		t.Fatalf("a host with things left draws %q, want one error", r.said)
	}
	for _, want := range []string{"host02: + file /mnt/ram", "host02: + mount ramfs on /mnt/ram", "sleep 1000"} {
		if !strings.Contains(r.said[0], want) {
			t.Errorf("the error doesn't say %q:\n%s", want, r.said[0])
		}
	}
}

func TestLackingFailsInCI(t *testing.T) {
	for ci, want := range map[string]string{"true": "fatal: no namespaces", "": "skip: no namespaces"} {
		t.Setenv("CI", ci)
		r := &recorder{TB: t}
		labtest.Lacking(r, errors.New("no namespaces"))
		// A real Fatalf wouldn't come back to say more.
		if len(r.said) == 0 || !strings.HasPrefix(r.said[0], want) {
			t.Errorf("with CI=%q a lack says %q, want %q", ci, r.said, want)
		}
	}
}
