// Package scanner turns what lies on a host into findings.
//
// A [Source] yields objects: a file today; a process, a cron entry or an
// uploaded sample later. A [Matcher] looks at one object and returns the
// reasons why it is suspicious. [Scan] reads each object's content once, hands
// it to every matcher, folds the reasons into one score and passes the finding
// on. Sources and matchers don't know each other, and neither knows where
// findings go: a new check is one new file that implements one of the two.
//
//	Source --Object--> worker: read, match --Reasons--> score --Assessment--> Found
//	                      \--- what wasn't looked at, and why ---> Ledger
//
// No object is dropped in silence: what a source leaves out, what can't be read
// and what a matcher doesn't finish is counted in the [Ledger], so that "clean"
// is a number.
package scanner

import (
	"context"
	"io"
	"net/netip"

	"thordeploy/scanner/finding"
)

// Source yields the objects of one kind.
type Source interface {
	// Module names the source in findings and in the ledger: "Filescan".
	Module() string
	// Walk calls yield with each object until there are none left, yield
	// returns false (the scan is over) or ctx ends. It counts in led what it
	// doesn't yield. From the call of yield on the object is the scan's, which
	// closes its content in every case. An error means that the source, or a
	// part of it that was asked for by name, couldn't be looked at.
	Walk(ctx context.Context, led *Ledger, yield func(*Object) bool) error
}

// Matcher finds reasons to be suspicious of an object. Match is called by
// several workers at a time. With an error it returns the reasons it had found
// until then. [ErrTimeout] says that the object took too long.
type Matcher interface {
	Match(ctx context.Context, o *Object) ([]finding.Reason, error)
}

// Object is one thing to look at.
type Object struct {
	// Module is the name of the source that yields it.
	Module string
	// Name is what the log calls the object: a file's full path. It may hold
	// any bytes.
	Name string
	// Size is the number of bytes of content, as known before reading.
	Size int64
	// Content yields the bytes; nil for an object that has none. The scan
	// reads at most Size bytes of it, and closes it.
	Content io.ReadCloser
	// File is what is known about a file; nil for other objects.
	File *File
	// Process is what is known about a process; nil for other objects.
	Process *Process
	// Known are reasons that the source has found itself: a check needs to know
	// how its objects came about. Those of the matchers are added.
	Known []finding.Reason
	// Describe returns the object as a finding's subject. It is called once a
	// matcher has found something; Data and Type are filled.
	Describe func(o *Object) finding.Subject

	// Data is the content and Type its file type by content, such as "ELF",
	// filled by the scan before the matchers see the object. Both are valid
	// during Match and Describe only.
	Data []byte
	Type string
}

// Process is what a matcher may ask about a process.
type Process struct {
	PID    int
	Args   []string         // may hold any bytes
	Remote []netip.AddrPort // the other ends of its connections
}

// File is what a matcher may ask about a file without reading it.
type File struct {
	Dir       string // the folder's path, without a slash at its end; "/" for the root folder
	Base      string // the name within the folder
	Extension string // lower case, with its dot; empty if there is none
	Owner     string // name of the owner, or its number where it has no name
	Group     string
	Mode      uint32 // st_mode: type and permissions, inode(7)
}
