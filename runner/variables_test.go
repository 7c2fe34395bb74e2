package runner_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"thordeploy/playbook"
	"thordeploy/runner"
)

// TestPrecedence takes the winning layer away again and again, from the first
// to the last; the order was compared with ansible-core 2.14.
func TestPrecedence(t *testing.T) {
	t.Parallel()
	layers := []string{
		"-e", "include param", "role param", "set_fact", "include_vars", "task", "block", "role", "vars_files", "play", "host", "role default",
	}
	for i, want := range layers {
		has := map[string]bool{}
		for _, l := range layers[i:] {
			has[l] = true
		}
		set := func(layer, text string) string {
			if has[layer] {
				return text
			}
			return ""
		}
		files := map[string]string{
			"roles/r/tasks/main.yml": "- block:\n  - {name: inc, include_tasks: t.yml" + set("include param", ", vars: {x: include param}") + "}\n" +
				set("block", "  vars: {x: block}\n"),
			"roles/r/tasks/t.yml":       "- {name: x, debug: {msg: '{{ x }}'}" + set("task", ", vars: {x: task}") + "}\n",
			"roles/r/vars/main.yml":     "other: 1\n" + set("role", "x: role\n"),
			"roles/r/defaults/main.yml": "other: 2\n" + set("role default", "x: role default\n"),
			"f.yml":                     "other: 3\n" + set("vars_files", "x: vars_files\n"),
			"i.yml":                     "other: 4\n" + set("include_vars", "x: include_vars\n"),
		}
		book := `
- hosts: all
  vars_files: [f.yml]
  vars: {other: 0` + set("play", ", x: play") + `}
  pre_tasks:
  - include_vars: i.yml
  - set_fact: {y: 1` + set("set_fact", ", x: set_fact") + `}
  roles: [{role: r` + set("role param", ", x: role param") + `}]
`
		inv := "all: {hosts: {web1: {z: 1" + set("host", ", x: host") + "}}}\n"
		r := play(t, scenario{inventory: inv, playbook: book, files: files, runner: func(r *runner.Runner) {
			if has["-e"] {
				r.ExtraVars = map[string]any{"x": "-e"}
			}
		}})
		if !strings.Contains(r.lines(), "web1 ok x: "+want+"\n") {
			t.Errorf("want %s of %v:\n%s", want, layers[i:], r.lines())
		}
	}
}

func TestMagicVariables(t *testing.T) {
	t.Parallel()
	tests := []struct{ expr, want string }{
		{"{{ ansible_run_tags | join }} {{ ansible_skip_tags | join }}", "all s"},
		{"{{ ansible_diff_mode }} {{ ansible_verbosity }} {{ ansible_limit }} {{ ansible_config_file }} {{ ansible_inventory_sources | join }}", "True 2 web* /etc/cfg hosts"},
		{"{{ role_name }} {{ role_path | basename }} {{ ansible_role_name }} {{ ansible_play_role_names | join }}", "r r r r"},
		{"{{ ansible_role_names | sort | join }} {{ ansible_dependent_role_names | join }}", "dr d"},
		{"{{ ansible_search_path | map('basename') | first }}", "r"},
		{"{{ hostvars.web2.t }} {{ hostvars['web2'].x }} {{ hostvars.web2.inventory_hostname_short }}", "web2-2 2 web2"},
		{"{{ hostvars.web2.e }} {{ hostvars.web2.p | default('no play vars') }}", "extra no play vars"},
		{"{{ ansible_play_name }} {{ omit is defined }} {{ ansible_host }} {{ inventory_hostname }}", "P True web1 web1"},
	}
	for _, tt := range tests {
		t.Run(tt.expr, func(t *testing.T) {
			t.Parallel()
			r := play(t, scenario{
				inventory: "all:\n  vars: {t: '{{ inventory_hostname }}-{{ x }}'}\n  hosts: {web1: {x: 1}, web2: {x: 2}}\n",
				playbook:  "- {name: P, hosts: web1, vars: {p: play, inventory_hostname: no}, roles: [r]}\n",
				files: map[string]string{
					"roles/r/tasks/main.yml": "- {name: x, debug: {msg: \"" + tt.expr + "\"}}\n",
					"roles/r/meta/main.yml":  "dependencies: [d]\n", "roles/d/tasks/main.yml": "[]\n",
				},
				runner: func(r *runner.Runner) {
					r.SkipTags, r.Diff, r.Verbosity, r.Limit, r.ConfigFile, r.Sources = []string{"s"}, true, 2, "web*", "/etc/cfg", []string{"hosts"}
					r.ExtraVars = map[string]any{"e": "extra"}
				}})
			if !strings.Contains(r.lines(), "web1 ok x: "+tt.want+"\n") {
				t.Errorf("want %q:\n%s", tt.want, r.lines())
			}
		})
	}
}

func TestVarsFilesByHost(t *testing.T) {
	t.Parallel()
	play(t, scenario{playbook: `
- hosts: all
  vars: {name: x}
  vars_files:
  - "{{ name }}.yml"
  - ["{{ inventory_hostname }}/no.yml", "{{ inventory_hostname }}.yml"]
  tasks: [{name: a, debug: {msg: "{{ x }} {{ y }}"}}]
`, files: map[string]string{"x.yml": "{x: 1, y: 1}", "vars/web1.yml": "y: \"{{ x + 1 }}\""}}).want("web1 ok a: 1 2", "")
	r := play(t, scenario{playbook: "- {hosts: all, vars_files: ['{{ inventory_hostname }}.yml'], tasks: [{name: a, debug: {}}]}"})
	if !strings.Contains(r.lines(), "web1 failed Gathering Facts: vars_files: web1.yml is not there") {
		t.Errorf("%s", r.lines())
	}
}

func TestPrompts(t *testing.T) {
	t.Parallel()
	book := `
- hosts: all
  vars: {who: play}
  vars_prompt:
  - {name: who, prompt: "Who, {{ e }}?", private: false}
  - {name: color, default: red}
  - {name: e}
  tasks: [{name: a, debug: {msg: "{{ who }} {{ color }} {{ e }}"}}]
`
	var asked []string
	ask := func(_ context.Context, p playbook.Prompt, text string) (string, error) {
		asked = append(asked, text)
		return map[string]string{"who": "{{ me }}"}[p.Name], nil
	}
	extra := map[string]any{"e": "given"}
	play(t, scenario{playbook: book, runner: func(r *runner.Runner) { r.Ask, r.ExtraVars = ask, extra }}).want("web1 ok a: {{ me }} red given", "")
	if got := strings.Join(asked, ", "); got != "Who, given?, color" {
		t.Errorf("asked %q", got)
	}
	r := play(t, scenario{playbook: book, runner: func(r *runner.Runner) {
		r.ExtraVars = extra
		r.Ask = func(context.Context, playbook.Prompt, string) (string, error) { return "", errors.New("no terminal") }
	}})
	if r.err == nil || !strings.Contains(r.err.Error(), "vars_prompt who: no terminal") {
		t.Errorf("error %v", r.err)
	}
}

func TestHostsThatARunAdds(t *testing.T) {
	t.Parallel()
	book := `
- hosts: web1
  tasks:
  - {name: add, add_host: {name: "new{{ item }}:2222", groups: "fresh,web", color: red}, loop: [1, 2], register: r}
  - {name: again, add_host: {name: new1, groups: fresh}}
  - {name: by, group_by: {key: "os {{ inventory_hostname }}", parents: oses}}
  - {name: see, debug: {msg: "{{ groups.fresh | join }} {{ hostvars.new1.color }} {{ group_names | join(',') }} {{ r.results[0].add_host.host_name }}"}}
  - {name: target, set_fact: {target: new2}}
- {hosts: fresh, strategy: linear, tasks: [{name: x, debug: {msg: "{{ color }} {{ group_names | join(',') }} {{ ansible_port }} {{ of }}"}}]}
- {hosts: "{{ hostvars.web1.target }}", tasks: [{name: y, debug: {msg: "{{ inventory_hostname }}"}}]}
- {hosts: oses, tasks: [{name: z, debug: {msg: "{{ inventory_hostname }} {{ groups['os-web1'] | join }}"}}]}
`
	r := play(t, scenario{inventory: "all:\n  children: {web: {hosts: {web1: }, vars: {of: web}}}\n", playbook: book})
	want := `
		notice play "web1" runs in lockstep (strategy linear), since it uses add_host (test.yml:4:5)
		web1 changed add [1]
		web1 changed add [2]
		web1 changed add: All items completed
		web1 ok again
		web1 changed by
		web1 ok see: new1new2 red os-web1,oses,web new1
		web1 ok target
		new1 ok x: red fresh,web 2222 web
		new2 ok x: red fresh,web 2222 web
		new2 ok y: new2
		web1 ok z: web1 web1
	`
	got := strings.ReplaceAll(r.steps(), `notice play "web1" runs in lockstep (strategy linear), since it uses add_host (test.yml:4:5)`+"\n", "")
	want = strings.ReplaceAll(strings.TrimSpace(dedent(want)), `notice play "web1" runs in lockstep (strategy linear), since it uses add_host (test.yml:4:5)`+"\n", "")
	if got != want {
		t.Errorf("the run was\n%s\nwant\n%s\n%v", got, want, r.err)
	}
}
