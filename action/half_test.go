package action

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"thordeploy/transport"
	"thordeploy/transport/shell"

	"github.com/google/go-cmp/cmp"
)

func TestResultOf(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		reply shell.Reply
		want  Result
	}{
		"changed":  {shell.Reply{Values: map[string]string{"changed": "yes"}}, Result{Changed: true}},
		"not":      {shell.Reply{Values: map[string]string{"changed": "no", "msg": "as it was"}}, Result{Msg: "as it was"}},
		"failed":   {shell.Reply{Values: map[string]string{"failed": "1", "msg": "why\xff", "hint": "try"}}, Result{Failed: true, Msg: "why\uFFFD", Hint: "try"}},
		"skipped":  {shell.Reply{Values: map[string]string{"skipped": "1"}}, Result{Skipped: true}},
		"died":     {shell.Reply{Code: 2, Stderr: []byte("sh: oops\n")}, Result{Failed: true, Msg: "the remote half of x ended with exit status 2: sh: oops"}},
		"and said": {shell.Reply{Code: 1, Values: map[string]string{"failed": "1", "msg": "why"}}, Result{Failed: true, Msg: "why"}},
	} {
		if diff := cmp.Diff(test.want, resultOf("x", test.reply)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestBroken(t *testing.T) {
	t.Parallel()
	lost := &transport.Error{Phase: transport.PhaseLost, Err: errors.New("gone"), Hint: "look"}
	if r := broken(fmt.Errorf("x: %w", lost)); !r.Failed || !errors.Is(r.Lost, lost) || r.Hint != "look" {
		t.Errorf("lost: %+v", r)
	}
	if r := broken(fmt.Errorf("x: %w", context.DeadlineExceeded)); !r.Failed || !r.TimedOut || r.Lost != nil {
		t.Errorf("late: %+v", r)
	}
	if r := broken(context.Canceled); !r.Failed || r.TimedOut || r.Msg != "interrupted" {
		t.Errorf("cancelled: %+v", r)
	}
	if r := broken(errors.New("too long")); !r.Failed || r.Msg != "too long" {
		t.Errorf("other: %+v", r)
	}
}

func TestHalfUnknown(t *testing.T) {
	t.Parallel()
	if _, r := half(t.Context(), &Call{}, "none"); !r.Failed || r.Msg == "" {
		t.Errorf("got %+v", r)
	}
}
