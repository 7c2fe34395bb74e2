package lint

import (
	"fmt"
	"path"
	"regexp"
	"strings"
)

var (
	tagBlanks = regexp.MustCompile(`(\{\{)\s+|\s+(\}\})`)
	tag       = regexp.MustCompile(`(?s)\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}`)
)

// textOf is a value as a person would write it.
func textOf(x any) string { return fmt.Sprint(x) }

// isCommand reports tasks that run a program that they name.
func (s *step) isCommand() bool {
	switch s.module() {
	case "command", "shell", "raw":
		return true
	}
	return false
}

// line is the command line of a task as far as it can be told, empty where it
// isn't given as one.
func (s *step) line() string { return s.text("cmd") }

// words are the command's words without their quotes; templates that can't be
// told stay whole.
func (s *step) words() []string {
	if x, ok := s.value(s.Args["argv"]); ok {
		if list, ok := x.([]any); ok {
			var out []string
			for _, w := range list {
				out = append(out, textOf(w))
			}
			return out
		}
	}
	var out []string
	for _, w := range split(s.line()) {
		out = append(out, w.text)
	}
	return out
}

// program is the path or name of what the task runs, made absolute with chdir,
// and the words after it.
func (s *step) program() (name string, args []string) {
	words := s.words()
	for len(words) > 0 && (path.Base(words[0]) == "sudo" || s.module() != "command" && assignment.MatchString(words[0])) {
		words = words[1:]
	}
	if len(words) == 0 {
		return "", nil
	}
	return s.absolute(words[0]), words[1:]
}

var assignment = regexp.MustCompile(`^[A-Za-z_]\w*=`)

// absolute joins a path with slashes in it to the task's chdir.
func (s *step) absolute(name string) string {
	if !strings.Contains(name, "/") || strings.HasPrefix(name, "/") || strings.HasPrefix(name, "{{") {
		return clean(name)
	}
	if dir := s.text("chdir"); dir != "" {
		return clean(dir + "/" + name)
	}
	return clean(name)
}

// lineWord is a word of a command line; bare is its text with what is quoted,
// escaped or a template taken out, which is what a shell would look at.
type lineWord struct{ text, bare string }

// split takes a command line apart at blanks, as a shell does, and keeps what
// it can't close.
func split(line string) []lineWord {
	var out []lineWord
	var text, bare strings.Builder
	in, quote := false, rune(0)
	end := func() {
		if in {
			out = append(out, lineWord{text.String(), bare.String()})
		}
		text.Reset()
		bare.Reset()
		in = false
	}
	marks := tag.FindAllStringIndex(line, -1)
	escaped := false
	for i, r := range line {
		for len(marks) > 0 && i >= marks[0][1] {
			marks = marks[1:]
		}
		inTag := len(marks) > 0 && i >= marks[0][0]
		switch {
		case inTag:
			text.WriteRune(r)
			in = true
		case escaped:
			text.WriteRune(r)
			escaped = false
		case r == '\\' && quote != '\'':
			escaped, in = true, true
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			text.WriteRune(r)
			if quote == '"' && (r == '$' || r == '`') {
				bare.WriteRune(r)
			}
		case r == '\'' || r == '"':
			quote, in = r, true
		case r == ' ' || r == '\t' || r == '\r':
			end()
		case r == '\n':
			end()
			out = append(out, lineWord{"\n", "\n"})
		default:
			text.WriteRune(r)
			bare.WriteRune(r)
			in = true
		}
	}
	end()
	for len(out) > 0 && out[len(out)-1].text == "\n" {
		out = out[:len(out)-1]
	}
	return out
}
