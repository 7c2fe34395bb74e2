// Package shell holds one POSIX sh on a host, over a transport.Conn, and runs
// a play's tasks in it: one round trip a task.
//
// What is held is a pipeline of two small shell programs, sent when the
// session opens and needing nothing but /bin/sh on the host:
//
//	guard | loop
//
// The guard reads requests from the channel, one a line. It answers for the
// host being left clean: on end of file, or when heartbeats stop for longer
// than the lease, it ends the session's processes and undoes what the play put
// there (see [Session.Hold]). Task requests it passes on to the loop, which
// runs them one after the other and writes their output straight to the
// channel, framed by lines that start with a nonce.
package shell

import (
	"fmt"
	"time"

	"thordeploy/transport"
)

// Options say how a session is held. The zero value is usable.
type Options struct {
	Become transport.Become // the account the session's programs run as; zero: the one that connected
	Lease  time.Duration    // how long the guard waits for a heartbeat on a dead link; zero: 60 s
	Prefix string           // the shell to run, for tests ("busybox sh"); empty: /bin/sh
}

// Reply is what a remote half reported.
type Reply struct {
	Values map[string]string   // its `emit KEY VALUE` lines; a repeated key keeps its last value
	List   map[string][]string // the same lines, every value of a key in order
	Code   int                 // its exit status
	Stdout []byte              // what it printed besides: the last 64 KiB (a tool's own words)
	Stderr []byte              // likewise
}

// Command is a user's command to run in the session.
type Command struct {
	Argv    []string          // the words; Argv[0] is looked up in PATH
	Shell   string            // if set: run `Shell -c Argv[0]`, Argv[1:] unused
	Dir     string            // working folder, empty: the account's home
	Umask   string            // octal, empty: as it is
	Creates string            // a glob: when something matches, nothing runs
	Removes string            // a glob: when nothing matches, nothing runs
	Env     map[string]string // added to the account's environment
	Stdin   []byte            // given on standard input; nil: /dev/null. At most 64 KiB, no NUL
}

// SkippedError says that a command did not run because of Creates or Removes.
type SkippedError struct{ Creates bool }

func (e *SkippedError) Error() string {
	if e.Creates {
		return "skipped: what it creates is there"
	}
	return "skipped: what it removes is not there"
}

// Reason is why a command could not be run.
type Reason string

// The reasons.
const (
	Missing  Reason = "missing" // no such program, in PATH or at the path
	NoExec   Reason = "noexec"  // no executable bit
	IsFolder Reason = "folder"
	NoDir    Reason = "chdir"   // the working folder isn't there or can't be entered
	Machine  Reason = "machine" // an ELF file for another machine
)

// NotRunError says that a command was not run, and why.
type NotRunError struct {
	Reason Reason
	Path   string // the program, or the working folder
	File   string // Machine: what the file is for ("aarch64"), as uname -m says it
	Host   string // Machine: what the host is
}

func (e *NotRunError) Error() string {
	switch e.Reason {
	case Missing:
		return fmt.Sprintf("no such program: %q", e.Path)
	case NoExec:
		return fmt.Sprintf("%q has no executable bit", e.Path)
	case IsFolder:
		return fmt.Sprintf("%q is a folder", e.Path)
	case NoDir:
		return fmt.Sprintf("can't change to folder %q", e.Path)
	case Machine:
		return fmt.Sprintf("%q is built for %s, the host is %s", e.Path, e.File, e.Host)
	}
	return fmt.Sprintf("can't run %q: %s", e.Path, string(e.Reason))
}

// Hold tells the guard which absolute paths the play is about to make for its
// own duration (a RAM drive's folder, a mount). The guard looks at each before
// the next task; what was not there then and is there later is held: undone,
// in reverse order, if the session ends before its time. A path that was there
// before, a mount that was there before and a symlink are never touched.
// Paths are cleaned with the syntax of slashes; a relative one is an error.
func (s *Session) Hold(paths ...string) error { return s.hold(paths) }

// Conn is the connection that carries the session, as the account it runs as.
func (s *Session) Conn() transport.Conn { return s.conn }
