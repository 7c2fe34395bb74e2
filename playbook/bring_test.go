package playbook

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

// included gives the outline of what an include brings.
func outlineOf(tasks, handlers []*Task) string {
	var b strings.Builder
	outlineTasks(&b, tasks, "")
	if len(handlers) > 0 {
		b.WriteString("handlers:\n")
		outlineTasks(&b, handlers, "")
	}
	return b.String()
}

const includesText = `
-- plays/site.yml --
- hosts: all
  roles: [web]
  tasks:
  - {name: plain, include_tasks: a.yml}
  - {name: file, include_tasks: "{{ x }}.yml"}
  - {name: role, include_role: {name: late}, vars: {level: 3}}
  - {name: named, include_role: {name: "{{ x }}", allow_duplicates: no}}
-- plays/a.yml --
- {name: in a, ping: }
- {name: again, include_tasks: a.yml, when: more}
-- plays/b.yml --
- {name: in b, ping: }
- {import_role: {name: late, tasks_from: other}}
-- plays/wrong.yml --
- comand: ls
-- plays/roles/web/tasks/main.yml --
- {name: of web, include_tasks: deep/x.yml}
-- plays/roles/web/tasks/deep/x.yml --
- {name: nested, include_tasks: "y{{ x }}.yml"}
-- plays/roles/web/tasks/deep/y1.yml --
- {name: deep y1, ping: }
-- plays/roles/web/tasks/deep/y2.yml --
- {name: deep y2, ping: }
-- plays/roles/web/tasks/y1.yml --
- {name: y1, ping: }
-- plays/y3.yml --
- {name: plays y3, ping: }
-- shared/roles/late/tasks/main.yml --
- {name: in late, ping: , notify: of late}
-- shared/roles/late/tasks/other.yml --
- {name: other, ping: }
-- shared/roles/late/handlers/main.yml --
- {name: of late, ping: }
-- shared/roles/late/meta/main.yml --
dependencies: [base]
-- shared/roles/base/tasks/main.yml --
- {name: base, ping: }
`

// named finds a task of a playbook.
func named(t *testing.T, list []*Task, name string) *Task {
	t.Helper()
	var found *Task
	Walk(list, func(k *Task, _ []*Task) {
		if found == nil && k.Title() == name {
			found = k
		}
	})
	if found == nil {
		t.Fatalf("no task %s", name)
	}
	return found
}

func loadIncludes(t *testing.T) (*Playbook, fstest.MapFS) {
	t.Helper()
	files := archived(txtar.Parse([]byte(includesText)))
	pb, list := loadFiles(Loader{}, files)
	if err := list.Err(); err != nil {
		t.Fatal(err)
	}
	return pb, files
}

func TestIncludes(t *testing.T) {
	t.Parallel()
	pb, files := loadIncludes(t)
	p := pb.Plays[0]
	check := func(what, want string, tasks, handlers []*Task, err error) {
		t.Helper()
		got := outlineOf(tasks, handlers)
		if err != nil {
			got = err.Error() + "\n"
		}
		if diff := cmp.Diff(strings.TrimLeft(want, "\n"), got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", what, diff)
		}
	}
	plain := named(t, p.Tasks, "plain")
	tasks, handlers, err := pb.IncludeTasks(plain, "a.yml")
	check("read ahead", `
8 in a Dir=/plays
9 again Args={file=a.yml} Dir=/plays Include=map[] When=(more)
`, tasks, handlers, err)
	again, handlers, err := pb.IncludeTasks(tasks[1], "a.yml")
	check("what comes back to itself", `
19 in a Dir=/plays
20 again Args={file=a.yml} Dir=/plays Include=map[] When=(more)
`, again, handlers, err)
	file := named(t, p.Tasks, "file")
	tasks, handlers, err = pb.IncludeTasks(file, "b.yml")
	check("an import in an include", `
21 in b Dir=/plays
22 block Dir=/plays
  23 block Dir=/shared/roles/late/meta
    24 role base Dir=/shared/roles/base of role Parents=/late
      25 base Dir=/shared/roles/base/tasks
  26 role late Dir=/shared/roles/late
    27 other Dir=/shared/roles/late/tasks
handlers:
28 block Dir=/plays
  29 role late Dir=/shared/roles/late
    30 of late Dir=/shared/roles/late/handlers
`, tasks, handlers, err)
	same, _, err := pb.IncludeTasks(file, "/plays/b.yml")
	if err != nil || same[0].Order != 31 {
		t.Errorf("by an absolute path: %v, %v", same, err)
	}
	tasks, handlers, err = pb.IncludeTasks(file, "none.yml")
	check("missing", `
site.yml:5:33: error: none.yml is not there
    - {name: file, include_tasks: "{{ x }}.yml"}
                                  ^~~~~~~~~~~~~
  hint: looked for none.yml
`, tasks, handlers, err)
	tasks, handlers, err = pb.IncludeTasks(file, "wrong.yml")
	check("wrong", "wrong.yml:1:3: error: unknown module `comand`\n  - comand: ls\n    ^~~~~~\n  hint: did you mean `command`?\n", tasks, handlers, err)
	files["plays/wrong.yml"] = &fstest.MapFile{Data: []byte("- {name: right, ping: }\n"), ModTime: time.Now()}
	if tasks, _, err = pb.IncludeTasks(file, "wrong.yml"); err != nil || tasks[0].Title() != "right" {
		t.Errorf("a file that was made right meanwhile: %v, %v", tasks, err)
	}

	block, handlers, err := pb.IncludeRole(named(t, p.Tasks, "role"), "late", RoleFiles{})
	check("role", `
10 block Dir=/plays
  11 block Dir=/shared/roles/late/meta
    12 role base Dir=/shared/roles/base of role Parents=/late
      13 base Dir=/shared/roles/base/tasks
  14 role late Dir=/shared/roles/late Vars=[level=3]
    15 in late Dir=/shared/roles/late/tasks Notify=[of late]
handlers:
16 block Dir=/plays
  17 role late Dir=/shared/roles/late Vars=[level=3]
    18 of late Dir=/shared/roles/late/handlers
`, []*Task{block}, handlers, err)
}

func TestIncludedRole(t *testing.T) {
	t.Parallel()
	pb, _ := loadIncludes(t)
	task := named(t, pb.Plays[0].Tasks, "named")
	block, _, err := pb.IncludeRole(task, "late", RoleFiles{Tasks: "other"})
	if err != nil {
		t.Fatal(err)
	}
	role := block.Block[len(block.Block)-1]
	if role.Role.AllowDuplicates || role.Block[0].Title() != "other" {
		t.Errorf("role %+v", role.Role)
	}
	if _, _, err := pb.IncludeRole(task, "lat", RoleFiles{}); err == nil || !strings.Contains(err.Error(), "did you mean `late`?") {
		t.Errorf("error %v", err)
	}
	if _, _, err := pb.IncludeRole(task, "late", RoleFiles{Vars: "x"}); err == nil || !strings.Contains(err.Error(), "role `late` has no vars/x") {
		t.Errorf("error %v", err)
	}
}

// In a role the role's tasks/ come before the folder of the file that has the
// include, as in Ansible.
func TestIncludePlacesInRole(t *testing.T) {
	t.Parallel()
	pb, _ := loadIncludes(t)
	first, _, err := pb.IncludeTasks(named(t, pb.Plays[0].Roles, "of web"), "deep/x.yml")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"y1.yml": "y1", "y2.yml": "deep y2", "y3.yml": "plays y3"} {
		tasks, _, err := pb.IncludeTasks(first[0], name)
		if err != nil || tasks[0].Title() != want {
			t.Errorf("%s is %v, %v, want %s", name, tasks, err, want)
		}
	}
}

// All hosts get the same tasks, whoever comes first.
func TestIncludesAreShared(t *testing.T) {
	t.Parallel()
	pb, _ := loadIncludes(t)
	file, role := named(t, pb.Plays[0].Tasks, "file"), named(t, pb.Plays[0].Tasks, "named")
	got := make([]string, 50)
	var wg sync.WaitGroup
	for i := range got {
		wg.Go(func() {
			tasks, _, err := pb.IncludeTasks(file, "b.yml")
			block, _, err2 := pb.IncludeRole(role, "late", RoleFiles{})
			_, err3 := pb.ReadVars("/plays/none.yml")
			got[i] = fmt.Sprintf("%p %p %v %v %v", tasks[0], block, err, err2, err3)
		})
	}
	wg.Wait()
	for _, g := range got {
		if g != got[0] || !strings.HasSuffix(g, "<nil> <nil> none.yml: file does not exist") {
			t.Fatalf("%s and %s", got[0], g)
		}
	}
}

func TestIncludesEnd(t *testing.T) {
	t.Parallel()
	pb, _ := loadIncludes(t)
	task := named(t, pb.Plays[0].Tasks, "plain")
	for range 2 * maxChain {
		tasks, _, err := pb.IncludeTasks(task, "a.yml")
		if err != nil {
			if !strings.Contains(err.Error(), "deeper than 100") || !strings.Contains(err.Error(), "a.yml:2") {
				t.Error(err)
			}
			return
		}
		task = tasks[1]
	}
	t.Error("an include that comes back to itself has no end")
}

func TestReadVars(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{
		"plays/site.yml":    {Data: []byte("- hosts: all\n")},
		"plays/vars/v.yml":  {Data: []byte("a: 1\nb: '{{ x }}'\n")},
		"plays/v.yml":       {Data: []byte("a: 2\n")},
		"plays/bad.yml":     {Data: []byte("a: {{ b }}\n")},
		"plays/empty.yml":   {Data: []byte("---\n")},
		"role/vars/r.yml":   {Data: []byte("- {a: 3}\n- {c: 4}\n")},
		"plays/folder/x":    {},
		"plays/number.json": {Data: []byte(`{"a": 5}`)},
	}
	pb, list := loadFiles(Loader{}, files)
	if list.Err() != nil {
		t.Fatal(list)
	}
	for _, tt := range []struct{ path, want string }{
		{"v.yml", "[a=1 b=X]"}, {"/plays/v.yml", "[a=2]"}, {"r.yml", "[a=3 c=4]"}, {"empty.yml", "[]"}, {"number.json", "[a=5]"},
		{"bad.yml", "bad.yml:1:4: error: a value that begins with {{ is a YAML mapping unless it is quoted"},
		{"none.yml", "none.yml is not there: looked for /role/vars/none.yml, /role/none.yml, /plays/vars/none.yml, /plays/none.yml"},
		{"folder", "folder: error: folder: not a file"},
	} {
		got := ""
		path, err := pb.LookUp("vars", tt.path, "/role", "", "/plays")
		if err == nil {
			var vars []Var
			vars, err = pb.ReadVars(path)
			got = shown(vars)
		}
		if err != nil {
			got = err.Error()
		}
		if !strings.HasPrefix(got, tt.want) {
			t.Errorf("%s gives %s, want %s", tt.path, got, tt.want)
		}
	}
	if _, err := pb.LookUp("vars", "none.yml", "/plays"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
	files["plays/v.yml"] = &fstest.MapFile{Data: []byte("a: changed\n"), ModTime: time.Now()}
	if vars, err := pb.ReadVars("/plays/v.yml"); err != nil || shown(vars) != "[a=changed]" {
		t.Errorf("after a change: %s, %v", shown(vars), err)
	}
}
