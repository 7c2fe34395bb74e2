package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var updatePages = flag.Bool("update-pages", false, "write the tables of docs/ansible-playbook.md")

// flagRows is the table of flags, as docs/ansible-playbook.md has it.
func flagRows() string {
	var b strings.Builder
	b.WriteString("| flag | | meaning |\n| --- | --- | --- |\n")
	for _, f := range ansibleTable() {
		name := "`--" + f.name + "`"
		if f.short != "" {
			name = "`-" + f.short + "`, " + name
		}
		if f.also != "" {
			name += ", `--" + f.also + "`"
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", name, f.how, f.doc)
	}
	return b.String()
}

func settingRows() string {
	var b strings.Builder
	b.WriteString("| ansible.cfg | environment | meaning |\n| --- | --- | --- |\n")
	for _, k := range settings() {
		fmt.Fprintf(&b, "| `%s` | `%s` | %s |\n", k.key, strings.Join(k.env, "`, `"), k.doc)
	}
	return b.String()
}

// The tables of the page are those of the program.
func TestDocumentedAnsible(t *testing.T) {
	const page = "../../docs/ansible-playbook.md"
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	for heading, want := range map[string]string{"## Flags\n": flagRows(), "## ansible.cfg and the environment\n": settingRows()} {
		_, section, found := strings.Cut(text, heading)
		start := strings.Index(section, "| ")
		if !found || start < 0 {
			t.Fatalf("%s has no table under %q", page, heading)
		}
		got := section[start:]
		if end := strings.Index(got, "|\n\n"); end >= 0 {
			got = got[:end+2]
		}
		if *updatePages {
			text = strings.Replace(text, got, want, 1)
		} else if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s, %s (-the program's +the page's): run the test with -update-pages\n%s", page, strings.TrimSpace(heading), diff)
		}
	}
	if *updatePages {
		if err := os.WriteFile(page, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// theirFlags are the flags of `ansible-playbook --help`, core 2.14, apart from
// --help and --version.
var theirFlags = strings.Fields(`ask-become-pass ask-pass ask-vault-pass ask-vault-password become become-method become-pass-file
	become-password-file become-user check conn-pass-file connection connection-password-file diff extra-vars flush-cache
	force-handlers forks inventory inventory-file key-file limit list-hosts list-tags list-tasks module-path private-key scp-extra-args
	sftp-extra-args skip-tags ssh-common-args ssh-extra-args start-at-task step syntax-check tags timeout user vault-id vault-pass-file
	vault-password-file verbose`)

// Every flag of ansible-playbook is in the table, and no other.
func TestAnsibleFlags(t *testing.T) {
	t.Parallel()
	var ours []string
	for _, f := range ansibleTable() {
		ours = append(ours, f.name)
		if f.also != "" {
			ours = append(ours, f.also)
		}
		if (f.how == done) != (f.to != nil) || f.doc == "" {
			t.Errorf("--%s: %s, %q", f.name, f.how, f.doc)
		}
	}
	slices.Sort(ours)
	if diff := cmp.Diff(theirFlags, ours); diff != "" {
		t.Errorf("flags (-ansible-playbook's +the table's)\n%s", diff)
	}
	program := theirProgram(t)
	out, err := exec.Command(program, "--help").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`--[a-z][a-z-]+`).FindAllString(string(out), -1) {
		if name := m[2:]; name != "help" && name != "version" && !slices.Contains(ours, name) {
			t.Errorf("%s has %s", program, m)
		}
	}
}

// theirProgram is the real ansible-playbook, where it is installed.
func theirProgram(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"/usr/bin/ansible-playbook", "/usr/local/bin/ansible-playbook"} {
		if out, err := exec.Command(name, "--version").Output(); err == nil && strings.HasPrefix(string(out), "ansible-playbook [core") && !strings.Contains(string(out), "thordeploy") {
			return name
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("ansible-playbook is not installed: scripts/setup.sh installs it")
	}
	t.Skip("ansible-playbook is not installed; CI has it")
	return ""
}
