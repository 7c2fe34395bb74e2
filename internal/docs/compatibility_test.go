package docs

import (
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"thordeploy/oracle"
	"thordeploy/playbook"
)

func uses(t *testing.T) oracle.Uses {
	t.Helper()
	u, err := Uses("../../oracle/cases")
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// Each "yes" of the page names a case that uses the feature.
func TestEachYesNamesACase(t *testing.T) {
	t.Parallel()
	page := Compatibility(pflag.NewFlagSet("", pflag.ContinueOnError), uses(t))
	yes := 0
	for line := range strings.Lines(page) {
		cells := strings.Split(strings.TrimSpace(line), " | ")
		if len(cells) != 3 || cells[1] != "yes" {
			continue
		}
		yes++
		for _, name := range strings.Split(strings.Trim(cells[2], "`| "), "`, `") {
			if _, err := oracle.Load("../../oracle/cases/" + name); err != nil {
				t.Errorf("%s: %v", cells[0], err)
			}
		}
	}
	if yes < 200 {
		t.Errorf("%d features are there: is the page read as it is written?", yes)
	}
}

// A feature that no case uses isn't said to be there without more words.
func TestNoYesWithoutACase(t *testing.T) {
	t.Parallel()
	page := Compatibility(pflag.NewFlagSet("", pflag.ContinueOnError), oracle.Uses{})
	if strings.Contains(page, "| yes |") {
		t.Error("the page says yes though there are no cases")
	}
}

// must is what the project set out to do: all of it is held by cases.
var must = map[string]string{
	"play":         "pre_tasks tasks post_tasks roles handlers vars vars_files vars_prompt gather_facts serial max_fail_percentage any_errors_fatal strategy order force_handlers environment become become_user tags check_mode",
	"block":        "block rescue always when tags any_errors_fatal ignore_errors run_once throttle timeout become_user environment",
	"task":         "register when loop until retries delay changed_when failed_when ignore_errors ignore_unreachable any_errors_fatal delegate_to delegate_facts local_action connection run_once throttle environment become become_user become_flags no_log timeout tags notify vars args check_mode with_items with_list with_dict with_fileglob with_first_found with_flattened with_lines with_nested with_sequence with_subelements with_together with_inventory_hostnames",
	"module":       "command shell raw script copy file fetch stat find tempfile unarchive slurp template lineinfile assert fail debug set_fact pause wait_for setup ping meta include_tasks import_tasks import_playbook include_role import_role include_vars package service synchronize",
	"filter":       "default bool int lower upper string basename dirname length join split list map select reject selectattr flatten zip first last sort unique regex_replace trim to_json to_nice_json combine dict2items items2dict b64decode hash",
	"test":         "defined undefined succeeded failed changed skipped match search regex version file directory exists link",
	"lookup":       "file fileglob vars",
	"flag":         "--tags --skip-tags --start-at-task --check --diff --limit --forks --vault-password-file --vault-id",
	"loop_control": "label loop_var",
}

func TestWhatTheProjectSetOutToDoIsHeld(t *testing.T) {
	t.Parallel()
	u := uses(t)
	for kind, names := range must {
		for _, name := range strings.Fields(names) {
			if len(u.Cases(kind, name)) == 0 {
				t.Errorf("%s %s is in no case", kind, name)
			}
		}
	}
}

// What the page says of names that aren't there must be of names that aren't.
func TestReasonsForWhatIsAbsent(t *testing.T) {
	t.Parallel()
	core := readCore()
	for key := range absent {
		kind, name, _ := strings.Cut(key, " ")
		switch kind {
		case "filter":
			if _, there := playbook.Filters()[name]; there {
				t.Errorf("%s is there", key)
			}
		case "module":
			if _, known := core.Modules[name]; !known {
				t.Errorf("%s is no module of Ansible's", key)
			}
			if _, there := language().Modules(name); there {
				t.Errorf("%s is there", key)
			}
		}
	}
}

func TestScanFindsWhatATaskUses(t *testing.T) {
	t.Parallel()
	u := uses(t)
	for _, f := range [][3]string{
		{"parameter", "copy.src", "copy"}, {"parameter", "command.cmd", "command"}, {"flag", "--tags", "tags"},
		{"filter", "upper", "template"}, {"role", "vars", "roles"}, {"module", "import_playbook", "import-playbook"},
		{"test", "succeeded", "until"}, {"task", "with_subelements", "with"}, {"lookup", "subelements", "with"},
	} {
		found := false
		for _, c := range u.Cases(f[0], f[1]) {
			found = found || c == f[2]
		}
		if !found {
			t.Errorf("%s %s is not found in case %s: %v", f[0], f[1], f[2], u.Cases(f[0], f[1]))
		}
	}
}
