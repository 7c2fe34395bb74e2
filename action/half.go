package action

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"strings"

	"thordeploy/transport"
	"thordeploy/transport/shell"
)

// halves are the modules' remote halves.
//
//go:embed sh/*.sh
var halves embed.FS

// half runs the remote half sh/NAME.sh on the host with args as its $1…, in
// one round trip, and turns what it reports into a Result. A half reports with
//
//	emit changed yes|no    whether it altered the host
//	emit failed 1          that it failed (its own exit status stays 0)
//	emit msg TEXT          why, or a remark
//	emit hint TEXT         what to try
//	emit skipped 1         that there was nothing for it to do
//	emit KEY VALUE         anything else its module reads from Reply.Values
//	emit_hex KEY VALUE     likewise, for a value that may hold any byte
//
// It is the only place where modules run a half. A module goes on only when
// the Result is neither Failed nor Skipped and has no Lost.
func half(ctx context.Context, c *Call, name string, args ...string) (shell.Reply, Result) {
	text, err := halves.ReadFile("sh/" + name + ".sh")
	if err != nil {
		return shell.Reply{}, Result{Failed: true, Msg: fmt.Sprintf("remote half %s is not part of this program: %v", name, err)}
	}
	reply, err := c.Shell.Script(ctx, name, string(text), args...)
	if err != nil {
		return reply, broken(err)
	}
	return reply, resultOf(name, reply)
}

// resultOf reads what every half may report.
func resultOf(name string, reply shell.Reply) Result {
	r := Result{
		Changed: isYes(reply.Values["changed"]),
		Failed:  isYes(reply.Values["failed"]),
		Skipped: isYes(reply.Values["skipped"]),
		Msg:     text8(reply.Values["msg"]),
		Hint:    text8(reply.Values["hint"]),
	}
	if reply.Code != 0 && !r.Failed {
		r.Failed = true
		r.Msg = fmt.Sprintf("the remote half of %s ended with exit status %d", name, reply.Code)
		if said := strings.TrimSpace(text8(string(reply.Stderr))); said != "" {
			r.Msg += ": " + said
		}
	}
	return r
}

// broken is the Result of a task whose request to the host came to no answer.
func broken(err error) Result {
	var lost *transport.Error
	switch {
	case errors.As(err, &lost):
		return Result{Failed: true, Lost: err, Msg: err.Error(), Hint: lost.Hint}
	case errors.Is(err, context.DeadlineExceeded):
		return Result{Failed: true, TimedOut: true, Msg: "timed out: the task's processes on the host were ended", Hint: "raise the task's timeout, or look at what it waits for"}
	case errors.Is(err, context.Canceled):
		return Result{Failed: true, Msg: "interrupted"}
	}
	return failed(err.Error(), "")
}

// failed is the Result of a task that failed for reason msg.
func failed(msg, hint string) Result { return Result{Failed: true, Msg: msg, Hint: hint} }

func isYes(s string) bool { return s == "yes" || s == "1" || s == "true" }

// text8 makes s valid UTF-8: what is not becomes U+FFFD.
func text8(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
