package action

import (
	"context"
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"

	"thordeploy/transport/shell"
)

// fileSpec is ansible.builtin.file.
func fileSpec() *Spec {
	return &Spec{
		Name: "file",
		Params: []Param{
			{Name: "path", Aliases: []string{"dest", "name"}, Type: Path, Required: true, Doc: "the path to bring to a state"},
			{Name: "state", Type: String, Choices: []string{"absent", "directory", "file", "hard", "link", "touch"}, Doc: "what it is to be; without it, what it is already"},
			{Name: "mode", Type: Mode, Doc: "permissions, as chmod has them"},
			{Name: "owner", Type: String, Doc: "account that owns it"},
			{Name: "group", Type: String, Doc: "group that owns it"},
			{Name: "src", Type: Path, Doc: "what a link points to"},
			{Name: "force", Type: Bool, Default: false, Doc: "make a link that points nowhere, or in place of a file"},
			{Name: "follow", Type: Bool, Default: true, Doc: "where path is a symlink, mean what it points to"},
			{Name: "recurse", Type: Bool, Default: false, Doc: "set permissions and owners of all that is in a folder too"},
			{Name: "access_time", Type: String, Doc: "now, preserve, or a time"},
			{Name: "access_time_format", Type: String, Default: defaultTimeFormat, Doc: "how access_time is written"},
			{Name: "modification_time", Type: String, Doc: "now, preserve, or a time"},
			{Name: "modification_time_format", Type: String, Default: defaultTimeFormat, Doc: "how modification_time is written"},
		},
		Doc:       "Make and remove files, folders and links, and set permissions and owners.",
		Ephemeral: fileFootprint,
		Run:       runFile,
	}
}

// mkdirSpec is a folder in plain words: `mkdir: /mnt/temp_ram`.
func mkdirSpec() *Spec {
	return &Spec{
		Name:     "mkdir",
		FreeForm: "path",
		Params: []Param{
			{Name: "path", Aliases: []string{"dest", "name"}, Type: Path, Required: true, Doc: "the folder to make, with those above it"},
			{Name: "mode", Type: Mode, Doc: "its permissions, where it is made"},
			{Name: "owner", Type: String, Doc: "account that owns it, where it is made"},
			{Name: "group", Type: String, Doc: "group that owns it, where it is made"},
		},
		Doc: "Make a folder, with those above it; one that is there is left as it is.",
		Ephemeral: func(a Args) Footprint {
			return Footprint{Makes: absolute(a.Str("path"))}
		},
		Run: runMkdir,
	}
}

// defaultTimeFormat is the one that touch(1) takes.
const defaultTimeFormat = "%Y%m%d%H%M.%S"

func runMkdir(ctx context.Context, c *Call) Result {
	a := c.Args
	if strings.TrimSpace(a.Str("path")) == "" {
		return failed("path is empty", "name the folder to make")
	}
	mode := a.Str("mode")
	if isOctal(mode) {
		mode = "0" + mode // five digits: what is above may give its setgid bit
	}
	reply, r := half(ctx, c, "mkdir", a.Str("path"), mode, ownerAndGroup(a), yesNo(c.Check))
	if r.Lost == nil && !r.TimedOut {
		r.Values = fileValues(reply)
	}
	return r
}

func runFile(ctx context.Context, c *Call) Result {
	a := c.Args
	if strings.TrimSpace(a.Str("path")) == "" {
		return failed("path is empty", "name what to bring to a state")
	}
	if a.Bool("recurse") && a.Str("state") != "directory" && a.Has("state") {
		return failed("recurse goes with state=directory", "")
	}
	atime, err := fileTime(a, "access_time")
	if err != nil {
		return failed(err.Error(), hintOf(err))
	}
	mtime, err := fileTime(a, "modification_time")
	if err != nil {
		return failed(err.Error(), hintOf(err))
	}
	reply, r := half(ctx, c, "file", a.Str("path"), a.Str("state"), a.Str("mode"), a.Str("owner"), a.Str("group"), a.Str("src"),
		yesNo(a.Bool("force")), yesNo(a.Bool("follow")), yesNo(a.Bool("recurse")), atime, mtime, yesNo(c.Check), yesNo(c.Diff))
	if r.Lost != nil || r.TimedOut {
		return r
	}
	r.Values = fileValues(reply)
	if r.Failed {
		return r
	}
	nameAsAnsible(r.Values, a)
	if s := strings.Fields(reply.Values["symbolic"]); len(s) == 2 { // check mode: what would chmod make of it?
		was, err := strconv.ParseUint(s[0], 8, 32)
		r.Changed = r.Changed || err != nil || applyMode(a.Str("mode"), uint32(was), s[1] == "d", 0o022) != uint32(was)
	}
	if c.Diff && r.Changed {
		r.Diff = []Change{fileChange(a, reply)}
	}
	return r
}

// nameAsAnsible gives what is touched or linked the names that
// ansible.builtin.file has for it: dest, and src.
func nameAsAnsible(v map[string]any, a Args) {
	s := a.Str("state")
	switch s {
	case "link":
		v["src"] = a.Str("src")
	case "hard":
		v["src"], v["state"] = a.Str("src"), s
	case "touch":
	default:
		return
	}
	v["dest"] = v["path"]
	delete(v, "path")
}

// fileChange is what became, or would become, of a path: what differs of its
// state, mode and owners.
func fileChange(a Args, reply shell.Reply) Change {
	at := text8(reply.Values["path"])
	before, after := map[string]any{"path": at}, map[string]any{"path": at}
	was, asked := reply.Values["was"], reply.Values["asked"]
	if was != asked {
		before["state"], after["state"] = was, asked
	}
	if reply.Values["was_at"] == "" || asked == "absent" {
		return attributeChange(before, after)
	}
	var f found
	f.readAt(reply.Values["was_at"])
	if m := a.Str("mode"); m != "" {
		if now := applyMode(m, f.mode, was == "directory", 0o022); now != f.mode {
			before["mode"], after["mode"] = modeText(f.mode), modeText(now)
		}
	}
	if o := a.Str("owner"); o != "" && o != f.user && o != f.uid {
		before["owner"], after["owner"] = f.user, o
	}
	if g := a.Str("group"); g != "" && g != f.group && g != f.gid {
		before["group"], after["group"] = f.group, g
	}
	return attributeChange(before, after)
}

// fileTime is a time as file.sh takes it: now, preserve or nothing, or a date
// that touch(1) and date(1) read, as the host's clock has it.
func fileTime(a Args, which string) (string, error) {
	t := a.Str(which)
	if t == "" || t == "now" || t == "preserve" {
		return t, nil
	}
	for _, layout := range []string{"200601021504.05", "200601021504"} {
		if at, err := time.Parse(layout, t); err == nil && a.Str(which+"_format") == defaultTimeFormat {
			return at.Format(time.DateTime), nil
		}
	}
	return "", &typeError{text: fmt.Sprintf("%s must be now, preserve or a time such as 202612312359.00: %q", which, shorten(t))}
}

func fileValues(reply shell.Reply) map[string]any {
	v := map[string]any{}
	if at := reply.Values["at"]; at != "" {
		var f found
		f.readAt(at)
		v = f.values()
		v["size"] = f.size
	}
	if p := reply.Values["path"]; p != "" {
		v["path"] = text8(p)
	}
	if s := reply.Values["state"]; s != "" {
		v["state"] = s
	}
	return v
}

func fileFootprint(a Args) Footprint {
	switch a.Str("state") {
	case "directory":
		return Footprint{Makes: absolute(a.Str("path"))}
	case "absent":
		return Footprint{Removes: absolute(a.Str("path"))}
	}
	return Footprint{}
}

// absolute is p, clean, as a list of one, or nothing where p is not absolute
// or is the root.
func absolute(p string) []string {
	if !path.IsAbs(p) || strings.ContainsAny(p, "\x00") {
		return nil
	}
	if p = path.Clean(p); p == "/" {
		return nil
	}
	return []string{p}
}
