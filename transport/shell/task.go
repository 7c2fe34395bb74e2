package shell

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"sort"
	"strconv"
	"strings"
	"time"

	"thordeploy/transport"
)

// maxStdin bounds what a command can be given on standard input: it travels as
// part of the request, which the host's shell keeps as a word.
const maxStdin = 64 << 10

// maxReply bounds what a task may report, for a host that would fill this side's
// memory. A listing of 100,000 files stays below.
const maxReply = 32 << 20

// task is the request that runs on the host.
type task struct {
	streams [2]io.Writer // stdout, stderr
	ended   [2]chan struct{}
	reply   Reply
	size    int           // of what was reported
	done    chan struct{} // of a stream: closed when it reads no more
	started func()        // called when the request is on its way; may be nil
}

func newTask(stdout, stderr io.Writer) *task {
	return &task{
		streams: [2]io.Writer{stdout, stderr},
		ended:   [2]chan struct{}{make(chan struct{}), make(chan struct{})},
		reply:   Reply{Values: map[string]string{}, List: map[string][]string{}},
	}
}

// Script runs one remote half: text, a POSIX sh program, with args as its
// positional parameters ($1…). name identifies the text and must be a shell
// name ([a-z_]+); the text is sent once a session and kept there. The program
// reports with `emit KEY VALUE`, both one line, and with `emit_hex KEY VALUE`
// for a value that may hold any byte: it arrives decoded. Its comment lines
// and its indentation by tabs are not sent, so no text in it spans lines.
// When ctx ends, the program is ended on the host.
func (s *Session) Script(ctx context.Context, name, text string, args ...string) (Reply, error) {
	call, err := request(append([]string{"half", name}, args...)...)
	if err != nil {
		return Reply{}, err
	}
	lines := []string{call}
	release, err := s.acquire(ctx)
	if err != nil {
		return Reply{}, err
	}
	defer release()
	if !s.known[name] {
		learn, err := request("learn", name, slim(text))
		if err != nil {
			return Reply{}, err
		}
		lines = []string{learn, call}
		s.known[name] = true
	}
	stdout, stderr := &tail{max: tailSize}, &tail{max: tailSize}
	t := newTask(stdout, stderr)
	err = s.perform(ctx, t, tasks(lines...))
	t.reply.Stdout, t.reply.Stderr = stdout.buf, stderr.buf
	return t.reply, err
}

// Command runs a user's command, streaming its output as it comes. It returns
// the exit status (128+n where signal n ended it), a [*SkippedError] or a
// [*NotRunError] (with status 126 or 127, as a shell has it). When ctx ends,
// the command's processes are ended (TERM, 2 s, KILL) and ctx's error is
// returned. stdout and stderr may be nil.
func (s *Session) Command(ctx context.Context, c Command, stdout, stderr io.Writer) (int, error) {
	line, err := commandLine(c)
	if err != nil {
		return 0, err
	}
	release, err := s.acquire(ctx)
	if err != nil {
		return 0, err
	}
	defer release()
	t := newTask(stdout, stderr)
	if err := s.perform(ctx, t, tasks(line)); err != nil {
		return t.reply.Code, err
	}
	if what := t.reply.Values["skipped"]; what != "" {
		return 0, &SkippedError{Creates: what == "creates"}
	}
	if why := t.reply.Values["refused"]; why != "" {
		words := append(strings.Fields(why), "", "", "")
		return t.reply.Code, &NotRunError{Reason: Reason(words[0]), Path: t.reply.Values["path"], File: words[1], Host: words[2]}
	}
	return t.reply.Code, nil
}

// commandLine words the loop's `run`.
func commandLine(c Command) (string, error) {
	if len(c.Argv) == 0 {
		return "", errors.New("an empty command")
	}
	if len(c.Stdin) > maxStdin {
		return "", fmt.Errorf("stdin of %d bytes is over %d: copy it to the host as a file", len(c.Stdin), maxStdin)
	}
	has := "0"
	if c.Stdin != nil {
		has = "1"
	}
	words := []string{"run", c.Dir, c.Umask, c.Creates, c.Removes, string(c.Stdin), has, strconv.Itoa(len(c.Env))}
	names := make([]string, 0, len(c.Env))
	for k := range c.Env {
		if !envName(k) {
			return "", fmt.Errorf("%q can't be the name of an environment variable", k)
		}
		names = append(names, k)
	}
	sort.Strings(names)
	for _, k := range names {
		words = append(words, k+"="+c.Env[k])
	}
	if c.Shell != "" {
		words = append(words, c.Shell, "-c", c.Argv[0])
	} else {
		words = append(words, c.Argv...)
	}
	return request(words...)
}

func envName(s string) bool {
	for i, r := range s {
		letter := r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != ""
}

// acquire waits for the session's turn.
func (s *Session) acquire(ctx context.Context) (release func(), err error) {
	select {
	case s.turn <- struct{}{}:
		return func() { <-s.turn }, nil
	case <-s.dead:
		return nil, s.alive()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// perform runs one request to its end, or ends it when ctx does.
func (s *Session) perform(ctx context.Context, t *task, m message) error {
	if err := s.alive(); err != nil {
		return err
	}
	s.setTask(t)
	defer s.setTask(nil)
	if err := s.send(ctx, m); err != nil {
		return err
	}
	if t.started != nil {
		t.started()
	}
	if s.await(ctx.Done(), t) {
		return s.outlived()
	}
	if err := s.alive(); err != nil {
		return err
	}
	if !s.endTask(context.WithoutCancel(ctx), t) {
		s.end(&transport.Error{Phase: transport.PhaseLost, Err: errors.New("the host did not end the task in time"), Hint: "the guard on the host cleans up as soon as it can"})
	}
	return context.Cause(ctx)
}

// endTask has the guard end the running task, and reports whether it did: the
// task's end came, and after it the guard's word that nothing of it is left. It
// asks more than once: the first time the loop may not have begun the task yet.
func (s *Session) endTask(ctx context.Context, t *task) bool {
	ctx, cancel := context.WithTimeout(ctx, endGrace)
	defer cancel()
	again := time.NewTicker(time.Second)
	defer again.Stop()
	select {
	case <-s.ended: // of an earlier task
	default:
	}
	for s.call(ctx) == nil {
		select {
		case <-s.ended:
			s.taken() // nobody is left to take a block
			if closed(t.ended[0]) && closed(t.ended[1]) {
				return true
			}
		case <-s.dead:
			return false
		case <-ctx.Done():
			return false
		case <-again.C:
			continue // it was swallowed
		}
		select {
		case <-again.C:
		case <-t.ended[0]:
		case <-ctx.Done():
		}
	}
	return false
}

// call asks the guard to end the running task.
func (s *Session) call(ctx context.Context) error {
	select {
	case s.urgent <- struct{}{}:
		return nil
	case <-s.dead:
		return s.alive()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// await reports whether the task's end came on both streams.
func (s *Session) await(stop <-chan struct{}, t *task) bool {
	for _, ended := range t.ended {
		select {
		case <-ended:
		case <-s.dead:
			return closed(t.ended[0]) && closed(t.ended[1])
		case <-stop:
			return false
		}
	}
	return true
}

func (s *Session) setTask(t *task) {
	s.mu.Lock()
	s.task = t
	s.mu.Unlock()
}

// data is output of the running task, or stray.
func (s *Session) data(stream int, p []byte) {
	s.mu.Lock()
	t := s.task
	if t == nil {
		if stream == 1 {
			_, _ = s.stderr.Write(p)
		}
		s.mu.Unlock()
		return
	}
	w := t.streams[stream]
	s.mu.Unlock()
	if w != nil {
		_, _ = w.Write(p) // a sink that fails doesn't stop the host's work
	}
}

// frame is one line of our own programs on standard output.
func (s *Session) frame(line string) {
	word, rest, _ := strings.Cut(line, " ")
	key, value, _ := strings.Cut(rest, " ")
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.task
	switch word {
	case "=", "x":
		s.value(t, word == "x", key, value)
	case "end":
		if t != nil && !closed(t.ended[0]) {
			t.reply.Code, _ = strconv.Atoi(key)
			close(t.ended[0])
		}
	case "taken":
		s.taken()
	case "done":
		if t != nil && t.done != nil && !closed(t.done) {
			close(t.done)
		}
	case "ended":
		select {
		case s.ended <- struct{}{}:
		default:
		}
	case "bye":
		if !closed(s.bye) {
			close(s.bye)
		}
	case "nosession":
		s.refuse(&transport.Error{
			Phase: transport.PhaseChannel, Err: errors.New("the held shell has no session of its own on the host"),
			Hint: "its SSH server does not start commands in sessions of their own, or /proc is not mounted",
		})
	case "lapsed":
		if s.cause == nil {
			s.lapsed = &transport.Error{
				Phase: transport.PhaseLost, Err: errors.New("the host heard nothing from here for the length of its lease, and cleaned up"),
				Hint: "this machine slept, was stopped, or had no network; run the play again",
			}
			s.cause = s.lapsed
		}
	case "unmounted", "detached", "removed", "left":
		if len(s.undone) < 3*len(s.watched)+1 { // as many as the guard can have to say
			s.undone = append(s.undone, line)
		}
	}
}

// outlived is nil unless the guard has ended the session on its own account: a
// task's end is then the guard's doing.
func (s *Session) outlived() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lapsed != nil {
		return s.lapsed
	}
	return nil
}

// value is one that t reports, as hex digits where any byte may be in it. The
// first of a session is the loop's greeting; s.mu is held.
func (s *Session) value(t *task, isHex bool, key, value string) {
	if key == "hello" {
		if !closed(s.hello) {
			close(s.hello)
			s.taken()
		}
		return
	}
	if isHex {
		b, err := hex.DecodeString(value)
		if err != nil {
			return
		}
		value = string(b)
	}
	if t == nil {
		return
	}
	if t.size += len(key) + len(value); t.size > maxReply {
		s.refuse(fmt.Errorf("the host reports more than %d MB on one task", maxReply>>20))
		return
	}
	t.reply.Values[key] = value
	t.reply.List[key] = append(t.reply.List[key], value)
}

// refuse ends the session for a cause; s.mu is held, by a reader that must not
// wait for the process's end.
func (s *Session) refuse(cause error) {
	if s.cause == nil {
		s.cause = cause
	}
	go func() { _ = s.proc.Close() }()
}

// taken lets what follows a held message go.
func (s *Session) taken() {
	select {
	case s.took <- struct{}{}:
	default:
	}
}

// untaken forgets a word that came late, about an earlier message.
func (s *Session) untaken() {
	select {
	case <-s.took:
	default:
	}
}

// endOfStderr marks that the running task's standard error is read to its end.
func (s *Session) endOfStderr(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.task; t != nil && strings.HasPrefix(line, "end ") && !closed(t.ended[1]) {
		close(t.ended[1])
	}
}

// report words the guard's report; s.mu is held.
func (s *Session) report() (done, left []string) {
	name := func(index string) string {
		if n, err := strconv.Atoi(index); err == nil && n >= 1 && n <= len(s.watched) {
			return s.watched[n-1]
		}
		return "?"
	}
	for _, line := range s.undone {
		w := append(strings.Fields(line), "", "")
		switch w[0] {
		case "unmounted", "removed":
			done = append(done, w[0]+" "+name(w[1]))
		case "detached":
			done = append(done, "unmounted "+name(w[1])+" lazily: it was busy")
		case "left":
			switch w[1] {
			case "processes":
				left = append(left, w[2]+" processes of the run would not end")
			case "mount":
				left = append(left, "could not unmount "+name(w[2]))
			case "folder":
				left = append(left, "could not remove "+name(w[2]))
			case "symlink":
				left = append(left, "did not touch "+name(w[2])+": it is a symlink now")
			case "moved":
				left = append(left, "did not touch "+name(w[2])+": its path leads elsewhere now")
			}
		}
	}
	return done, left
}
