package main

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// hiding has what a no_log task knows come up in every place of its report:
// parameters, output, messages of failures, items, retries, diffs.
const hiding = `
- hosts: all
  gather_facts: false
  vars: {pin: "{{ 'gehe' + 'im-42' }}"}
  tasks:
  - block:
    - {name: command, command: "echo {{ pin }}", register: r}
    - {name: failed, shell: "echo {{ pin }}; echo {{ pin }} >&2; exit 3", ignore_errors: true}
    - {name: message, fail: {msg: "{{ pin }}"}, ignore_errors: true}
    - {name: condition, debug: {msg: "{{ pin }}"}, failed_when: "pin == 'x' or pin.nosuch", ignore_errors: true}
    - {name: parameter, file: {path: "/nosuch/{{ pin }}", state: "{{ pin }}"}, ignore_errors: true}
    - {name: loop, shell: "echo {{ item }}; exit 1", loop: ["{{ pin }}", b], ignore_errors: true}
    - {name: labelled, debug: {msg: "{{ item }}"}, loop: ["{{ pin }}"], loop_control: {label: "is {{ item }}"}}
    - {name: retried, shell: "echo {{ pin }} >&2; exit 1", until: false, retries: 1, delay: 0, ignore_errors: true}
    - {name: file, copy: {content: "{{ pin }}\n", dest: "{{ dir }}/f"}, diff: true}
    - {name: file again, copy: {content: "{{ pin }}", dest: "{{ dir }}/f"}, diff: true}
    - {name: gone, file: {path: "{{ dir }}/f", state: absent}}
    - {name: fact, set_fact: {known: "{{ pin }}"}}
    - {name: checked, assert: {that: "pin == 'other'", fail_msg: "{{ pin }}"}, ignore_errors: true}
    no_log: true
  - {name: item by item, debug: {msg: "{{ item.v }}"}, loop: [{v: "{{ pin }}", hide: true}], no_log: "{{ item.hide }}"}
  - {name: rescue, block: [{command: "false {{ pin }}", no_log: true}], rescue: [{debug: {msg: rescued}}]}
`

func TestNoLogHidesEverywhere(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"thordeploy"}, {"thordeploy", "-vvv", "--diff"}, {"thordeploy", "--json", "-vvv", "--diff"}, {"thordeploy", "--check", "--diff", "-vv"},
		{"ansible-playbook"}, {"ansible-playbook", "-vvv", "--diff"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			t.Parallel()
			home, scratch := t.TempDir(), t.TempDir()
			write(t, home, "site.yml", hiding)
			cmd := exec.Command(args[0], append(args[1:], "-i", "web1,", "-c", "local", "-e", "dir="+scratch, "site.yml")...)
			cmd.Dir, cmd.Env = home, append(os.Environ(), "HOME="+home, "XDG_STATE_HOME="+home)
			out, err := cmd.CombinedOutput()
			if !strings.Contains(string(out), "item by item") {
				t.Fatalf("%v\n%s", err, out)
			}
			if i := strings.Index(string(out), "geheim-42"); i >= 0 {
				t.Errorf("it is told: %s", out[max(0, i-300):i+20])
			}
			journals, _ := filepath.Glob(filepath.Join(home, "runs", "*", "journal.jsonl"))
			if len(journals) != 1 && args[0] == "thordeploy" && args[1%len(args)] != "--check" {
				t.Errorf("journals: %q", journals)
			}
			err = filepath.WalkDir(home, func(path string, d fs.DirEntry, err error) error {
				if err != nil || d.IsDir() {
					return err
				}
				data, err := os.ReadFile(path)
				if i := strings.Index(string(data), "geheim-42"); i >= 0 {
					t.Errorf("%s has it: %s", path, data[max(0, i-300):i+20])
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}
