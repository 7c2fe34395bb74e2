package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"thordeploy/action"
	"thordeploy/internal/diag"
	"thordeploy/playbook"
	"thordeploy/runner"
)

// askVariable asks for a variable of vars_prompt. Without a terminal nobody is
// asked, and the variable has its default.
func (m *Main) askVariable(ctx context.Context, p playbook.Prompt, text string) (string, error) {
	if !m.hasTerminal() {
		fmt.Fprintf(m.err, "warning: vars_prompt %s: there is no terminal to ask at: the default is taken\n", diag.Escape(p.Name))
		return "", nil
	}
	question := text
	if def, constant := p.Default.Const(); constant && def != nil && !p.Private {
		question += fmt.Sprintf(" [%v]", def)
	}
	for {
		answer, err := m.question(ctx, question+": ", p.Private)
		if err != nil || !p.Confirm {
			return answer, err
		}
		again, err := m.question(ctx, "confirm "+text+": ", p.Private)
		if err != nil || again == answer {
			return answer, err
		}
		fmt.Fprintln(m.err, "***** VALUES ENTERED DO NOT MATCH ****")
	}
}

// askStep asks whether a task is to be done.
func (m *Main) askStep(ctx context.Context, task, host string) (runner.StepAnswer, error) {
	on := ""
	if host != "" {
		on = " on " + host
	}
	answer, err := m.question(ctx, fmt.Sprintf("Perform task: %s%s (N)o/(y)es/(c)ontinue: ", diag.Escape(task), on), false)
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return runner.StepYes, err
	case "c", "continue":
		return runner.StepContinue, err
	}
	return runner.StepNo, err
}

// askTask asks what a task wants to know. As ansible-playbook does, it asks
// only where standard input is a terminal in whose foreground it runs.
func (m *Main) askTask(ctx context.Context, q action.Question) (string, error) {
	text := escapeLines(q.Text)
	switch {
	case q.Tell:
		fmt.Fprintln(m.asks(), text)
		return "", nil
	case !inForeground(m.Stdin):
		fmt.Fprintln(m.asks(), text)
		fmt.Fprintln(m.err, "[WARNING]: Not waiting for response to prompt as stdin is not interactive")
		return "", nil
	}
	return m.question(ctx, text, q.Secret)
}

// escapeLines makes text from a playbook safe to show, with its lines kept.
func escapeLines(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = diag.Escape(line)
	}
	return strings.Join(lines, "\n")
}

// asks is where questions are shown: not in the middle of JSON.
func (m *Main) asks() io.Writer {
	if m.json {
		return m.err
	}
	return m.out
}

// inForeground reports whether f is a terminal that this process may read from.
func inForeground(f *os.File) bool {
	group, err := unix.IoctlGetInt(int(f.Fd()), unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}

func (m *Main) hasTerminal() bool {
	if term.IsTerminal(int(m.Stdin.Fd())) {
		return true
	}
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return false
	}
	return tty.Close() == nil
}

// question asks at the terminal: secretly, or with what is typed in sight, which
// where there is no terminal comes from standard input.
func (m *Main) question(ctx context.Context, text string, secret bool) (string, error) {
	if secret {
		return m.ask(ctx, text)
	}
	fmt.Fprint(m.asks(), text)
	type answer struct {
		text []byte
		err  error
	}
	got := make(chan answer, 1)
	go func() {
		line, err := readLine(m.Stdin)
		got <- answer{line, err}
	}()
	select {
	case a := <-got:
		if a.err != nil {
			return "", fmt.Errorf("no answer to %q: %w", text, a.err)
		}
		return strings.TrimSuffix(string(a.text), "\r"), nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}
