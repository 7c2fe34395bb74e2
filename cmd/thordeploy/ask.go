package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// ask reads a password from the terminal without showing it, and marks it as
// secret. An interrupt ends the question and gives the terminal its echo back.
func (m *Main) ask(ctx context.Context, prompt string) (string, error) {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		if !term.IsTerminal(int(m.Stdin.Fd())) {
			return "", wrong("run it in a terminal, or use keys: -k and -K ask a person", "can't ask for the %sthere is no terminal", prompt)
		}
		tty = m.Stdin
	} else {
		defer tty.Close()
	}
	fd := int(tty.Fd())
	before, err := term.GetState(fd)
	if err == nil {
		err = hush(fd) // before the prompt: who types ahead isn't shown either
	}
	if err != nil {
		return "", fmt.Errorf("ask for the %s%w", prompt, err)
	}
	fmt.Fprint(tty, prompt)
	defer func() {
		_ = term.Restore(fd, before) // nothing better can be done
		fmt.Fprintln(tty)
	}()
	type answer struct {
		text []byte
		err  error
	}
	got := make(chan answer, 1)
	go func() {
		// Not term.ReadPassword: where an interrupt comes early it would turn
		// the echo off after it was given back.
		text, err := readLine(tty)
		got <- answer{text, err}
	}()
	select {
	case a := <-got:
		if a.err != nil {
			return "", fmt.Errorf("read the %s%w", prompt, a.err)
		}
		m.secrets.Add(string(a.text))
		return string(a.text), nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// canAsk reports whether there is a person at a terminal.
func (m *Main) canAsk() bool {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return term.IsTerminal(int(m.Stdin.Fd()))
	}
	_ = tty.Close() // it was only opened to see
	return true
}

// readLine reads up to the end of the line and no further.
func readLine(in io.Reader) ([]byte, error) {
	var line []byte
	for b := make([]byte, 1); ; {
		n, err := in.Read(b)
		switch {
		case n == 1 && b[0] == '\n':
			return line, nil
		case n == 1:
			line = append(line, b[0])
		case err == io.EOF && len(line) > 0: // a last line without its end
			return line, nil
		case err != nil:
			return nil, err
		}
	}
}

// hush turns the terminal's echo off.
func hush(fd int) error {
	t, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return err
	}
	t.Lflag &^= unix.ECHO
	t.Lflag |= unix.ICANON | unix.ISIG // a line at a time, Ctrl-C is a signal
	t.Iflag |= unix.ICRNL
	return unix.IoctlSetTermios(fd, unix.TCSETS, t)
}
