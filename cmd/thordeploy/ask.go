package main

import (
	"context"
	"fmt"
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
		text, err := term.ReadPassword(fd)
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

// hush turns the terminal's echo off.
func hush(fd int) error {
	t, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return err
	}
	t.Lflag &^= unix.ECHO
	return unix.IoctlSetTermios(fd, unix.TCSETS, t)
}
