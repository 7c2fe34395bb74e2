package transport

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Quote joins words into one POSIX sh command line in which each word is one
// argument again, whatever bytes it holds except NUL, which no argument of a
// process can hold: [CheckLine], and with it every Start, refuses it. Put a
// space before anything appended to the result (a word that is a number would
// otherwise become the number of a redirection). It is the only place that
// turns values into shell text.
func Quote(words ...string) string {
	var b strings.Builder
	for i, w := range words {
		if i > 0 {
			b.WriteByte(' ')
		}
		quoteTo(&b, w)
	}
	return b.String()
}

func quoteTo(b *strings.Builder, w string) {
	if w != "" && strings.IndexFunc(w, func(r rune) bool { return !plain(r) }) < 0 && !slices.Contains(reserved, w) {
		b.WriteString(w)
		return
	}
	b.WriteByte('\'')
	b.WriteString(strings.ReplaceAll(w, "'", `'\''`))
	b.WriteByte('\'')
}

// plain reports whether r means nothing to any shell, wherever it stands in a
// word. '=' and '~' are left out on purpose (assignments, zsh, home folders).
func plain(r rune) bool {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
		return true
	}
	return strings.ContainsRune("/._-:,@+", r)
}

// reserved are the words of plain characters that a shell doesn't take as a
// command's name: POSIX's, and those of bash and ksh.
var reserved = []string{
	"case", "coproc", "do", "done", "elif", "else", "esac", "fi", "for",
	"function", "if", "in", "namespace", "select", "then", "time", "until", "while",
}

// MaxLine is the longest command line, in bytes, that a host can be given:
// Linux bounds one argument of a process to 128 KiB with its final NUL, and the
// whole line is one argument of the login shell's -c.
const MaxLine = 128<<10 - 1

// CheckLine reports why line can't be handed to a host's shell, or nil.
func CheckLine(line string) error {
	if i := strings.IndexByte(line, 0); i >= 0 {
		return fmt.Errorf("the command line holds a NUL byte (at offset %d), which no process can be given", i)
	}
	if len(line) > MaxLine {
		return fmt.Errorf("the command line has %d bytes, a process can be given %d: send the rest on its standard input", len(line), MaxLine)
	}
	if line == "" {
		return errors.New("the command line is empty")
	}
	return nil
}
