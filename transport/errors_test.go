package transport_test

import (
	"errors"
	"io"
	"testing"

	"thordeploy/transport"
)

func TestError(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]*transport.Error{
		"dial 10.0.0.1:22: EOF": {Phase: transport.PhaseDial, Addr: "10.0.0.1:22", Err: io.EOF},
		"lost: EOF":             {Phase: transport.PhaseLost, Err: io.EOF},
	} {
		if err.Error() != want {
			t.Errorf("got %q, want %q", err.Error(), want)
		}
		if !errors.Is(err, io.EOF) {
			t.Errorf("%v doesn't hold its cause", err)
		}
	}
}

func TestOnlyWhatCanMendItselfIsTemporary(t *testing.T) {
	t.Parallel()
	for phase, want := range map[transport.Phase]bool{
		transport.PhaseResolve:   true,
		transport.PhaseDial:      true,
		transport.PhaseHandshake: true,
		transport.PhaseHostKey:   false,
		transport.PhaseAuth:      false,
		transport.PhaseChannel:   false,
		transport.PhaseLost:      false,
	} {
		if got := (&transport.Error{Phase: phase, Err: io.EOF}).Temporary(); got != want {
			t.Errorf("%s: temporary %v, want %v", phase, got, want)
		}
	}
}
