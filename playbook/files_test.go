package playbook

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
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
			if diff := cmp.Diff(want, got); diff != "" && !*update {
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
