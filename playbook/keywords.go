package playbook

import (
	"slices"

	"thordeploy/internal/diag"
)

// The keywords that thordeploy knows, and those of Ansible that it doesn't do
// yet: writing one of these is an error that says so, because leaving it out
// would change what the playbook means.
var (
	sharedKeywords = []string{
		"name", "vars", "environment", "remote_user", "connection", "become", "become_user", "become_method", "ignore_errors",
	}
	sharedLater = []string{
		"any_errors_fatal", "become_exe", "become_flags", "collections", "debugger", "diff",
		"ignore_unreachable", "module_defaults", "port", "run_once", "tags", "throttle",
	}

	playKeywords = append(slices.Clone(sharedKeywords), "hosts", "gather_facts", "tasks", "strategy")
	playLater    = append(slices.Clone(sharedLater),
		"check_mode", "fact_path", "force_handlers", "gather_subset", "gather_timeout", "handlers",
		"import_playbook", "include", "max_fail_percentage", "no_log", "order", "post_tasks", "pre_tasks", "roles",
		"serial", "timeout", "vars_files", "vars_prompt")

	blockKeywords = append(slices.Clone(sharedKeywords), "block", "rescue", "always", "when", "no_log", "check_mode", "timeout")
	blockLater    = append(slices.Clone(sharedLater), "delegate_facts", "delegate_to", "notify")

	taskKeywords = append(slices.Clone(sharedKeywords),
		"args", "register", "when", "changed_when", "failed_when", "loop", "loop_control", "no_log",
		"timeout", "check_mode", ignoreWarnings)
	taskLater = append(slices.Clone(sharedLater),
		"async", "poll", "delay", "retries", "until", "delegate_facts", "delegate_to", "notify", "listen", "loop_with",
		"local_action", "action",
		"with_items", "with_list", "with_dict", "with_fileglob", "with_first_found", "with_flattened", "with_lines",
		"with_nested", "with_sequence", "with_subelements", "with_together", "with_inventory_hostnames")

	// modulesLater are modules that Ansible runs itself or that a sweep is
	// known to use, and that aren't here yet.
	modulesLater = []string{
		"add_host", "assemble", "apt", "async_status", "blockinfile", "cron", "dnf", "get_url", "git",
		"group", "group_by", "import_playbook", "import_role", "import_tasks", "include", "include_role",
		"include_tasks", "include_vars", "meta", "package", "pip", "reboot", "replace",
		"service", "set_stats", "synchronize", "systemd", "template", "unarchive", "uri", "user",
		"wait_for_connection", "yum",
	}
)

// ignoreWarnings is no keyword of Ansible, but the published THOR playbook has
// it: it is accepted, does nothing and draws one warning a file.
const ignoreWarnings = "ignore_warnings"

// laterHints say what to write instead of a keyword that isn't done yet.
var laterHints = map[string]string{
	"with_items":   "write `loop:`",
	"with_list":    "write `loop:`",
	"local_action": "write the module as the key, and `connection: local` beside it",
	"action":       "write the module's name as the key: `command: …`",
	"tags":         "leave it out, or select hosts with --limit",
	"roles":        "put the role's tasks into the play for now",
	"handlers":     "register the task's result and run the handler's task `when: result is changed`",
	"notify":       "register the task's result and run the handler's task `when: result is changed`",
	"pre_tasks":    "put them at the beginning of `tasks`",
	"post_tasks":   "put them at the end of `tasks`",
	"port":         "set ansible_port in the inventory",
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
		case where == "play" && slices.Contains(taskKeywords, p.name):
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
