package action

import (
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

// applyMode gives the permission bits that mode, octal or symbolic as chmod(1)
// has it, makes of old. A clause that names nobody ("+x") spares what umask
// has set. mode was checked when it was bound.
func applyMode(mode string, old uint32, isDir bool, umask uint32) uint32 {
	if n, err := strconv.ParseUint(mode, 8, 32); err == nil {
		return uint32(n) & 0o7777
	}
	bits := old
	for _, clause := range strings.Split(mode, ",") {
		at := strings.IndexAny(clause, "+-=")
		if at < 0 {
			continue
		}
		who := clause[:at]
		for rest := clause[at:]; rest != ""; {
			op := rest[0]
			end := strings.IndexAny(rest[1:], "+-=") + 1
			if end == 0 {
				end = len(rest)
			}
			bits = applyClause(who, op, rest[1:end], bits, isDir, umask)
			rest = rest[end:]
		}
	}
	return bits
}

// whoBits are the bits that a clause may touch for each of u, g and o.
var whoBits = map[rune]uint32{'u': 0o4700, 'g': 0o2070, 'o': 0o1007, 'a': 0o7777}

func applyClause(who string, op byte, perms string, old uint32, isDir bool, umask uint32) uint32 {
	var may uint32
	for _, w := range who {
		may |= whoBits[w]
	}
	if who == "" {
		may = 0o7777 &^ umask
	}
	set := permBits(perms, old, isDir) & may
	switch op {
	case '+':
		return old | set
	case '-':
		return old &^ set
	}
	clear := may
	if isDir { // as chmod(1): = leaves a folder's setuid and setgid alone unless named
		clear &^= 0o6000
	}
	return old&^clear | set
}

// permBits are the bits that perms names, for everybody at once.
func permBits(perms string, old uint32, isDir bool) uint32 {
	var set uint32
	for _, p := range perms {
		switch p {
		case 'r':
			set |= 0o444
		case 'w':
			set |= 0o222
		case 'x':
			set |= 0o111
		case 'X':
			if isDir || old&0o111 != 0 {
				set |= 0o111
			}
		case 's':
			set |= 0o6000
		case 't':
			set |= 0o1000
		case 'u':
			set |= (old >> 6 & 7) * 0o111
		case 'g':
			set |= (old >> 3 & 7) * 0o111
		case 'o':
			set |= (old & 7) * 0o111
		}
	}
	return set
}

// modeBits are m's permission bits as chmod(2) has them.
func modeBits(m fs.FileMode) uint32 {
	n := uint32(m.Perm())
	if m&fs.ModeSetuid != 0 {
		n |= 0o4000
	}
	if m&fs.ModeSetgid != 0 {
		n |= 0o2000
	}
	if m&fs.ModeSticky != 0 {
		n |= 0o1000
	}
	return n
}

// modeText is a mode as Ansible's copy and file return it: "0755", "04755".
func modeText(bits uint32) string { return fmt.Sprintf("0%03o", bits) }

// chmodText is a mode as chmod(1) takes it: with fewer than five digits, GNU's
// would leave a folder's setgid bit.
func chmodText(bits uint32) string { return fmt.Sprintf("%05o", bits) }

// fileMode is the reverse of modeBits.
func fileMode(bits uint32) fs.FileMode {
	m := fs.FileMode(bits & 0o777)
	if bits&0o4000 != 0 {
		m |= fs.ModeSetuid
	}
	if bits&0o2000 != 0 {
		m |= fs.ModeSetgid
	}
	if bits&0o1000 != 0 {
		m |= fs.ModeSticky
	}
	return m
}
