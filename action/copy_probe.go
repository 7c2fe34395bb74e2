package action

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"

	"thordeploy/internal/bundle"
)

// found is what stands where an entry of a copy is to go.
type found struct {
	kind        byte // '-' missing, 'd', 'f', 'l' symlink, 'o' other; 0: not looked at, since the folder is empty or missing
	mode        uint32
	uid, gid    string
	user, group string
	size        int64
	sum         string // of a file, by probe.tool; empty: unknown
	link        string // of a symlink
}

// probe is what the host reports before a copy.
type probe struct {
	base     string // folder that entries are relative to
	name     string // of a single file, under base
	missing  bool   // base isn't there
	empty    bool   // nothing is in it, or it is missing
	inside   bool   // a single file goes into the folder named as dest
	top      string // the topmost folder that is missing on the way to base
	obstacle string // a path on the way to base that is no folder
	umask    uint32
	tar      bool
	gzip     bool
	zstd     bool
	// checkpoint: tar is GNU's and says how far it has come.
	checkpoint bool
	tool       string // sha256sum, sha1sum, md5sum, or empty
	fsType     string // as statfs(2) has it, hex
	free       int64  // bytes free on base's filesystem, -1: unknown
	available  int64  // bytes of memory available, for RAM filesystems, -1: unknown
	used       int64  // bytes in the RAM drive that holds base
	entries    []found
}

// batchSize bounds the entries' part of one request: the host's shell reads a
// request a byte at a time, and in one line.
const batchSize = 20 << 10

// probeTree asks what is where the entries of t go: in one round trip, unless
// the tree has hundreds of files and the folder is there already.
func (cp *copying) probeTree(ctx context.Context, name string) (*probe, Result) {
	entries := cp.tree.Entries
	p := &probe{free: -1, available: -1}
	for from := 0; ; {
		args := []string{cp.dest, "tree", name, yesNo(cp.follow), cp.ram, yesNo(cp.force), ""}
		size, to, wants := 0, from, ""
		for to < len(entries) && (size < batchSize || to == from) {
			e := entries[to]
			args, wants = append(args, "./"+e.Path), wants+kindOf(e)
			size += len(e.Path) + 5
			to++
		}
		args[6] = wants
		r := p.ask(ctx, cp.call, args, wants)
		if r.Failed || p.empty || to == len(entries) {
			p.entries = append(p.entries, make([]found, len(entries)-len(p.entries))...)
			return p, r
		}
		from = to
	}
}

// probeFile asks about a single file.
func (cp *copying) probeFile(ctx context.Context, name string) (*probe, Result) {
	p := &probe{free: -1, available: -1}
	r := p.ask(ctx, cp.call, []string{cp.dest, "file", name, yesNo(cp.follow), cp.ram, yesNo(cp.force)}, "f")
	if len(p.entries) == 0 {
		p.entries = make([]found, 1)
	}
	return p, r
}

func (p *probe) ask(ctx context.Context, c *Call, args []string, wants string) Result {
	reply, r := half(ctx, c, "copy", args...)
	if r.Failed {
		return r
	}
	if err := p.read(reply.Values, reply.List, wants); err != nil {
		return failed(fmt.Sprintf("looking at %s: %v", text8(args[0]), err), "")
	}
	if p.obstacle != "" {
		return failed(fmt.Sprintf("%s on the host is not a folder, so nothing can be copied into %s", text8(p.obstacle), text8(p.base)), "")
	}
	return r
}

// read adds one reply, on entries of the kinds that wants names.
func (p *probe) read(v map[string]string, list map[string][]string, wants string) error {
	p.base, p.name, p.obstacle = v["base"], v["name"], v["obstacle"]
	if !path.IsAbs(p.base) {
		return fmt.Errorf("the host named %q, which is no absolute path", p.base)
	}
	state := v["base_state"]
	p.missing, p.empty = state == "missing", state == "missing" || state == "empty"
	p.inside, p.tar = v["inside"] == "1", strings.Contains(v["tools"], "tar ")
	p.checkpoint = strings.Contains(v["tools"], "checkpoint ")
	p.gzip, p.zstd = strings.Contains(v["tools"], "gzip "), strings.Contains(v["tools"], "zstd ")
	if p.top = v["top"]; p.top == "" {
		p.top = p.base
	}
	p.umask = umaskOf(v["umask"])
	p.readRoom(v)
	if v["tool"] != "" {
		p.tool = v["tool"]
	}
	if p.empty || p.obstacle != "" {
		return nil
	}
	return p.readEntries(v["kinds"], tabbed(v["at"]), tabbed(v["sum"]), list["link"], wants)
}

// umaskOf reads a umask as the shell says it.
func umaskOf(text string) uint32 {
	u, err := strconv.ParseUint(text, 8, 32)
	if err != nil {
		return 0o022
	}
	return uint32(u) & 0o777
}

func (p *probe) readRoom(v map[string]string) {
	if f := strings.Fields(v["fs"]); len(f) == 3 {
		p.fsType = f[0]
		blocks, err1 := strconv.ParseInt(f[1], 10, 64)
		size, err2 := strconv.ParseInt(f[2], 10, 64)
		if err1 == nil && err2 == nil && blocks >= 0 && size > 0 && blocks < 1<<62/size {
			p.free = blocks * size
		}
	}
	if kb, err := strconv.ParseInt(v["mem"], 10, 64); err == nil {
		p.available = kb << 10
	}
	if f := strings.Fields(v["used"]); len(f) > 0 {
		if kb, err := strconv.ParseInt(f[0], 10, 64); err == nil {
			p.used = kb << 10
		}
	}
}

// tabbed splits items that each end in a tab.
func tabbed(s string) []string {
	items := strings.Split(s, "\t")
	return items[:len(items)-1]
}

// readEntries puts the lists together again: `at` has an item for each letter
// of kinds but -, `sum` one for each f, `link` at most one for each l.
func (p *probe) readEntries(kinds string, at, sums, links []string, wants string) error {
	n := len(wants)
	if len(kinds) != n {
		return fmt.Errorf("the host reported on %d files of %d", len(kinds), n)
	}
	batch := make([]found, n)
	files := strings.Count(kinds, "f")
	if len(at) != n-strings.Count(kinds, "-") {
		return errors.New("the files changed while they were looked at: try again")
	}
	if len(sums) != files { // one could not be read: none of them is sure
		sums = make([]string, files)
	}
	for i := range batch {
		f := &batch[i]
		f.kind = kinds[i]
		if f.kind != '-' {
			f.readAt(at[0])
			at = at[1:]
		}
		if f.kind == 'f' {
			f.sum = strings.TrimPrefix(sums[0], `\`)
			sums = sums[1:]
		}
	}
	for i := range batch {
		if batch[i].kind == 'l' && wants[i] == 'l' && len(links) > 0 {
			batch[i].link, links = links[0], links[1:]
		}
	}
	p.entries = append(p.entries, batch...)
	return nil
}

// readAt reads "MODE UID GID OWNER GROUP SIZE".
func (f *found) readAt(line string) {
	w := strings.Fields(line)
	if len(w) < 6 {
		return
	}
	mode, _ := strconv.ParseUint(w[0], 8, 32) // what isn't octal differs from everything wanted
	f.mode, f.uid, f.gid = uint32(mode)&0o7777, w[1], w[2]
	f.user, f.group = w[3], w[4]
	f.size, _ = strconv.ParseInt(w[len(w)-1], 10, 64)
}

// values are the return values that Ansible gives for a path.
func (f *found) values() map[string]any {
	v := map[string]any{"mode": modeText(f.mode), "owner": f.user, "group": f.group}
	if n, err := strconv.Atoi(f.uid); err == nil {
		v["uid"] = n
	}
	if n, err := strconv.Atoi(f.gid); err == nil {
		v["gid"] = n
	}
	return v
}

func kindOf(e bundle.Entry) string {
	switch {
	case e.Mode.IsDir():
		return "d"
	case e.Mode.IsRegular():
		return "f"
	}
	return "l"
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
