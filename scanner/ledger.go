package scanner

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// Skip is a reason why something was not looked at, or not in full.
type Skip string

// The reasons. The first group is left out by design, the second could not be
// looked at, the third was looked at in part.
const (
	SkipSymlink   Skip = "symlink"            // its target is scanned where it lies
	SkipFIFO      Skip = "fifo"               // opening it could hang
	SkipSocket    Skip = "socket"             // has no content
	SkipDevice    Skip = "device"             // reading it could harm or never end
	SkipSeen      Skip = "already seen"       // the same device and inode under another name
	SkipTooLarge  Skip = "too large"          // above the size limit
	SkipOwn       Skip = "own file"           // the scanner's executable, rules and logs
	SkipMount     Skip = "other mount"        // the scan stays on the mount it starts on
	SkipPseudo    Skip = "pseudo filesystem"  // proc, sysfs and the like hold no files
	SkipNetworkFS Skip = "network filesystem" // network and user-space filesystems

	SkipUnreadable Skip = "unreadable"       // no permission, or an input/output error
	SkipVanished   Skip = "vanished"         // gone or replaced between listing and opening
	SkipTooDeep    Skip = "folder too deep"  // deeper, or with a longer path, than can be held
	SkipStopped    Skip = "scan interrupted" // not looked at to its end when the scan ended

	SkipShrank  Skip = "shrank while read"      // what was left of it was looked at
	SkipTimeout Skip = "matching took too long" // matches up to then are kept
	SkipFailed  Skip = "matching failed"        // matches up to then are kept
)

// deliberate are the reasons that leave a scan complete.
var deliberate = []Skip{SkipSymlink, SkipFIFO, SkipSocket, SkipDevice, SkipSeen, SkipTooLarge, SkipOwn, SkipMount, SkipPseudo, SkipNetworkFS}

// ledgerNames is how many names a ledger keeps for each reason, and
// ledgerNameSize how many bytes of each, so that the names of one reason fit
// into one line of a log however long somebody made them.
const (
	ledgerNames    = 20
	ledgerNameSize = 4 << 10
)

// Ledger counts what a scan did not look at, by reason, and keeps the first
// names of each. The zero value is empty and ready; it may be used by several
// goroutines.
type Ledger struct {
	mu    sync.Mutex
	count map[Skip]int64
	names map[Skip][]string
}

// Add counts one object left out. detail, which may be empty, says more than
// the reason does: "permission denied".
func (l *Ledger) Add(reason Skip, name, detail string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.count == nil {
		l.count, l.names = map[Skip]int64{}, map[Skip][]string{}
	}
	l.count[reason]++
	if len(l.names[reason]) < ledgerNames {
		if len(name) > ledgerNameSize {
			name = strings.Clone(name[:ledgerNameSize]) + "…"
		}
		if detail != "" {
			name += " (" + detail + ")"
		}
		l.names[reason] = append(l.names[reason], name)
	}
}

// Counts returns how often each reason was counted.
func (l *Ledger) Counts() map[Skip]int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	counts := make(map[Skip]int64, len(l.count))
	maps.Copy(counts, l.count)
	return counts
}

// Names returns the first names of a reason, at most 20, as raw bytes.
func (l *Ledger) Names(reason Skip) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.names[reason])
}

// Missed returns how many objects the scan meant to look at and couldn't, or
// not in full: those reasons that aren't by design.
func (l *Ledger) Missed() int64 {
	var n int64
	for reason, count := range l.Counts() {
		if !slices.Contains(deliberate, reason) {
			n += count
		}
	}
	return n
}

// String lists the counts by reason: "3 symlink, 1 too large".
func (l *Ledger) String() string {
	counts := l.Counts()
	var parts []string
	for _, reason := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%d %s", counts[reason], reason))
	}
	if len(parts) == 0 {
		return "nothing"
	}
	return strings.Join(parts, ", ")
}
