package action

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestPause(t *testing.T) {
	t.Parallel()
	start := time.Now()
	r := mustOK(t, noHost.run(t, "pause", map[string]any{"seconds": 0.9}), false)
	if took := time.Since(start); took < time.Second || took > 3*time.Second {
		t.Errorf("it took %v", took) // less than one second is one, as in Ansible
	}
	want(t, r, "delta", 1)
	if said, _ := r.Values["stdout"].(string); !strings.HasPrefix(said, "Paused for 1.") || !strings.HasSuffix(said, " seconds") {
		t.Errorf("it says %q", said)
	}
	want(t, r, "echo", true)
	want(t, r, "user_input", "")
	want(t, r, "rc", 0)
	want(t, noHost.run(t, "pause", map[string]any{"minutes": "0"}), "stdout", "Paused for 0.02 minutes")
	for length, words := range map[float64]string{1.5: "1.5", 61: "61.0", 0.016: "0.02", 2.349: "2.35"} {
		if got := paused(length, "minutes"); got != "Paused for "+words+" minutes" {
			t.Errorf("%v: %q", length, got)
		}
	}
}

func TestPauseRefuses(t *testing.T) {
	t.Parallel()
	wantFailed(t, noHost.run(t, "pause", map[string]any{"seconds": 1e300}), "too long", "")
	wantFailed(t, noHost.run(t, "pause", map[string]any{"minutes": "NaN"}), "too long", "")
	s, _ := Lookup("pause")
	if _, err := s.Bind(map[string]any{"seconds": 1, "minutes": 1}); err == nil || !s.Local {
		t.Errorf("seconds and minutes together: %v; Local: %v", err, s.Local)
	}
}

func TestPauseAsks(t *testing.T) {
	t.Parallel()
	var asked []Question
	say := func(args map[string]any) Result {
		s, _ := Lookup("pause")
		a, err := s.Bind(args)
		if err != nil {
			t.Fatal(err)
		}
		return s.Run(t.Context(), &Call{Args: a, Ask: func(_ context.Context, q Question) (string, error) {
			asked = append(asked, q)
			return "yes", nil
		}})
	}
	want(t, say(map[string]any{"prompt": "Well?", "echo": false}), "user_input", "yes")
	say(map[string]any{})
	say(map[string]any{"prompt": "Wait.", "seconds": 1})
	say(map[string]any{"seconds": 1})
	wanted := []Question{
		{Text: "Well? (output is hidden)", Secret: true}, {Text: "Press enter to continue, Ctrl+C to interrupt"}, {Text: "Wait.", Tell: true},
	}
	if !slices.Equal(asked, wanted) {
		t.Errorf("asked %+v", asked)
	}
	want(t, noHost.run(t, "pause", nil), "user_input", "") // nobody is there
}

// A pause ends with its task.
func TestPauseInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	r := noHost.runContext(ctx, t, "pause", map[string]any{"minutes": 5})
	if !r.Failed || !r.TimedOut || time.Since(start) > 5*time.Second {
		t.Errorf("got %+v after %v", r, time.Since(start))
	}
}
