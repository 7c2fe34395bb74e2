package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// runs are playbooks whose output is the same to the byte as ansible-playbook's,
// apart from times and what only a controller with Python has.
var runs = []struct {
	name string
	args []string
	text string
}{
	{"roles", []string{"-i", "h2,", "-f", "1"}, wholePlay},
	{"roles listed", []string{"--list-tasks", "--list-tags"}, wholePlay},
	{"tasks", nil, `
- name: what tasks say
  hosts: all
  gather_facts: false
  tasks:
    - {name: nothing new, command: echo hi, changed_when: false}
    - command: "true"
    - {name: skipped, ping: , when: false}
    - {name: a text, debug: {msg: "one\ntwo ü"}}
    - debug: {msg: [1, 2.5, {k: [], e: {}}, null, true]}
    - debug: {var: inventory_hostname}
    - assert: {that: 1 == 1}
    - assert: {that: 1 == 1, quiet: true}
    - {assert: {that: 1 == 2, fail_msg: wrong}, ignore_errors: true}
    - set_fact: {a: 1}
    - {command: /bin/sh -c 'echo out; echo err >&2; exit 3', ignore_errors: true}
    - {name: hidden, command: echo secret, no_log: true}
    - {fail: {msg: hidden}, no_log: true, ignore_errors: true}
`},
	{"loops", nil, `
- hosts: all
  gather_facts: false
  tasks:
    - command: echo {{ item }}
      loop: [a, 1, [1, x, null], {k: "it's"}]
    - {name: some, ping: , when: item == 2, loop: [1, 2]}
    - {name: none, ping: , when: false, loop: [1, 2]}
    - {name: empty, ping: , loop: []}
    - {name: failing, command: "test {{ item }} = a", loop: [a, b], ignore_errors: true}
    - {debug: {msg: "{{ item }}"}, loop: [a]}
    - {debug: {var: item}, loop: [{k: 1}]}
    - {command: "true", no_log: true, loop: [a]}
    - {ping: , loop: [{k: 1}], loop_control: {label: the label}}
    - {ping: , loop: [x], loop_control: {loop_var: other}}
`},
	{"failure", nil, `
- name: one
  hosts: all
  gather_facts: false
  tasks:
    - block:
        - fail: {msg: "no"}
      rescue:
        - debug: {msg: rescued}
      always:
        - debug: {msg: always}
    - command: "false"
    - ping:
- name: two
  hosts: all
  tasks: [ping: ]
`},
	{"nobody", nil, `
- name: nobody here
  hosts: nosuch
  tasks: [ping: ]
- hosts: all
  gather_facts: false
  tasks: []
`},
	{"verbose", []string{"-v"}, `
- hosts: all
  gather_facts: false
  tasks:
    - command: echo hi
    - {command: echo hi, args: {creates: /etc}}
    - ping:
    - stat: {path: /nosuch}
    - {ping: , when: false}
    - {ping: , loop: []}
    - {ping: , loop: [1], when: false}
    - debug: {msg: x}
    - {fail: {msg: x}, ignore_errors: true}
`},
	{"very verbose", []string{"-vvv"}, `
- hosts: all
  gather_facts: false
  tasks:
    - debug: {msg: x}
`},
	{"check", []string{"--check"}, `
- hosts: all
  gather_facts: false
  tasks:
    - command: "true"
    - ping:
    - debug: {msg: "{{ ansible_check_mode }}"}
`},
	{"handlers", nil, `
- hosts: all
  gather_facts: false
  pre_tasks:
    - {name: early, command: "true", notify: one}
  tasks:
    - {name: notify, command: "true", notify: [one, group], loop: [1, 2]}
    - meta: flush_handlers
    - {name: again, command: "true", notify: group}
  handlers:
    - {name: one, debug: {msg: one}}
    - {name: two, command: "true", listen: group}
    - {name: never, ping: }
`},
	{"retries", nil, `
- hosts: all
  gather_facts: false
  tasks:
    - {name: try, command: "false", register: r, until: r.rc == 0, retries: 2, delay: 0, ignore_errors: true}
    - {name: well, command: "true", register: r, until: r.rc == 0, retries: 2, delay: 0}
`},
	{"tags", []string{"--tags", "a", "--skip-tags", "b"}, `
- hosts: all
  gather_facts: false
  tasks:
    - {name: a, ping: , tags: a}
    - {name: ab, ping: , tags: [a, b]}
    - {name: none, ping: }
    - {name: always, ping: , tags: always}
`},
	{"start", []string{"--start-at-task", "thr*"}, `
- hosts: all
  gather_facts: false
  tasks:
    - {name: one, ping: }
    - {name: three, ping: }
    - {name: four, ping: }
`},
	{"several hosts", []string{"-i", "h2,h3,", "-f", "1", "-l", "h2,h3"}, `
- hosts: all
  gather_facts: false
  tasks:
    - {name: one fails, command: "test {{ inventory_hostname }} = h2"}
    - {name: alone, ping: }
    - {name: once, ping: , run_once: true}
- name: the other play
  hosts: h2
  gather_facts: false
  serial: 1
  tasks:
    - {name: left, ping: }
    - {name: elsewhere, ping: , delegate_to: h1}
`},
	{"diff", []string{"--diff", "--check"}, `
- hosts: all
  gather_facts: false
  tasks:
    - name: lines
      lineinfile: {path: "{{ playbook_dir }}/play.yml", regexp: "^- hosts", line: "- hosts: none"}
`},
	{"listing", []string{"--list-tasks", "--list-tags"}, `
- name: listed
  hosts: all
  tags: [p]
  tasks:
    - {name: one, ping: , tags: [b, a]}
    - block: [ping: ]
      tags: c
`},
}

// wholePlay uses what is in besidePlay.
const wholePlay = `
- hosts: all
  gather_facts: false
  pre_tasks:
    - import_tasks: more.yml
  roles:
    - {role: r, tags: t}
  tasks:
    - include_tasks: more.yml
    - include_tasks: more.yml
      loop: [1, {k: 2}]
    - name: of a role
      include_role: {name: s}
    - import_role: {name: s}
`

// besidePlay are files that the playbooks use.
var besidePlay = map[string]string{
	"more.yml":                  "- {name: more, ping: }\n",
	"roles/r/tasks/main.yml":    "- {name: named, command: \"true\", notify: of the role}\n- {ping: , tags: x}\n",
	"roles/r/handlers/main.yml": "- {name: of the role, ping: }\n",
	"roles/s/tasks/main.yml":    "- {name: in s, ping: }\n",
}

const recorded = "testdata/ansible-playbook"

// TestOutputAsAnsible compares what a run prints with what ansible-playbook of
// ansible-core 2.14.18 printed for it, and with -oracle with what it prints
// now: some seconds for each playbook.
func TestOutputAsAnsible(t *testing.T) {
	t.Parallel()
	for _, r := range runs {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			playbook := filepath.Join(dir, "play.yml")
			if err := os.WriteFile(playbook, []byte(strings.TrimPrefix(r.text, "\n")), 0o600); err != nil {
				t.Fatal(err)
			}
			for name, text := range besidePlay {
				file := filepath.Join(dir, name)
				if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			args := append([]string{"-i", "h1,", "-c", "local", playbook}, r.args...)
			file := filepath.Join(recorded, strings.ReplaceAll(r.name, " ", "-")+".txt")
			golden, err := os.ReadFile(file)
			if *oracle || *update {
				theirs := theirOutput(t, dir, args)
				if *update {
					err = os.WriteFile(file, []byte(theirs), 0o644)
				} else if theirs != string(golden) {
					t.Errorf("ansible-playbook prints something else than %s (-update-oracle writes it):\n%s", file, cmp.Diff(string(golden), theirs))
				}
				golden = []byte(theirs)
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(golden), ourOutput(t, dir, args)); diff != "" {
				t.Errorf("(-ansible-playbook +thordeploy)\n%s", diff)
			}
		})
	}
}

func theirOutput(t *testing.T, dir string, args []string) string {
	t.Helper()
	c := exec.Command(theirProgram(t), args...)
	c.Dir = dir
	c.Env = append(os.Environ(), "ANSIBLE_NOCOLOR=1", "ANSIBLE_NOCOWS=1", "HOME="+dir)
	out, err := c.Output()
	code := 0
	if err != nil {
		code = c.ProcessState.ExitCode()
	}
	return compared(dir, string(out), code)
}

func ourOutput(t *testing.T, dir string, args []string) string {
	t.Helper()
	out, err := os.Create(filepath.Join(dir, "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	m := &Main{Name: ansibleName, Stdin: devNull(t), Stdout: out, Stderr: devNull(t), Getenv: func(name string) string {
		return map[string]string{"HOME": dir, "PATH": os.Getenv("PATH")}[name]
	}}
	code := m.Run(args)
	text, err := os.ReadFile(out.Name())
	if err != nil {
		t.Fatal(err)
	}
	return compared(dir, string(text), int(code))
}

var (
	moments    = regexp.MustCompile(`"(start|end|delta)": "[^"]+"`)
	onlyPython = regexp.MustCompile(`"ansible_facts": \{"discovered_interpreter_python": "[^"]*"\}, `)
	// head is what -vv says of Python, and -vvv of how hosts are parsed.
	head = regexp.MustCompile(`(?s)\A(?:ansible-playbook \[core|No config|Using ).*?\n\n`)
	path = regexp.MustCompile(`(?m)^(?:task path: |\d+ plays in |(?:META: )|<h1> ).*\n`)
)

// compared is what a run printed without what is bound to differ.
func compared(dir, out string, code int) string {
	out = strings.ReplaceAll(out, dir, "DIR")
	out = moments.ReplaceAllString(onlyPython.ReplaceAllString(out, ""), `"$1": "TIME"`)
	out = path.ReplaceAllString(head.ReplaceAllString(out, "\n"), "")
	return out + fmt.Sprintf("exit code %d\n", code)
}
