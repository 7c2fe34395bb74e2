package filesystem

import (
	"os"
	"strings"
)

// kind tells filesystems by what a scan has to know about them.
type kind int

const (
	local   kind = iota
	pseudo       // the kernel's windows: no files are stored there
	network      // another machine or process answers, or doesn't
)

// kinds by statfs(2) magic. Memory filesystems (tmpfs, ramfs) store files and
// count as local.
var kinds = map[int64]kind{
	0x9fa0: pseudo, 0x62656572: pseudo, 0x27e0eb: pseudo, 0x63677270: pseudo, // proc, sysfs, cgroup, cgroup2
	0x64626720: pseudo, 0x74726163: pseudo, 0x73636673: pseudo, 0x6165676c: pseudo, // debugfs, tracefs, securityfs, pstore
	0xcafe4a11: pseudo, 0x1cd1: pseudo, 0x62656570: pseudo, 0x19800202: pseudo, // bpf, devpts, configfs, mqueue
	0x958458f6: pseudo, 0x42494e4d: pseudo, 0xf97cff8c: pseudo, 0x43415d53: pseudo, // hugetlbfs, binfmt_misc, selinux, smack
	0xde5e81e4: pseudo, 0x6e736673: pseudo, 0x67596969: pseudo, 0x65735543: pseudo, // efivarfs, nsfs, rpc_pipefs, fusectl
	0x0187: pseudo, 0x5346414f: network, 0x6969: network, 0x517b: network, // autofs, afs, nfs, smb
	0xff534d42: network, 0xfe534d42: network, 0x73757245: network, 0x564c: network, // cifs, smb2, coda, ncp
	0x01021997: network, 0x00c36400: network, 0x65735546: network, 0x0bd00bd0: network, // 9p, ceph, fuse, lustre
	0x7461636f: network, 0x01161970: network, 0xaad7aaea: network, 0x47504653: network, // ocfs2, gfs2, panfs, gpfs
	0x6b414653: network, // kafs
}

// kindOf classifies a filesystem by its magic number. Its high bits are a
// sign extension on some architectures.
func kindOf(magic int64) kind { return kinds[magic&0xffffffff] }

// names of filesystem types as the mount table has them.
var kindNames = map[string]kind{
	"proc": pseudo, "sysfs": pseudo, "cgroup": pseudo, "cgroup2": pseudo, "debugfs": pseudo, "tracefs": pseudo,
	"securityfs": pseudo, "pstore": pseudo, "bpf": pseudo, "devpts": pseudo, "configfs": pseudo, "mqueue": pseudo,
	"hugetlbfs": pseudo, "binfmt_misc": pseudo, "selinuxfs": pseudo, "smackfs": pseudo, "efivarfs": pseudo,
	"nsfs": pseudo, "rpc_pipefs": pseudo, "fusectl": pseudo, "autofs": pseudo,
	"nfs": network, "nfs4": network, "cifs": network, "smb3": network, "smbfs": network, "ncpfs": network,
	"afs": network, "coda": network, "9p": network, "ceph": network, "lustre": network, "ocfs2": network,
	"gfs2": network, "panfs": network, "gpfs": network, "virtiofs": network,
}

// kindOfName classifies a filesystem by its name in the mount table.
func kindOfName(fstype string) kind {
	if fstype == "fuse" || strings.HasPrefix(fstype, "fuse.") || fstype == "fuseblk" {
		return network
	}
	return kindNames[fstype]
}

// readMounts returns mount points with their filesystem types. Where there is
// no mount table, such as in an empty chroot, it is empty, and mounts are
// recognised by their device once entered.
func readMounts(path string) map[string]string {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	return parseMounts(string(data))
}

// parseMounts reads the form of /proc/self/mountinfo, proc(5): the fifth field
// is the mount point, the first field after " - " the filesystem type. The
// last mount on a point is the one that is seen.
func parseMounts(table string) map[string]string {
	mounts := map[string]string{}
	for line := range strings.Lines(table) {
		before, after, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " - ")
		fields, types := strings.Fields(before), strings.Fields(after)
		if ok && len(fields) >= 5 && len(types) >= 1 {
			mounts[unescapeOctal(fields[4])] = types[0]
		}
	}
	return mounts
}

// unescapeOctal undoes \040 and the like, in which the mount table writes
// blanks and backslashes.
func unescapeOctal(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) && octal(s[i+1]) && octal(s[i+2]) && octal(s[i+3]) {
			out.WriteByte((s[i+1]-'0')<<6 | (s[i+2]-'0')<<3 | (s[i+3] - '0'))
			i += 3
			continue
		}
		out.WriteByte(s[i])
	}
	return out.String()
}

func octal(c byte) bool { return c >= '0' && c <= '7' }
