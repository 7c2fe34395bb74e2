package action

import (
	"context"
	"fmt"
	"path"
	"strconv"
	"strings"

	"thordeploy/transport/shell"
)

func statSpec() *Spec {
	return &Spec{
		Name: "stat",
		Params: []Param{
			{Name: "path", Aliases: []string{"dest", "name"}, Type: Path, Required: true, Doc: "the path to look at"},
			{Name: "follow", Type: Bool, Default: false, Doc: "look at what a symlink points to"},
			{Name: "get_checksum", Type: Bool, Default: true, Doc: "report a regular file's digest"},
			{Name: "checksum_algorithm", Aliases: []string{"checksum", "checksum_algo"}, Type: String, Default: "sha1",
				Choices: []string{"md5", "sha1", "sha224", "sha256", "sha384", "sha512"}, Doc: "the digest's algorithm"},
			{Name: "get_mime", Aliases: []string{"mime", "mime_type", "mime-type"}, Type: Bool, Default: true, Doc: "accepted; file types are not looked up"},
			{Name: "get_attributes", Aliases: []string{"attr", "attributes"}, Type: Bool, Default: true, Doc: "accepted; file attributes are not looked up"},
		},
		Doc: "Report what a path is on the host.",
		Run: runStat,
	}
}

// runStat is ansible.builtin.stat: the same keys, but for mime types and file
// attributes.
func runStat(ctx context.Context, c *Call) Result {
	algorithm := ""
	if c.Args.Bool("get_checksum") {
		algorithm = c.Args.Str("checksum_algorithm")
	}
	follow := "0"
	if c.Args.Bool("follow") {
		follow = "1"
	}
	reply, r := half(ctx, c, "stat", c.Args.Str("path"), follow, algorithm)
	if r.Failed {
		return r
	}
	r.Values = map[string]any{"stat": map[string]any{"exists": false}}
	if !isYes(reply.Values["exists"]) {
		return r
	}
	if reply.Values["path"] == "" { // a host without od
		reply.Values["path"] = c.Args.Str("path")
	}
	st, err := readStat(reply)
	if err != nil {
		return failed(fmt.Sprintf("the host's stat program answered in words that aren't known: %v", err), "install coreutils or busybox on the host")
	}
	r.Values["stat"] = st
	return r
}

// readStat makes Ansible's keys of stat.sh's report.
func readStat(reply shell.Reply) (map[string]any, error) {
	f := strings.Split(reply.Values["stat"], ":")
	if len(f) != 16 {
		return nil, fmt.Errorf("%q", text8(reply.Values["stat"]))
	}
	raw, err := strconv.ParseUint(f[0], 16, 32)
	if err != nil {
		return nil, err
	}
	st := map[string]any{"exists": true, "path": text8(reply.Values["path"])}
	addMode(st, raw)
	for i, key := range []string{1: "size", "uid", "gid", "", "", "atime", "mtime", "ctime", "inode", "dev", "nlink", "blocks", "block_size"} {
		if key == "" {
			continue
		}
		n, err := strconv.ParseInt(f[i], 10, 64)
		if err != nil {
			return nil, err
		}
		st[key] = int(n)
	}
	for key, name := range map[string]string{"pw_name": f[4], "gr_name": f[5]} {
		if name != "UNKNOWN" && name != "" {
			st[key] = text8(name)
		}
	}
	major, err1 := strconv.ParseUint(f[14], 16, 32)
	minor, err2 := strconv.ParseUint(f[15], 16, 32)
	if err1 == nil && err2 == nil {
		// makedev(3)
		st["device_type"] = int(major<<8&0xfff00 | minor&0xff | minor&^0xff<<12)
	}
	for _, key := range []string{"readable", "writeable", "executable"} {
		st[key] = isYes(reply.Values[key])
	}
	if sum := reply.Values["checksum"]; sum != "" {
		st["checksum"] = text8(sum)
	}
	addLink(st, reply)
	return st, nil
}

// addMode adds what st_mode says (inode(7)).
func addMode(st map[string]any, raw uint64) {
	st["mode"] = fmt.Sprintf("%04o", raw&0o7777)
	kinds := map[string]uint64{
		"isfifo": 0o010000, "ischr": 0o020000, "isdir": 0o040000, "isblk": 0o060000,
		"isreg": 0o100000, "islnk": 0o120000, "issock": 0o140000,
	}
	for key, kind := range kinds {
		st[key] = raw&0o170000 == kind
	}
	bits := []string{"xoth", "woth", "roth", "xgrp", "wgrp", "rgrp", "xusr", "wusr", "rusr", "", "isgid", "isuid"}
	for i, key := range bits {
		if key != "" {
			st[key] = raw>>i&1 == 1
		}
	}
}

// addLink adds where a symlink points to.
func addLink(st map[string]any, reply shell.Reply) {
	target, ok := reply.Values["lnk_target"]
	if !ok {
		return
	}
	st["lnk_target"] = text8(target)
	source, ok := reply.Values["lnk_source"]
	if !ok { // a dangling link
		source = target
		if !path.IsAbs(source) {
			source = path.Join(path.Dir(reply.Values["path"]), source)
		}
	}
	st["lnk_source"] = text8(path.Clean(source))
}
