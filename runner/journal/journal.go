// Package journal keeps a run's events in its folder, so that the run can be
// finished, cleaned up after and accounted for when the controller is gone.
//
// A run's folder holds journal.jsonl, one event a line in the form of
// [runner.MarshalEvent], and lock, which one controller at a time holds. The
// journal is a [runner.Sink] that comes before every other; it is written
// through at once, and [Journal.Durable] waits until what was given to it is
// on disk, for all who wait with one sync of the file. Reading it again
// through [runner.State.Apply] gives the state that the run had come to.
//
//	events --Event--> journal.jsonl --Read--> State
//	                      \--- Durable: synced, before a host is changed
//
// A controller that dies may leave half a line at the end. [Open] takes it
// away and goes on after it; no other line is ever changed.
package journal

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"thordeploy/runner"
)

// Name is the journal's file in a run's folder.
const Name = "journal.jsonl"

// Journal writes a run's events. Event is called by one goroutine, Durable by
// any number.
type Journal struct {
	file *os.File
	lock *lock
	wrap func([]byte) []byte

	mu     sync.Mutex
	wrote  int64 // events written to the file
	synced int64 // events that are on disk
	err    error // why nothing more can be written or synced
	moved  chan struct{}
	wanted chan struct{} // somebody waits for a sync
	done   chan struct{} // closed by Close
	ended  chan struct{} // the syncer has returned
}

// Options of a journal.
type Options struct {
	// Redact takes the secrets out of a line before it is written; nil: none
	// are known.
	Redact func([]byte) []byte
}

// Create begins the journal of a new run in dir, which is made if it isn't
// there. It is an error where dir has one already.
func Create(dir string, opt Options) (*Journal, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the run's folder: %w", err)
	}
	return start(dir, os.O_CREATE|os.O_EXCL, opt)
}

// Open goes on with the journal of a run that has ended or was cut short, and
// gives what it tells. Half a line at its end is taken away.
func Open(dir string, opt Options) (*Journal, History, error) {
	var history History
	j, err := start(dir, 0, opt)
	if err != nil {
		return nil, history, err
	}
	whole, err := read(j.file, history.Apply)
	if err == nil {
		err = j.file.Truncate(whole)
	}
	if err == nil {
		_, err = j.file.Seek(whole, io.SeekStart)
	}
	if err != nil {
		return nil, History{}, errors.Join(fmt.Errorf("go on with the journal in %s: %w", dir, err), j.Close())
	}
	return j, history, nil
}

// start takes the lock and opens the file.
func start(dir string, flags int, opt Options) (*Journal, error) {
	l, err := takeLock(dir)
	if err != nil {
		return nil, err
	}
	file, err := os.OpenFile(filepath.Join(dir, Name), os.O_RDWR|flags, 0o600)
	if err == nil {
		err = syncFolder(dir)
	}
	if err != nil {
		l.release()
		return nil, fmt.Errorf("open the run's journal: %w", err)
	}
	j := &Journal{
		file: file, lock: l, wrap: opt.Redact,
		moved: make(chan struct{}), wanted: make(chan struct{}, 1), done: make(chan struct{}), ended: make(chan struct{}),
	}
	go j.syncer()
	return j, nil
}

// syncFolder makes a file's name in dir durable.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// Event writes one event. It has reached the kernel when Event returns, so that
// it outlives this process; for what must outlive the machine see Durable.
// Live output of commands is not kept: its end is in the task's result.
func (j *Journal) Event(e runner.Event) error {
	if _, live := e.(runner.Output); live {
		return nil
	}
	line, err := runner.MarshalEvent(e)
	if err != nil {
		return err
	}
	if j.wrap != nil {
		line = j.wrap(line)
	}
	_, err = j.file.Write(append(line, '\n'))
	j.mu.Lock()
	defer j.mu.Unlock()
	if err != nil {
		return j.fail(fmt.Errorf("write the run's journal: %w", err))
	}
	j.wrote++
	return j.err
}

// fail keeps the first error and wakes who waits. The caller holds mu.
func (j *Journal) fail(err error) error {
	if j.err == nil {
		j.err = err
		j.wake()
	}
	return j.err
}

func (j *Journal) wake() {
	close(j.moved)
	j.moved = make(chan struct{})
}

// Durable returns when all events written so far are on disk. Its error says
// why they can't be, or is ctx's.
func (j *Journal) Durable(ctx context.Context) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	for want := j.wrote; j.synced < want; {
		if j.err != nil {
			return j.err
		}
		moved := j.moved
		j.mu.Unlock()
		select {
		case j.wanted <- struct{}{}:
		default: // asked for already
		}
		var err error
		select {
		case <-moved:
		case <-ctx.Done():
			err = ctx.Err()
		}
		j.mu.Lock()
		if err != nil {
			return err
		}
	}
	return nil
}

// syncer syncs the file when somebody waits for it, once for all who do.
func (j *Journal) syncer() {
	defer close(j.ended)
	for {
		select {
		case <-j.wanted:
			j.sync()
		case <-j.done:
			j.sync()
			return
		}
	}
}

func (j *Journal) sync() {
	j.mu.Lock()
	want := j.wrote
	due := want > j.synced && j.err == nil
	j.mu.Unlock()
	if !due {
		return
	}
	err := j.file.Sync()
	j.mu.Lock()
	defer j.mu.Unlock()
	if err != nil {
		_ = j.fail(fmt.Errorf("sync the run's journal: %w", err)) // who waits gets it
		return
	}
	j.synced = want
	j.wake()
}

// Close syncs what was written and gives the lock back.
func (j *Journal) Close() error {
	close(j.done)
	<-j.ended
	j.mu.Lock()
	err := j.err
	j.mu.Unlock()
	err = errors.Join(err, j.file.Close())
	j.lock.release()
	return err
}

// Damage is a line in the middle of a journal that is no event: somebody or
// something wrote into it.
type Damage struct {
	Line int
	Err  error
}

// Error names the line.
func (d *Damage) Error() string { return fmt.Sprintf("line %d of the journal: %v", d.Line, d.Err) }

// Unwrap gives the reason.
func (d *Damage) Unwrap() error { return d.Err }

// Read calls each with every event of the journal in dir, without taking its
// lock. Half a line at the end is passed over. The error is a *Damage, that of
// each, or one of reading.
func Read(dir string, each func(runner.Event) error) error {
	f, err := os.Open(filepath.Join(dir, Name))
	if err != nil {
		return fmt.Errorf("read the run's journal: %w", err)
	}
	defer f.Close()
	_, err = read(f, each)
	return err
}

// maxLine bounds a line, far above the largest event, in bytes.
const maxLine = 64 << 20

// read gives the length of the part that is whole lines. A last line with its
// end that is no event is half a line too: a block of it may be missing.
func read(r io.Reader, each func(runner.Event) error) (whole int64, err error) {
	in := bufio.NewReaderSize(r, 64<<10)
	var bad *Damage
	for number := 1; ; number++ {
		line, err := readLine(in)
		switch {
		case errors.Is(err, io.EOF):
			return whole, nil // nothing, or half a line, came before
		case err != nil:
			return whole, err
		case bad != nil:
			return whole, bad
		}
		e, err := runner.UnmarshalEvent(bytes.TrimSuffix(line, []byte("\n")))
		if err != nil {
			bad = &Damage{Line: number, Err: err}
			continue
		}
		if err := each(e); err != nil {
			return whole, err
		}
		whole += int64(len(line))
	}
}

// readLine reads up to and with a newline; io.EOF where none comes.
func readLine(in *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		line = append(line, part...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
		if len(line) > maxLine {
			return nil, fmt.Errorf("a line of more than %d MiB", maxLine>>20)
		}
	}
}

// NewDir is the folder of a run that begins now, in parent:
// "20260102-030405-1a2b3c4d". It isn't made.
func NewDir(parent, id string, begun time.Time) string {
	return filepath.Join(parent, begun.Format("20060102-150405")+"-"+id)
}
