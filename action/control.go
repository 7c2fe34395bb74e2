package action

import "slices"

// The modules of this file steer a run rather than do something on a host:
// the runner performs them itself, and imports are replaced by what they bring
// when a playbook is loaded.

// metaSpec is ansible.builtin.meta.
func metaSpec() *Spec {
	return &Spec{
		Name:     "meta",
		Local:    true,
		Runner:   true,
		FreeForm: "free_form",
		Params: []Param{
			{Name: "free_form", Type: String, Required: true, Doc: "what to do; also as the module's own text",
				Choices: []string{
					"clear_facts", "clear_host_errors", "end_batch", "end_host", "end_play", "flush_handlers", "noop",
					"refresh_inventory", "reset_connection",
				}},
		},
		Doc: "Steer the run: run notified handlers now, end the play, forget facts.",
	}
}

// includeTasksSpec is ansible.builtin.include_tasks.
func includeTasksSpec() *Spec {
	return &Spec{
		Name:     "include_tasks",
		Local:    true,
		Runner:   true,
		FreeForm: "file",
		Params: []Param{
			{Name: "file", Type: String, Required: true, Doc: "the file of tasks; also as the module's own text"},
			{Name: "apply", Type: Dict, Doc: "keywords for each of its tasks (tags, become, when)"},
		},
		Doc: "Run the tasks of a file, which may depend on the host and the loop.",
	}
}

// importTasksSpec is ansible.builtin.import_tasks.
func importTasksSpec() *Spec {
	return &Spec{
		Name:     "import_tasks",
		Local:    true,
		Runner:   true,
		FreeForm: "file",
		Params: []Param{
			{Name: "file", Type: String, Required: true, Doc: "the file of tasks; also as the module's own text"},
		},
		Doc: "Put the tasks of a file here when the playbook is loaded; the import's keywords hold for each of them.",
	}
}

// roleParams are what import_role and include_role share.
func roleParams() []Param {
	return []Param{
		{Name: "name", Aliases: []string{"role"}, Type: String, Required: true, Doc: "the role"},
		{Name: "tasks_from", Type: String, Default: "main", Doc: "the file in its `tasks/`"},
		{Name: "vars_from", Type: String, Default: "main", Doc: "the file in its `vars/`"},
		{Name: "defaults_from", Type: String, Default: "main", Doc: "the file in its `defaults/`"},
		{Name: "handlers_from", Type: String, Default: "main", Doc: "the file in its `handlers/`"},
		{Name: "allow_duplicates", Type: Bool, Default: true, Doc: "run it again where it has run already"},
		{Name: "rolespec_validate", Type: Bool, Default: true, Doc: "false: say nothing of the `argument_specs` of the role, which aren't checked here"},
	}
}

// includeRoleSpec is ansible.builtin.include_role.
func includeRoleSpec() *Spec {
	return &Spec{
		Name:   "include_role",
		Local:  true,
		Runner: true,
		Params: slices.Concat(roleParams(), []Param{
			{Name: "apply", Type: Dict, Doc: "keywords for each of its tasks (tags, become, when)"},
			{Name: "public", Type: Bool, Default: false, Doc: "its defaults and vars stay for the rest of the play"},
		}),
		Doc: "Run a role, which may depend on the host and the loop.",
	}
}

// importRoleSpec is ansible.builtin.import_role.
func importRoleSpec() *Spec {
	return &Spec{
		Name:   "import_role",
		Local:  true,
		Runner: true,
		Params: roleParams(),
		Doc:    "Put a role's tasks here when the playbook is loaded; the import's keywords hold for each of them.",
	}
}

// includeVarsSpec is ansible.builtin.include_vars.
func includeVarsSpec() *Spec {
	return &Spec{
		Name:     "include_vars",
		Local:    true,
		Runner:   true,
		FreeForm: "file",
		Params: []Param{
			{Name: "file", Type: Path, Doc: "the file of variables; also as the module's own text"},
			{Name: "dir", Type: Path, Doc: "a folder of them, read in the order of their names"},
			{Name: "name", Type: String, Doc: "a variable to put them into as a mapping"},
			{Name: "depth", Type: Int, Default: 0, Doc: "how deep to go into `dir`; 0: all the way"},
			{Name: "extensions", Type: List, Default: "yaml,yml,json", Doc: "extensions of the files of `dir`"},
			{Name: "files_matching", Type: String, Doc: "regular expression for the names of the files of `dir`"},
			{Name: "ignore_files", Type: List, Doc: "names in `dir` to leave out"},
			{Name: "ignore_unknown_extensions", Type: Bool, Default: false, Doc: "leave other files in `dir` alone rather than fail"},
			{Name: "hash_behaviour", Type: String, Choices: []string{"replace", "merge"}, Doc: "what becomes of mappings that are there already"},
		},
		Exclusive: [][]string{{"file", "dir"}},
		OneOf:     [][]string{{"file", "dir"}},
		Doc:       "Read variables from a file for the rest of the run.",
	}
}

// addHostSpec is ansible.builtin.add_host.
func addHostSpec() *Spec {
	return &Spec{
		Name:   "add_host",
		Local:  true,
		Runner: true,
		Params: []Param{
			{Name: "name", Aliases: []string{"host", "hostname"}, Type: String, Required: true, Doc: "the host, perhaps with `:port`"},
			{Name: "groups", Aliases: []string{"group", "groupname"}, Type: List, Doc: "groups it is in"},
		},
		AnyParam: true,
		Doc:      "Add a host to the inventory for the plays after this one; every other parameter is a variable of it.",
	}
}

// groupBySpec is ansible.builtin.group_by.
func groupBySpec() *Spec {
	return &Spec{
		Name:   "group_by",
		Local:  true,
		Runner: true,
		Params: []Param{
			{Name: "key", Type: String, Required: true, Doc: "the group that each host is put into"},
			{Name: "parents", Type: List, Default: "all", Doc: "groups that this one is in"},
		},
		Doc: "Put hosts into groups by what is known of them.",
	}
}

// setStatsSpec is ansible.builtin.set_stats.
func setStatsSpec() *Spec {
	return &Spec{
		Name:   "set_stats",
		Local:  true,
		Runner: true,
		Params: []Param{
			{Name: "data", Type: Dict, Required: true, Doc: "what to add to the run's statistics"},
			{Name: "per_host", Type: Bool, Default: false, Doc: "keep them for each host"},
			{Name: "aggregate", Type: Bool, Default: true, Doc: "add to what is there rather than replace it"},
		},
		Doc: "Set statistics of the run.",
	}
}
