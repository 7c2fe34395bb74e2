package runner_test

import (
	"testing"
)

// What is expected here was tried with ansible-core 2.14.
func TestIncludes(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"f.yml":                     "- {name: f, debug: {msg: \"{{ item | default('none') }} {{ v | default('none') }} {{ i | default('-') }}\"}}\n",
		"nest.yml":                  "- {name: n, include_tasks: f.yml, loop: [a, b], vars: {v: \"{{ outer }}\"}}\n",
		"self.yml":                  "- {name: s, include_tasks: self.yml}\n",
		"until.yml":                 "- {name: set, set_fact: {n: \"{{ n | int + 1 }}\"}}\n- {name: u, include_tasks: until.yml, when: n | int < 3}\n- {name: end, debug: {msg: \"{{ n }}\"}}\n",
		"count.yml":                 "- {name: c, include_tasks: count.yml, vars: {n: \"{{ m + 1 }}\", m: 2}, when: n | int < 2}\n",
		"bad.yml":                   "- {nosuch: x}\n",
		"roles/r/tasks/main.yml":    "- {name: t, debug: {msg: \"{{ d }} {{ v }} {{ dep }}\"}, changed_when: true, notify: rh}\n",
		"roles/r/tasks/other.yml":   "- {name: o, debug: {msg: \"{{ role_path | basename }} {{ v }}\"}}\n- {name: p, include_role: {name: in}}\n",
		"roles/r/handlers/main.yml": "- {name: rh, debug: {msg: handled}}\n",
		"roles/r/defaults/main.yml": "d: default\n",
		"roles/r/vars/main.yml":     "v: var\n",
		"roles/r/vars/else.yml":     "v: else\n",
		"roles/r/meta/main.yml":     "dependencies: [d]\n",
		"roles/d/tasks/main.yml":    "- {name: dt, debug: {msg: x}}\n",
		"roles/d/defaults/main.yml": "dep: fromdep\n",
		"roles/in/tasks/main.yml":   "- {name: i, debug: {msg: \"{{ ansible_parent_role_names | join }}\"}}\n",
		"vars/x.yml":                "x: 1\nm: {a: {b: 1}}\nt: \"{{ x }}{{ inventory_hostname }}\"\n",
		"more/1.yml":                "one: 1\n",
		"more/2.yaml":               "one: 2\n",
		"more/deep/3.yml":           "three: 3\n",
		"more/n.txt":                "x\n",
		"merge.yml":                 "m: {a: {c: 2}}\n",
	}
	tests := []struct {
		name, tasks, lines, counts string
	}{
		{"a file with parameters, which win over set_fact", `
  - {set_fact: {v: fact}}
  - {name: inc, include_tasks: f.yml, vars: {v: param}}
  - {name: after, debug: {msg: "{{ v }}"}}
`, `
			web1 ok set_fact
			web1 ok inc
			web1 ok f: none param -
			web1 ok after: fact
		`, "ok=4 changed=0 unreachable=0 failed=0 skipped=0 rescued=0 ignored=0"},
		{"a loop counts each file, and gives it its item", `
  - {name: inc, include_tasks: f.yml, loop: [a, b], loop_control: {index_var: i}}
`, `
			web1 ok inc
			web1 ok inc
			web1 ok f: a none 0
			web1 ok f: b none 1
		`, "ok=4 changed=0 unreachable=0 failed=0 skipped=0 rescued=0 ignored=0"},
		{"an include in an include", "  - {name: inc, include_tasks: nest.yml, vars: {outer: o}}\n", `
			web1 ok inc
			web1 ok n
			web1 ok n
			web1 ok f: a o -
			web1 ok f: b o -
		`, ""},
		{"its own vars count in its when, over those of the include around it", "  - {name: inc, include_tasks: count.yml, vars: {n: 1}}\n", `
			web1 ok inc
			web1 skipped c
		`, ""},
		{"its when is its own, apply's is for its tasks", `
  - {name: one, include_tasks: f.yml, when: false}
  - {name: two, include_tasks: {file: f.yml, apply: {when: item is defined}}}
  - {name: three, include_tasks: f.yml, loop: [1, 2], when: item > 5}
`, `
			web1 skipped one
			web1 ok two
			web1 skipped f
			web1 skipped three [1]
			web1 skipped three [2]
			web1 skipped three
		`, ""},
		{"a file that isn't there is not ignored, but rescued", `
  - block: [{name: a, include_tasks: "{{ 'no' }}.yml", ignore_errors: true}]
    rescue: [{name: b, debug: {msg: x}}]
  - {name: c, include_tasks: "{{ 'bad' }}.yml", ignore_errors: true}
`, `
			web1 rescued a: no.yml is not there
			web1 ok b: x
			web1 failed c: unknown module ` + "`nosuch`" + `
		`, ""},
		{"an include that comes back to itself ends somewhere", "  - {name: s, set_fact: {n: 1}}\n  - {name: a, include_tasks: until.yml}\n", `
			web1 ok s
			web1 ok a
			web1 ok set
			web1 ok u
			web1 ok set
			web1 skipped u
			web1 ok end: 3
			web1 ok end: 3
		`, ""},
		{"a role, what it needs, and its handlers", `
  - {name: a, include_role: {name: r}}
  - {name: b, debug: {msg: "{{ d | default('gone') }} {{ v | default('gone') }}"}}
`, `
			web1 ok dt: x
			web1 changed t: default var fromdep
			web1 ok b: gone gone
			web1 ok rh: handled
		`, "ok=4 changed=1 unreachable=0 failed=0 skipped=0 rescued=0 ignored=0"},
		{"another file of a role, and a role in a role", "  - {name: a, include_role: {name: r, tasks_from: other, vars_from: else}}\n", `
			web1 ok dt: x
			web1 ok o: r else
			web1 ok i: r
		`, ""},
		{"a public role", `
  - {name: a, include_role: {name: r, public: true}}
  - {name: b, debug: {msg: "{{ d }} {{ v }}"}}
`, `
			web1 ok dt: x
			web1 changed t: default var fromdep
			web1 ok b: default var
			web1 ok rh: handled
		`, ""},
		{"a role includes may run again", `
  - {include_role: {name: d}, loop: [1, 2]}
  - {include_role: {name: d, allow_duplicates: false}}
  - {include_role: {name: d, allow_duplicates: false}}
`, `
			web1 ok dt: x
			web1 ok dt: x
		`, ""},
		{"include_vars", `
  - {name: a, include_vars: x.yml}
  - {name: b, debug: {msg: "{{ x }} {{ t }}"}, vars: {x: task}}
  - {name: c, include_vars: {file: x.yml, name: n}}
  - {name: d, debug: {msg: "{{ n.x }} {{ m.a }}"}}
  - {name: e, include_vars: {file: merge.yml, hash_behaviour: merge}}
  - {name: f, debug: {msg: "{{ m.a.b }} {{ m.a.c }}"}}
  - {name: g, include_vars: no.yml, ignore_errors: true}
`, `
			web1 ok a
			web1 ok b: 1 1web1
			web1 ok c
			web1 ok d: 1 {'b': 1}
			web1 ok e
			web1 ok f: 1 2
			web1 ignored g: no.yml is not there
		`, ""},
		{"include_vars of a folder", `
  - {name: a, include_vars: {dir: more, ignore_unknown_extensions: true}, register: r}
  - {name: b, debug: {msg: "{{ one }} {{ three }} {{ r.ansible_included_var_files | map('basename') | list }}"}}
  - {name: c, include_vars: {dir: more, depth: 1, files_matching: "^1", name: n}}
  - {name: d, debug: {msg: "n {{ n }}"}}
  - {name: e, include_vars: {dir: more}}
`, `
			web1 ok a
			web1 ok b: 2 3 ['1.yml', '2.yaml', '3.yml']
			web1 ok c
			web1 ok d: n {'one': 1}
			web1 failed e: more/n.txt does not have a valid extension: yaml, yml, json
		`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := play(t, scenario{playbook: "- hosts: all\n  tasks:\n" + tt.tasks, files: files})
			r.shorten = true
			r.want(tt.lines, tt.counts)
		})
	}
	r := play(t, scenario{playbook: "- {hosts: all, tasks: [{name: s, include_tasks: self.yml}]}", files: files})
	if h := r.state.Hosts["web1"]; h.Failed != 1 || h.OK < 50 {
		t.Errorf("an include without end: %s\n%s", r.counts("web1"), r.lines())
	}
}
