package playbook

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"thordeploy/internal/diag"
)

// loadFiles loads /plays/site.yml of files whose names are as in an archive:
// from the root, without a / in front.
func loadFiles(l Loader, files fstest.MapFS) (*Playbook, *diag.List) {
	l.FS = files
	if l.Vars == nil {
		l.Vars = vars{"given": "with -e"}
	}
	l.RolesPath = append(l.RolesPath, "/shared/roles")
	return l.Load("site.yml", "/plays", files["plays/site.yml"].Data)
}

func archived(a *txtar.Archive) fstest.MapFS {
	files := fstest.MapFS{}
	for _, f := range a.Files {
		files[f.Name] = &fstest.MapFile{Data: f.Data}
	}
	return files
}

// TestFiles loads the playbooks of testdata/files/*.txtar, and holds what a
// person sees of what is wrong in them, or what became of them. The last file
// of each, named want, has that.
func TestFiles(t *testing.T) {
	archives, err := filepath.Glob("testdata/files/*.txtar")
	if err != nil || len(archives) < 2 {
		t.Fatalf("testdata/files: %v, %v", archives, err)
	}
	for _, file := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			want := ""
			if last := len(a.Files) - 1; a.Files[last].Name == "want" {
				want = string(a.Files[last].Data)
				a.Files = a.Files[:last]
			}
			pb, list := loadFiles(Loader{}, archived(a))
			got := ""
			if len(list.All()) > 0 {
				got = list.String() + "\n"
			}
			if list.Err() == nil {
				got += outline(pb)
			}
			if *update {
				a.Files = append(a.Files, txtar.File{Name: "want", Data: []byte(got)})
				if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := gocmp.Diff(want, got); diff != "" && !*update {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// outline shows what a playbook became.
func outline(pb *Playbook) string {
	var b strings.Builder
	for _, p := range pb.Plays {
		fmt.Fprintf(&b, "play %s in %s%s\n", p.Name, p.Dir, said(fieldsOf(&Play{Keywords: p.Keywords, When: p.When, VarsFiles: p.VarsFiles}), "Name", "Dir"))
		for _, c := range p.RoleList {
			fmt.Fprintf(&b, "  role %s in %s%s\n", c.Name, c.Dir, said(fieldsOf(c.Role), "Name", "Dir"))
		}
		for _, s := range p.Sections() {
			if len(s.Tasks) > 0 {
				fmt.Fprintf(&b, "  %s:\n", s.Name)
			}
			outlineTasks(&b, s.Tasks, "    ")
		}
	}
	return b.String()
}

func outlineTasks(b *strings.Builder, list []*Task, indent string) {
	for _, t := range list {
		fields := fieldsOf(t)
		fields["When"] = ""
		for _, e := range t.When {
			fields["When"] += "(" + e.String() + ")"
		}
		what := t.Title()
		if t.Role != nil {
			what = "role " + t.Role.Name
			for k, v := range fieldsOf(t.Role) {
				fields["of role "+k] = v
			}
			delete(fields, "of role Parents")
			for _, p := range t.Role.Parents {
				fields["of role Parents"] += "/" + p.Name
			}
			for _, k := range []string{"Name", "Dir", "Vars", "Defaults", "AllowDuplicates"} {
				delete(fields, "of role "+k) // they are in the play's list
			}
		}
		fmt.Fprintf(b, "%s%d %s%s\n", indent, t.Order, what, said(fields, "Spec", "Name", "Module", "LoopVar", "Order", "Role",
			"Block", "Rescue", "Always", "of role Role", "of role Key", "of role Given"))
		for i, section := range [][]*Task{t.Block, t.Rescue, t.Always} {
			if i > 0 && len(section) > 0 {
				fmt.Fprintf(b, "%s  %s:\n", indent, []string{"", "rescue", "always"}[i])
			}
			outlineTasks(b, section, indent+"  ")
		}
	}
}

// said prints fields by their names, without some.
func said(fields map[string]string, without ...string) string {
	for _, k := range without {
		delete(fields, k)
	}
	out := ""
	for _, k := range keysOf(fields) {
		if v := fields[k]; v != "{}" && v != "[]" && v != "" {
			out += fmt.Sprintf(" %s=%s", k, v)
		}
	}
	return out
}

// Files that bring each other again and again end soon, in an error.
func TestBombsAcrossFiles(t *testing.T) {
	tests := map[string]func(files fstest.MapFS){
		"tasks": func(files fstest.MapFS) {
			files["plays/site.yml"] = file("- hosts: all\n  tasks: [{import_tasks: t0.yml}]\n")
			for i := range 20 {
				files[fmt.Sprintf("plays/t%d.yml", i)] = file(strings.Repeat(fmt.Sprintf("- import_tasks: t%d.yml\n", i+1), 10))
			}
			files["plays/t20.yml"] = file("- ping:\n")
		},
		"playbooks": func(files fstest.MapFS) {
			files["plays/site.yml"] = file("- import_playbook: p0.yml\n")
			for i := range 20 {
				files[fmt.Sprintf("plays/p%d.yml", i)] = file(strings.Repeat(fmt.Sprintf("- import_playbook: p%d.yml\n", i+1), 10))
			}
			files["plays/p20.yml"] = file("- hosts: all\n")
		},
		"roles": func(files fstest.MapFS) {
			files["plays/site.yml"] = file("- hosts: all\n  roles: [r0]\n")
			for i := range 30 {
				next := fmt.Sprintf("{role: r%d, x: ", i+1)
				files[fmt.Sprintf("plays/roles/r%d/meta/main.yml", i)] = file("dependencies: [" + next + "1}, " + next + "2}]\n")
			}
			files["plays/roles/r30/x"] = file("")
		},
		"includes": func(files fstest.MapFS) {
			files["plays/site.yml"] = file("- hosts: all\n  tasks: [{include_tasks: i0.yml}]\n")
			for i := range 20 {
				files[fmt.Sprintf("plays/i%d.yml", i)] = file(strings.Repeat(fmt.Sprintf("- include_tasks: i%d.yml\n", i+1), 10))
			}
			files["plays/i20.yml"] = file("- ping:\n")
		},
		"deep": func(files fstest.MapFS) {
			files["plays/site.yml"] = file("- hosts: all\n  tasks: [{import_tasks: d0.yml}]\n")
			for i := range 200 {
				files[fmt.Sprintf("plays/d%d.yml", i)] = file(fmt.Sprintf("- import_tasks: d%d.yml\n", i+1))
			}
			files["plays/d200.yml"] = file("- ping:\n")
		},
		"large": func(files fstest.MapFS) {
			files["plays/site.yml"] = file("- hosts: all\n  vars_files: [v.yml]\n")
			files["plays/v.yml"] = file("a: " + strings.Repeat("x", maxVarsFile) + "\n")
		},
		"many": func(files fstest.MapFS) {
			text := "- hosts: all\n  vars_files:\n"
			for i := range 6 {
				text += fmt.Sprintf("  - v%d.yml\n", i)
				files[fmt.Sprintf("plays/v%d.yml", i)] = file("# " + strings.Repeat("x", 12<<20) + "\n")
			}
			files["plays/site.yml"] = file(text)
		},
	}
	want := map[string]string{"deep": "deeper than 100", "large": "larger than 16 MiB", "many": "64 MiB together"}
	for name, fill := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := fstest.MapFS{}
			fill(files)
			start := time.Now()
			_, list := loadFiles(Loader{}, files)
			if err := list.Err(); err == nil || !strings.Contains(err.Error(), cmp.Or(want[name], "YAML nodes")) {
				t.Errorf("error %.300v", err)
			}
			bound := 20 * time.Second
			if raced {
				bound *= 10 // which is what the detector costs the YAML library
			}
			if d := time.Since(start); d > bound {
				t.Errorf("took %v", d)
			}
		})
	}
}

func file(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }

// FuzzFiles loads playbooks of several files, and what they include.
func FuzzFiles(f *testing.F) {
	archives, _ := filepath.Glob("testdata/files/*.txtar")
	for _, file := range archives {
		if data, err := os.ReadFile(file); err == nil {
			before, _, _ := strings.Cut(string(data), "-- want --")
			f.Add([]byte(before))
		}
	}
	f.Add([]byte(includesText))
	f.Fuzz(func(t *testing.T, data []byte) {
		files := fstest.MapFS{}
		for _, part := range strings.Split("\n"+string(data), "\n-- ") {
			if name, text, ok := strings.Cut(part, " --\n"); ok && fs.ValidPath(name) && name != "." {
				files[name] = file(text)
			}
		}
		if files["plays/site.yml"] == nil {
			return
		}
		pb, list := loadFiles(Loader{}, files)
		if list.Err() != nil {
			return
		}
		outline(pb)
		for _, p := range pb.Plays {
			for _, s := range p.Sections() {
				Walk(s.Tasks, func(k *Task, _ []*Task) { bringAll(pb, k) })
			}
		}
	})
}

// bringAll reads what an include may bring.
func bringAll(pb *Playbook, k *Task) {
	if k.Include == nil {
		return
	}
	for _, name := range []string{"a.yml", "late", "tasks/main.yml", ""} {
		if k.Spec.Name == "include_role" {
			_, _, _ = pb.IncludeRole(k, name, RoleFiles{Tasks: "other"})
		} else {
			_, _, _ = pb.IncludeTasks(k, name)
		}
	}
}
