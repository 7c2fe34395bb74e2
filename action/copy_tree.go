package action

import (
	"context"
	"crypto/md5"  //nolint:gosec // only where the host has nothing better
	"crypto/sha1" //nolint:gosec // likewise
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"path"
	"path/filepath"
	"strings"

	"thordeploy/internal/bundle"
)

// rootEntry stands for the folder that a copy makes at dest.
var rootEntry = bundle.Entry{Path: ".", Mode: fs.ModeDir | 0o755}

// step is what a copy does about one entry.
type step struct {
	send, chmod, chown, backup bool
	mode                       uint32
}

// folder copies a tree: one round trip to look, one stream of what differs,
// and a third only for owners, modes of what is there, and backups.
func (cp *copying) folder(ctx context.Context) Result {
	name := ""
	if !strings.HasSuffix(cp.src, "/") {
		name = path.Base(cp.tree.Root)
	}
	p, r := cp.probeTree(ctx, name)
	if r.Failed {
		return r
	}
	if len(cp.validate) > 0 {
		return failed("validate checks one file at a time, src is a folder", "copy that file with a task of its own")
	}
	plan, err := cp.plan(p)
	if err != nil {
		return failed(err.Error(), hintOf(err))
	}
	r = cp.result(p, plan)
	if cp.call.Diff && r.Changed {
		var bad Result
		if r.Diff, bad = cp.treeDiff(ctx, p, plan); bad.Failed {
			return bad
		}
	}
	if cp.call.Check || !r.Changed {
		return r
	}
	if err := cp.room(p, cp.growth(p, plan)); err != nil {
		return failed(err.Error(), hintOf(err))
	}
	if bad := cp.apply(ctx, p, plan); bad.Failed {
		return bad
	}
	r.Msg = cp.note
	return r
}

// maxDiffs is how many files' diffs of one tree are shown.
const maxDiffs = 100

// treeDiff is what the copy changes in each file of a tree.
func (cp *copying) treeDiff(ctx context.Context, p *probe, plan []step) ([]Change, Result) {
	var list []Change
	more := 0
	for i, s := range plan {
		e, have := cp.tree.Entries[i], p.entries[i]
		if !e.Mode.IsRegular() || !s.send && !s.chmod && !s.chown {
			continue
		}
		if len(list) >= maxDiffs {
			more++
			continue
		}
		load := payload{size: e.Size, write: func(w io.Writer) error { return cp.call.Trees.WriteFile(w, cp.tree, i) }}
		one := *cp
		one.from = filepath.Join(cp.tree.Root, e.Path)
		changes, bad := one.fileDiff(ctx, have, load, s, path.Join(p.base, e.Path))
		if bad.Failed {
			return nil, bad
		}
		list = append(list, changes...)
	}
	if more > 0 {
		list = append(list, Change{Note: fmt.Sprintf("%d more files differ", more)})
	}
	return list, Result{}
}

// plan compares what is there with what is wanted.
func (cp *copying) plan(p *probe) ([]step, error) {
	plan := make([]step, len(cp.tree.Entries))
	for i, e := range cp.tree.Entries {
		s, err := cp.step(p, i, e)
		if err != nil {
			return nil, err
		}
		plan[i] = s
	}
	return plan, nil
}

func (cp *copying) step(p *probe, i int, e bundle.Entry) (step, error) {
	have := p.entries[i]
	missing := have.kind == 0 || have.kind == '-'
	at := path.Join(p.base, e.Path)
	s := step{mode: cp.wantMode(p, have, e), chown: cp.owner != ""}
	switch {
	case missing:
		s.send = true
		return s, nil
	case have.kind == 'o':
		return s, fmt.Errorf("%s on the host is a special file: it is not replaced", at)
	case e.Mode.IsDir():
		if have.kind != 'd' {
			return s, fmt.Errorf("%s on the host is not a folder, a folder is to go there", at)
		}
		s.chown = cp.ownerDiffers(have)
		return s, nil
	case have.kind == 'd':
		return s, fmt.Errorf("%s on the host is a folder, a file is to go there", at)
	case !cp.force:
		return step{}, nil
	case e.Mode&fs.ModeSymlink != 0:
		s.send = have.kind != 'l' || have.link != e.Link
		s.chown = s.send && s.chown
		return s, nil
	}
	s.send = have.kind != 'f' || !cp.same(p, have, i)
	if !s.send {
		s.chmod, s.chown = s.mode != have.mode, cp.ownerDiffers(have)
	}
	s.backup = s.send && have.kind == 'f' && cp.call.Args.Bool("backup")
	return s, nil
}

// same reports whether the host's file has the contents of entry i.
func (cp *copying) same(p *probe, have found, i int) bool {
	e := cp.tree.Entries[i]
	if have.size != e.Size || have.sum == "" {
		return false
	}
	var h hash.Hash
	switch p.tool {
	case "sha256sum":
		return have.sum == e.SHA256
	case "sha1sum":
		h = sha1.New() //nolint:gosec // see above
	case "md5sum":
		h = md5.New() //nolint:gosec // see above
	default:
		return false
	}
	return cp.call.Trees.WriteFile(h, cp.tree, i) == nil && hex.EncodeToString(h.Sum(nil)) == have.sum
}

// wantMode is the mode that e is to have. Without `mode` what is there keeps
// its own, and a file gets the executable bits that the source has.
func (cp *copying) wantMode(p *probe, have found, e bundle.Entry) uint32 {
	there := have.kind == 'f' || have.kind == 'd'
	if e.Mode.IsDir() {
		return cp.folderMode(p, e)
	}
	if cp.mode == "preserve" {
		return modeBits(e.Mode)
	}
	base := 0o666 &^ p.umask
	if there {
		base = have.mode
	}
	if cp.mode != "" {
		if !there && modeBits(e.Mode)&0o111 != 0 {
			base |= 0o111 &^ p.umask // so that X and u+x mean what they say
		}
		return applyMode(cp.mode, base, false, p.umask)
	}
	if modeBits(e.Mode)&0o111 != 0 {
		if base&0o111 == 0 || !there {
			base |= 0o111 &^ p.umask
		}
	}
	return base
}

func (cp *copying) folderMode(p *probe, e bundle.Entry) uint32 {
	switch cp.dirMode {
	case "":
		return 0o777 &^ p.umask
	case "preserve":
		return modeBits(e.Mode)
	}
	return applyMode(cp.dirMode, 0o777&^p.umask, true, p.umask)
}

// ownerDiffers reports whether what is there has another owner than the task
// asks for.
func ownerDiffers(a Args, have found) bool {
	owner, group := a.Str("owner"), a.Str("group")
	return owner != "" && owner != have.user && owner != have.uid || group != "" && group != have.group && group != have.gid
}

func (cp *copying) ownerDiffers(have found) bool {
	return ownerDiffers(cp.call.Args, have)
}

// growth is how many bytes more the plan needs on the host.
func (cp *copying) growth(p *probe, plan []step) int64 {
	var n int64
	for i, s := range plan {
		if s.send && cp.tree.Entries[i].Mode.IsRegular() {
			n += cp.tree.Entries[i].Size
			if p.entries[i].kind == 'f' && !s.backup {
				n -= p.entries[i].size
			}
		}
	}
	return n
}

func (cp *copying) result(p *probe, plan []step) Result {
	var files, sent int
	changed := p.missing
	for i, s := range plan {
		regular := cp.tree.Entries[i].Mode.IsRegular()
		changed = changed || s.send || s.chmod || s.chown && !s.send
		if regular {
			files++
		}
		if regular && s.send {
			sent++
		}
	}
	return Result{Changed: changed, Values: map[string]any{
		"dest": text8(p.base), "src": cp.tree.Root, "files": files, "sent": sent, "size": cp.tree.Size, "state": "directory",
	}}
}

// apply carries a plan out.
func (cp *copying) apply(ctx context.Context, p *probe, plan []step) Result {
	modes := map[string][]string{}
	var owned, saved []string
	for i, s := range plan {
		at := path.Join(p.base, cp.tree.Entries[i].Path)
		if s.backup {
			saved = append(saved, at)
		}
		if s.chmod {
			m := chmodText(s.mode)
			modes[m] = append(modes[m], at)
		}
		if s.chown {
			owned = append(owned, at)
		}
	}
	if r := cp.attrs(ctx, attrArgs(nil, "backup", "-", saved)); r.Failed {
		return r
	}
	if r := cp.send(ctx, p, plan); r.Failed {
		return r
	}
	after := attrArgs(nil, "owner", cp.owner, owned)
	for _, m := range sortedKeys(modes) {
		after = attrArgs(after, "mode", m, modes[m])
	}
	if cp.owner != "" { // chown takes setuid away again
		for i, s := range plan {
			if s.send && s.mode&0o6000 != 0 && cp.tree.Entries[i].Mode.IsRegular() {
				after = attrArgs(after, "mode", chmodText(s.mode), []string{path.Join(p.base, cp.tree.Entries[i].Path)})
			}
		}
	}
	return cp.attrs(ctx, after)
}

// attrArgs appends one operation on paths as copy_attrs takes it, in pieces
// that fit a request.
func attrArgs(args []string, op, value string, paths []string) []string {
	for len(paths) > 0 {
		n, size := 0, 0
		for n < len(paths) && (size < batchSize/2 || n == 0) {
			size += len(paths[n]) + 3
			n++
		}
		args = append(append(args, op, value, fmt.Sprint(n)), paths[:n]...)
		paths = paths[n:]
	}
	return args
}

// attrs runs copy_attrs on args, cut between operations where they are long.
func (cp *copying) attrs(ctx context.Context, args []string) Result {
	for len(args) > 0 {
		end, size := 0, 0
		for end < len(args) && (size < batchSize/2 || end == 0) {
			var n int
			_, _ = fmt.Sscan(args[end+2], &n) // our own number
			for _, a := range args[end : end+3+n] {
				size += len(a) + 3
			}
			end += 3 + n
		}
		if _, r := half(ctx, cp.call, "copy_attrs", args[:end]...); r.Failed {
			return r
		}
		args = args[end:]
	}
	return Result{}
}
