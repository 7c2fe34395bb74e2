package action

import (
	"context"
	"slices"
	"strings"
)

// send streams what the plan wants, as tar where the host has it.
func (cp *copying) send(ctx context.Context, p *probe, plan []step) Result {
	if !p.missing && !slices.ContainsFunc(plan, func(s step) bool { return s.send }) {
		return Result{}
	}
	var r Result
	if p.tar {
		r = cp.outgoing(plan).run(ctx, p)
	} else {
		r = cp.sendFiles(ctx, p, plan)
	}
	if r.Failed {
		return cp.halfway(ctx, p, plan, r)
	}
	return r
}

// diskHint says what to try about a tool's complaint.
func diskHint(said string) string {
	for _, h := range []struct{ words, hint string }{
		{"No space left", "make room on the host, or copy to another filesystem"},
		{"Read-only", "the filesystem is mounted read-only: copy to another"},
		{"Permission denied", "run the task with become: true, as an account that may write there"},
		{"not permitted", "run the task with become: true, as an account that may"},
		{"invalid user", "name an account that the host has"},
		{"unknown user", "name an account that the host has"},
		{"invalid group", "name a group that the host has"},
	} {
		if strings.Contains(said, h.words) {
			return h.hint
		}
	}
	return ""
}
