package transport

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Become is the account that commands run as, after connecting as another.
// The zero value stays the account that connected.
type Become struct {
	User     string // the account to become; empty: stay
	Method   string // "sudo" (the empty value means sudo too), later "su", "doas"
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

// Check reports what of b can't be used, or nil. It needs no host, so a play
// can be refused when it is loaded.
func (b Become) Check() error {
	switch {
	case b.IsZero():
		return nil
	case b.Method == "su" || b.Method == "doas":
		return fmt.Errorf("become method %q is not done yet: only sudo is", b.Method)
	case b.Method != "" && b.Method != "sudo":
		return fmt.Errorf("unknown become method %q: sudo is the one there is", b.Method)
	case strings.ContainsAny(b.Password, "\n\x00"):
		return errors.New("the become password holds a newline or NUL byte, which sudo can't be given")
	}
	return nil
}

// announce is run by the other account's shell: it says that sudo is content
// before the line runs. Without it nothing would tell a cached credential, where
// the next bytes on standard input are the command's own, from a prompt still to
// come, nor sudo's refusal from the command's own failure.
const announce = `printf %s "$1" >&2; exec /bin/sh -c "$2"`

// Wrap is the command line that runs line as b. Once sudo is content, ready
// stands on standard error ahead of the command's own output. With a password
// sudo asks for it with prompt on standard error and reads it from standard
// input; without one it must not ask (`NOPASSWD`). Both words must be
// unguessable and without `%`, which sudo expands. For the zero Become it is
// line itself.
func (b Become) Wrap(line, prompt, ready string) string {
	if b.IsZero() {
		return line
	}
	words := []string{"sudo"}
	if b.Exe != "" {
		words[0] = b.Exe
	}
	flags := []string{"-H"}
	if b.Flags != "" {
		flags = strings.Fields(b.Flags)
	}
	words = append(words, flags...)
	if b.Password != "" {
		words = append(slices.DeleteFunc(words, func(w string) bool { return w == "-n" }), "-S", "-p", prompt)
	} else if !slices.Contains(words, "-n") {
		words = append(words, "-n")
	}
	return Quote(append(words, "-u", b.User, "--", "/bin/sh", "-c", announce, "sh", ready, line)...)
}
