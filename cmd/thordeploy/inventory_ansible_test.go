package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
)

// inventories are read by ansible-inventory and by `thordeploy inventory`,
// which must show the same. The first words of each are its -i and further
// flags; a file whose text begins with #! is executable.
var inventories = []struct {
	name  string
	flags []string
	hosts []string // for --host
	files map[string]string
}{
	{"INI", []string{"-i", "hosts"}, []string{"w1", "db2.x"}, map[string]string{"hosts": `
lonely greeting='hello world' n=8 f=1.50 b=True none=None l=[1,'a'] d="{'k': 'v'}"
bare:2222

[web]
w[1:3] rack=a
w1 slots=8 # comment
[db]
db[01:03:1].x
db2.x ansible_port=23
[shop:children]
web
db
[shop:vars]
hours=4
on=yes
text = quoted "text" 'x'
ver=1.10
[db:vars]
hours=5
hex=0x1f
[empty]
`}},
	{"YAML tree", []string{"-i", "hosts.yml"}, []string{"a1", "b"}, map[string]string{"hosts.yml": `
all:
  vars: {top: 1, yes_word: yes, oct: 0644, fl: 2.0, big: 123456789012, tilde: ~, txt: "é ☂ \u2028 \x07"}
  hosts:
    b: {list: [1, two, {three: 3.5}], text: "line one\nline two"}
    c:
  children:
    parent:
      vars: {v: parent}
      children:
        child:
          vars: {v: child, ansible_group_priority: 5}
          hosts:
            a[1:2]:
              own: "{{ v }}"
    other:
      hosts: {a2: , z: {v: host}}
    child2: {hosts: {a1: }, vars: {v: child2}}
    nothing:
`}},
	{"group names and depth", []string{"-i", "hosts.yml"}, []string{"h"}, map[string]string{"hosts.yml": `
x: {children: {y: {children: {z: {hosts: {h: }, vars: {v: z}}}, vars: {v: y}}}, vars: {v: x, only_x: 1}}
b: {hosts: {h: }, vars: {v: b}}
a: {hosts: {h: }, vars: {v: a, w: a, ansible_group_priority: 10}}
c: {hosts: {h: }, vars: {w: c}}
`}},
	{"a list of names", []string{"-i", "one,two,"}, []string{"two"}, nil},
	{"several sources", []string{"-i", "first/hosts", "-i", "second.yml", "-i", "extra,"}, []string{"h"}, map[string]string{
		"first/hosts": "[g]\nh v=1 w=1\n[g:vars]\ngv=first\n", "second.yml": "g: {hosts: {h: {v: 2}, k: }, vars: {gv: second}}\n",
		"first/group_vars/g": "gv: first beside\nfirst: yes\n", "group_vars/g.yml": "gv: second beside\n", "first/host_vars/h": "w: beside\n",
	}},
	{"variables beside", []string{"-i", "inv/hosts", "--playbook-dir", "play"}, []string{"h", "other"}, map[string]string{
		"inv/hosts":                  "other\n[parent:children]\nchild\n[child]\nh own=inventory\n[child:vars]\nv=inventory child\n[parent:vars]\nv=inventory parent\np=1\n[all:vars]\nv=inventory all\n",
		"inv/group_vars/all/one.yml": "v: all one\na1: 1\nm: {x: 1}\n", "inv/group_vars/all/two": "v: all two\nm: {y: 1}\n", "inv/group_vars/all/.three.yml": "v: hidden\n", "inv/group_vars/all/four.yml~": "v: backup\n",
		"inv/group_vars/all/five.txt": "v: text\n", "inv/group_vars/all/sub/six.json": "{\"six\": [1.0, null]}", "inv/group_vars/parent.yml": "q: inventory parent\nw: inventory parent\n",
		"inv/group_vars/child.yaml": "w: inventory child\n", "inv/group_vars/ungrouped": "u: 1\n", "inv/host_vars/h.json": "{\"own\": \"beside inventory\", \"k\": true}",
		"play/group_vars/all": "v: play all\nonly_play: 1\n", "play/group_vars/parent": "w: play parent\n", "play/host_vars/h": "own: beside play\n", "play/host_vars/stranger": "own: x\n",
	}},
	{"a folder", []string{"-i", "inv"}, []string{"a", "s1"}, map[string]string{
		"inv/20.yml": "web: {hosts: {a: {v: 20}}}\n", "inv/10": "[web]\na v=10 only=1\n", "inv/x.ini": "[nope]\nx\n", "inv/y.orig": "[nope]\ny\n", "inv/z~": "[nope]\nz\n", "inv/.h": "[nope]\nq\n",
		"inv/30.sh": "#!/bin/sh\necho '{\"web\": [\"s1\"], \"_meta\": {\"hostvars\": {\"s1\": {\"v\": 30}}}}'\n", "inv/group_vars/web": "g: 1\n", "inv/sub/more": "[db]\nd1\n",
	}},
	{"a script without _meta", []string{"-i", "s.sh"}, []string{"a"}, map[string]string{
		"s.sh": "#!/bin/sh\ncase $1 in --list) echo '{\"web\": {\"hosts\": [\"b\", \"a\"], \"children\": [\"db\"], \"vars\": {\"x\": [1, 2.5, null, \"ü\"]}}, \"db\": [\"c\"]}';; *) echo '{\"name\": \"'$2'\"}';; esac\n",
	}},
	{"extra variables", []string{"-i", "hosts.yml", "-e", "v=extra", "-e", "{\"j\": {\"k\": [1]}}"}, []string{"a"}, map[string]string{"hosts.yml": "g: {hosts: {a: {v: 1}}, vars: {w: 1}}\n"}},
	{"IPv6 and ranges", []string{"-i", "hosts"}, []string{"2001:db8::1"}, map[string]string{"hosts": "2001:db8::1\n[2001:db8::2]:2222\nn[a:c]x[1:2]\n"}},
	{"vault", []string{"-i", "hosts.yml", "--vault-password-file", "pw"}, []string{"a"}, map[string]string{
		"pw": "open sesame\n", "hosts.yml": "g: {hosts: {a: {u: !unsafe '{{ x }}', n: {deep: [!unsafe 'it''s']}}}}\n",
		"group_vars/g": "plain: 1\n" + `secret: !vault |
          $ANSIBLE_VAULT;1.1;AES256
          63623338343661376464336634653762303735626336643639623139386563613535353161386637
          6664323438643462303163393861636635326337623464650a343833343135623164613738373037
          32363737353466636636316230373036386462643533306362393031646432633163336231313039
          3966373965343064300a653339323137306561643635336461313132613964366266616634633035
          3031`,
	}},
}

// shows are the ways to show an inventory. JSON and graphs are the same to the
// byte.
var shows = [][]string{{"--list"}, {"--list", "--export"}, {"--graph"}, {"--graph", "--vars"}, {"--list", "--yaml"}, {"--list", "--yaml", "--export"}}

var (
	oracle = flag.Bool("oracle", false, "ask ansible-inventory itself whether testdata/ansible-inventory is what it shows")
	update = flag.Bool("update-oracle", false, "write what ansible-inventory shows to testdata/ansible-inventory")
)

// TestInventoryAsAnsible compares with what ansible-inventory of ansible-core
// 2.14.18 showed, and with -oracle with what it shows now: a second for each
// line of each inventory.
func TestInventoryAsAnsible(t *testing.T) {
	t.Parallel()
	for _, inv := range inventories {
		t.Run(inv.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for name, text := range inv.files {
				write(t, dir, name, text)
				if strings.HasPrefix(text, "#!") {
					if err := os.Chmod(filepath.Join(dir, name), 0o700); err != nil {
						t.Fatal(err)
					}
				}
			}
			how := shows
			for _, h := range inv.hosts {
				how = append(how[:len(how):len(how)], []string{"--host", h})
			}
			var want, got strings.Builder
			for _, args := range how {
				fmt.Fprintf(&got, "== %s\n%s", args, inventoryOutput(t, dir, "thordeploy", []string{"inventory"}, inv.flags, args))
				if *oracle || *update {
					fmt.Fprintf(&want, "== %s\n%s", args, inventoryOutput(t, dir, "ansible-inventory", inv.flags, args))
				}
			}
			compareWithOracle(t, filepath.Join("testdata/ansible-inventory", strings.ReplaceAll(inv.name, " ", "-")+".txt"), got.String(), want.String())
		})
	}
}

// compareWithOracle compares with a file of what Ansible showed, and with what
// it shows now, unless that is empty.
func compareWithOracle(t *testing.T, file, got, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	golden, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if want != "" && want != string(golden) {
		t.Errorf("Ansible shows something else than %s (-update-oracle writes it):\n%s", file, cmp.Diff(string(golden), want))
	}
	if diff := cmp.Diff(string(golden), got); diff != "" {
		t.Errorf("(-ansible +thordeploy)\n%s", diff)
	}
}

// inventoryOutput is what a program prints, YAML in the form of sameYAML.
func inventoryOutput(t *testing.T, dir, program string, args ...[]string) string {
	t.Helper()
	all := slices.Concat(args...)
	c := exec.CommandContext(t.Context(), program, all...)
	c.Dir, c.WaitDelay = dir, 5*time.Second
	c.Env = append(os.Environ(), "HOME="+dir, "LC_ALL=C.UTF-8")
	var stderr strings.Builder
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", program, all, err, &stderr)
	}
	if slices.Contains(all, "--yaml") {
		return sameYAML(t, string(out))
	}
	return string(out)
}

// sameYAML is a YAML text in a form that two writers agree on.
func sameYAML(t *testing.T, text string) string {
	t.Helper()
	var v any
	if err := yaml.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	out, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(out) + "\n"
}
