package action

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"thordeploy/transport"
)

// send streams what the plan wants, as tar where the host has it.
func (cp *copying) send(ctx context.Context, p *probe, plan []step) Result {
	if !p.missing && !slices.ContainsFunc(plan, func(s step) bool { return s.send }) {
		return Result{}
	}
	if !p.tar {
		return cp.sendFiles(ctx, p, plan)
	}
	r := cp.outgoing(plan).run(ctx, p)
	if r.Failed {
		return cp.halfway(ctx, p, plan, r)
	}
	return r
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
