package hostcheck

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"thordeploy/scanner/finding"
)

var hiddenProcess = &rule{"Hidden_Process", "T1014", "a process is there and isn't listed"}

// hiddenProcesses asks the kernel for every possible process and compares with
// the list in /proc, which a rootkit of the kernel filters. A library that
// filters it for other programs isn't in this one.
var hiddenProcesses = &check{
	module: "HiddenProcesses", about: "processes that answer and aren't listed in /proc",
	rules: []*rule{hiddenProcess},
	look:  lookForHidden,
}

// exists asks whether a process or thread has the number.
var exists = func(pid int) bool {
	err := unix.Kill(pid, 0)
	return err == nil || errors.Is(err, unix.EPERM)
}

func lookForHidden(ctx context.Context, h *host) {
	limit, err := strconv.Atoi(strings.TrimSpace(string(h.readProc("/proc/sys/kernel/pid_max"))))
	if err != nil {
		h.errs = append(h.errs, errors.New("look for hidden processes: /proc can't be read"))
		return
	}
	before := h.listed()
	if len(before) == 0 {
		h.errs = append(h.errs, errors.New("look for hidden processes: /proc lists none"))
		return
	}
	var odd []int
	for pid := 1; pid <= limit; pid++ {
		if pid%4096 == 0 && ctx.Err() != nil {
			return
		}
		if !before[pid] && exists(pid) && !h.isThread(pid) {
			odd = append(odd, pid)
		}
	}
	if len(odd) == 0 {
		return
	}
	// What began after the first list is in the second one; what has ended
	// doesn't answer any more.
	after := h.listed()
	for _, pid := range odd {
		if !after[pid] && exists(pid) && !h.isThread(pid) {
			h.report(hiddenProcess, finding.NewProcess(pid, h.name(pid), "", ""), 85, nil, "process %d answers and isn't listed in /proc", pid)
		}
	}
}

// listed are the numbers that /proc lists.
func (h *host) listed() map[int]bool {
	out := map[int]bool{}
	for _, name := range h.list("/proc") {
		if pid, err := strconv.Atoi(name); err == nil {
			out[pid] = true
		}
	}
	return out
}

// isThread reports whether the number is that of a thread of a listed process:
// /proc has a folder for it, which it doesn't list.
func (h *host) isThread(pid int) bool {
	for line := range strings.Lines(string(h.readProc(fmt.Sprintf("/proc/%d/status", pid)))) {
		if group, ok := strings.CutPrefix(line, "Tgid:"); ok {
			n, err := strconv.Atoi(strings.TrimSpace(group))
			return err == nil && n != pid
		}
	}
	return false
}

func (h *host) name(pid int) string {
	return strings.TrimSpace(string(h.readProc(fmt.Sprintf("/proc/%d/comm", pid))))
}

// readProc reads a file of /proc, nil where it can't be: most are gone as soon
// as they are asked for.
func (h *host) readProc(name string) []byte {
	data, err := os.ReadFile(h.path(name))
	if err != nil {
		return nil
	}
	return data
}
