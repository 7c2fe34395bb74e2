package main

import "thordeploy/runner"

// exitCode is how thordeploy ends. Scripts branch on it: docs/exit-codes.md
// has the same table, and a test holds the two together.
type exitCode int

const (
	exitOK          exitCode = 0
	exitUnexpected  exitCode = 1
	exitFailed      exitCode = 2
	exitUnreachable exitCode = 4
	exitUsage       exitCode = 5
	exitFindings    exitCode = 10
	exitInterrupted exitCode = 99
)

// exitCodes says what each code means, in the order of the documentation.
var exitCodes = []struct {
	code    exitCode
	meaning string
}{
	{exitOK, "all went well"},
	{exitUnexpected, "an unexpected error: thordeploy itself could not go on"},
	{exitFailed, "a task failed on at least one host; of `thordeploy lint`: there are findings"},
	{exitUnreachable, "at least one host was unreachable (wins over 2)"},
	{exitUsage, "the command line, the inventory or a playbook is wrong, or no host is selected; nothing was run"},
	{exitFindings, "findings at or above `--fail-on` (where the code would otherwise be 0)"},
	{exitInterrupted, "the run was interrupted (Ctrl-C, SIGTERM, SIGHUP)"},
}

// codeOf is the exit code that the runs' states come to.
func codeOf(states []*runner.State, failOn threshold) exitCode {
	code := exitOK
	found := false
	for _, s := range states {
		if s.Interrupted {
			return exitInterrupted
		}
		for _, h := range s.Hosts {
			found = found || failOn.reached(h)
			switch {
			case h.Unreachable > 0 || h.Status == runner.Unreachable:
				code = exitUnreachable
			case code == exitOK && h.Broken():
				code = exitFailed
			}
		}
	}
	if code == exitOK && found {
		return exitFindings
	}
	return code
}
