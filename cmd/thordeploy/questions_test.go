package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// talk runs a playbook on web1 and web2 at a terminal: each pair is what is
// waited for and then typed. It returns what the terminal showed.
func talk(t *testing.T, program []string, playbook string, pairs ...string) string {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "site.yml", playbook)
	person, tty := openTerminal(t)
	cmd := exec.Command(program[0], append(program[1:], "-i", "web1,web2,", "site.yml")...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "HOME="+dir, "TERM=dumb")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		done <- cmd.Wait()
		fmt.Fprintln(tty, "no more is said")
	}()
	timer := time.AfterFunc(15*time.Second, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	var shown strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		if !upTo(t, person, &shown, pairs[i]) {
			t.Fatalf("%q was not asked:\n%s", pairs[i], shown.String())
		}
		fmt.Fprint(person, pairs[i+1])
	}
	upTo(t, person, &shown, "no more is said")
	if err := <-done; err != nil {
		t.Fatalf("%v\n%s", err, shown.String())
	}
	return shown.String()
}

// upTo reads what the terminal shows up to a text, or to the program's end. It
// reports whether the text was there.
func upTo(t *testing.T, person *os.File, shown *strings.Builder, text string) bool {
	t.Helper()
	var seen strings.Builder
	defer func() { shown.WriteString(seen.String()) }()
	for b := make([]byte, 1); !strings.HasSuffix(seen.String(), text); {
		n, err := person.Read(b)
		if err != nil {
			t.Fatalf("%v after %q", err, seen.String())
		}
		seen.Write(b[:n])
		if strings.HasSuffix(seen.String(), "no more is said") {
			return strings.HasSuffix(seen.String(), text)
		}
	}
	return true
}

const pausing = `
- hosts: all
  gather_facts: false
  tasks:
  - {name: go on, pause: {prompt: "Really?"}, register: said}
  - {debug: {msg: "{{ inventory_hostname }} heard {{ said.user_input }}."}}
`

func TestPauseAsksOnceForAllHosts(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"thordeploy", "ansible-playbook"} {
		shown := talk(t, []string{program}, pausing, "[go on]\r\nReally?:", "of course\n")
		if n := strings.Count(shown, "Really?:"); n != 1 || !strings.Contains(shown, "web1 heard of course.") || !strings.Contains(shown, "web2 heard of course.") {
			t.Errorf("%s asked %d times:\n%s", program, n, shown)
		}
	}
	shown := talk(t, []string{"thordeploy"}, "- {hosts: all, tasks: [{name: w, pause: }]}\n", "[w]\r\nPress enter to continue, Ctrl+C to interrupt:", "\n")
	if !strings.Contains(shown, "runs in lockstep") {
		t.Errorf("%s", shown)
	}
}

func TestPauseWithoutEchoKeepsASecret(t *testing.T) {
	t.Parallel()
	book := strings.Replace(pausing, `"Really?"`, `"PIN?", echo: false`, 1)
	shown := talk(t, []string{"thordeploy", "-vvv"}, book, "PIN? (output is hidden):", "4711-geheim\n")
	if strings.Contains(shown, "4711-geheim") || !strings.Contains(shown, "web1 heard ") {
		t.Errorf("%s", shown)
	}
}

// A pause that time ends tells its prompt, and one that nobody can answer
// isn't waited for.
func TestPauseWithoutAPerson(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"thordeploy", "ansible-playbook"} {
		dir := t.TempDir()
		write(t, dir, "site.yml", pausing+"  - {name: wait, pause: {seconds: 1, prompt: a moment}}\n")
		cmd := exec.Command(program, "-i", "web1,web2,", "site.yml")
		cmd.Dir = dir
		var out, errs strings.Builder
		cmd.Stdout, cmd.Stderr = &out, &errs
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		if err := cmd.Run(); err != nil {
			t.Fatalf("%v\n%s%s", err, &out, &errs)
		}
		if !strings.Contains(out.String(), "web2 heard .") || strings.Count(out.String(), "[wait]\na moment:\n") != 1 {
			t.Errorf("%s: %s", program, &out)
		}
		if strings.Count(errs.String(), "[WARNING]: Not waiting for response to prompt as stdin is not interactive") != 1 {
			t.Errorf("%s: %s", program, &errs)
		}
	}
}

func TestVarsPromptAtATerminal(t *testing.T) {
	t.Parallel()
	book := `
- hosts: all
  gather_facts: false
  vars_prompt:
  - {name: color, prompt: "Which color", private: false, default: red}
  - {name: size, prompt: "Which size", private: false, default: big}
  - {name: pin, prompt: "Which PIN", confirm: true}
  tasks: [{debug: {msg: "{{ color }} {{ size }} {{ pin | length }} {{ pin }}"}}]
`
	shown := talk(t, []string{"thordeploy"}, book,
		"Which color [red]: ", "blue\n", "Which size [big]: ", "\n",
		"Which PIN: ", "1234567\n", "confirm Which PIN: ", "12345678\n", "DO NOT MATCH", "",
		"Which PIN: ", "geheim-99\n", "confirm Which PIN: ", "geheim-99\n")
	if !strings.Contains(shown, "blue big 9 ") || strings.Contains(shown, "geheim-99") {
		t.Errorf("%s", shown)
	}
}

func TestStepAtATerminal(t *testing.T) {
	t.Parallel()
	book := `
- hosts: web1
  gather_facts: false
  tasks: [{name: a, debug: {msg: did a}}, {name: b, debug: {msg: did b}}, {name: c, debug: {msg: did c}}, {name: d, debug: {msg: did d}}]
`
	const ask = " (N)o/(y)es/(c)ontinue: "
	for _, program := range []string{"thordeploy", "ansible-playbook"} {
		on := " on web1"
		if program == "ansible-playbook" {
			on = ""
		}
		shown := talk(t, []string{program, "--step"}, book, "Perform task: a"+on+ask, "\n", "Perform task: b"+on+ask, "y\n", "Perform task: c"+on+ask, "c\n")
		for text, want := range map[string]bool{"did a": false, "did b": true, "did c": true, "did d": true, "Perform task: d": false} {
			if strings.Contains(shown, text) != want {
				t.Errorf("%s: %q is there: %v\n%s", program, text, !want, shown)
			}
		}
	}
}
