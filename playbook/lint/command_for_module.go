package lint

import (
	"slices"
	"strings"

	"thordeploy/action"
	"thordeploy/internal/diag"
)

var commandForModule = Rule{
	ID: "command-for-module", Severity: diag.Warning,
	Doc:   "a command that a module does better",
	Why:   "The module looks first and changes only what isn't so already, works in check mode, and says what is wrong; a command does it again on every run and reports a change each time.",
	check: checkCommandForModule,
}

// betterModules say, by program, which module does it and how it is written.
// An entry counts where the module is there.
var betterModules = map[string]struct{ module, how string }{
	"mkdir":     {"file", "`file: path=… state=directory`"},
	"touch":     {"file", "`file: path=… state=touch`"},
	"ln":        {"file", "`file: path=… src=… state=link`"},
	"chmod":     {"file", "`file: path=… mode=…`"},
	"chown":     {"file", "`file: path=… owner=…`"},
	"chgrp":     {"file", "`file: path=… group=…`"},
	"rm":        {"file", "`file: path=… state=absent`"},
	"cp":        {"copy", "`copy: src=… dest=… remote_src=true`"},
	"mount":     {"mount", "`mount: path=… src=… fstype=… state=ephemeral`"},
	"umount":    {"unmount", "`unmount: path` (Ansible: `mount: path=… state=unmounted`)"},
	"find":      {"find", "`find: paths=… patterns=…`"},
	"stat":      {"stat", "`stat: path=…`"},
	"mktemp":    {"tempfile", "`tempfile: state=file`"},
	"curl":      {"get_url", "`get_url: url=… dest=…`"},
	"wget":      {"get_url", "`get_url: url=… dest=…`"},
	"tar":       {"unarchive", "`unarchive: src=… dest=…`"},
	"unzip":     {"unarchive", "`unarchive: src=… dest=…`"},
	"rsync":     {"synchronize", "`synchronize: src=… dest=…`"},
	"systemctl": {"service", "`service: name=… state=…`"},
	"service":   {"service", "`service: name=… state=…`"},
	"apt-get":   {"package", "`package: name=… state=…`"},
	"apt":       {"package", "`package: name=… state=…`"},
	"yum":       {"package", "`package: name=… state=…`"},
	"dnf":       {"package", "`package: name=… state=…`"},
	"zypper":    {"package", "`package: name=… state=…`"},
	"apk":       {"package", "`package: name=… state=…`"},
}

// doingWords are, for programs that do much besides, the words with which they
// do what the module does.
var doingWords = map[string][]string{
	"systemctl": {"start", "stop", "restart", "reload", "enable", "disable"},
	"service":   {"start", "stop", "restart", "reload"},
	"apt-get":   {"install", "remove", "purge"},
	"apt":       {"install", "remove", "purge"},
	"yum":       {"install", "remove", "erase"},
	"dnf":       {"install", "remove"},
	"zypper":    {"install", "in", "remove", "rm"},
	"apk":       {"add", "del"},
	"tar":       {"x", "xf", "xzf", "xvf", "xvzf", "xjf", "xJf", "--extract", "-x", "-xf", "-xzf", "-xvf", "-xvzf", "-xjf", "-xJf", "-zxf", "-zxvf"},
	"curl":      {"-o", "-O", "--output", "--remote-name", "-LO", "-sLo", "-fsSLo", "-sSLo", "-Lo", "-so"},
}

func checkCommandForModule(p *pass) {
	p.tasks(func(s *step) {
		if s.module() != "command" && (s.module() != "shell" || needsShell(s.line()) != "") {
			return
		}
		name, args := s.program()
		better, ok := betterModules[base(name)]
		if !ok || len(args) == 0 || !does(base(name), args) || s.globs() {
			return
		}
		if _, there := action.Lookup(better.module); !there {
			return
		}
		p.report(s.ModuleRange, "write "+better.how, "module `%s` does what `%s` does here", better.module, base(name))
	})
}

// does reports whether the program does with these words what the module does.
func does(program string, args []string) bool {
	words := doingWords[program]
	return words == nil || slices.ContainsFunc(args, func(a string) bool { return slices.Contains(words, a) })
}

// globs reports a command line with patterns for several files, which a module
// doesn't take.
func (s *step) globs() bool {
	return slices.ContainsFunc(split(s.line()), func(w lineWord) bool { return strings.ContainsAny(w.bare, "*?[") })
}
