package hostcheck

import (
	"context"
	"maps"
	"os"
	"slices"
	"strings"

	"thordeploy/scanner/finding"
)

var (
	hiddenModule = &rule{"Kernel_Module_Hidden", "T1014", "the kernel's lists of modules contradict one another"}
	forcedModule = &rule{"Kernel_Module_Forced", "T1547.006", "a module was loaded by force"}
)

// kernelModules compares what /proc/modules, /sys/module and /proc/kallsyms say
// of the modules of the kernel: a rootkit takes itself out of one and forgets
// another.
var kernelModules = &check{
	module: "KernelModules", about: "modules of the kernel, as three lists have them",
	rules: []*rule{hiddenModule, forcedModule},
	look:  lookAtModules,
}

// moduleLists are the three lists, read one after the other.
type moduleLists struct{ proc, sys, symbols map[string]bool }

func lookAtModules(_ context.Context, h *host) {
	first, ok := h.moduleLists()
	if !ok {
		return // a kernel without modules
	}
	second, _ := h.moduleLists() // a module that comes or goes meanwhile differs in one of them alone
	all := maps.Clone(first.proc)
	maps.Copy(all, first.sys)
	maps.Copy(all, first.symbols)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		subject := &finding.KernelModule{Type: "Linux kernel module", Name: finding.PathText(name), InProcModules: first.proc[name], InSysModule: first.sys[name]}
		if wrong := first.contradiction(name); wrong != "" && wrong == second.contradiction(name) {
			h.report(hiddenModule, subject, 85, nil, "module %s %s", name, wrong)
		}
		taint := strings.TrimSpace(string(h.readProc("/sys/module/" + name + "/taint")))
		if first.sys[name] && strings.Contains(taint, "F") {
			h.report(forcedModule, subject, 60, nil, "module %s was loaded by force (taint %s)", name, taint)
		}
	}
}

// contradiction says how the lists disagree about a module, empty if they don't.
func (l moduleLists) contradiction(name string) string {
	switch {
	case !l.proc[name] && l.sys[name]:
		return "is in /sys/module and not in /proc/modules"
	case !l.proc[name] && l.symbols[name]:
		return "has symbols and isn't in /proc/modules"
	case l.proc[name] && !l.sys[name] && len(l.sys) > 0:
		return "is in /proc/modules and not in /sys/module"
	}
	return ""
}

func (h *host) moduleLists() (moduleLists, bool) {
	proc, ok := h.procModules()
	return moduleLists{proc, h.sysModules(), h.symbolModules()}, ok
}

// procModules are those that /proc/modules lists; ok is false where there is no
// such file.
func (h *host) procModules() (map[string]bool, bool) {
	data := h.readProc("/proc/modules")
	if data == nil {
		return nil, false
	}
	out := map[string]bool{}
	for line := range strings.Lines(string(data)) {
		if f := strings.Fields(line); len(f) >= 5 {
			out[f[0]] = true
		}
	}
	return out, true
}

// sysModules are those in /sys/module that were loaded: what is built into the
// kernel has no state.
func (h *host) sysModules() map[string]bool {
	out := map[string]bool{}
	for _, name := range h.list("/sys/module") {
		state, err := os.ReadFile(h.path("/sys/module/" + name + "/initstate"))
		if err == nil && strings.TrimSpace(string(state)) == "live" {
			out[name] = true
		}
	}
	return out
}

// symbolModules are those that /proc/kallsyms has symbols of.
func (h *host) symbolModules() map[string]bool {
	out := map[string]bool{}
	for line := range strings.Lines(string(h.readProc("/proc/kallsyms"))) {
		at := strings.LastIndexByte(line, '[')
		name, ok := strings.CutSuffix(strings.TrimRight(line, "\n"), "]")
		if at < 0 || !ok {
			continue
		}
		switch name = name[at+1:]; name {
		case "bpf", "__builtin__kprobes", "__builtin__ftrace": // no modules
		default:
			out[name] = true
		}
	}
	return out
}
