package transport

import "errors"

// Phase is the step of reaching a host that failed.
type Phase string

// The phases, in the order they happen.
const (
	PhaseResolve   Phase = "resolve"
	PhaseDial      Phase = "dial"
	PhaseHandshake Phase = "handshake"
	PhaseHostKey   Phase = "host key"
	PhaseAuth      Phase = "auth"
	PhaseChannel   Phase = "channel"
	PhaseFirstByte Phase = "first byte" // the account's shell never answered
	PhaseLost      Phase = "lost"
	PhaseIdle      Phase = "idle"  // lost too: no sign of life for longer than the keepalive allows
	PhaseTotal     Phase = "total" // all of connecting together took too long
)

// IsLost reports whether a host was reached and then lost.
func (p Phase) IsLost() bool { return p == PhaseLost || p == PhaseIdle }

// ErrClosed is inside the [*Error] of a call on a Conn that was closed, and of
// Wait on a Process that was.
var ErrClosed = errors.New("closed on this side")

// ErrNoSession is inside the [*Error] of a Start that the host refused because
// it opens no further session on the connection (MaxSessions, sshd_config(5)).
// Those that run are not touched.
var ErrNoSession = errors.New("the host opens no further session")

// ErrBecome is inside the [*Error] of a Start whose command could not run as
// the account asked for: a wrong password, an account sudo doesn't allow. The
// host itself was reached.
var ErrBecome = errors.New("could not become the other account")

// Error says that a host could not be reached, or was lost, and in which
// phase. The runner reports it as "unreachable".
type Error struct {
	Phase Phase
	Addr  string // "host:port", or "local"
	Err   error  // what went wrong
	Hint  string // what to try, may be empty
}

func (e *Error) Error() string {
	s := string(e.Phase)
	if e.Addr != "" {
		s += " " + e.Addr
	}
	return s + ": " + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// Temporary reports whether the same attempt may succeed later: nothing has
// happened on the host yet and the cause is not one that only a person can
// mend (a host key, a credential).
func (e *Error) Temporary() bool {
	switch e.Phase {
	case PhaseResolve, PhaseDial, PhaseHandshake:
		return true
	}
	return false
}
