package process

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"thordeploy/scanner/finding"
)

// check looks at a process for one thing.
type check struct {
	name      string // of the rule in findings
	technique string // MITRE ATT&CK's number of what it finds
	about     string
	find      func(*process) (*found, []finding.Matched)
}

// found is what a check says of a process; its score is what a person who
// knows how often administrators do the same would give.
type found struct {
	score   int
	summary string
}

// checks are all that is asked of a process. Each is listed in
// docs/coverage.md with the technique that it serves.
var checks = []check{
	{"Process_Deleted_Executable", "T1070.004", "the executable of a running process was deleted", deletedExecutable},
	{"Process_Memory_Executable", "T1620", "a process runs from memory alone, without a file", memoryExecutable},
	{"Process_Temporary_Executable", "T1036.005", "the executable lies in a folder that everybody may write to", temporaryExecutable},
	{"Process_Hidden_Executable", "T1564.001", "the executable or a folder above it is hidden", hiddenExecutable},
	{"Process_Shell_On_Socket", "T1059.004", "a shell or an interpreter has its input and output on a network connection", shellOnSocket},
	{"Process_Kernel_Thread_Masquerade", "T1036.004", "a program calls itself like a thread of the kernel", kernelMasquerade},
	{"Process_Preload", "T1574.006", "a library is loaded into a process by its environment", preload},
	{"Process_Traced", "T1055.008", "another process traces this one", traced},
	{"Process_Writable_Code", "T1055", "anonymous memory is writable and executable at the same time", writableCode},
	{"Process_No_History", "T1562.003", "a shell is told to keep no history", noHistory},
	{"Process_Deleted_Script", "T1070.004", "an interpreter runs a script that was deleted", deletedScript},
}

func field(name, value string) []finding.Matched {
	return []finding.Matched{{Data: finding.NewText([]byte(value)), Field: name}}
}

// temporary are the folders that everybody may write to.
var temporary = []string{"/tmp/", "/var/tmp/", "/dev/shm/", "/run/lock/", "/run/shm/", "/dev/mqueue/"}

func isTemporary(p string) bool {
	return slices.ContainsFunc(temporary, func(dir string) bool { return strings.HasPrefix(p, dir) })
}

const memfd = "/memfd:"

func deletedExecutable(p *process) (*found, []finding.Matched) {
	switch {
	case !p.deleted || strings.HasPrefix(p.exe, memfd):
		return nil, nil
	case p.replaced:
		// A service that runs on after an update of its package; too common to
		// report by itself.
		return &found{20, "executable " + p.exe + " was replaced while the process runs"}, field("/image/path", p.exe)
	case isTemporary(p.exe):
		return &found{80, "executable " + p.exe + " was deleted, and lay in a folder that everybody may write to"}, field("/image/path", p.exe)
	}
	return &found{60, "executable " + p.exe + " was deleted"}, field("/image/path", p.exe)
}

// cleanMemory are programs that start themselves anew from memory: runc and
// crun do so against being overwritten from inside a container.
var cleanMemory = regexp.MustCompile(`^/memfd:(runc_cloned:/proc/self/exe|crun[^/]*|lxc-[a-z]+)$`)

func memoryExecutable(p *process) (*found, []finding.Matched) {
	name, ok := strings.CutPrefix(p.exe, memfd)
	if !ok || cleanMemory.MatchString(p.exe) {
		return nil, nil
	}
	return &found{80, fmt.Sprintf("runs from memory, as %q, without a file", name)}, field("/image/path", p.exe)
}

func temporaryExecutable(p *process) (*found, []finding.Matched) {
	if p.deleted || !isTemporary(p.exe) {
		return nil, nil
	}
	return &found{60, "runs from " + path.Dir(p.exe) + ", which everybody may write to"}, field("/image/path", p.exe)
}

// hiddenHomes are hidden folders that programs are installed to.
var hiddenHomes = regexp.MustCompile(`^/(?:root|home/[^/]+|var/lib/[^/]+|opt/[^/]+)/\.(?:local|cargo|rustup|nvm|pyenv|rbenv|npm|npm-global|cache|config|vscode|vscode-server|cursor-server|go|bun|deno|dotnet|sdkman|asdf|nix-profile|steam|mozilla|var)/`)

func hiddenExecutable(p *process) (*found, []finding.Matched) {
	if !strings.Contains(p.exe, "/.") || hiddenHomes.MatchString(p.exe) {
		return nil, nil
	}
	return &found{55, "runs from a hidden place, " + p.exe}, field("/image/path", p.exe)
}

// interpreters take commands from their input.
var interpreters = regexp.MustCompile(`^(?:ba|da|z|k|mk|c|tc|fi|a)?sh$|^busybox$|^python[0-9.]*$|^perl[0-9.]*$|^ruby[0-9.]*$|^php[0-9.]*$|^lua[0-9.]*$|^node$|^socat$|^n(?:et)?cat$|^nc(?:\.[a-z]+)?$|^telnet$`)

// shellOnSocket finds reverse and bind shells: input, output and errors on the
// same kind of socket to a peer. sshd and inetd put pipes and terminals there,
// or programs that are no shells.
func shellOnSocket(p *process) (*found, []finding.Matched) {
	if !interpreters.MatchString(path.Base(p.exe)) {
		return nil, nil
	}
	standard := map[string]int{}
	for _, f := range p.files {
		if f.fd <= 2 && strings.HasPrefix(f.target, "socket:[") {
			standard[f.target]++
		}
	}
	for _, s := range p.sockets {
		if !s.remote.IsValid() || s.remote.Port() == 0 {
			continue
		}
		for _, n := range standard {
			if n >= 2 {
				return &found{85, fmt.Sprintf("%s has its input and output on a connection with %s", path.Base(p.exe), s.remote)},
					field("/connections", s.remote.String())
			}
		}
	}
	return nil, nil
}

// kernelNames are names that threads of the kernel have.
var kernelNames = regexp.MustCompile(`^\[?(?:kworker/|ksoftirqd/|kthreadd$|migration/|rcu_|watchdog/|cpuhp/|kswapd[0-9]|khugepaged|kauditd|kdevtmpfs|kblockd|jbd2/|scsi_eh_|xfs-|md[0-9]+_)`)

func kernelMasquerade(p *process) (*found, []finding.Matched) {
	if p.kernel || p.exe == "" {
		return nil, nil
	}
	argv0 := ""
	if len(p.args) > 0 {
		argv0 = p.args[0]
	}
	switch {
	case strings.HasPrefix(argv0, "[") && strings.HasSuffix(strings.TrimRight(argv0, " "), "]"):
		return &found{85, fmt.Sprintf("%s calls itself %s, as threads of the kernel are shown", p.exe, argv0)}, field("/command", argv0)
	case kernelNames.MatchString(p.comm):
		return &found{80, fmt.Sprintf("%s has the name of a thread of the kernel, %s", p.exe, p.comm)}, field("/name", p.comm)
	}
	return nil, nil
}

// usualPreloads are libraries that distributions and administrators preload.
var usualPreloads = regexp.MustCompile(`^(?:lib(?:jemalloc|tcmalloc[a-z_]*|mimalloc|fakeroot[a-z-]*|eatmydata|gtk3-nocsd|asan|tsan|ubsan|nss_wrapper|uid_wrapper|stdbuf|snapd-[a-z]+)\.so[0-9.]*|libfakeroot.*\.so[0-9.]*|libstdbuf\.so|fakechroot/.*)$`)

func preload(p *process) (*found, []finding.Matched) {
	for _, word := range p.env {
		name, value, _ := strings.Cut(word, "=")
		if name != "LD_PRELOAD" && name != "LD_AUDIT" {
			continue
		}
		for _, lib := range strings.FieldsFunc(value, func(r rune) bool { return r == ':' || r == ' ' }) {
			switch {
			case isTemporary(lib) || strings.Contains(lib, "/."):
				return &found{80, fmt.Sprintf("%s loads %s, from a place that is hidden or that everybody may write to", name, lib)}, field("/command", word)
			case !usualPreloads.MatchString(path.Base(lib)):
				return &found{50, fmt.Sprintf("%s loads %s", name, lib)}, field("/command", word)
			}
		}
	}
	return nil, nil
}

func traced(p *process) (*found, []finding.Matched) {
	if p.tracer == 0 {
		return nil, nil
	}
	return &found{45, fmt.Sprintf("process %d traces it", p.tracer)}, nil
}

// compilers make code while they run.
var compilers = regexp.MustCompile(`(?i)^(?:java|node|nodejs|deno|bun|mono(?:-sgen)?|dotnet|qemu-.*|php.*|luajit.*|firefox.*|chrom(?:e|ium).*|electron.*|code|erl|beam\.smp|pypy[0-9.]*|gjs.*|gnome-shell|polkitd|postgres|redis-server|valgrind.*|wine.*|memcheck-.*)$`)

func writableCode(p *process) (*found, []finding.Matched) {
	if compilers.MatchString(path.Base(p.exe)) {
		return nil, nil
	}
	for _, m := range p.maps {
		if strings.HasPrefix(m.perms, "rwx") && (m.path == "" || m.path == "[heap]" || m.path == "[stack]" || strings.HasPrefix(m.path, memfd) || strings.HasPrefix(m.path, "/dev/zero")) {
			return &found{45, fmt.Sprintf("%d bytes of memory are writable and executable", m.size)}, nil
		}
	}
	return nil, nil
}

var shells = regexp.MustCompile(`^(?:ba|da|z|k|mk|c|tc|fi|a)?sh$`)

func noHistory(p *process) (*found, []finding.Matched) {
	if !shells.MatchString(path.Base(p.exe)) {
		return nil, nil
	}
	for _, word := range p.env {
		if word == "HISTFILE=/dev/null" || word == "HISTSIZE=0" || word == "HISTFILESIZE=0" {
			return &found{50, "the shell's environment says " + word}, field("/command", word)
		}
	}
	return nil, nil
}

// deletedScript looks at what a shell or interpreter holds open: scripts that
// remove themselves hide what runs.
func deletedScript(p *process) (*found, []finding.Matched) {
	if !interpreters.MatchString(path.Base(p.exe)) {
		return nil, nil
	}
	for _, f := range p.files {
		name, deleted := strings.CutSuffix(f.target, deletedMark)
		if deleted && f.fd > 2 && scriptName.MatchString(name) {
			return &found{60, "runs " + name + ", which was deleted"}, field("/command", name)
		}
	}
	return nil, nil
}

var scriptName = regexp.MustCompile(`\.(?:sh|bash|py|pl|rb|php|lua|js)$`)
