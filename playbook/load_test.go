package playbook

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"thordeploy/internal/diag"
)

var update = flag.Bool("update", false, "write the golden files")

// TestDiagnostics holds what a person sees for each testdata/*.yml.
func TestDiagnostics(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yml")
	if err != nil || len(files) < 20 {
		t.Fatalf("testdata: %v, %v", files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			_, list := Load(filepath.Base(file), "/plays", data)
			got := list.String() + "\n"
			golden := strings.TrimSuffix(file, ".yml") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// seed is the published playbook, indented; the copy in testdata stands in
// for it where the project is checked out alone.
func seed(t *testing.T) []byte {
	t.Helper()
	for _, f := range []string{"../../shared/seed/thor-playbook-indented.yml", "testdata/seed/thor.yml"} {
		data, err := os.ReadFile(f)
		if err == nil {
			return data
		}
		if !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
	t.Fatal("no seed playbook")
	return nil
}

func TestSeedPlaybook(t *testing.T) {
	own, err := os.ReadFile("testdata/seed/thor.yml")
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"published": seed(t), "own": own} {
		t.Run(name, func(t *testing.T) {
			pb, list := Load("thor.yml", "/plays", data)
			if err := list.Err(); err != nil {
				t.Fatal(err)
			}
			if all := list.All(); len(all) != 1 || !strings.Contains(all[0].Summary, "ignore_warnings") {
				t.Errorf("diagnostics:\n%s", list)
			}
			if len(pb.Plays) != 1 || len(pb.Plays[0].Tasks) != 9 {
				t.Fatalf("plays: %+v", pb.Plays)
			}
			got := describe(pb.Plays[0].Tasks, nil)
			want := []string{
				"0 command cmd=mkdir /mnt/temp_ram creates=/mnt/temp_ram",
				"1 command cmd=mount -t ramfs -o size=60M ramfs /mnt/temp_ram/",
				"2 copy dest=/mnt/temp_ram/ src=../thor-linux-pack/",
				"3 file mode=0555 path=/mnt/temp_ram/thor64 state=touch",
				"4 command cmd=/mnt/temp_ram/thor64 -l /mnt/temp_ram/thor.txt creates=/mnt/temp_ram/thor.html",
				"5 fetch dest=../thoransible-output/web1/thor.txt flat=true src=/mnt/temp_ram/thor.txt",
				"6 mount path=/mnt/temp_ram state=unmounted",
				"7 command cmd=mount",
				"8 command cmd=rmdir /mnt/temp_ram/",
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// describe prints tasks with their evaluated parameters, blocks by their
// sections.
func describe(tasks []*Task, vars vars) []string {
	if vars == nil {
		vars = map[string]any{"inventory_hostname": "web1"}
	}
	var out []string
	for _, k := range tasks {
		line := fmt.Sprintf("%d %s", k.Order, k.Module)
		for _, name := range keysOf(k.Args) {
			v, err := k.Args[name].Eval(vars)
			if err != nil {
				v = err
			}
			line += fmt.Sprintf(" %s=%v", name, v)
		}
		out = append(out, line)
		for _, section := range [][]*Task{k.Block, k.Rescue, k.Always} {
			out = append(out, describe(section, vars)...)
		}
	}
	return out
}

func TestPlaybook(t *testing.T) {
	data, err := os.ReadFile("testdata/ok.yml")
	if err != nil {
		t.Fatal(err)
	}
	pb, list := Load("ok.yml", "/plays", data)
	if err := list.Err(); err != nil {
		t.Fatal(err)
	}
	if pb.File != "ok.yml" || pb.Dir != "/plays" || len(pb.Plays) != 1 {
		t.Fatalf("playbook: %+v", pb)
	}
	p := pb.Plays[0]
	hosts, _ := p.Hosts.Const()
	if p.Name != "sweep" || hosts != "web,db*" || p.Strategy != Linear || p.GatherFacts == nil || *p.GatherFacts {
		t.Errorf("play: %+v, hosts %v", p, hosts)
	}
	if on, err := p.Become.Enabled.Bool(nil); !on || err != nil {
		t.Errorf("become: %v, %v", on, err)
	}
	if env, _ := p.Environment.Const(); !cmp.Equal(env, any(map[string]any{"PATH": "/bin", "LANG": "C"})) {
		t.Errorf("environment: %v", env)
	}
	scope := vars{"ram": "/mnt/ram", "size": 60, "item": 1}
	want := []string{
		"0 command cmd=mkdir /mnt/ram creates=/mnt/ram",
		"1 mkdir mode=0700 path=/mnt/ram",
		"2 ansible.posix.mount fstype=ramfs opts=size=60M path=/mnt/ram src=ramfs state=ephemeral",
		"3 copy dest=b c force=false mode=0644 src=a",
		"4 ",
		"5 shell chdir=/tmp cmd=FOO=bar ./run  \"a=b\"",
		"6 ping",
		"7 unmount path=/mnt/ram",
		"8 debug msg=1",
	}
	if diff := cmp.Diff(want, describe(p.Tasks, scope)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	var titles []string
	for _, k := range p.Tasks {
		titles = append(titles, k.Title())
	}
	if diff := cmp.Diff([]string{"Folder", "mkdir", "ansible.posix.mount", "copy", "block", "debug"}, titles); diff != "" {
		t.Errorf("titles (-want +got)\n%s", diff)
	}
	run := p.Tasks[4].Block[0]
	if run.Register != "out" || len(run.ChangedWhen) != 1 || len(run.FailedWhen) != 2 || len(p.Tasks[4].When) != 1 {
		t.Errorf("conditions: %+v", run)
	}
	if want := (diag.Range{File: "ok.yml", Line: 22, Column: 7}); run.Range != want {
		t.Errorf("range %+v, want %+v", run.Range, want)
	}
	if want := (diag.Range{File: "ok.yml", Line: 22, Column: 7, EndColumn: 12}); run.ModuleRange != want {
		t.Errorf("module's range %+v, want %+v", run.ModuleRange, want)
	}
	last := p.Tasks[5]
	if loop, err := last.Loop.Eval(scope); err != nil || !cmp.Equal(loop, any([]any{1, 60})) || last.LoopLabel == nil || last.LoopVar != "item" {
		t.Errorf("loop: %v, %v", loop, err)
	}
	if s, _ := last.Timeout.Const(); s != 30 {
		t.Errorf("timeout: %v", s)
	}
}

func TestAnchorsAliasesMerges(t *testing.T) {
	pb, list := Load("a.yml", "", []byte(`
- hosts: all
  vars:
    base: &base {mode: "0600", force: no}
    list: &list [{<<: *base, src: a, dest: b}, {<<: [{mode: "0644", src: x}, *base], src: c, dest: d}]
  tasks:
  - copy: {<<: *base, src: a, dest: b, mode: "0755"}
  - debug: {msg: *list}
`))
	if err := list.Err(); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"0 copy dest=b force=false mode=0755 src=a",
		"1 debug msg=[map[dest:b force:false mode:0600 src:a] map[dest:d force:false mode:0644 src:c]]",
	}
	if diff := cmp.Diff(want, describe(pb.Plays[0].Tasks, nil)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestBombs holds that hostile YAML ends soon, in an error.
func TestBombs(t *testing.T) {
	laughs := "- hosts: all\n  vars:\n    a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i := 1; i < 12; i++ {
		laughs += fmt.Sprintf("    a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10), ", "))
	}
	merges := "- hosts: all\n  vars:\n    a0: &a0 {x: 1}\n"
	for i := 1; i < 30; i++ {
		merges += fmt.Sprintf("    a%d: &a%d {<<: [*a%d, *a%d, *a%d]}\n", i, i, i-1, i-1, i-1)
	}
	tests := map[string]struct{ text, want string }{
		"aliases":     {laughs, "YAML nodes"},
		"merges":      {merges, "YAML nodes"},
		"deep":        {"- hosts: all\n  vars: {a: " + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + "}\n", "deeper"},
		"huge":        {"- hosts: all # " + strings.Repeat("x", maxFile), "larger"},
		"parentheses": {"- hosts: all\n  vars: {a: \"{{ " + strings.Repeat("(", 20_000) + " }}\"}\n", "nested deeper"},
		"signs":       {"- hosts: all\n  vars: {a: \"{{ " + strings.Repeat("-", 20_000) + "1 }}\"}\n", "nested deeper"},
		"statements":  {"- hosts: all\n  vars: {a: \"" + strings.Repeat("{% if a %}", 5_000) + "\"}\n", "nested deeper"},
		"long":        {"- hosts: all\n  vars: {a: \"{{ " + strings.Repeat("a+", maxTemplate/2) + "1 }}\"}\n", "longer than"},
		"wide":        {"- hosts: all\n  vars: {a: [" + strings.Repeat("x, ", 150_000) + "\"{{ x\"]}\n", "not closed"},
		"wide lines":  {"- hosts: all\n  vars:\n    a:\n" + strings.Repeat("    - ["+strings.Repeat("x, ", 1000)+"]\n", 15) + "    - \"{{ x\"\n", "not closed"},
		"words":       {"- hosts: all\n  tasks:\n  - command: " + strings.Repeat("{{a}} ", 100_000) + "\n", ""},
		"pairs":       {"- hosts: all\n  tasks:\n  - copy: " + strings.Repeat("a=b ", 100_000) + "\n", "more than"},
		"syntax":      {strings.Repeat("- hosts: all\n", 30_000) + "a: b\n", "not YAML"},
		"problems":    {strings.Repeat("- hots: all\n", 5_000), "more than 500 problems"},
		"brackets":    {strings.Repeat("[", 20_000), "YAML"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start := time.Now()
			_, list := Load("bomb.yml", "", []byte(tt.text))
			err := list.Err()
			if tt.want == "" && err == nil {
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %.300v, want one with %q", err, tt.want)
			}
			if d := time.Since(start); d > 20*time.Second {
				t.Errorf("took %v", d)
			}
		})
	}
}

func TestYAMLTypes(t *testing.T) {
	pb, list := Load("a.yml", "", []byte(`
- hosts: all
  vars: {a: yes, b: "yes", c: Off, d: 1, e: 1.5, f: ~, g: 0o17, h: 017, n: 12e3, o: 1.5e+3, p: 123456789012345678901234567890, i: 2024-01-01, j: text, k: !unsafe "{{ x }}", l: 1_000, m: y}
`))
	if err := list.Err(); err != nil {
		t.Fatal(err)
	}
	got := make(map[string]any)
	for _, v := range pb.Plays[0].Vars {
		got[v.Name], _ = v.Value.Const()
	}
	want := map[string]any{"a": true, "b": "yes", "c": false, "d": 1, "e": 1.5, "f": nil, "g": "0o17", "h": 15,
		"i": "2024-01-01", "j": "text", "k": "{{ x }}", "l": 1000, "m": "y",
		"n": "12e3", "o": 1500.0, "p": "123456789012345678901234567890"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestModes(t *testing.T) {
	for written, want := range map[string]string{
		"0755": "0755", "0o755": "0755", `"0755"`: "0755", "u+x": "u+x", "'755'": "755", "755": "error", "493": "error",
	} {
		pb, list := Load("a.yml", "", []byte("- hosts: all\n  tasks:\n  - file: {path: /a, mode: "+written+"}\n"))
		got := "error"
		if list.Err() == nil {
			v, _ := pb.Plays[0].Tasks[0].Args["mode"].Const()
			got = fmt.Sprint(v)
		} else if hint := list.Errors()[0].Hint; !strings.Contains(hint, "quoted") {
			t.Errorf("mode: %s has the hint %q", written, hint)
		}
		if got != want {
			t.Errorf("mode: %s gives %s, want %s", written, got, want)
		}
	}
}

func TestOneWarningForIgnoreWarnings(t *testing.T) {
	_, list := Load("a.yml", "", []byte(`
- hosts: all
  tasks:
  - copy: src=a dest=b ignore_warnings=true
  - copy: {src: a, dest: b, ignore_warnings: true}
    ignore_warnings: true
  - command: ls
    args: {ignore_warnings: yes}
`))
	if all := list.All(); len(all) != 1 || all[0].Severity != diag.Warning {
		t.Errorf("diagnostics:\n%s", list)
	}
}

func FuzzLoad(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.yml")
	for _, file := range files {
		if data, err := os.ReadFile(file); err == nil {
			f.Add(data)
		}
	}
	f.Add([]byte("- hosts: &a [*a]\n  <<: *a\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		pb, list := Load("f.yml", "/", data)
		if list.Err() != nil {
			return
		}
		for _, p := range pb.Plays {
			for _, line := range describe(p.Tasks, nil) {
				if line == "" {
					t.Error("empty task")
				}
			}
		}
	})
}
