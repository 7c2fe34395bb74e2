package main

import (
	"context"
	"fmt"
	"os"

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
	if err != nil {
		return "", fmt.Errorf("ask for a password: %w", err)
	}
	fmt.Fprint(tty, prompt)
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
		fmt.Fprintln(tty)
		if a.err != nil {
			return "", fmt.Errorf("read a password from the terminal: %w", a.err)
		}
		m.secrets.Add(string(a.text))
		return string(a.text), nil
	case <-ctx.Done():
		_ = term.Restore(fd, before) // the program ends: nothing better to do
		fmt.Fprintln(tty)
		return "", ctx.Err()
	}
}
