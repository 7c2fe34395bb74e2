package vault

import (
	"errors"
	"fmt"
	"strconv"
)

// What can be wrong, for errors.Is.
var (
	ErrNotVault    = errors.New("not vault data")
	ErrUnsupported = errors.New("unsupported vault format")
	ErrDamaged     = errors.New("damaged vault data")
	ErrPassword    = errors.New("wrong vault password")
	ErrTooLarge    = errors.New("too large for a vault")
	ErrEncrypted   = errors.New("encrypted already")
	ErrLabel       = errors.New("bad vault label")
)

// Error is what is wrong with a vault text, a password or a label.
type Error struct {
	Kind    error  // one of the Err values of this package
	Line    int    // of the vault text, from 1; 0: no line is to blame
	Summary string // what is wrong, one sentence without a full stop
	Hint    string // what to try
}

// Error gives the line, the summary and the hint.
func (e *Error) Error() string {
	text := e.Summary + "; " + e.Hint
	if e.Line > 0 {
		text = "line " + strconv.Itoa(e.Line) + ": " + text
	}
	return text
}

// Unwrap gives the kind, for errors.Is.
func (e *Error) Unwrap() error { return e.Kind }

func damaged(line int, format string, args ...any) error {
	return &Error{Kind: ErrDamaged, Line: line, Summary: fmt.Sprintf(format, args...),
		Hint: "get the whole text again from where it was encrypted; nothing else may stand beside it"}
}

func wrongPassword(label string, tried int) error {
	e := &Error{Kind: ErrPassword, Hint: "check the password; if it is the right one, the text was changed after it was encrypted"}
	switch tried {
	case 0:
		e.Summary, e.Hint = "no vault password is given", "name a file that has it: --vault-password-file FILE"
	case 1:
		e.Summary = "the vault password is wrong"
	default:
		e.Summary = fmt.Sprintf("none of the %d vault passwords is right", tried)
	}
	if label != DefaultID {
		e.Summary += " (the text is labelled " + show(label) + ")"
	}
	return e
}

// show quotes a label, or its beginning, for a message: it may be hostile.
func show(label string) string {
	const enough = 64
	if len(label) > enough {
		return strconv.QuoteToASCII(label[:enough]) + "…"
	}
	return strconv.QuoteToASCII(label)
}
