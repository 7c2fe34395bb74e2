package action

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"thordeploy/internal/bundle"
)

// silentOpts are tar's and unzip's options that ask for nothing more than what
// is done anyway.
var silentOpts = []string{
	"--overwrite", "--same-permissions", "--preserve-permissions", "-p", "--same-owner", "--wildcards", "--delay-directory-restore",
	"--warning=no-unknown-keyword", "--no-overwrite-dir", "--keep-directory-symlink", "-o", "-q", "-qq",
}

// options reads extra_opts.
func (u *unpacking) options(list []string) error {
	for i := 0; i < len(list); i++ {
		word, value, has := strings.Cut(list[i], "=")
		switch {
		case word == "--no-same-owner":
			u.sameOwner = false
		case word == "--strip-components" || word == "--strip":
			if !has && i+1 < len(list) {
				i++
				value = list[i]
			}
			n, err := strconv.Atoi(strings.TrimSpace(value))
			if err != nil || n < 0 {
				return fmt.Errorf("extra_opts: --strip-components needs a number: %q", shorten(value))
			}
			u.strip = n
		case slices.Contains(silentOpts, list[i]) || list[i] == "":
		default:
			return &typeError{text: fmt.Sprintf("extra_opts: %q is not done", shorten(list[i])), hint: "the archive is read by thordeploy itself: --strip-components=N and --no-same-owner are the options that it knows"}
		}
	}
	return nil
}

// choose picks the members that the task wants and gives them their names.
func (u *unpacking) choose() error {
	a := u.call.Args
	include, exclude := a.List("include"), a.List("exclude")
	u.original = map[string]string{}
	links := map[string]string{} // original -> new name
	found := make([]bool, len(include))
	for _, m := range u.archive.Members {
		if len(exclude) > 0 && matchAny(exclude, m.Path, nil) || len(include) > 0 && !matchAny(include, m.Path, found) {
			continue
		}
		original := m.Path
		parts := strings.Split(m.Path, "/")
		if m.Path == "." || len(parts) <= u.strip {
			continue
		}
		m.Path = strings.Join(parts[u.strip:], "/")
		if m.Hard {
			if m.Link = links[m.Link]; m.Link == "" {
				return fmt.Errorf("%q is a hard link to a member that is left out", original)
			}
		}
		links[original] = m.Path
		if _, twice := u.original[m.Path]; twice {
			continue
		}
		u.original[m.Path] = original
		u.members = append(u.members, m)
	}
	for i, ok := range found {
		if !ok {
			return &typeError{text: fmt.Sprintf("the archive has no %q", include[i]), hint: "list_files: true names its members"}
		}
	}
	return nil
}

// matchAny reports whether a glob names the member or a folder that it is in,
// and marks the globs that did.
func matchAny(globs []string, name string, found []bool) bool {
	hit := false
	for i, g := range globs {
		g = strings.TrimSuffix(strings.TrimPrefix(g, "./"), "/")
		for at := name; at != "." && at != "/"; at = path.Dir(at) {
			ok, _ := path.Match(g, at)
			if base, _ := path.Match(g, path.Base(at)); ok || at == g || base && found == nil {
				hit = true
				if found != nil {
					found[i] = true
				}
				break
			}
		}
	}
	return hit
}

// look asks what is where the members are to go, and makes the plan.
func (u *unpacking) look(ctx context.Context) Result {
	c := u.call
	tree := &bundle.Tree{Root: u.src}
	for _, m := range u.members {
		tree.Entries = append(tree.Entries, bundle.Entry{Path: m.Path, Mode: m.Mode, Size: m.Size, SHA256: m.SHA256, Link: m.Link, ModTime: m.ModTime})
	}
	cp := &copying{call: c, dest: strings.TrimRight(c.Args.Str("dest"), "/") + "/", force: true, tree: tree}
	var r Result
	if u.p, r = cp.probeTree(ctx, ""); r.Failed {
		return r
	}
	if u.p.missing {
		return failed(fmt.Sprintf("dest '%s' must be an existing dir", text8(c.Args.Str("dest"))), "make it first, with file: state=directory")
	}
	for i, m := range u.members {
		s, err := u.step(m, u.p.entries[i])
		if err != nil {
			return failed(err.Error(), "")
		}
		u.plan[m.Path] = s
		u.changed = u.changed || s.send || s.chmod || s.chown
	}
	return Result{}
}

// step is what is to be done about one member.
func (u *unpacking) step(m bundle.Member, have found) (step, error) {
	a := u.call.Args
	missing := have.kind == 0 || have.kind == '-'
	s := step{mode: modeBits(m.Mode)}
	if mode := a.Str("mode"); mode != "" {
		base := s.mode
		s.mode = applyMode(mode, base, m.Mode.IsDir(), u.p.umask)
	}
	at := path.Join(u.p.base, m.Path)
	switch {
	case missing:
		s.send = true
	case have.kind == 'o':
		return s, fmt.Errorf("%s on the host is a special file: it is not replaced", text8(at))
	case m.Mode.IsDir() != (have.kind == 'd'):
		return s, fmt.Errorf("%s on the host is in the way: one is a folder, the other isn't", text8(at))
	case m.Mode&fs.ModeSymlink != 0:
		s.send = have.kind != 'l' || have.link != m.Link
	case m.Mode.IsRegular() && !m.Hard:
		s.send = have.kind != 'f' || have.size != m.Size || !u.same(m, have)
	}
	link := m.Mode&fs.ModeSymlink != 0
	s.chmod = !link && (s.send && a.Has("mode") || !s.send && !missing && s.mode != have.mode && !m.Hard)
	s.chown = ownerAndGroup(a) != "" && (s.send || ownerDiffers(a, have))
	return s, nil
}

// same reports whether the host's file has the member's contents.
func (u *unpacking) same(m bundle.Member, have found) bool {
	return u.p.tool == "sha256sum" && have.sum == m.SHA256
}

// dropNewer takes out of the plan what keep_newer keeps.
func (u *unpacking) dropNewer(ctx context.Context) Result {
	var list []bundle.Member
	for i, m := range u.members {
		if u.plan[m.Path].send && u.p.entries[i].kind == 'f' {
			list = append(list, m)
		}
	}
	for len(list) > 0 {
		args, size, n := []string{u.p.base}, 0, 0
		for n < len(list) && (size < batchSize/2 || n == 0) {
			args = append(args, "./"+list[n].Path)
			size += len(list[n].Path) + 5
			n++
		}
		reply, r := half(ctx, u.call, "mtimes", args...)
		if r.Failed {
			return r
		}
		times := strings.Fields(reply.Values["times"])
		for i, m := range list[:n] {
			if i >= len(times) {
				break
			}
			if at, err := strconv.ParseInt(times[i], 10, 64); err == nil && at > m.ModTime.Unix() {
				u.plan[m.Path] = step{}
			}
		}
		list = list[n:]
	}
	u.changed = false
	for _, s := range u.plan {
		u.changed = u.changed || s.send || s.chmod || s.chown
	}
	return Result{}
}
