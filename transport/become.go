package transport

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Become is the account that commands run as, after connecting as another.
// The zero value stays the account that connected.
type Become struct {
	User     string // the account to become; empty: stay
	Method   string // "sudo" (the empty value means sudo too), "su", "doas"
	Password string // fed on the method's prompt; never part of a command line
	Exe      string // the method's program; empty: that of its name
	Flags    string // its arguments, split at blanks; empty: the method's own
}

// IsZero reports whether there is nothing to become.
func (b Become) IsZero() bool { return b.User == "" }

// From is b for a connection made as the account login: the zero value where
// that is the account to become, since sudo is then not called at all.
func (b Become) From(login string) Become {
	if login != "" && login == b.User {
		return Become{}
	}
	return b
}

// method is the program's usual name.
func (b Become) method() string {
	if b.Method == "" {
		return "sudo"
	}
	return b.Method
}

// Check reports what of b can't be used, or nil. It needs no host, so a play
// can be refused when it is loaded.
func (b Become) Check() error {
	switch m := b.method(); {
	case b.IsZero():
		return nil
	case m != "sudo" && m != "su" && m != "doas":
		return fmt.Errorf("unknown become method %q: there are sudo, su, doas and none", m)
	case m == "su" && strings.HasPrefix(b.User, "-"):
		return fmt.Errorf("become user %q: su would take it for an option", b.User)
	case strings.ContainsAny(b.Password, "\n\x00"):
		return fmt.Errorf("the become password holds a newline or NUL byte, which %s can't be given", m)
	case strings.ContainsRune(b.User+b.Exe+b.Flags, 0):
		return errors.New("a NUL byte is in what to become by")
	}
	return nil
}

// announce is run by the other account's shell: it says on both streams that
// the method is content before the line runs. Without it nothing would tell a
// cached credential, where the next bytes on standard input are the command's
// own, from a prompt still to come, nor sudo's refusal from the command's own
// failure, nor a prompt on standard output from output.
const announce = `printf %s "$1"; printf %s "$1" >&2; exec /bin/sh -c "$2"`

// su has no option for its prompt, which is in the language of the host: it is
// called in the language C, and the command has its own again.
const (
	plainLanguage = `export THORDEPLOY_LC="$LC_ALL" LC_ALL=C; exec "$@"`
	ownLanguage   = `LC_ALL=$THORDEPLOY_LC; [ -n "$LC_ALL" ] || unset LC_ALL; unset THORDEPLOY_LC; `
)

// Wrap is the command line that runs line as b. Once the method is content, ready
// stands on standard output and on standard error ahead of the command's own.
// With a password, sudo asks for it with prompt on standard error and reads it
// from standard input, as su does with a prompt of its own; without one they
// must not ask (`NOPASSWD`). Both words must be unguessable and without `%`,
// which sudo expands. For the zero Become it is line itself.
func (b Become) Wrap(line, prompt, ready string) string {
	if b.IsZero() {
		return line
	}
	return Quote(b.words(line, prompt, ready, false)...)
}

// words are those of the command line. With terminal, a method that can choose
// asks at its controlling terminal.
func (b Become) words(line, prompt, ready string, terminal bool) []string {
	inner := []string{"/bin/sh", "-c", announce, "sh", ready, line}
	words := []string{b.method()}
	if b.Exe != "" {
		words[0] = b.Exe
	}
	flags := strings.Fields(b.Flags)
	if b.Flags == "" && b.method() == "sudo" {
		flags = []string{"-H"}
	}
	// Whether to ask is decided here, whatever the flags say.
	words = append(words, slices.DeleteFunc(flags, func(w string) bool { return w == "-n" || w == "-S" })...)
	switch b.method() {
	case "su":
		words = append(words, "-s", "/bin/sh", "-c", ownLanguage+"exec "+Quote(inner...), b.User)
		return append([]string{"/bin/sh", "-c", plainLanguage, "sh"}, words...)
	case "sudo":
		switch {
		case b.Password == "":
			words = append(words, "-n")
		case terminal:
			words = append(words, "-p", prompt)
		default:
			words = append(words, "-S", "-p", prompt)
		}
	case "doas":
		if b.Password == "" {
			words = append(words, "-n")
		}
	}
	return append(append(words, "-u", b.User, "--"), inner...)
}

// anyPrompt is how su and doas ask for a password in the language C, whichever
// of PAM's modules asks: at the end of what was said so far.
var anyPrompt = regexp.MustCompile(`(?i)(?:^|\n|\r)[^\n\r]*\bpass(?:word|phrase|code)\b[^\n\r]*: ?$`)

// promptIn finds a question for the password in text and gives its place.
func (b Become) promptIn(text []byte, prompt string) (from, to int, found bool) {
	if b.method() == "sudo" {
		i := strings.Index(string(text), prompt)
		return i, i + len(prompt), i >= 0
	}
	if m := anyPrompt.FindIndex(text); m != nil {
		return m[0], m[1], true
	}
	return 0, 0, false
}

// asksAtTerminal reports whether the method takes a password from its
// controlling terminal alone.
func (b Become) asksAtTerminal() bool { return b.method() == "doas" && b.Password != "" }
