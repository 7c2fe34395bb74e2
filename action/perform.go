package action

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"thordeploy/transport/shell"
)

// job is a user's command and how its module reports it.
type job struct {
	shell.Command
	shown any  // the `cmd` return value; nil: none, and no start, end and delta either (raw, script)
	skips bool // what creates or removes keep from running is skipped (script), not ok
}

// perform runs a user's command and makes the Result of command, shell, raw
// and script. err is the reason why nothing ran, or nothing to its end; the
// Result says it too.
func perform(ctx context.Context, c *Call, j job) (r Result, err error) {
	if c.Check {
		return wouldRun(ctx, c, j), nil
	}
	if c.Background != nil {
		return startJob(ctx, c, j), nil
	}
	stdout, stderr := &kept{live: c.live("stdout")}, &kept{live: c.live("stderr")}
	start := time.Now()
	rc, err := c.Shell.Command(ctx, j.Command, stdout, stderr)
	values := map[string]any{"rc": rc}
	if j.shown != nil {
		values["cmd"] = j.shown
		addTimes(values, start, time.Now())
		if rc == 0 && err == nil {
			values["msg"] = "" // a condition may ask for it
		}
	}
	addOutput(values, "stdout", stdout, c.Args)
	addOutput(values, "stderr", stderr, c.Args)
	r = Result{Changed: true, Values: values}
	if rc != 0 {
		r.Failed, r.Msg = true, "non-zero return code"
	}
	var skipped *shell.SkippedError
	var refused *shell.NotRunError
	switch {
	case err == nil:
		return r, nil
	case errors.As(err, &skipped):
		return notNeeded(j, skipped.Creates, false, values), err
	case errors.As(err, &refused):
		msg, hint := notRun(refused)
		r = failed(msg, hint)
		values["stderr"], values["stderr_lines"] = msg, []any{msg}
		if words, isCommand := j.shown.([]any); isCommand {
			asPython(values, refused, words)
		}
	default:
		r = broken(err)
		delete(values, "rc") // there is none
	}
	r.Values = values
	return r, err
}

// notNeeded is the Result where creates is there, or removes isn't: all is
// well, nothing ran.
func notNeeded(j job, creates, check bool, values map[string]any) Result {
	which, state := j.Removes, "does not exist"
	if creates {
		which, state = j.Creates, "exists"
	}
	did := "Did"
	if check {
		did = "Would"
	}
	text := fmt.Sprintf("skipped, since %s %s", which, state)
	if j.skips {
		return Result{Skipped: true, Msg: text}
	}
	values["rc"], values["stdout"], values["stdout_lines"] = 0, text, []any{text}
	return Result{Msg: fmt.Sprintf("%s not run command since '%s' %s", did, which, state), Values: values}
}

// wouldRun is check mode: only creates and removes are looked at.
func wouldRun(ctx context.Context, c *Call, j job) Result {
	values := map[string]any{"rc": 0, "stdout": "", "stdout_lines": []any{}, "stderr": "", "stderr_lines": []any{}}
	if j.shown != nil {
		values["cmd"] = j.shown
		values["start"], values["end"], values["delta"] = nil, nil, nil
	}
	r := Result{Skipped: true, Msg: "Command would have run if not in check mode", Values: values}
	if j.Creates == "" && j.Removes == "" {
		return r
	}
	reply, looked := half(ctx, c, "matches", j.Dir, j.Creates, j.Removes)
	switch {
	case looked.Failed:
		looked.Values = values
		return looked
	case j.Creates != "" && isYes(reply.Values["creates"]):
		return notNeeded(j, true, true, values)
	case j.Removes != "" && !isYes(reply.Values["removes"]):
		return notNeeded(j, false, true, values)
	}
	r.Skipped, r.Changed = false, true
	return r
}

// notRun words why a program could not be started, and what to try.
func notRun(e *shell.NotRunError) (msg, hint string) {
	at := text8(e.Path)
	switch e.Reason {
	case shell.Missing:
		msg = fmt.Sprintf("no such program: %s", at)
		hint = "check its name and the account's PATH"
		if strings.Contains(at, "/") {
			hint = "check the path and chdir; a relative path starts from chdir, or from the account's home"
		}
	case shell.NoExec:
		msg = fmt.Sprintf("%s is not executable by this account: the executable bit is missing, or its file system is mounted noexec", at)
		hint = fmt.Sprintf("set the bit, with copy's mode: \"0755\" or a task `file: path=%s mode=0755`", at)
	case shell.IsFolder:
		msg = fmt.Sprintf("%s is a folder, not a program", at)
		hint = "name the program in it"
	case shell.NoDir:
		msg = fmt.Sprintf("can't change to folder %s before running the command", at)
		hint = "check chdir: the folder must be there, and the account must be able to enter it"
	case shell.Machine:
		file := text8(e.File)
		if file == "other" {
			file = "another machine"
		}
		msg = fmt.Sprintf("Exec format error: %s is built for %s, the host is %s", at, file, text8(e.Host))
		hint = "copy the build for the host's architecture: the fact ansible_architecture names it"
	default:
		msg = text8(e.Error())
	}
	return msg, hint
}

// asPython words the registered result of a command that could not be started
// as Ansible's module does, which conditions ask for: Python's message, no
// times, and the command as one text. What a person is shown stays plain, and
// rc stays a shell's (126, 127): Ansible's own is the errno, and its 2 for a
// program that isn't there would pass for a scanner's "findings".
func asPython(values map[string]any, e *shell.NotRunError, words []any) {
	for _, key := range []string{"start", "end", "delta"} {
		delete(values, key)
	}
	line := make([]string, len(words))
	for i, w := range words {
		line[i], _ = w.(string)
	}
	values["cmd"] = strings.Join(line, " ")
	said := map[shell.Reason]string{
		shell.Missing: "[Errno 2] No such file or directory", shell.NoExec: "[Errno 13] Permission denied",
		shell.IsFolder: "[Errno 13] Permission denied", shell.Machine: "[Errno 8] Exec format error",
		shell.NoDir: "Unable to change directory before execution: [Errno 2] No such file or directory",
	}
	if text, ok := said[e.Reason]; ok {
		values["msg"] = fmt.Sprintf("%s: b'%s'", text, text8(e.Path))
	}
}

// addTimes adds start, end and delta as Ansible words them, by the
// controller's clock.
func addTimes(values map[string]any, start, end time.Time) {
	const layout = "2006-01-02 15:04:05.000000"
	values["start"], values["end"] = start.Format(layout), end.Format(layout)
	d := end.Sub(start)
	days, rest := d/(24*time.Hour), d%(24*time.Hour)
	text := fmt.Sprintf("%d:%02d:%09.6f", rest/time.Hour, rest/time.Minute%60, (rest % time.Minute).Truncate(time.Microsecond).Seconds())
	switch {
	case days == 1:
		text = "1 day, " + text
	case days > 1:
		text = fmt.Sprintf("%d days, %s", days, text)
	}
	values["delta"] = text
}
