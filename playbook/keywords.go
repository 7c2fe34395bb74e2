package playbook

import (
	"slices"
	"strings"

	"thordeploy/internal/diag"
)

// The keywords that thordeploy knows, and those of Ansible that it doesn't do
// yet: writing one of these is an error that says so, because leaving it out
// would change what the playbook means.
var (
	sharedKeywords = []string{
		"name", "vars", "environment", "remote_user", "connection", "port",
		"become", "become_user", "become_method", "become_flags", "become_exe",
		"no_log", "check_mode", "diff", "ignore_errors", "ignore_unreachable", "any_errors_fatal", "run_once", "throttle", "timeout",
		"tags", "module_defaults", "collections", "debugger", ignoreWarnings,
	}

	playKeywords = append(slices.Clone(sharedKeywords), "hosts", "user", "strategy", "serial", "order",
		"gather_facts", "gather_subset", "gather_timeout", "fact_path", "max_fail_percentage", "force_handlers",
		"vars_files", "vars_prompt", "roles", "pre_tasks", "tasks", "post_tasks", "handlers")
	playLater = []string{"include"}

	// taskOrBlock are those that tasks and blocks have besides.
	taskOrBlock = []string{"when", "delegate_to", "delegate_facts", "notify"}

	blockKeywords = append(append(slices.Clone(sharedKeywords), taskOrBlock...), "block", "rescue", "always")

	taskKeywords = append(append(slices.Clone(sharedKeywords), taskOrBlock...),
		"action", "local_action", "args", "register", "changed_when", "failed_when", "until", "retries", "delay",
		"async", "poll", "listen", "loop", "loop_control")
	taskLater = []string{"loop_with"}

	loopKeywords = []string{"loop_var", "index_var", "label", "pause", "extended", "extended_allitems"}
	loopLater    = []string{"break_when"}

	// modulesLater are modules that Ansible runs itself or that a sweep is
	// known to use, and that aren't here yet.
	modulesLater = []string{
		"assemble", "cron", "git",
		"group", "include",
		"pip", "reboot",
		"uri", "user",
	}
)

// ignoreWarnings is no keyword of Ansible, but the published THOR playbook has
// it: it is accepted, does nothing and draws one warning a file.
const ignoreWarnings = "ignore_warnings"

// laterHints say what to write instead of what isn't done yet.
var laterHints = map[string]string{
	"include": "write include_tasks, import_tasks or import_playbook",
}

// isTaskKeyword reports whether a task's key is a keyword: one of the table, or
// with_ and a lookup.
func isTaskKeyword(name string) bool {
	return slices.Contains(taskKeywords, name) || strings.HasPrefix(name, "with_")
}

// unknownKeyword reports a key that is no keyword where it stands.
func (ld *loader) unknownKeyword(p pair, where string, known, later []string) {
	defer ld.as(RuleKeyword)()
	if slices.Contains(later, p.name) {
		ld.errorf(p.key, laterHints[p.name], "keyword `%s` of a %s is not supported yet", p.name, where)
		return
	}
	hint := diag.DidYouMean(p.name, known)
	if hint == "" {
		switch {
		case where == "play" && isTaskKeyword(p.name):
			hint = "this is a keyword of a task: put it there"
		case where != "play" && slices.Contains(playKeywords, p.name):
			hint = "this is a keyword of a play: put it there"
		}
	}
	ld.errorf(p.key, hint, "unknown keyword `%s` of a %s", p.name, where)
}

// warnIgnored draws the one warning about ignore_warnings.
func (ld *loader) warnIgnored(p pair) {
	defer ld.as(RuleIgnoredKeyword)()
	if !ld.ignored {
		ld.warnf(p.key, "leave it out; ignore_errors lets a play go on after a failure",
			"`%s` does nothing: Ansible has no such keyword", ignoreWarnings)
	}
	ld.ignored = true
}
