package playbook

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"thordeploy/internal/diag"
)

// fieldsOf prints the fields of a play, task or prompt that are set, by their
// names, values as they evaluate.
func fieldsOf(x any) map[string]string {
	out := map[string]string{}
	v := reflect.Indirect(reflect.ValueOf(x))
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if !f.IsExported() || v.Field(i).IsZero() || f.Type == reflect.TypeFor[diag.Range]() {
			continue
		}
		if f.Anonymous || f.Name == "Become" || f.Name == "Apply" {
			for k, s := range fieldsOf(v.Field(i).Interface()) {
				out[k] = s
			}
			continue
		}
		out[f.Name] = shown(v.Field(i).Interface())
	}
	return out
}

func shown(x any) string {
	scope := vars{"x": "X", "n": 7, "v": "V"}
	switch x := x.(type) {
	case *Value:
		v, err := x.Eval(scope)
		return fmt.Sprint(v, errText(err))
	case *Expr:
		v, err := x.Eval(scope)
		return fmt.Sprint(v, errText(err))
	case *bool:
		return fmt.Sprint(*x)
	case ModuleDefaults:
		return x.Spec.Name + shown(x.Args)
	case map[string]*Value:
		var parts []string
		for _, k := range keysOf(x) {
			parts = append(parts, k+"="+shown(x[k]))
		}
		return "{" + strings.Join(parts, " ") + "}"
	case Var:
		return x.Name + "=" + shown(x.Value)
	case VarsFile:
		return fmt.Sprint(shown(x.Paths), shown(x.Vars), x.Fixed)
	case *Include:
		return fmt.Sprint(fieldsOf(x))
	case Prompt:
		return fmt.Sprint(fieldsOf(&x))
	}
	if v := reflect.ValueOf(x); v.Kind() == reflect.Slice {
		var parts []string
		for i := range v.Len() {
			parts = append(parts, shown(v.Index(i).Interface()))
		}
		return "[" + strings.Join(parts, " ") + "]"
	}
	return fmt.Sprint(x)
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return " " + err.Error()
}

func TestKeywordsOfPlays(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{"plays/vars/a.yml": {Data: []byte("q: '{{ x }}'\n")}}
	pb, list := (&Loader{FS: files}).Load("a.yml", "/plays", []byte(`
- hosts: [web, "{{ x }}"]
  name: n
  tags: "a, {{ later }}"
  port: 2222
  user: joe
  become_flags: -H
  become_exe: /usr/bin/sudo
  become_method: "{{ x }}"
  no_log: yes
  check_mode: no
  diff: yes
  ignore_unreachable: "{{ n == 7 }}"
  any_errors_fatal: yes
  run_once: no
  throttle: 3
  timeout: "{{ n }}"
  module_defaults: [{copy: {mode: 0600}}, {ansible.builtin.file: {owner: "{{ x }}"}}]
  collections: [community.general]
  debugger: never
  serial: [1, "30%", "{{ n }}"]
  order: reverse_sorted
  max_fail_percentage: 30%
  gather_facts: "{{ wanted }}"
  gather_subset: "!all, min"
  gather_timeout: 5
  fact_path: /etc/facts
  force_handlers: yes
  vars_files: [a.yml, ["{{ x }}.yml", b.yml]]
  vars_prompt:
  - {name: version, prompt: Which, default: 3, private: no, confirm: yes, unsafe: yes}
  - name: secret
  vars: {later: b, wanted: no}
`))
	if len(list.All()) != 0 {
		t.Fatal(list)
	}
	want := map[string]string{
		"Hosts": "[web X]", "Name": "n", "Dir": "/plays", "Tags": "[a b]", "Port": "2222", "RemoteUser": "joe",
		"Flags": "-H", "Exe": "/usr/bin/sudo", "Method": "X", "NoLog": "true", "Check": "false", "Diff": "true",
		"IgnoreUnreachable": "true", "AnyErrorsFatal": "true", "RunOnce": "false", "Throttle": "3", "Timeout": "7",
		"ModuleDefaults": "[copy{mode=0600} file{owner=X}]", "Serial": "[1 30% 7]", "Order": "reverse_sorted", "MaxFail": "30%",
		"GatherFacts": "false", "GatherSubset": "[!all min]", "GatherTime": "5", "FactPath": "/etc/facts", "ForceHandler": "true",
		"VarsFiles": "[[a.yml][q=X]true [X.yml b.yml][]false]", "Vars": "[later=b wanted=false]",
		"Prompts": "[map[Confirm:true Default:3 Name:version Text:Which] map[Name:secret Private:true]]",
	}
	if diff := cmp.Diff(want, fieldsOf(pb.Plays[0])); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestKeywordsOfTasks(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text string
		want map[string]string
	}{
		{"{ping: , delegate_to: '{{ x }}', delegate_facts: yes, run_once: yes, tags: [a, 'b,c']}",
			map[string]string{"DelegateTo": "X", "DelegateFacts": "true", "RunOnce": "true", "Tags": "[a b c]"}},
		{"{ping: , until: [n == 7, yes], retries: 4, delay: 0.5}", map[string]string{"Until": "[true true]", "Retries": "4", "Delay": "0.5"}},
		{"{ping: , async: 60, poll: 0}", map[string]string{"Async": "60", "Poll": "0"}},
		{"{ping: , notify: restart}", map[string]string{"Notify": "[restart]"}},
		{"{ping: , notify: [a, '{{ x }}']}", map[string]string{"Notify": "[a X]"}},
		{"{ping: , loop: [1], loop_control: {index_var: i, loop_var: l, pause: 1.5, label: '{{ x }}', extended: yes, extended_allitems: no}}",
			map[string]string{"Loop": "[1]", "LoopIndex": "i", "LoopVar": "l", "LoopPause": "1.5", "LoopLabel": "X", "LoopExtended": "true", "LoopAllItems": "false"}},
		{"{ping: , with_items: [1, '{{ n }}']}", map[string]string{"Loop": "[1 7]", "With": "items"}},
		{"{ping: , with_sequence: start=1 end=3}", map[string]string{"Loop": "start=1 end=3", "With": "sequence"}},
		{"{ping: , with_dict: {a: 1}}", map[string]string{"Loop": "map[a:1]", "With": "dict"}},
		{"{ping: , with_first_found: {files: [a]}}", map[string]string{"Loop": "map[files:[a]]", "With": "first_found"}},
		{"{action: ping}", nil},
		{"{action: {module: ping}}", nil},
		{"{action: ansible.builtin.ping data=x}", map[string]string{"Module": "ansible.builtin.ping", "Args": "{data=x}"}},
		{"{local_action: ping data=x, args: {}}", map[string]string{"DelegateTo": "localhost", "Args": "{data=x}"}},
		{"{local_action: {module: ping data=x}}", map[string]string{"DelegateTo": "localhost", "Args": "{data=x}"}},
		{"{action: {module: file, path: /a, mode: 0644}}", map[string]string{"Module": "file", "Args": "{mode=0644 path=/a}"}},
		{"{action: {module: command ls creates=/a, chdir: /}}", map[string]string{"Module": "command", "Args": "{chdir=/ cmd=ls creates=/a}"}},
		{"{include_tasks: '{{ x }}.yml'}", map[string]string{"Module": "include_tasks", "Args": "{file=X.yml}"}},
		{"{include_role: {name: '{{ x }}', apply: {tags: t, when: n == 7, become: yes, delegate_to: h, notify: k}}}",
			map[string]string{"Module": "include_role", "Args": "{name=X}", "Include": "map[DelegateTo:h Enabled:true Notify:[k] Tags:[t] When:[true]]"}},
		{"{include_tasks: a.yml, with_items: [1]}", map[string]string{"Module": "include_tasks", "Args": "{file=a.yml}", "Loop": "[1]", "With": "items"}},
		{"{include_role: , args: {name: '{{ x }}', apply: {tags: t}}}",
			map[string]string{"Module": "include_role", "Args": "{name=X}", "Include": "map[Tags:[t]]"}},
		{"{action: command  ls  -l}", map[string]string{"Module": "command", "Args": "{cmd=ls  -l}"}},
	} {
		files := fstest.MapFS{"plays/a.yml": {Data: []byte("- ping:\n")}}
		pb, list := (&Loader{FS: files}).Load("p.yml", "/plays", []byte("- hosts: all\n  handlers: [{name: a, ping: , listen: [restart, k]}]\n  tasks:\n  - "+tt.text+"\n"))
		if len(list.All()) != 0 {
			t.Errorf("%s\n%s", tt.text, list)
			continue
		}
		got := fieldsOf(pb.Plays[0].Tasks[0])
		delete(got, "Spec")
		if got["Include"] == "map[]" {
			delete(got, "Include")
		}
		want := map[string]string{"Dir": "/plays", "LoopVar": "item", "Module": "ping", "Args": "{}"}
		for k, v := range tt.want {
			want[k] = v
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", tt.text, diff)
		}
	}
}

func TestSections(t *testing.T) {
	t.Parallel()
	pb, list := Load("a.yml", "", []byte(`
- hosts: all
  handlers:
  - {name: h, ping: , listen: [a, b]}
  post_tasks: [{name: post, ping: }]
  tasks:
  - block: [{name: one, ping: }]
    rescue: [{name: two, ping: }]
    always: [{block: [{name: three, ping: }]}]
    delegate_to: h2
    notify: h
    tags: t
  pre_tasks: [{name: pre, ping: }]
- hosts: all
  tasks: [{name: next, ping: }]
`))
	if len(list.All()) != 0 {
		t.Fatal(list)
	}
	var got []string
	for _, p := range pb.Plays {
		for _, s := range p.Sections() {
			Walk(s.Tasks, func(k *Task, around []*Task) {
				got = append(got, fmt.Sprintf("%d %s %s in %d", k.Order, s.Name, k.Title(), len(around)))
			})
		}
	}
	want := []string{
		"0 pre_tasks pre in 0", "1 tasks block in 0", "2 tasks one in 1", "3 tasks two in 1", "4 tasks block in 1", "5 tasks three in 2",
		"6 post_tasks post in 0", "7 handlers block in 0", "8 handlers h in 1", "0 tasks next in 0",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	block := pb.Plays[0].Tasks[0]
	if shown(block.DelegateTo) != "h2" || shown(block.Notify) != "[h]" || shown(block.Tags) != "[t]" || shown(pb.Plays[0].Handlers[0].Block[0].Listen) != "[a b]" {
		t.Errorf("block %+v, handler %+v", block, pb.Plays[0].Handlers[0])
	}
}
