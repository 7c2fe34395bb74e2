package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// usageError is a mistake in what the user gave: it ends with exitUsage. hint
// says what to try and may be empty.
type usageError struct {
	err  error
	hint string
}

func (e *usageError) Error() string { return e.err.Error() }

func (e *usageError) Unwrap() error { return e.err }

// wrong is a usageError with a hint.
func wrong(hint, format string, args ...any) error {
	return &usageError{err: fmt.Errorf(format, args...), hint: hint}
}

// errSaid ends with exitUsage without another word: the problems were printed
// already.
var errSaid = errors.New("problems were reported")

// errUnparsed is errSaid of a playbook that can't be loaded.
var errUnparsed = fmt.Errorf("a playbook can't be loaded: %w", errSaid)

// said is an error whose words are written already.
func said(err error) error {
	if errors.Is(err, errSaid) {
		return err
	}
	return errSaid
}

// explain writes an error for a person, in the words of the name that the
// program was started under.
func (m *Main) explain(err error) {
	if m.ansible && !errors.Is(err, errSaid) {
		fmt.Fprintf(m.err, "ERROR! %v\n", err)
		var u *usageError
		if errors.As(err, &u) && u.hint != "" {
			fmt.Fprintf(m.err, "hint: %s\n", u.hint)
		}
		return
	}
	explain(m.err, err)
}

// explain writes an error for a person: `error:`, then `hint:` lines.
func explain(w io.Writer, err error) {
	if errors.Is(err, errSaid) {
		return
	}
	fmt.Fprintf(w, "error: %v\n", err)
	var u *usageError
	if errors.As(err, &u) && u.hint != "" {
		for _, line := range strings.Split(u.hint, "\n") {
			fmt.Fprintf(w, "hint: %s\n", line)
		}
	}
}

// codeOfError is the exit code of an error that kept a run from being.
func codeOfError(err error) exitCode {
	var u *usageError
	if errors.Is(err, errSaid) || errors.As(err, &u) {
		return exitUsage
	}
	return exitUnexpected
}
