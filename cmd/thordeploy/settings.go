package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"thordeploy/internal/diag"
	"thordeploy/playbook"
	"thordeploy/transport/ssh/sshconfig"
)

// known is one setting of Ansible that means something here. A flag wins over
// the environment, that over ansible.cfg.
type known struct {
	key   string   // section.key of ansible.cfg
	env   []string // the first that is set counts
	flag  string   // the flag that wins over it, empty: none
	doc   string   // what becomes of it
	apply func(m *Main, s setting) error
}

// settings lists them, in the order of the documentation. What isn't listed is
// ignored, as Ansible ignores what it doesn't know.
func settings() []known {
	return []known{
		{"defaults.inventory", []string{"ANSIBLE_INVENTORY"}, "inventory", "inventories, separated by commas", inventorySetting},
		{"defaults.roles_path", []string{"ANSIBLE_ROLES_PATH"}, "", "folders of roles, separated by colons", rolesSetting},
		{"defaults.forks", []string{"ANSIBLE_FORKS"}, "forks", "hosts at once", number(func(m *Main, n int) { m.forks = n })},
		{"defaults.remote_user", []string{"ANSIBLE_REMOTE_USER"}, "user", "account to log in as", text(func(m *Main, s string) { m.user = s })},
		{"defaults.remote_port", []string{"ANSIBLE_REMOTE_PORT"}, "", "port, where the inventory has none", number(func(m *Main, n int) { m.sshArgs += " -p " + strconv.Itoa(n) })},
		{"defaults.private_key_file", []string{"ANSIBLE_PRIVATE_KEY_FILE"}, "private-key", "private key", pathSetting(func(m *Main, s string) { m.privateKey = s })},
		{"defaults.timeout", []string{"ANSIBLE_TIMEOUT"}, "timeout", "seconds that connecting may take", number(func(m *Main, n int) { m.timeout = duration(time.Duration(n) * time.Second) })},
		{"defaults.ask_pass", []string{"ANSIBLE_ASK_PASS"}, "ask-pass", "ask for the login password", yes(func(m *Main) { m.askPass = true })},
		{"defaults.transport", []string{"ANSIBLE_TRANSPORT"}, "connection", "ssh or local, where nothing else says", text(func(m *Main, s string) { m.connection = s })},
		{"defaults.strategy", []string{"ANSIBLE_STRATEGY"}, "strategy", "strategy of plays that don't say", text(func(m *Main, s string) { m.strategy = s })},
		{"defaults.gathering", []string{"ANSIBLE_GATHERING"}, "", "under the name ansible-playbook: implicit or explicit; smart is implicit", oneOf([]string{"implicit", "explicit", "smart"}, func(m *Main, s string) { m.gathering = s })},
		{"defaults.vault_password_file", []string{"ANSIBLE_VAULT_PASSWORD_FILE"}, "vault-password-file", "file with the vault's password", pathSetting(func(m *Main, s string) { m.vault.files = append(m.vault.files, s) })},
		{"defaults.vault_identity_list", []string{"ANSIBLE_VAULT_IDENTITY_LIST"}, "vault-id", "vault passwords with their labels", vaultIDs},
		{"defaults.ask_vault_pass", []string{"ANSIBLE_ASK_VAULT_PASS"}, "ask-vault-pass", "ask for the vault's password", yes(func(m *Main) { m.vault.ask = true })},
		{"defaults.host_key_checking", []string{"ANSIBLE_HOST_KEY_CHECKING", "ANSIBLE_SSH_HOST_KEY_CHECKING"}, "", "not followed where it is off: host keys stay checked, and one line says so", hostKeySetting},
		{"defaults.force_handlers", []string{"ANSIBLE_FORCE_HANDLERS"}, "force-handlers", "run notified handlers of failed hosts too", yes(func(m *Main) { m.forceHandlers = true })},
		{"defaults.display_skipped_hosts", []string{"ANSIBLE_DISPLAY_SKIPPED_HOSTS", "DISPLAY_SKIPPED_HOSTS"}, "", "under the name ansible-playbook", no(func(m *Main) { m.form.HideSkipped = true })},
		{"defaults.display_ok_hosts", []string{"ANSIBLE_DISPLAY_OK_HOSTS"}, "", "under the name ansible-playbook", no(func(m *Main) { m.form.HideOK = true })},
		{"defaults.display_failed_stderr", []string{"ANSIBLE_DISPLAY_FAILED_STDERR"}, "", "under the name ansible-playbook", yes(func(m *Main) { m.form.FailedToStderr = true })},
		{"defaults.check_mode_markers", []string{"ANSIBLE_CHECK_MODE_MARKERS"}, "", "under the name ansible-playbook", yes(func(m *Main) { m.form.CheckMarkers = true })},
		{"defaults.nocolor", []string{"ANSIBLE_NOCOLOR", "NO_COLOR"}, "", "no colours", yes(func(m *Main) { m.noColor = true })},
		{"defaults.force_color", []string{"ANSIBLE_FORCE_COLOR"}, "", "colours without a terminal too", yes(func(m *Main) { m.forceColor = true })},
		{"defaults.verbosity", []string{"ANSIBLE_VERBOSITY"}, "verbose", "as many times -v", number(func(m *Main, n int) { m.verbose = n })},
		{"diff.always", []string{"ANSIBLE_DIFF_ALWAYS"}, "diff", "as --diff", yes(func(m *Main) { m.diff = true })},
		{"tags.run", []string{"ANSIBLE_RUN_TAGS"}, "tags", "as --tags", list(func(m *Main, l []string) { m.tags = l })},
		{"tags.skip", []string{"ANSIBLE_SKIP_TAGS"}, "skip-tags", "as --skip-tags", list(func(m *Main, l []string) { m.skipTags = l })},
		{"privilege_escalation.become", []string{"ANSIBLE_BECOME"}, "become", "become another account for every task that doesn't say otherwise", yes(func(m *Main) { m.become = true })},
		{"privilege_escalation.become_user", []string{"ANSIBLE_BECOME_USER"}, "become-user", "account to become", text(func(m *Main, s string) { m.becomeUser = s })},
		{"privilege_escalation.become_method", []string{"ANSIBLE_BECOME_METHOD"}, "become-method", "how", text(func(m *Main, s string) { m.becomeMethod = s })},
		{"privilege_escalation.become_ask_pass", []string{"ANSIBLE_BECOME_ASK_PASS"}, "ask-become-pass", "ask for its password", yes(func(m *Main) { m.askBecome = true })},
		{"ssh_connection.ssh_args", []string{"ANSIBLE_SSH_ARGS"}, "", "options of ssh, as in the host's ansible_ssh_common_args, which win over them", sshSetting},
		{"ssh_connection.ssh_common_args", []string{"ANSIBLE_SSH_COMMON_ARGS"}, "ssh-common-args", "the same", sshSetting},
		{"ssh_connection.ssh_extra_args", []string{"ANSIBLE_SSH_EXTRA_ARGS"}, "ssh-extra-args", "the same", sshSetting},
		{"defaults.stdout_callback", []string{"ANSIBLE_STDOUT_CALLBACK"}, "", "only `default` is there; another one draws a warning", only("default", "the form of `default` is printed")},
		{"defaults.callback_result_format", []string{"ANSIBLE_CALLBACK_RESULT_FORMAT"}, "", "only `json` is there; yaml draws a warning", only("json", "results are printed as JSON")},
		{"defaults.hash_behaviour", []string{"ANSIBLE_HASH_BEHAVIOUR"}, "", "`merge` is an error", refuse("replace", "variables would have other values: use the filter `combine`")},
		{"defaults.jinja2_native", []string{"ANSIBLE_JINJA2_NATIVE"}, "", "without effect: templates make what they make with `false`", ignore},
		{"defaults.jinja2_extensions", []string{"ANSIBLE_JINJA2_EXTENSIONS"}, "", "an error", refuse("", "templates would mean something else")},
		{"defaults.any_errors_fatal", []string{"ANSIBLE_ANY_ERRORS_FATAL"}, "", "`true` is an error", refuse("false", "write `any_errors_fatal: true` on the plays")},
		{"defaults.nocows", []string{"ANSIBLE_NOCOWS"}, "", "without effect: there are no cows", ignore},
		{"defaults.retry_files_enabled", []string{"ANSIBLE_RETRY_FILES_ENABLED"}, "", "without effect: there are no retry files", ignore},
	}
}

// configure takes over what the environment and ansible.cfg say, where no flag
// says otherwise.
func (m *Main) configure(given func(flag string) bool) error {
	c, err := m.readConfig()
	if err != nil {
		return err
	}
	m.configFile = c.file
	for _, s := range []setting{{value: m.sshCommon, from: "--ssh-common-args"}, {value: m.sshExtra, from: "--ssh-extra-args"}} {
		if s.value != "" {
			if err := checkSSH(m, s); err != nil {
				return err
			}
		}
	}
	for _, k := range settings() {
		if k.flag != "" && given(k.flag) {
			continue
		}
		s, ok := m.fromEnv(k.env)
		if !ok {
			if s, ok = c.values[k.key]; !ok || s.value == "" {
				continue
			}
		}
		if err := k.apply(m, s); err != nil {
			return err
		}
	}
	return nil
}

func (m *Main) fromEnv(names []string) (setting, bool) {
	for _, name := range names {
		if v := m.Getenv(name); v != "" {
			return setting{value: v, from: name}, true
		}
	}
	return setting{}, false
}

func (s setting) wrong(hint, format string, args ...any) error {
	return wrong(hint, "%s = %s: %s", s.from, diag.Escape(s.value), fmt.Sprintf(format, args...))
}

// path is the value as a path, from the folder of its file.
func (m *Main) settingPath(s setting, value string) string {
	value = m.expand(strings.ReplaceAll(strings.TrimSpace(value), "{{CWD}}", "."))
	if filepath.IsAbs(value) || s.dir == "" {
		return value
	}
	return filepath.Join(s.dir, value)
}

func text(set func(*Main, string)) func(*Main, setting) error {
	return func(m *Main, s setting) error { set(m, s.value); return nil }
}

// oneOf is a word out of a few.
func oneOf(list []string, set func(*Main, string)) func(*Main, setting) error {
	return func(m *Main, s setting) error {
		if !slices.Contains(list, s.value) {
			return s.wrong("write one of "+strings.Join(list, ", "), "not known")
		}
		set(m, s.value)
		return nil
	}
}

func pathSetting(set func(*Main, string)) func(*Main, setting) error {
	return func(m *Main, s setting) error { set(m, m.settingPath(s, s.value)); return nil }
}

func list(set func(*Main, []string)) func(*Main, setting) error {
	return func(m *Main, s setting) error { set(m, words(s.value)); return nil }
}

// words are the parts of a list with commas.
func words(text string) []string {
	var out []string
	for _, w := range strings.Split(text, ",") {
		if w = strings.TrimSpace(w); w != "" {
			out = append(out, w)
		}
	}
	return out
}

func number(set func(*Main, int)) func(*Main, setting) error {
	return func(m *Main, s setting) error {
		n, err := strconv.Atoi(s.value)
		if err != nil || n < 0 || n > 1<<20 {
			return s.wrong("write a whole number", "not a number")
		}
		set(m, n)
		return nil
	}
}

// truth reads Ansible's words for booleans.
func (s setting) truth() (bool, error) {
	switch strings.ToLower(s.value) {
	case "true", "yes", "on", "1", "y", "t":
		return true, nil
	case "false", "no", "off", "0", "n", "f":
		return false, nil
	}
	return false, s.wrong("write yes or no", "not a boolean")
}

// yes calls set where the setting is on, no where it is off.
func yes(set func(*Main)) func(*Main, setting) error { return when(true, set) }

func no(set func(*Main)) func(*Main, setting) error { return when(false, set) }

func when(want bool, set func(*Main)) func(*Main, setting) error {
	return func(m *Main, s setting) error {
		on, err := s.truth()
		if strings.HasSuffix(s.from, "NO_COLOR") { // no-color.org: any value
			on, err = true, nil
		}
		if err == nil && on == want {
			set(m)
		}
		return err
	}
}

func ignore(*Main, setting) error { return nil }

// only warns of a value that isn't done.
func only(value, instead string) func(*Main, setting) error {
	return func(m *Main, s setting) error {
		if name := strings.TrimPrefix(s.value, "ansible.builtin."); m.ansible && name != value {
			fmt.Fprintf(m.err, "[WARNING]: %s = %s is not done here: %s\n", s.from, diag.Escape(s.value), instead)
		}
		return nil
	}
}

// refuse is an error for every value but one.
func refuse(value, why string) func(*Main, setting) error {
	return func(_ *Main, s setting) error {
		if on, err := s.truth(); s.value == value || err == nil && !on && value == "false" {
			return nil
		}
		return s.wrong("take it out: "+why, "this is not done here")
	}
}

func inventorySetting(m *Main, s setting) error {
	for _, name := range words(s.value) {
		m.inventories = append(m.inventories, m.settingPath(s, name))
	}
	if strings.HasSuffix(strings.TrimSpace(s.value), ",") || !strings.Contains(s.value, "/") && strings.Count(s.value, ",") > 0 && s.dir == "" {
		m.inventories = []string{s.value} // a list of names
	}
	return nil
}

func rolesSetting(m *Main, s setting) error {
	for _, dir := range filepath.SplitList(s.value) {
		if dir == "" {
			continue
		}
		path, err := filepath.Abs(m.settingPath(s, dir))
		if err != nil {
			return err
		}
		m.rolesPath = append(m.rolesPath, path)
	}
	return nil
}

func vaultIDs(m *Main, s setting) error {
	for _, id := range words(s.value) {
		label, source, ok := strings.Cut(id, "@")
		if ok && source != "prompt" {
			id = label + "@" + m.settingPath(s, source)
		}
		m.vault.ids = append(m.vault.ids, id)
	}
	return nil
}

func hostKeySetting(m *Main, s setting) error {
	on, err := s.truth()
	if err == nil && !on {
		fmt.Fprintf(m.err, "warning: %s = %s is not followed: host keys stay checked; `thordeploy hosts scan-keys` gathers them, -o StrictHostKeyChecking=accept-new in ssh_args takes those of unknown hosts, and ansible_host_key_checking gives it up for a host\n", s.from, diag.Escape(s.value))
	}
	return err
}

// sshSetting takes options of ssh.
func sshSetting(m *Main, s setting) error {
	if err := checkSSH(m, s); err != nil {
		return err
	}
	m.sshArgs += " " + s.value
	return nil
}

// checkSSH finds what is wrong with options of ssh; turning the checking of host
// keys off by them is said.
func checkSSH(m *Main, s setting) error {
	args, err := sshconfig.ParseArgs(s.value)
	if err != nil {
		return s.wrong("leave it out, or set what it is for in the inventory", "%v", err)
	}
	if args.Options().HostKeyChecking == sshconfig.Off {
		fmt.Fprintf(m.err, "warning: %s: host keys are not checked: whoever is in between can be the host\n", s.from)
	}
	return nil
}

// gatherDefault makes plays that don't say gather facts, as ansible-playbook
// does, or with `gathering: explicit` not.
func (m *Main) gatherDefault(pb *playbook.Playbook) {
	if !m.ansible {
		return
	}
	on := m.gathering != "explicit"
	for _, p := range pb.Plays {
		if p.GatherFacts == nil {
			p.GatherFacts = &on
		}
	}
}
