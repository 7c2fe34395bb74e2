// Package transport is the contract for reaching a host: start a command with
// its streams, handle a small set of files, close. It knows no protocol.
//
// The implementations are leaves: transport/ssh and transport/local. The held
// shell that carries a host's tasks, transport/shell, is written against this
// contract alone. transport/transporttest is the one suite that every
// implementation passes.
package transport

import (
	"context"
	"io"
	"io/fs"
)

// Conn is one connection to one host, used for a whole run. Its methods may be
// called from several goroutines.
type Conn interface {
	// Start runs line through the account's login shell, as `ssh HOST line`
	// does, and returns as soon as the request is on its way. Build line from
	// words with [Quote]. Cancelling ctx, also after Start has returned, ends
	// the process's channel. An error is an [*Error]; one for a line that
	// [CheckLine] refuses has PhaseChannel.
	Start(ctx context.Context, line string) (Process, error)

	// Files opens the host's file service (SFTP), the fallback where a host
	// has no tar. An error is an [*Error] with PhaseChannel where the host
	// doesn't offer one.
	Files(ctx context.Context) (Files, error)

	// Close ends the connection and every process's channel on it. It is safe
	// to call more than once.
	Close() error
}

// Process is a started command. Its three streams are independent; a caller
// must read Stdout and Stderr to their ends, or Close it, or the command may
// block. End of file on them alone doesn't say that the command ended well or
// at all: Wait does.
//
// Ending the channel (Close, or cancelling the context given to Start) is no
// signal to the command: it sees end of file on its input and a broken pipe on
// its output, and may go on. Whoever needs its processes gone sends something
// that ends them (see transport/shell).
type Process interface {
	Stdin() io.WriteCloser // closing it is end of file for the command
	Stdout() io.Reader
	Stderr() io.Reader
	// Wait returns when the command has ended and its streams are drained. A
	// non-zero exit is a value, not an error; the error is an [*Error] with
	// PhaseLost where the connection or the channel went before the exit
	// status came; errors.Is finds the context's error in it where that ended
	// the channel. What was read ahead stays readable afterwards.
	Wait() (Exit, error)
	// Close ends the channel without waiting for the command.
	Close() error
}

// Exit is how a command ended.
type Exit struct {
	Code   int    // exit status; 128 and more where a signal ended it and no status was given
	Signal string // name without SIG ("TERM"), empty where no signal ended it
}

// Files is the small set of file operations that the SFTP fallback needs.
// Errors satisfy errors.Is with the io/fs sentinels where the host says so.
type Files interface {
	Mkdir(path string, mode fs.FileMode) error // no error if it is already a folder
	Write(path string, mode fs.FileMode, r io.Reader) error
	Read(path string, w io.Writer) error
	Chmod(path string, mode fs.FileMode) error
	Close() error
}
