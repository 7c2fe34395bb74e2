package filesystem

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"thordeploy/scanner"
	"thordeploy/scanner/finding"
)

// object returns what the scan sees of an open file. The object owns fd.
func (w *walk) object(fd int, path, dir, name string, st *unix.Stat_t) *scanner.Object {
	file := &scanner.File{
		Dir: dir, Base: name, Extension: strings.ToLower(filepath.Ext(name)),
		Owner: w.names.user(st.Uid), Group: w.names.group(st.Gid), Mode: st.Mode,
	}
	times := &finding.FileTimes{
		Modified: clock(st.Mtim), Accessed: new(clock(st.Atim)), Changed: new(clock(st.Ctim)),
	}
	return &scanner.Object{
		Module: Module, Name: path, Size: st.Size, Content: &content{fd}, File: file,
		Describe: func(o *scanner.Object) finding.Subject {
			f := finding.NewFile(path)
			f.Extension = finding.PathText(file.Extension)
			f.MagicHeader = o.Type
			f.Size = st.Size
			f.Hashes = digests(o.Data)
			f.FirstBytes = finding.NewFirstBytes(o.Data)
			f.FileTimes = times
			f.Permissions = finding.NewPermissions(file.Owner, file.Group, st.Mode)
			return f
		},
	}
}

func clock(t unix.Timespec) time.Time { return time.Unix(t.Unix()) }

func digests(data []byte) *finding.Hashes {
	m, s1, s256 := md5.Sum(data), sha1.Sum(data), sha256.Sum256(data)
	return &finding.Hashes{
		MD5: hex.EncodeToString(m[:]), SHA1: hex.EncodeToString(s1[:]), SHA256: hex.EncodeToString(s256[:]),
	}
}

// names looks up the names of users and groups, each once.
type names struct{ users, groups map[uint32]string }

func newNames() *names { return &names{users: map[uint32]string{}, groups: map[uint32]string{}} }

func (n *names) user(id uint32) string {
	return lookup(n.users, id, func(id string) (string, error) {
		u, err := user.LookupId(id)
		if err != nil {
			return "", err
		}
		return u.Username, nil
	})
}

func (n *names) group(id uint32) string {
	return lookup(n.groups, id, func(id string) (string, error) {
		g, err := user.LookupGroupId(id)
		if err != nil {
			return "", err
		}
		return g.Name, nil
	})
}

func lookup(known map[uint32]string, id uint32, find func(string) (string, error)) string {
	name, ok := known[id]
	if !ok {
		name = strconv.FormatUint(uint64(id), 10)
		if found, err := find(name); err == nil {
			name = found
		}
		known[id] = name
	}
	return name
}
