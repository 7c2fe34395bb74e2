package inventory

import (
	"errors"
	"strings"
	"unicode/utf8"
)

// word is one word of an INI host line, quotes taken away.
type word struct {
	text  string
	col   int  // of its first rune, from 1
	width int  // runes as written, quotes included
	cut   bool // a `#` inside the word began a comment
}

var errOpenQuote = errors.New("a quote is not closed")

// splitWords splits a host line as a POSIX shell would: blanks separate, both
// kinds of quotes and the backslash protect, and `#` outside quotes begins a
// comment, even inside a word. On an open quote, the column is that of the quote.
func splitWords(line string) (words []word, col int, err error) {
	var text strings.Builder
	inWord, start := false, 0
	finish := func(end int, cut bool) {
		if inWord {
			words = append(words, word{text.String(), start + 1, end - start, cut})
		}
		text.Reset()
		inWord = false
	}
	runes := []rune(line)
	for i := 0; i < len(runes); i++ {
		r := runes[i]
		if r == ' ' || r == '\t' || r == '\r' || r == '\n' {
			finish(i, false)
			continue
		}
		if r == '#' {
			finish(i, inWord)
			return words, 0, nil
		}
		if !inWord {
			inWord, start = true, i
		}
		switch r {
		case '\'', '"':
			end := quoted(runes, i, &text)
			if end < 0 {
				return words, i + 1, errOpenQuote
			}
			i = end
		case '\\':
			if i++; i == len(runes) {
				return words, i, errors.New("the line ends in a backslash")
			}
			text.WriteRune(runes[i])
		default:
			text.WriteRune(r)
		}
	}
	finish(len(runes), false)
	return words, 0, nil
}

// quoted copies the quoted text that begins at i and gives the index of its
// closing quote, or -1.
func quoted(runes []rune, i int, text *strings.Builder) int {
	q := runes[i]
	for i++; i < len(runes); i++ {
		switch {
		case runes[i] == q:
			return i
		case q == '"' && runes[i] == '\\' && i+1 < len(runes) && (runes[i+1] == '"' || runes[i+1] == '\\'):
			i++
			text.WriteRune(runes[i])
		default:
			text.WriteRune(runes[i])
		}
	}
	return -1
}

// runeCol gives the column, from 1, of byte index i in line.
func runeCol(line string, i int) int { return utf8.RuneCountInString(line[:i]) + 1 }
