package action

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"thordeploy/internal/diag"
)

// rendered is an option: a renderer that puts what it was given between
// brackets. The real one is package playbook's, tried through the runner.
func rendered(seen *TemplateOptions) func(*Call) {
	return func(c *Call) {
		c.Template = func(text, _ string, o TemplateOptions) (string, error) {
			*seen = o
			return "[" + text + "]", nil
		}
	}
}

func TestTemplate(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, h *host) {
		book, role, dest := t.TempDir(), t.TempDir(), t.TempDir()
		write(t, book+"/templates/a.j2", "of the book", 0o640)
		write(t, role+"/templates/a.j2", "of the role", 0o640)
		write(t, book+"/b.j2", "beside", 0o644)
		write(t, book+"/templates/inc.j2", "included", 0o644)
		var o TemplateOptions
		local := func(c *Call) { c.Local.Playbook = book }
		run := func(v values, options ...func(*Call)) Result {
			return h.run(t, "template", v, append([]func(*Call){local, rendered(&o)}, options...)...)
		}
		r := mustOK(t, run(values{"src": "a.j2", "dest": dest + "/a", "mode": "0600"}), true)
		holds(t, dest+"/a", "[of the book]", 0o600)
		if r.Values["dest"] != dest+"/a" || r.Values["src"] != book+"/templates/a.j2" || r.Values["mode"] != "0600" || len(r.Values["checksum"].(string)) != 40 {
			t.Errorf("values: %v", r.Values)
		}
		mustOK(t, run(values{"src": "a.j2", "dest": dest + "/a", "mode": "0600"}), false)
		mustOK(t, run(values{"src": "a.j2", "dest": dest + "/a", "mode": "preserve"}), true)
		hasMode(t, dest+"/a", 0o640)
		mustOK(t, run(values{"src": "a.j2", "dest": dest + "/a", "mode": "0600"}, func(c *Call) { c.Local.Role = role }), true)
		holds(t, dest+"/a", "[of the role]", 0o600)

		r = mustOK(t, run(values{"src": "b.j2", "dest": dest, "backup": true}, inCheck, withDiff), true)
		if len(r.Diff) != 1 || r.Diff[0] != (Change{AfterHeader: book + "/b.j2", After: "[beside]"}) {
			t.Errorf("diff: %+v", r.Diff)
		}
		nothingElse(t, dest, "a")
		mustOK(t, run(values{"src": "b.j2", "dest": dest}), true) // into a folder, under its own name
		mustOK(t, run(values{"src": "a.j2", "dest": dest + "/b.j2", "force": false}), false)
		holds(t, dest+"/b.j2", "[beside]", 0o644)
		mustFail(t, run(values{"src": "a.j2", "dest": dest + "/b.j2", "validate": "false %s"}), "failed to validate")
		r = mustOK(t, run(values{"src": "a.j2", "dest": dest + "/b.j2", "backup": true}), true)
		holds(t, r.Values["backup_file"].(string), "[beside]", 0o644)

		mustOK(t, run(values{"src": "a.j2", "dest": dest + "/o", "newline_sequence": `\r\n`, "lstrip_blocks": true, "trim_blocks": false, "variable_start_string": "<<", "comment_end_string": "!"}), true)
		if o.NewlineSequence != "\r\n" || !o.LstripBlocks || o.TrimBlocks || o.VariableStart != "<<" || o.VariableEnd != "}}" || o.CommentEnd != "!" || o.BlockStart != "{%" {
			t.Errorf("options: %+v", o)
		}
		if _, err := time.Parse("2006-01-02 15:04:05.000000", o.Vars["template_run_date"].(string)); err != nil ||
			o.Vars["ansible_managed"] != "Ansible managed" || o.Vars["template_path"] != book+"/templates/a.j2" || o.Vars["template_destpath"] != dest+"/o" {
			t.Errorf("variables: %v %v", err, o.Vars)
		}
		text, file, err := o.Load("inc.j2")
		if err != nil || text != "included" || file != book+"/templates/inc.j2" {
			t.Errorf("loaded %q of %q, %v", text, file, err)
		}
		if _, _, err := o.Load("none.j2"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a template that is missing: %v", err)
		}
	})
}

func TestTemplateFindsWhatLiesBesideIt(t *testing.T) {
	t.Parallel()
	h := openHost(t, "dash", "dash")
	far := t.TempDir()
	write(t, far+"/main.j2", "x", 0o644)
	write(t, far+"/part.j2", "part", 0o644)
	var o TemplateOptions
	mustOK(t, h.run(t, "template", values{"src": far + "/main.j2", "dest": far + "/out"}, rendered(&o)), true)
	if text, _, err := o.Load("part.j2"); err != nil || text != "part" {
		t.Errorf("%q, %v", text, err)
	}
}

func TestTemplateFaults(t *testing.T) {
	t.Parallel()
	h := openHost(t, "dash", "dash")
	book := t.TempDir()
	write(t, book+"/a.j2", "x", 0o644)
	if err := os.WriteFile(filepath.Join(book, "large.j2"), make([]byte, maxTemplate+1), 0o600); err != nil {
		t.Fatal(err)
	}
	local := func(c *Call) { c.Local.Playbook = book }
	with := func(err error) func(*Call) {
		return func(c *Call) {
			c.Template = func(string, string, TemplateOptions) (string, error) { return "", err }
		}
	}
	mustFail(t, h.run(t, "template", values{"src": "none.j2", "dest": "/x"}, local), "none.j2", "templates/none.j2", "put it into templates/")
	mustFail(t, h.run(t, "template", values{"src": "large.j2", "dest": "/x"}, local), "larger than 1.0 MiB")
	mustFail(t, h.run(t, "template", values{"src": ".", "dest": "/x"}, local), "is not a file")
	place := &diag.Diagnostic{Range: diag.Range{File: "a.j2", Line: 3, Column: 4}, Summary: "variable `x` is undefined", Hint: "define it"}
	mustFail(t, h.run(t, "template", values{"src": "a.j2", "dest": book + "/out"}, local, with(place)), "a.j2:3:4: variable `x` is undefined", "define it")
	mustFail(t, h.run(t, "template", values{"src": "a.j2", "dest": book + "/out"}, local, with(errors.New("no facts"))), "no facts")
	nothingElse(t, book, "a.j2", "large.j2")
}
