package action

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"thordeploy/internal/bundle"
	"thordeploy/transport"
)

// send streams what the plan wants, as tar where the host has it.
func (cp *copying) send(ctx context.Context, p *probe, plan []step) Result {
	steps := make(map[string]step, len(plan))
	any := false
	for i, s := range plan {
		steps[cp.tree.Entries[i].Path] = s
		any = any || s.send
	}
	if !any && !p.missing {
		return Result{}
	}
	if !p.tar {
		return cp.sendFiles(ctx, p, plan)
	}
	s, err := streamLine(ctx, cp.call, cp.unpackLine(p), func(w io.Writer) error {
		return cp.call.Trees.WriteTar(w, cp.tree,
			func(e bundle.Entry) bool { return e.Path != "." && steps[e.Path].send },
			func(e bundle.Entry) fs.FileMode { return fileMode(steps[e.Path].mode) })
	}, nil)
	return cp.sent(p, s, err)
}

// makeFolders is shell text: make FOLDER MODE OWNER makes a folder and those
// above it that are missing, each with the mode and owner.
const makeFolders = `make(){ [ -d "$1/" ]||{ make "${1%/*}" "$2" "$3"&&mkdir -m "$2" -- "$1"&&{ [ -z "$3" ]||chown -- "$3" "$1";};};};`

// unpackLine makes the folder where it is missing, and unpacks into it. One
// line without quotes and exclamation marks, so that any login shell takes it.
func (cp *copying) unpackLine(p *probe) string {
	words := []string{"/bin/sh", "-c", `cd -- "$1"&&exec tar -xopmf -`, "unpack", p.base}
	if p.missing {
		words[2] = makeFolders + `make "$1" "$2" "$3"&&` + words[2]
		words = append(words, chmodText(cp.folderMode(p, rootEntry)), cp.owner)
	}
	return "exec " + transport.Quote(words...)
}

// sent says how a stream of files ended. The host's own words say more than a
// broken pipe.
func (cp *copying) sent(p *probe, s streamed, err error) Result {
	said := strings.TrimSpace(text8(s.stderr))
	switch {
	case err != nil:
		return broken(fmt.Errorf("copying to %s: %w", text8(p.base), err))
	case s.code != 0:
		msg := fmt.Sprintf("copying to %s failed on the host with exit status %d", text8(p.base), s.code)
		if said != "" {
			msg += ": " + said
		}
		return failed(msg, diskHint(said))
	case s.sent != nil:
		return failed(fmt.Sprintf("copying to %s: %v", text8(p.base), s.sent), "")
	}
	return Result{}
}

// diskHint says what to try about a tool's complaint.
func diskHint(said string) string {
	for _, h := range []struct{ words, hint string }{
		{"No space left", "make room on the host, or copy to another filesystem"},
		{"Read-only", "the filesystem is mounted read-only: copy to another"},
		{"Permission denied", "run the task with become: true, as an account that may write there"},
		{"not permitted", "run the task with become: true, as an account that may"},
		{"invalid user", "name an account that the host has"},
		{"unknown user", "name an account that the host has"},
		{"invalid group", "name a group that the host has"},
	} {
		if strings.Contains(said, h.words) {
			return h.hint
		}
	}
	return ""
}

// sendFiles is send over the host's file service, where there is no tar.
func (cp *copying) sendFiles(ctx context.Context, p *probe, plan []step) Result {
	files, err := cp.call.Shell.Conn().Files(ctx)
	if err != nil {
		return failed(fmt.Sprintf("copying to %s: the host has no tar, and its file service can't be used: %v", text8(p.base), err), "install tar on the host")
	}
	defer files.Close() //nolint:errcheck // what was written is written
	if r := cp.clear(ctx, p, plan); r.Failed {
		return r
	}
	if p.missing {
		if err := mkdirAll(files, p.base); err != nil {
			return failed(fmt.Sprintf("making %s: %v", text8(p.base), err), "")
		}
	}
	for i, s := range plan {
		e := cp.tree.Entries[i]
		if !s.send || e.Path == "." {
			continue
		}
		if err := cp.sendOne(files, path.Join(p.base, e.Path), i, s); err != nil {
			return failed(fmt.Sprintf("copying %s: %v", text8(path.Join(p.base, e.Path)), err), "install tar on the host")
		}
	}
	cp.note = "sent file by file over SFTP, since the host has no tar"
	return Result{}
}

// clear removes what is to be replaced: the file service would write through a
// symlink, and can't write to a program that runs.
func (cp *copying) clear(ctx context.Context, p *probe, plan []step) Result {
	var old []string
	for i, s := range plan {
		if k := p.entries[i].kind; s.send && (k == 'f' || k == 'l') {
			old = append(old, path.Join(p.base, cp.tree.Entries[i].Path))
		}
	}
	return cp.attrs(ctx, attrArgs(nil, "remove", "-", old))
}

func (cp *copying) sendOne(files transport.Files, at string, i int, s step) error {
	e := cp.tree.Entries[i]
	switch {
	case e.Mode.IsDir():
		return files.Mkdir(at, fileMode(s.mode))
	case e.Mode&fs.ModeSymlink != 0:
		return errors.New("a symlink can't be sent without tar: set local_follow to send what it points to")
	}
	r, w := io.Pipe()
	go func() { w.CloseWithError(cp.call.Trees.WriteFile(w, cp.tree, i)) }()
	defer r.Close() //nolint:errcheck // a pipe in memory
	if err := files.Write(at, fileMode(s.mode), r); err != nil {
		return err
	}
	return files.Chmod(at, fileMode(s.mode))
}

// mkdirAll makes a folder and those above it.
func mkdirAll(files transport.Files, at string) error {
	if at == "/" || at == "." {
		return nil
	}
	if files.Mkdir(at, 0o755) == nil {
		return nil
	}
	if err := mkdirAll(files, path.Dir(at)); err != nil {
		return err
	}
	return files.Mkdir(at, 0o755)
}
