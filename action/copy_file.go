package action

import (
	"context"
	"fmt"
	"io"
	"path"
	"strings"

	"thordeploy/internal/bundle"
)

// file copies one file, or content.
func (cp *copying) file(ctx context.Context) Result {
	load := cp.payload()
	name := ""
	switch {
	case cp.tree != nil:
		name = path.Base(cp.tree.Root)
	case cp.from != "":
		name = path.Base(cp.from)
	}
	p, r := cp.probeFile(ctx, name)
	if r.Failed {
		return r
	}
	if p.inside && name == "" {
		return failed(fmt.Sprintf("content can't be written to a folder: %s is one on the host", text8(cp.dest)), "name the file")
	}
	have := p.entries[0]
	target := path.Join(p.base, p.name)
	if p.missing && !p.inside {
		return failed(fmt.Sprintf("the destination folder %s does not exist on the host", text8(p.base)), "make it first, or end dest with /")
	}
	if have.kind == 'd' || have.kind == 'o' {
		return failed(fmt.Sprintf("%s on the host is not a file: it is not replaced", text8(target)), "")
	}
	s := cp.fileStep(p, have, load)
	values := map[string]any{"dest": text8(target), "checksum": load.sha1, "size": load.size, "state": "file"}
	if cp.tree != nil {
		values["src"] = cp.tree.Root
	}
	for k, v := range have.values() {
		if have.kind == 'f' {
			values[k] = v
		}
	}
	r = Result{Changed: s.send || s.chmod || s.chown, Values: values}
	if cp.call.Diff && r.Changed {
		var bad Result
		if r.Diff, bad = cp.fileDiff(ctx, have, load, s, target); bad.Failed {
			return bad
		}
	}
	if cp.call.Check || !r.Changed {
		return r
	}
	return cp.fileAct(ctx, p, load, s, target, r)
}

// fileDiff is what the copy changes in one file.
func (cp *copying) fileDiff(ctx context.Context, have found, load payload, s step, target string) ([]Change, Result) {
	var list []Change
	if s.send {
		var before side
		if have.kind == 'f' || have.kind == 'l' {
			var bad Result
			if before, bad = standing(ctx, cp.call, target); bad.Failed {
				return nil, bad
			}
		}
		header := text8(target)
		if cp.tree != nil {
			header = cp.tree.Root
		}
		if cp.from != "" {
			header = cp.from
		}
		after, err := load.shown(header)
		if err != nil {
			return nil, failed(fmt.Sprintf("reading %s for the diff: %v", header, err), "")
		}
		list = append(list, contentChange(before, after))
	}
	if have.kind == 'f' {
		list = append(list, cp.attrDiff(have, s, target)...)
	}
	return list, Result{}
}

// attrDiff is what differs of a file's mode and owners.
func (cp *copying) attrDiff(have found, s step, target string) []Change {
	before, after := map[string]any{"path": text8(target)}, map[string]any{"path": text8(target)}
	if s.mode != have.mode {
		before["mode"], after["mode"] = modeText(have.mode), modeText(s.mode)
	}
	a := cp.call.Args
	if o := a.Str("owner"); o != "" && o != have.user && o != have.uid {
		before["owner"], after["owner"] = have.user, o
	}
	if g := a.Str("group"); g != "" && g != have.group && g != have.gid {
		before["group"], after["group"] = have.group, g
	}
	if len(before) == 1 {
		return nil
	}
	return []Change{attributeChange(before, after)}
}

func (cp *copying) fileStep(p *probe, have found, load payload) step {
	there := have.kind == 'f' || have.kind == 'l'
	if there && !cp.force {
		return step{}
	}
	base := 0o666 &^ p.umask
	if have.kind == 'f' {
		base = have.mode
	}
	s := step{mode: base}
	switch {
	case cp.mode == "preserve" && load.mode != 0:
		s.mode = modeBits(load.mode)
	case cp.mode != "" && cp.mode != "preserve":
		s.mode = applyMode(cp.mode, base, false, p.umask)
	}
	s.send = have.kind != 'f' || have.size != load.size || !cp.sameFile(p, have, load)
	if !s.send {
		s.chmod, s.chown = s.mode != have.mode, cp.ownerDiffers(have)
	}
	s.backup = s.send && have.kind == 'f' && cp.call.Args.Bool("backup")
	return s
}

func (cp *copying) sameFile(p *probe, have found, load payload) bool {
	switch {
	case have.sum == "":
		return false
	case p.tool == "sha256sum":
		return have.sum == load.sha256
	case p.tool == "sha1sum":
		return have.sum == load.sha1
	}
	return cp.tree != nil && cp.same(p, have, 0)
}

// fileAct sends the file where its contents differ, and otherwise sets what
// differs of its attributes.
func (cp *copying) fileAct(ctx context.Context, p *probe, load payload, s step, target string, r Result) Result {
	if !s.send {
		var args []string
		if s.chown {
			args = attrArgs(args, "owner", cp.owner, []string{target})
		}
		args = attrArgs(args, "mode", chmodText(s.mode), []string{target})
		if bad := cp.attrs(ctx, args); bad.Failed {
			return bad
		}
		r.Values["mode"] = modeText(s.mode)
		return r
	}
	if err := cp.room(p, load.size); err != nil { // the old file stays until the new one is whole
		return failed(err.Error(), hintOf(err))
	}
	if s.backup {
		reply, bad := half(ctx, cp.call, "copy_attrs", attrArgs(nil, "backup", "-", []string{target})...)
		if bad.Failed {
			return bad
		}
		r.Values["backup_file"] = text8(reply.Values["backup"])
	}
	in := incoming{
		target: target, size: load.size, mode: s.mode, owner: cp.owner, validate: cp.validate, write: load.write,
	}
	if cp.tree != nil {
		in.codec = cp.codec(p, load.size)
		in.pack = func(w io.Writer, z bundle.Codec) error { return cp.call.Trees.WriteFileAs(w, cp.tree, 0, z) }
	}
	if p.missing {
		in.dirMode = chmodText(cp.folderMode(p, rootEntry))
	}
	now, bad := in.send(ctx, cp.call)
	if bad.Failed {
		return bad
	}
	for k, v := range now.values() {
		r.Values[k] = v
	}
	return r
}

// incoming is a file on its way to a host.
type incoming struct {
	target   string
	size     int64
	mode     uint32
	owner    string // OWNER:GROUP, empty: as it comes
	dirMode  string // mode to make target's folder with, empty: it is there
	old      string // cksum(1) that target must still have, empty: whatever
	validate []string
	write    func(io.Writer) error
	codec    func() bundle.Codec                 // nil: as it is
	pack     func(io.Writer, bundle.Codec) error // write, compressed; nil where codec is
}

// stream writes what copy_receive.sh reads.
func (in incoming) stream(w io.Writer) error {
	codec := bundle.Plain
	if in.codec != nil {
		codec = in.codec()
	}
	if _, err := io.WriteString(w, codecLine(codec)); err != nil {
		return err
	}
	if codec != bundle.Plain {
		return in.pack(w, codec)
	}
	return in.write(w)
}

// send puts the file in its place as a whole or not at all, and tells what
// then stands there.
func (in incoming) send(ctx context.Context, c *Call) (found, Result) {
	args := append([]string{
		path.Dir(in.target), path.Base(in.target), privateName(),
		fmt.Sprint(in.size), chmodText(in.mode), in.owner, in.dirMode, in.old,
	}, in.validate...)
	s, err := streamHalf(ctx, c, "copy_receive", args, in.stream, nil)
	said := strings.TrimSpace(text8(s.stderr))
	if err != nil {
		return found{}, broken(fmt.Errorf("copying to %s: %w", text8(in.target), err))
	}
	line := strings.TrimSpace(s.stdout)
	if at, ok := strings.CutPrefix(line, "at "); ok && s.code == 0 {
		f := found{kind: 'f'}
		f.readAt(at)
		return f, Result{}
	}
	why, _ := strings.CutPrefix(line, "failed ")
	if s.sent != nil && why == "short" {
		said = s.sent.Error()
	}
	msg := fmt.Sprintf("copying to %s: %s", text8(in.target), reasonText(why, s.code))
	if said != "" {
		msg += ": " + said
	}
	return found{}, failed(msg, diskHint(said))
}

// reasonText words what copy_receive.sh says in one word.
func reasonText(why string, code int) string {
	switch why {
	case "folder":
		return "the folder could not be made"
	case "write", "rename":
		return "the file could not be written"
	case "short":
		return "the file did not come whole; what was there stays"
	case "owner":
		return "the owner could not be set"
	case "mode":
		return "the mode could not be set"
	case "validate":
		return "failed to validate; what was there stays"
	case "changed":
		return "the file was changed by somebody else meanwhile: try again"
	case "isfolder":
		return "it is a folder"
	}
	return fmt.Sprintf("the host's shell ended with exit status %d", code)
}
