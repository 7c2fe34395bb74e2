package sshconfig

import (
	"fmt"
	"strings"
)

// SplitWords splits text at blanks, as a POSIX shell does, with quotes and
// backslashes but without expansions.
func SplitWords(text string) ([]string, error) {
	var words []string
	var b strings.Builder
	in, quote := false, byte(0)
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '\\' && quote != '\'':
			if i++; i == len(text) {
				return nil, fmt.Errorf("a quote is not closed in %q", text)
			}
			if quote == '"' && text[i] != '"' && text[i] != '\\' {
				b.WriteByte('\\')
			}
			b.WriteByte(text[i])
			in = true
		case quote != 0:
			if c == quote {
				quote = 0
			} else {
				b.WriteByte(c)
			}
		case c == '\'' || c == '"':
			quote, in = c, true
		case c == ' ' || c == '\t' || c == '\n':
			if in {
				words = append(words, b.String())
				b.Reset()
				in = false
			}
		default:
			b.WriteByte(c)
			in = true
		}
	}
	if quote != 0 {
		return nil, fmt.Errorf("a quote is not closed in %q", text)
	}
	if in {
		words = append(words, b.String())
	}
	return words, nil
}

// splitLine splits a line of ssh_config(5): blanks part words, double or single
// quotes hold them together, a backslash keeps a quote, a backslash or a blank
// from its meaning, and a word that begins with # begins a comment.
func splitLine(text string) ([]string, error) {
	var words []string
	for i := 0; i < len(text); {
		if text[i] == ' ' || text[i] == '\t' {
			i++
			continue
		}
		if text[i] == '#' {
			break
		}
		word, n, ok := lineWord(text[i:])
		if !ok {
			return nil, fmt.Errorf("a quote is not closed")
		}
		words = append(words, word)
		i += n
	}
	return words, nil
}

// lineWord reads one word and gives its length in text.
func lineWord(text string) (word string, n int, ok bool) {
	var b strings.Builder
	quote := byte(0)
	i := 0
	for ; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '\\' && i+1 < len(text) && (strings.IndexByte(`'"\`, text[i+1]) >= 0 || quote == 0 && text[i+1] == ' '):
			i++
			b.WriteByte(text[i])
		case quote == 0 && (c == ' ' || c == '\t'):
			return b.String(), i, true
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case quote != 0 && c == quote:
			quote = 0
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), i, quote == 0
}
