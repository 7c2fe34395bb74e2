// Command thordeploy runs playbooks on a fleet of hosts over SSH.
//
// Data flows one way: flags and environment (flags.go) name an inventory and
// playbooks (load.go), which become legs, plays with their hosts; a
// runner.Runner with the way to reach a host (connect.go) turns those into
// events, which a sink of internal/output writes; the folded state gives the
// exit code (exitcodes.go). Only this package reads the environment, handles
// signals and writes to standard output.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"thordeploy/action"
	"thordeploy/internal/redact"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == action.BridgeCommand { // started by a program that a task of another thordeploy runs
		os.Exit(action.Bridge(os.Args[2:], os.Stdin, os.Stdout))
	}
	m := &Main{Name: calledAs(os.Args[0]), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv}
	os.Exit(int(m.Run(os.Args[1:])))
}

// Main is the program as a value: its streams and environment, and what the
// flags said.
type Main struct {
	Name           string // it was started under: ansible-playbook makes it that
	Stdin          *os.File
	Stdout, Stderr *os.File
	Getenv         func(string) string

	out, err io.Writer // Stdout and Stderr without the secrets
	secrets  redact.Redactor
	args     []string // the command line
	inputs   inputs
	resuming *record // of `resume`
	options
}

// Run runs the program with the given arguments and returns its exit code.
// The first SIGINT, SIGTERM or SIGHUP ends running work and has the hosts
// cleaned up; the second makes Run return at once.
func (m *Main) Run(args []string) exitCode {
	stdout, stderr := m.secrets.Writer(m.Stdout), m.secrets.Writer(m.Stderr)
	m.out, m.err = stdout, stderr
	defer func() {
		_ = errors.Join(stdout.Close(), stderr.Close()) // nobody is left to tell
	}()
	signals := make(chan os.Signal, 2)
	for _, s := range []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(s) { // as nohup(1) has it: Notify would undo that
			signal.Notify(signals, s)
		}
	}
	defer signal.Stop(signals)
	// A closed pipe (thordeploy … | head) is an error of the write, which ends
	// the run in order; Go's default would end the program on the spot.
	pipe := make(chan os.Signal, 1)
	signal.Notify(pipe, syscall.SIGPIPE)
	defer signal.Stop(pipe)

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := make(chan exitCode, 1)
	go func() { done <- m.execute(ctx, args) }()
	for first := true; ; first = false {
		select {
		case code := <-done:
			return code
		case <-signals:
		}
		if !first {
			fmt.Fprintln(m.err, "interrupted again: ending at once; each host's guard cleans up what it holds")
			return exitInterrupted
		}
		fmt.Fprintln(m.err, "interrupted: ending running work and cleaning the hosts up (once more: end at once)")
		cancel()
	}
}

// execute reads the command line and does what it says.
func (m *Main) execute(ctx context.Context, args []string) exitCode {
	code := exitOK
	m.ansible, m.args = m.Name == ansibleName, args
	c := m.command
	if m.ansible {
		c = m.ansibleCommand
	}
	root := c(&code)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil && m.ansible:
		return asAnsible(code)
	case err == nil:
		return code
	}
	m.explain(err)
	switch {
	case ctx.Err() != nil:
		return exitInterrupted
	case m.ansible:
		return ansibleCodeOfError(err)
	}
	return codeOfError(err)
}
