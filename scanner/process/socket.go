package process

import (
	"encoding/hex"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// socket is one end of a connection, as /proc/net has it.
type socket struct {
	protocol      string // "tcp", "udp"
	state         string // "ESTABLISHED", "LISTEN", …
	local, remote netip.AddrPort
}

// listens reports whether connections or datagrams from anywhere come in here.
func (s socket) listens() bool {
	return s.state == "LISTEN" || s.protocol == "udp" && s.remote.Port() == 0 && s.local.Port() != 0
}

// tcpStates are the kernel's, by their number.
var tcpStates = []string{
	"", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT", "CLOSE", "CLOSE_WAIT", "LAST_ACK", "LISTEN", "CLOSING",
}

// socketInode reads what the link of an open socket says: "socket:[4711]".
func socketInode(target string) (uint64, bool) {
	text, ok := strings.CutPrefix(target, "socket:[")
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(strings.TrimSuffix(text, "]"), 10, 64)
	return n, err == nil
}

// maxTable bounds a table of sockets, in bytes: more than a million of them.
const maxTable = 256 << 20

// socketsOf returns the network sockets among the inodes of a process. The
// tables are read once for each network namespace.
func (r *reader) socketsOf(dir string, inodes map[uint64]bool) []socket {
	namespace, err := os.Readlink(filepath.Join(dir, "ns", "net"))
	if err != nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	table, known := r.nets[namespace]
	if !known {
		table = map[uint64]socket{}
		for _, name := range []string{"tcp", "tcp6", "udp", "udp6"} {
			data, err := readBounded(filepath.Join(dir, "net", name), maxTable)
			if err == nil {
				readTable(table, strings.TrimSuffix(name, "6"), string(data))
			}
		}
		r.nets[namespace] = table
	}
	var out []socket
	for inode := range inodes {
		if s, ok := table[inode]; ok {
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(a, b socket) int {
		if c := a.local.Compare(b.local); c != 0 {
			return c
		}
		return a.remote.Compare(b.remote)
	})
	return out
}

// readTable reads /proc/net/tcp and its like.
func readTable(table map[uint64]socket, protocol, text string) {
	for line := range strings.Lines(text) {
		f := strings.Fields(line) // sl local remote state queues timer retransmits uid timeout inode
		if len(f) < 10 {
			continue
		}
		local, okLocal := address(f[1])
		remote, okRemote := address(f[2])
		state, errState := strconv.ParseUint(f[3], 16, 8)
		inode, err := strconv.ParseUint(f[9], 10, 64)
		if !okLocal || !okRemote || errState != nil || err != nil || inode == 0 {
			continue
		}
		s := socket{protocol: protocol, local: local, remote: remote}
		if state < uint64(len(tcpStates)) {
			s.state = tcpStates[state]
		}
		table[inode] = s
	}
}

// address reads "0100007F:0016": words of four bytes, each in the order of the
// machine, which is little-endian wherever the scanner is built for.
func address(text string) (netip.AddrPort, bool) {
	host, port, ok := strings.Cut(text, ":")
	raw, err := hex.DecodeString(host)
	if !ok || err != nil || len(raw)%4 != 0 {
		return netip.AddrPort{}, false
	}
	for i := 0; i < len(raw); i += 4 {
		slices.Reverse(raw[i : i+4])
	}
	addr, ok := netip.AddrFromSlice(raw)
	n, err := strconv.ParseUint(port, 16, 16)
	if !ok || err != nil {
		return netip.AddrPort{}, false
	}
	return netip.AddrPortFrom(addr.Unmap(), uint16(n)), true
}
