package docs

import (
	"fmt"
	"strings"

	"thordeploy/internal/diag"
	"thordeploy/playbook/lint"
)

const lintHead = `# Linting playbooks

` + made + `
` + "`thordeploy lint` says what would go wrong with a playbook before a host is touched:" + `

` + "```sh\nthordeploy lint -i hosts.yml builtin:thor.yml\n```" + `

It finds everything that loading the playbook finds, and what loads but doesn't
do what it looks like. No host is reached and nothing is run. A playbook that
doesn't load has only the problems that keep it from it. Tasks of
` + "`include_tasks` and `include_role`, which are read during a run, aren't seen,\nand the rules about variables and handlers are silent where such tasks, or\n`include_vars`, could bring what seems to be missing." + `

Each finding has its file, line and column, the id of its rule, error or warning,
the reason, and what to try. ` + "`--format json`" + ` writes them as one object
(` + "`version`, `findings`" + ` with ` + "`file`, `line`, `column`, `end_column`, `rule`, `severity`,\n`message`, `reason`, `hint`" + `), ` + "`--format sarif`" + ` as SARIF 2.1.0 for code hosts and editors.
With findings the exit code is 2, without any it is 0, and 5 where the command
line, a file or the inventory can't be read.

With ` + "`-i` and `-e`" + `, as a run has them, variables that come from there are known, and
the inventory's files are searched for secrets, ` + "`group_vars/` and `host_vars/`" + `
beside them too. A line with a secret in it isn't shown. What an
[ansible.cfg](ansible-playbook.md#ansiblecfg-and-the-environment) says of inventories,
roles and vault passwords counts here too.

A comment at the end of the line takes a finding back: ` + "`# noqa: rule`" + `, with commas
several, ` + "`# noqa`" + ` alone all.

## Rules

| rule | | finds |
| --- | --- | --- |
`

// Lint is docs/lint.md.
func Lint() string {
	var b strings.Builder
	b.WriteString(lintHead)
	for _, r := range lint.Rules() {
		severity := "error"
		if r.Severity == diag.Warning {
			severity = "warning"
		}
		fmt.Fprintf(&b, "| [`%s`](#%[1]s) | %s | %s |\n", r.ID, severity, cell(r.Doc))
	}
	for _, r := range lint.Rules() {
		fmt.Fprintf(&b, "\n### %s\n\n%s.\n\n%s\n", r.ID, upper(r.Doc), r.Why)
	}
	return b.String()
}

// upper makes a clause the beginning of a sentence.
func upper(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
