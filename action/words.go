package action

import (
	"errors"
	"regexp"
	"strings"

	"thordeploy/transport"
)

// splitWords splits a command line into words as a POSIX shell's quoting has
// it and does nothing else a shell does: no variables, globs, pipes or
// comments (Python's shlex.split, which ansible.builtin.command uses).
func splitWords(line string) ([]string, error) {
	var s splitter
	for _, r := range line {
		s.rune(r)
	}
	switch {
	case s.quote != 0:
		return nil, errors.New("a quotation is not closed: " + string(s.quote))
	case s.escaped:
		return nil, errors.New(`the line ends in a backslash that escapes nothing`)
	}
	s.end()
	return s.words, nil
}

// splitter is the state of splitWords between two runes.
type splitter struct {
	words   []string
	word    strings.Builder
	inWord  bool
	quote   rune // the open quotation mark, 0: none
	escaped bool
}

func (s *splitter) rune(r rune) {
	switch {
	case s.escaped:
		// Within double quotes a backslash escapes only itself and the quote.
		if s.quote == '"' && r != '"' && r != '\\' {
			s.word.WriteByte('\\')
		}
		s.word.WriteRune(r)
		s.escaped = false
	case s.quote == '\'' && r != '\'':
		s.word.WriteRune(r)
	case r == '\\':
		s.escaped, s.inWord = true, true
	case s.quote != 0 && r == s.quote:
		s.quote = 0
	case s.quote != 0:
		s.word.WriteRune(r)
	case r == '\'' || r == '"':
		s.quote, s.inWord = r, true
	case r == ' ' || r == '\t' || r == '\n' || r == '\r':
		s.end()
	default:
		s.inWord = true
		s.word.WriteRune(r)
	}
}

func (s *splitter) end() {
	if s.inWord {
		s.words = append(s.words, s.word.String())
	}
	s.word.Reset()
	s.inWord = false
}

// firstWord splits a command line into its first word, unquoted, and the rest
// of the text as it is.
func firstWord(line string) (word, rest string, err error) {
	line = strings.Trim(line, " \t\r\n")
	var s splitter
	for i, r := range line {
		s.rune(r)
		if len(s.words) == 1 {
			return s.words[0], line[i:], nil
		}
	}
	words, err := splitWords(line)
	if err != nil || len(words) == 0 {
		return "", "", err
	}
	return words[0], "", nil
}

var (
	variable = regexp.MustCompile(`\$(?:[A-Za-z_][A-Za-z0-9_]*|\{[A-Za-z_][A-Za-z0-9_]*\})`)
	tilde    = regexp.MustCompile(`^~[A-Za-z0-9._-]*(/|$)`)
)

// shellsOwn are variables that a shell has without its environment having
// them; Python's os.path.expandvars knows only the environment.
var shellsOwn = map[string]bool{
	"IFS": true, "OPTIND": true, "OPTARG": true, "PPID": true, "PS1": true, "PS2": true, "PS4": true,
	"LINENO": true, "RANDOM": true, "SECONDS": true, "UID": true, "EUID": true, "HOSTNAME": true, "SHLVL": true,
}

// expandable gives the shell text that expands to words with $NAME, ${NAME}
// and a leading ~ or ~user replaced as the account's environment has them, and
// nothing else: an unset variable stays as it is written, a value is never
// split. It is false where there is nothing to replace.
func expandable(words []string) (text string, found bool) {
	list := make([]string, len(words))
	for i, w := range words {
		var b strings.Builder
		if m := tilde.FindString(w); m != "" {
			found = true
			b.WriteString(m)
			w = w[len(m):]
		}
		at := 0
		for _, m := range variable.FindAllStringIndex(w, -1) {
			name := strings.Trim(w[m[0]:m[1]], "${}")
			if shellsOwn[name] {
				continue
			}
			found = true
			b.WriteString(literal(w[at:m[0]]))
			// ${NAME-$NAME}, the latter literally.
			b.WriteString(`"${` + name + `-` + strings.NewReplacer("$", `\$`, "}", `\}`).Replace(w[m[0]:m[1]]) + `}"`)
			at = m[1]
		}
		b.WriteString(literal(w[at:]))
		if b.Len() == 0 {
			b.WriteString("''")
		}
		list[i] = b.String()
	}
	return strings.Join(list, " "), found
}

func literal(s string) string {
	if s == "" {
		return ""
	}
	return transport.Quote(s)
}
