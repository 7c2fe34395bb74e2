package action

import (
	"bytes"
	"context"
	"fmt"
	"strings"
)

// editParams are what modules that edit a file in place have in common.
func editParams() []Param {
	return []Param{
		{Name: "path", Aliases: []string{"dest", "destfile", "name"}, Type: Path, Required: true, Doc: "the file to edit, of at most 4 MiB"},
		{Name: "backup", Type: Bool, Default: false, Doc: "keep the file as it was beside it, with the time in its name"},
		{Name: "mode", Type: Mode, Doc: "permissions, as chmod has them"},
		{Name: "owner", Type: String, Doc: "account that owns it"},
		{Name: "group", Type: String, Doc: "group that owns it"},
		{Name: "validate", Type: String, Doc: "command that must accept the file (%s) before it is put in place"},
		{Name: "unsafe_writes", Type: Bool, Default: false, Doc: "accepted; a file is always put in place as a whole"},
	}
}

// blockinfileSpec is ansible.builtin.blockinfile.
func blockinfileSpec() *Spec {
	return &Spec{
		Name: "blockinfile",
		Params: append(editParams(),
			Param{Name: "block", Aliases: []string{"content"}, Type: String, Default: "", Doc: "the lines between the markers; empty takes them out, markers too"},
			Param{Name: "marker", Type: String, Default: "# {mark} ANSIBLE MANAGED BLOCK", Doc: "the line around the block; {mark} is replaced"},
			Param{Name: "marker_begin", Type: String, Default: "BEGIN", Doc: "{mark} of the line before it"},
			Param{Name: "marker_end", Type: String, Default: "END", Doc: "{mark} of the line after it"},
			Param{Name: "state", Type: String, Default: "present", Choices: []string{"absent", "present"}, Doc: "whether the block is to be there"},
			Param{Name: "insertafter", Type: String, Doc: "where a new block goes: after the last line that this regular expression matches, or EOF"},
			Param{Name: "insertbefore", Type: String, Doc: "likewise before the last such line, or BOF"},
			Param{Name: "create", Type: Bool, Default: false, Doc: "make the file where it is missing"},
		),
		Exclusive: [][]string{{"insertafter", "insertbefore"}},
		Doc:       "Make sure that a block of lines, between two marker lines, is in a file, or isn't.",
		Run:       runBlockinfile,
	}
}

func runBlockinfile(ctx context.Context, c *Call) Result {
	a := c.Args
	for _, which := range []string{"insertafter", "insertbefore"} {
		if text := a.Str(which); text != "" && text != "EOF" && text != "BOF" {
			if _, err := newLineExpr(which, text); err != nil {
				return failed(err.Error(), hintOf(err))
			}
		}
	}
	return editFile(ctx, c, "blockinfile", func(content []byte) ([]byte, string, error) { return editBlock(a, content) })
}

// editBlock gives the file as it is to be and what was done, nil where it is
// so already.
func editBlock(a Args, content []byte) ([]byte, string, error) {
	begin := strings.ReplaceAll(a.Str("marker"), "{mark}", a.Str("marker_begin"))
	end := strings.ReplaceAll(a.Str("marker"), "{mark}", a.Str("marker_end"))
	lines := bytes.SplitAfter(content, []byte("\n"))
	if n := len(lines) - 1; len(lines[n]) == 0 {
		lines = lines[:n]
	}
	var block [][]byte
	if text := a.Str("block"); a.Str("state") == "present" && text != "" {
		if !strings.HasSuffix(text, "\n") {
			text += "\n"
		}
		block = bytes.SplitAfter([]byte(begin+"\n"+text+end+"\n"), []byte("\n"))
		block = block[:len(block)-1]
	}
	from, to := -1, -1
	for i, l := range lines {
		switch string(bytes.TrimRight(l, "\r\n")) {
		case begin:
			from = i
		case end:
			to = i
		}
	}
	var at int
	switch {
	case from >= 0 && to >= 0:
		if from > to { // as Ansible: what is between them goes, whichever comes first
			from, to = to, from
		}
		lines = append(append([][]byte{}, lines[:from]...), lines[to+1:]...)
		at = from
	default:
		var err error
		if at, err = blockPlace(a, lines); err != nil {
			return nil, "", err
		}
	}
	if at > 0 && len(block) > 0 && !bytes.HasSuffix(lines[at-1], []byte("\n")) {
		lines[at-1] = append(bytes.Clone(lines[at-1]), '\n')
	}
	out := append(append([][]byte{}, lines[:at]...), block...)
	made := bytes.Join(append(out, lines[at:]...), nil)
	switch {
	case bytes.Equal(made, content):
		return nil, "", nil
	case len(block) == 0:
		return made, "Block removed", nil
	}
	return made, "Block inserted", nil
}

// blockPlace is the line before which a new block goes.
func blockPlace(a Args, lines [][]byte) (int, error) {
	text, after := a.Str("insertafter"), true
	if a.Has("insertbefore") {
		text, after = a.Str("insertbefore"), false
	}
	switch text {
	case "", "EOF":
		return len(lines), nil
	case "BOF":
		return 0, nil
	}
	x, err := newLineExpr("insertafter", text)
	if err != nil {
		return 0, err
	}
	at := len(lines)
	for i, l := range lines {
		if x.groups(l) != nil {
			at = i
			if after {
				at++
			}
		}
	}
	return at, nil
}

// editFile reads a file, has it edited, and puts it back where that changed it.
func editFile(ctx context.Context, c *Call, module string, edit func([]byte) (now []byte, msg string, err error)) Result {
	validate, err := validateWords(c.Args.Str("validate"))
	if err != nil {
		return failed(err.Error(), hintOf(err))
	}
	s, err := slurp(ctx, c, c.Args.Str("path"), maxLines)
	if err != nil {
		return broken(err)
	}
	if r, done := unusable(c.Args, s, module); done {
		return r
	}
	now, msg, err := edit(s.content)
	if err != nil {
		return failed(fmt.Sprintf("editing %s: %v", s.path, err), hintOf(err))
	}
	if s.word == "missing" { // create: true
		now, msg = append([]byte{}, now...), "File created"
	}
	l := &lineFile{call: c, was: s, now: now, send: now != nil, validate: validate}
	r := Result{Changed: l.send, Msg: msg, Values: map[string]any{}}
	if (s.word == "file" || !c.Check) && l.attrsDiffer() {
		if r.Msg != "" {
			r.Msg += " and "
		}
		r.Changed = true
		r.Msg += "ownership, perms or SE linux context changed"
	}
	r.Values["msg"] = r.Msg
	if module == "replace" { // as Ansible has it
		r.Values["rc"] = 0
	}
	if c.Diff && r.Changed {
		r.Diff = l.diff()
	}
	if c.Check || !r.Changed {
		return r
	}
	if r = l.write(ctx, r); r.Values["backup"] != nil {
		r.Values["backup_file"] = r.Values["backup"]
		delete(r.Values, "backup")
	}
	return r
}
