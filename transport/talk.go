package transport

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// maxPreamble bounds what is kept of a stream ahead of the command (the login
// shell's own words, sudo's lecture).
const maxPreamble = 16 << 10

// The streams of a conversation.
const (
	onStdout = iota
	onStderr
	onTerminal
)

// talk is the conversation with a method up to the moment the command runs.
type talk struct {
	become        Become
	prompt, ready string

	asked bool
	heard [3][]byte // by stream: what came so far, prompts taken out
	rest  [2][]byte // what the command itself wrote behind ready
	state [2]streamState
}

type streamState int

const (
	waiting streamState = iota
	readied             // ready has come
	ended               // end of file instead
)

// piece is what a reader heard. Its reader goes on when told so.
type piece struct {
	stream int
	data   []byte
	err    error
	goOn   chan<- bool
}

// until reads all streams until ready stands on the command's two, giving the
// password on the first prompt. A second prompt means that it was wrong. Its
// error is io.EOF where the method ended before.
func (t *talk) until(p, control Process) error {
	over := make(chan struct{})
	defer close(over)
	pieces := make(chan piece)
	go listen(onStdout, p.Stdout(), pieces, over)
	go listen(onStderr, p.Stderr(), pieces, over)
	answer := p.Stdin()
	if control != nil {
		go listen(onTerminal, control.Stdout(), pieces, over)
		answer = control.Stdin()
	}
	for {
		c := <-pieces
		err := t.hear(c, answer)
		if err != nil {
			return err
		}
		c.goOn <- c.err == nil && (c.stream == onTerminal || t.state[c.stream] == waiting)
		switch {
		case t.state == [2]streamState{readied, readied}:
			return nil
		case !slices.Contains(t.state[:], waiting):
			return io.EOF
		}
	}
}

// listen hands what a stream brings to the conversation, piece by piece, and
// leaves alone what is the command's. A terminal is read to its end, for nobody
// else does.
func listen(stream int, r io.Reader, pieces chan<- piece, over <-chan struct{}) {
	buf := make([]byte, 4096)
	goOn := make(chan bool)
	for {
		n, err := r.Read(buf)
		select {
		case pieces <- piece{stream, buf[:n], err, goOn}:
		case <-over:
			if stream == onTerminal {
				_, _ = io.Copy(io.Discard, r) // its end is the process's
			}
			return
		}
		select {
		case more := <-goOn:
			if !more {
				return
			}
		case <-over: // it may end in the moment of the answer
			if stream == onTerminal {
				_, _ = io.Copy(io.Discard, r)
			}
			return
		}
	}
}

// hear takes a piece of the conversation and answers it.
func (t *talk) hear(c piece, answer io.Writer) error {
	s := c.stream
	t.heard[s] = append(t.heard[s], c.data...)
	if s != onTerminal {
		if i := bytes.Index(t.heard[s], []byte(t.ready)); i >= 0 {
			t.rest[s] = slices.Clone(t.heard[s][i+len(t.ready):])
			t.heard[s], t.state[s] = t.heard[s][:i], readied
			return nil
		}
	}
	if err := t.reply(s, answer); err != nil {
		return err
	}
	switch {
	case errors.Is(c.err, io.EOF) && s != onTerminal:
		t.state[s] = ended
	case c.err != nil && s != onTerminal:
		return c.err
	case len(t.heard[s]) > maxPreamble:
		return fmt.Errorf("more than %d bytes came before the command started", maxPreamble)
	}
	return nil
}

// reply gives the password where a stream asks for it.
func (t *talk) reply(s int, answer io.Writer) error {
	from, to, found := t.become.promptIn(t.heard[s], t.prompt)
	if !found {
		return nil
	}
	t.heard[s] = slices.Delete(t.heard[s], from, to)
	method := t.become.method()
	switch {
	case t.become.Password == "":
		return fmt.Errorf("%s asks for a password", method)
	case t.asked:
		return fmt.Errorf("%s did not take the password", method)
	}
	t.asked = true
	if _, err := io.WriteString(answer, t.become.Password+"\n"); err != nil {
		return fmt.Errorf("giving %s the password: %w", method, err)
	}
	return nil
}

// said is the last line ahead of the command, for an error. A terminal may have
// shown the password.
func (t *talk) said() string {
	text := ""
	for _, s := range []int{onTerminal, onStdout, onStderr} {
		if more := strings.TrimSpace(string(t.heard[s])); more != "" {
			text = more
		}
	}
	if t.become.Password != "" {
		text = strings.ReplaceAll(text, t.become.Password, "********")
	}
	lines := strings.FieldsFunc(strings.ToValidUTF8(text, "?"), func(r rune) bool { return r == '\n' || r == '\r' })
	if len(lines) == 0 {
		return ""
	}
	last := strings.TrimSpace(lines[len(lines)-1])
	if len(last) > 200 {
		last = strings.ToValidUTF8(last[:200], "")
	}
	return last
}

// process is the command that runs: its streams without what was said ahead.
func (t *talk) process(p, control Process) Process {
	b := &becomeProcess{
		Process: p, control: control,
		stdout: io.MultiReader(bytes.NewReader(t.rest[onStdout]), p.Stdout()),
		stderr: io.MultiReader(bytes.NewReader(t.rest[onStderr]), p.Stderr()),
	}
	return b
}

type becomeProcess struct {
	Process
	control        Process // at the terminal; nil: there is none
	stdout, stderr io.Reader
}

func (p *becomeProcess) Stdout() io.Reader { return p.stdout }
func (p *becomeProcess) Stderr() io.Reader { return p.stderr }

// Wait gives the exit of the command, which the process at the terminal knows
// where there is one, once the streams have ended too.
func (p *becomeProcess) Wait() (Exit, error) {
	if p.control == nil {
		return p.Process.Wait()
	}
	exit, err := p.control.Wait()
	if err != nil {
		p.Process.Close()
		return exit, err
	}
	_, err = p.Process.Wait()
	return exit, err
}

func (p *becomeProcess) Close() error {
	if p.control != nil {
		p.control.Close()
	}
	return p.Process.Close()
}
