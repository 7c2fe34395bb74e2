package action

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"thordeploy/internal/diag"
)

// templateSpec is ansible.builtin.template: a file rendered here with the
// task's variables, then copied.
func templateSpec() *Spec {
	return &Spec{
		Name: "template",
		Params: []Param{
			{Name: "src", Type: Path, Required: true, Doc: "local template, looked up in templates/ of the role and of the playbook's folder, then beside the playbook"},
			{Name: "dest", Type: Path, Required: true, Doc: "where on the host; in a folder it has src's name"},
			{Name: "mode", Type: Mode, Choices: []string{"preserve"}, Doc: "permissions"},
			{Name: "owner", Type: String, Doc: "account that owns it"},
			{Name: "group", Type: String, Doc: "group that owns it"},
			{Name: "force", Type: Bool, Default: true, Doc: "no: only where dest is missing"},
			{Name: "follow", Type: Bool, Default: false, Doc: "write through a symlink at dest"},
			{Name: "backup", Type: Bool, Default: false, Doc: "keep what is replaced beside it, with the time in its name"},
			{Name: "validate", Type: String, Doc: "command that must accept the file (%s) before it is put in place"},
			{Name: "newline_sequence", Type: String, Default: "\n", Choices: []string{"\n", "\r", "\r\n", `\n`, `\r`, `\r\n`}, Doc: "what lines end with"},
			{Name: "trim_blocks", Type: Bool, Default: true, Doc: "drop the line end after a statement"},
			{Name: "lstrip_blocks", Type: Bool, Default: false, Doc: "drop the blanks before a statement that begins a line"},
			{Name: "block_start_string", Type: String, Default: "{%", Doc: "what a statement begins with"},
			{Name: "block_end_string", Type: String, Default: "%}", Doc: "what it ends with"},
			{Name: "variable_start_string", Type: String, Default: "{{", Doc: "what an expression begins with"},
			{Name: "variable_end_string", Type: String, Default: "}}", Doc: "what it ends with"},
			{Name: "comment_start_string", Type: String, Default: "{#", Doc: "what a comment begins with"},
			{Name: "comment_end_string", Type: String, Default: "#}", Doc: "what it ends with"},
			{Name: "output_encoding", Type: String, Default: "utf-8", Choices: []string{"utf-8", "utf8", "UTF-8"}, Doc: "utf-8 is the only one"},
			{Name: "unsafe_writes", Type: Bool, Default: false, Doc: "accepted; a file is always put in place as a whole"},
		},
		Doc: "Render a Jinja template here and copy what comes of it to the host.",
		Run: runTemplate,
	}
}

func runTemplate(ctx context.Context, c *Call) Result {
	src := c.Args.Str("src")
	at, err := c.Local.find(src, "templates")
	if err != nil {
		hint := ""
		if errors.Is(err, fs.ErrNotExist) {
			hint = "put it into templates/ of the role or beside the playbook"
			err = errors.New(strings.TrimSuffix(err.Error(), ": "+fs.ErrNotExist.Error()))
		}
		return failed(fmt.Sprintf("the template can't be read: %v", err), hint)
	}
	text, err := readTemplate(at)
	if err != nil {
		return failed(fmt.Sprintf("the template can't be read: %v", err), "")
	}
	info, err := os.Stat(at)
	if err != nil {
		return failed(fmt.Sprintf("the template can't be read: %v", err), "")
	}
	made, err := c.Template(text, at, templateOptions(c, at, info))
	if err != nil {
		return notRendered(err)
	}
	cp, err := newCopying(c)
	if err != nil {
		return failed(err.Error(), hintOf(err))
	}
	cp.content, cp.from, cp.fromMode = []byte(made), at, info.Mode()
	r := cp.file(ctx)
	if r.Values != nil {
		r.Values["src"] = at
	}
	return r
}

// maxTemplate bounds a template that is read.
const maxTemplate = 1 << 20

func readTemplate(at string) (string, error) {
	info, err := os.Stat(at)
	switch {
	case err != nil:
		return "", err
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("%s is not a file", at)
	case info.Size() > maxTemplate:
		return "", fmt.Errorf("%s is larger than %s: send it with copy", at, bytesText(maxTemplate))
	}
	b, err := os.ReadFile(at)
	return string(b), err
}

// notRendered is the Result of a template with a fault, whose place comes
// first.
func notRendered(err error) Result {
	var said *diag.Diagnostic
	if !errors.As(err, &said) {
		return failed(err.Error(), "")
	}
	return failed(fmt.Sprintf("%s: %s", said.Range, said.Summary), said.Hint)
}

// templateOptions are the task's parameters and what a template is told about
// itself.
func templateOptions(c *Call, at string, info fs.FileInfo) TemplateOptions {
	a := c.Args
	o := TemplateOptions{
		TrimBlocks: a.Bool("trim_blocks"), LstripBlocks: a.Bool("lstrip_blocks"),
		NewlineSequence: strings.NewReplacer(`\n`, "\n", `\r`, "\r").Replace(a.Str("newline_sequence")),
		BlockStart:      a.Str("block_start_string"), BlockEnd: a.Str("block_end_string"),
		VariableStart: a.Str("variable_start_string"), VariableEnd: a.Str("variable_end_string"),
		CommentStart: a.Str("comment_start_string"), CommentEnd: a.Str("comment_end_string"),
	}
	o.Load = func(name string) (text, file string, err error) {
		file, err = c.Local.find(name, "templates")
		if errors.Is(err, fs.ErrNotExist) && !filepath.IsAbs(name) {
			beside := filepath.Join(filepath.Dir(at), name)
			if _, missing := os.Stat(beside); missing == nil {
				file, err = beside, nil
			}
		}
		if err != nil {
			return "", "", err
		}
		text, err = readTemplate(file)
		return text, file, err
	}
	const layout = "2006-01-02 15:04:05.000000"
	full, err := filepath.Abs(at)
	if err != nil { // the working folder is gone
		full = at
	}
	host, _ := os.Hostname() // empty where the kernel has none
	o.Vars = map[string]any{
		"ansible_managed": "Ansible managed", "template_host": host, "template_path": at, "template_fullpath": full,
		"template_destpath": a.Str("dest"), "template_mtime": info.ModTime().Format(layout),
		"template_run_date": time.Now().Format(layout), "template_uid": ownerName(info),
	}
	return o
}

// ownerName is the account that owns a local file, its number where it has no
// name.
func ownerName(info fs.FileInfo) string {
	sys, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	uid := fmt.Sprint(sys.Uid)
	if u, err := user.LookupId(uid); err == nil {
		return u.Username
	}
	return uid
}
