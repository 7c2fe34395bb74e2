package action

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"golang.org/x/sync/errgroup"

	"thordeploy/transport"
)

// filesAtOnce is how many files SFTP writes beside each other, each with
// several requests under way.
const filesAtOnce = 8

// sendFiles is send where the host has no tar: folders and symlinks with its
// own programs, files over SFTP, or one by one where SFTP can't be used, as
// under become, since it writes as the account that connected.
func (cp *copying) sendFiles(ctx context.Context, p *probe, plan []step) Result {
	if r := cp.prepare(ctx, p, plan); r.Failed {
		return r
	}
	var list []int
	for i, s := range plan {
		if s.send && cp.tree.Entries[i].Mode.IsRegular() {
			list = append(list, i)
		}
	}
	files, err := cp.call.Shell.Conn().Files(ctx)
	if err != nil {
		cp.note = "sent file by file, since the host has no tar, nor SFTP for this account"
		return cp.sendEach(ctx, p, plan, list)
	}
	defer files.Close() //nolint:errcheck // what was written is written
	cp.note = "sent file by file over SFTP, since the host has no tar"
	var g errgroup.Group
	g.SetLimit(filesAtOnce)
	for _, i := range list {
		g.Go(func() error {
			at := path.Join(p.base, cp.tree.Entries[i].Path)
			if err := cp.sendOne(files, at, i, plan[i]); err != nil {
				return fmt.Errorf("copying %s: %w", text8(at), err)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return failed(err.Error(), "install tar on the host, which says more about its troubles")
	}
	return Result{}
}

// prepare makes the folders and symlinks, and removes what is to be replaced:
// SFTP would write through a symlink, and can't write to a program that runs.
func (cp *copying) prepare(ctx context.Context, p *probe, plan []step) Result {
	var old, args []string
	if p.missing {
		mode := chmodText(cp.folderMode(p, rootEntry))
		made := missingFolders(p.top, p.base)
		args = attrArgs(attrArgs(nil, "folder", mode, made), "owner", cp.owner, ifOwned(cp.owner, made))
	}
	for i, s := range plan {
		e, at := cp.tree.Entries[i], path.Join(p.base, cp.tree.Entries[i].Path)
		if !s.send || e.Path == "." {
			continue
		}
		if k := p.entries[i].kind; k == 'f' || k == 'l' {
			old = append(old, at)
		}
		switch {
		case e.Mode.IsDir():
			args = attrArgs(args, "folder", chmodText(s.mode), []string{at})
		case e.Mode&fs.ModeSymlink != 0:
			args = attrArgs(args, "link", e.Link, []string{at})
		}
	}
	if r := cp.attrs(ctx, attrArgs(nil, "remove", "-", old)); r.Failed {
		return r
	}
	return cp.attrs(ctx, args)
}

// missingFolders are top and those below it on the way to base.
func missingFolders(top, base string) []string {
	list := []string{top}
	for rest := strings.TrimPrefix(base, top); rest != ""; {
		name, after, _ := strings.Cut(strings.TrimPrefix(rest, "/"), "/")
		top = path.Join(top, name)
		list = append(list, top)
		rest = after
	}
	return list
}

// ifOwned is paths where there is an owner to give them to.
func ifOwned(owner string, paths []string) []string {
	if owner == "" {
		return nil
	}
	return paths
}

// sendOne writes entry i over the host's file service.
func (cp *copying) sendOne(files transport.Files, at string, i int, s step) error {
	r, w := io.Pipe()
	go func() { w.CloseWithError(cp.call.Trees.WriteFile(w, cp.tree, i)) }()
	defer r.Close() //nolint:errcheck // a pipe in memory
	if err := files.Write(at, fileMode(s.mode), r); err != nil {
		return err
	}
	return files.Chmod(at, fileMode(s.mode))
}

// sendEach writes each file with a stream of its own.
func (cp *copying) sendEach(ctx context.Context, p *probe, plan []step, list []int) Result {
	for _, i := range list {
		e := cp.tree.Entries[i]
		in := incoming{
			target: path.Join(p.base, e.Path), size: e.Size, mode: plan[i].mode,
			write: func(w io.Writer) error { return cp.call.Trees.WriteFile(w, cp.tree, i) },
		}
		if _, r := in.send(ctx, cp.call); r.Failed {
			return r
		}
	}
	return Result{}
}
