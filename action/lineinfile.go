package action

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
)

// lineinfileSpec is ansible.builtin.lineinfile. The file comes here in one round
// trip, is edited here and goes back as a whole, unless it is another by then.
func lineinfileSpec() *Spec {
	return &Spec{
		Name: "lineinfile",
		Params: []Param{
			{Name: "path", Aliases: []string{"dest", "destfile", "name"}, Type: Path, Required: true, Doc: "the file on the host, of at most 4 MiB"},
			{Name: "line", Aliases: []string{"value"}, Type: String, Doc: "the line that is to be there, or not"},
			{Name: "state", Type: String, Default: "present", Choices: []string{"absent", "present"}, Doc: "absent removes every line that matches"},
			{Name: "regexp", Aliases: []string{"regex"}, Type: String, Doc: "a regular expression (RE2's) for the line to replace, the last that matches, or for those to remove"},
			{Name: "search_string", Type: String, Doc: "text instead of regexp"},
			{Name: "insertafter", Type: String, Doc: "where a new line goes: after the last line that this regular expression matches, EOF or BOF; without it to the end"},
			{Name: "insertbefore", Type: String, Doc: "likewise before a line, or BOF"},
			{Name: "firstmatch", Type: Bool, Default: false, Doc: "the first line that matches is meant, not the last"},
			{Name: "backrefs", Type: Bool, Default: false, Doc: `\1 and \g<name> in line are what regexp's groups matched; without a match nothing changes`},
			{Name: "create", Type: Bool, Default: false, Doc: "make the file, and folders above it, where it is missing"},
			{Name: "backup", Type: Bool, Default: false, Doc: "keep the file as it was beside it, with the time in its name"},
			{Name: "mode", Type: Mode, Doc: "permissions, as chmod has them"},
			{Name: "owner", Type: String, Doc: "account that owns it"},
			{Name: "group", Type: String, Doc: "group that owns it"},
			{Name: "validate", Type: String, Doc: "command that must accept the file (%s) before it is put in place"},
		},
		Exclusive: [][]string{{"insertafter", "insertbefore"}, {"regexp", "search_string"}, {"backrefs", "search_string"}},
		Doc:       "Make sure that a line is in a file, or isn't.",
		Run:       runLineinfile,
	}
}

// maxLines bounds a file that is edited in memory.
const maxLines = 4 << 20

func runLineinfile(ctx context.Context, c *Call) Result {
	e, err := newLineEdit(c.Args)
	if err != nil {
		return failed(err.Error(), hintOf(err))
	}
	validate, err := validateWords(c.Args.Str("validate"))
	if err != nil {
		return failed(err.Error(), hintOf(err))
	}
	s, err := slurp(ctx, c, c.Args.Str("path"), maxLines)
	if err != nil {
		return broken(err)
	}
	if r, done := unusable(c.Args, s, "lineinfile"); done {
		return r
	}
	now, err := e.apply(s.content)
	if err != nil {
		return failed(fmt.Sprintf("editing %s: %v", s.path, err), hintOf(err))
	}
	l := &lineFile{call: c, was: s, now: now, send: now != nil, validate: validate}
	r := Result{Changed: l.send, Msg: e.msg, Values: map[string]any{"backup": ""}}
	if e.absent {
		r.Values["found"] = e.found
	}
	attrs := (s.word == "file" || !c.Check) && l.attrsDiffer()
	if attrs {
		if r.Changed {
			r.Msg += " and "
		}
		r.Changed = true
		r.Msg += "ownership, perms or SE linux context changed"
	}
	r.Values["msg"] = r.Msg
	if c.Diff && r.Changed {
		r.Diff = l.diff()
	}
	if c.Check || !r.Changed {
		return r
	}
	return l.write(ctx, r)
}

// unusable is the Result where there is nothing to edit, if that is so.
func unusable(a Args, s slurped, module string) (Result, bool) {
	switch {
	case s.word == "folder":
		r := failed(fmt.Sprintf("Path %s is a directory !", s.path), "")
		r.Values = map[string]any{"rc": 256}
		return r, true
	case s.word == "missing" && a.Str("state") == "absent":
		return Result{Msg: "file not present", Values: map[string]any{"msg": "file not present"}}, true
	case s.word == "missing" && !a.Bool("create"):
		r := failed(fmt.Sprintf("Destination %s does not exist !", s.path), "create: true makes it")
		r.Values = map[string]any{"rc": 257}
		return r, true
	case s.word == "unreadable":
		return failed(fmt.Sprintf("%s can't be read", s.path), "run the task with become: true, as an account that may"), true
	case s.word == "special":
		return failed(fmt.Sprintf("%s is not a regular file", s.path), ""), true
	case s.over:
		return failed(fmt.Sprintf("%s is larger than %s, which is the most that %s edits", s.path, bytesText(maxLines), module), "use sed with command"), true
	case s.word == "file" && s.at.uid == "": // its mode isn't known, and would be lost
		return failed("the host has no stat program, without which "+s.path+" isn't edited", "install coreutils or busybox on it"), true
	}
	return Result{}, false
}

// validateWords are copy's too: a command with %s for the file.
func validateWords(text string) ([]string, error) {
	if text == "" {
		return nil, nil
	}
	if !strings.Contains(text, "%s") {
		return nil, &typeError{text: fmt.Sprintf("validate must contain %%s: %q", shorten(text)), hint: "%s stands for the file to check"}
	}
	words, err := splitWords(text)
	if err != nil {
		return nil, fmt.Errorf("validate: %w", err)
	}
	return words, nil
}

// lineFile is a file on its way back.
type lineFile struct {
	call     *Call
	was      slurped
	now      []byte
	send     bool
	validate []string
}

// wantMode is the mode that the file is to have.
func (l *lineFile) wantMode() uint32 {
	base := 0o666 &^ l.was.umask
	if l.was.word == "file" {
		base = l.was.at.mode
	}
	if m := l.call.Args.Str("mode"); m != "" {
		return applyMode(m, base, false, l.was.umask)
	}
	return base
}

func (l *lineFile) ownerDiffers() bool {
	owner, group, at := l.call.Args.Str("owner"), l.call.Args.Str("group"), l.was.at
	return owner != "" && owner != at.user && owner != at.uid || group != "" && group != at.group && group != at.gid
}

func (l *lineFile) attrsDiffer() bool {
	if l.was.word == "file" {
		return l.wantMode() != l.was.at.mode || l.ownerDiffers()
	}
	return l.call.Args.Has("mode") && l.wantMode() != 0o666&^l.was.umask
}

// diff is what changes in the file and of its attributes, under the headers
// that ansible.builtin.lineinfile gives them.
func (l *lineFile) diff() []Change {
	header := l.was.path + " (content)"
	before := side{header: header, text: l.was.content, over: len(l.was.content) > maxDiff}
	after := before
	if l.send {
		after = side{header: header, text: l.now, over: len(l.now) > maxDiff}
	}
	var list []Change
	if l.send {
		list = append(list, contentChange(before, after))
	}
	if l.was.word == "file" && l.attrsDiffer() {
		was, now := map[string]any{}, map[string]any{}
		if m := l.wantMode(); m != l.was.at.mode {
			was["mode"], now["mode"] = modeText(l.was.at.mode), modeText(m)
		}
		if l.ownerDiffers() {
			was["owner"], was["group"] = l.was.at.user, l.was.at.group
			now["owner"], now["group"] = firstOf(l.call.Args.Str("owner"), l.was.at.user), firstOf(l.call.Args.Str("group"), l.was.at.group)
		}
		c := attributeChange(was, now)
		c.BeforeHeader = l.was.path + " (file attributes)"
		c.AfterHeader = c.BeforeHeader
		list = append(list, c)
	}
	return list
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// write puts the file back, or sets what differs of its attributes.
func (l *lineFile) write(ctx context.Context, r Result) Result {
	a := l.call.Args
	if !l.send {
		var args []string
		if l.ownerDiffers() {
			args = attrArgs(args, "owner", ownerAndGroup(a), []string{l.was.real})
		}
		args = attrArgs(args, "mode", chmodText(l.wantMode()), []string{l.was.real})
		if _, bad := half(ctx, l.call, "copy_attrs", args...); bad.Failed {
			return bad
		}
		return r
	}
	in := incoming{
		target: l.was.real, size: int64(len(l.now)), mode: l.wantMode(), owner: ownerAndGroup(a), validate: l.guarded(),
		write: func(w io.Writer) error { _, err := w.Write(l.now); return err },
	}
	if l.was.word == "missing" {
		in.dirMode = chmodText(0o777 &^ l.was.umask)
	} else {
		in.owner = keepOwner(a, l.was.at)
		if a.Bool("backup") {
			reply, bad := half(ctx, l.call, "copy_attrs", attrArgs(nil, "backup", "-", []string{l.was.given})...)
			if bad.Failed {
				return bad
			}
			r.Values["backup"] = text8(reply.Values["backup"])
		}
	}
	if _, bad := in.send(ctx, l.call); bad.Failed {
		if strings.HasSuffix(bad.Msg, meanwhile) { // it isn't the task's own command that said no
			bad = failed(fmt.Sprintf("%s %s", l.was.path, meanwhile), "try again")
		}
		return bad
	}
	return r
}

// meanwhile is how a host says that the file isn't any more what was read.
const meanwhile = "was changed by somebody else meanwhile; what was there stays"

// stillSame is the last test before the file is put in place: what the task's
// own command, if there is one, accepts must be the file that was read still, or
// be missing still.
const stillSame = `f=$1 sum=$2;shift 2;[ $# = 0 ]||"$@"||exit 1;` +
	`if [ -z "$sum" ];then [ -e "$f" ]||[ -L "$f" ]||exit 0;else s=$(sha256sum <"$f")||exit 1;[ "${s%% *}" != "$sum" ]||exit 0;fi;` +
	`echo "` + meanwhile + `">&2;exit 1`

// guarded is the command that must accept the file.
func (l *lineFile) guarded() []string {
	sum := ""
	if l.was.word == "file" {
		d := sha256.Sum256(l.was.content)
		sum = hex.EncodeToString(d[:])
	}
	return append([]string{"/bin/sh", "-c", stillSame, "sh", l.was.real, sum}, l.validate...)
}

// keepOwner is OWNER:GROUP for a file that replaces one: what the task doesn't
// name stays.
func keepOwner(a Args, at found) string {
	owner, group := a.Str("owner"), a.Str("group")
	if owner == "" {
		owner = at.uid
	}
	if group == "" {
		group = at.gid
	}
	return owner + ":" + group
}
